"""Profiles: the limits that sending services publish, as shares of what is sent (docs/gate.md has their sources)."""

from msgspec import Struct


class Profile(Struct, frozen=True):
    """Projected hard bounces from which on a campaign is held, and blocked; `source` says who published it."""

    hold: float
    block: float
    source: str


DEFAULT = Profile(0.02, 0.05, "The project's own: warn at 2 %, stop at 5 %.")
PROFILES: dict[str, Profile] = {
    "mailjet": Profile(0.04, 0.08, "Mailjet's sending policy: bounces of at most 8 %; held at half of it."),
    "brevo": Profile(0.01, 0.02, "Brevo: hard bounces above 2 % suspend an account; held at half of it."),
    "ses": Profile(0.02, 0.05, "Amazon SES: below 2 % is advised, from 5 % on an account is reviewed."),
    "mailchimp": Profile(0.02, 0.05, "Mailchimp publishes none: the project's own."),
    "strict": Profile(0.005, 0.02, "The project's own, for senders with a name to lose."),
}
