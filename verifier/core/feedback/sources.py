"""All sources of webhooks: how each proves who it is, and the function that reads it."""

from collections.abc import Callable, Mapping
from enum import StrEnum

from msgspec import Struct

from verifier.core.feedback.brevo import read_brevo
from verifier.core.feedback.generic import read_generic
from verifier.core.feedback.hook import Read
from verifier.core.feedback.insider import read_insider
from verifier.core.feedback.mailchimp import read_mailchimp
from verifier.core.feedback.mailgun import read_mailgun
from verifier.core.feedback.mailjet import read_mailjet
from verifier.core.feedback.mandrill import read_mandrill
from verifier.core.feedback.postmark import read_postmark
from verifier.core.feedback.sendgrid import read_sendgrid
from verifier.core.feedback.ses import read_ses
from verifier.core.feedback.signatures import is_elliptic_key
from verifier.core.feedback.standard import is_standard_secret, read_standard


class Proof(StrEnum):
    """What a message has to bring: a key of ours, a signature under a secret that was set here, or both."""

    KEY = "key"
    SIGNATURE = "signature"
    EITHER = "either"
    CERTIFICATE = "certificate"
    """A key of ours, and a signature by a certificate that the message names."""


class Source(Struct, frozen=True):
    """`secret` says in words what has to be set here for its signature, empty where nothing has; `takes` tells whether
    a text can be it at all.
    """

    name: str
    read: Read
    proof: Proof
    secret: str = ""
    takes: Callable[[str], bool] = bool


SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (
        Source("generic", read_generic, Proof.KEY),
        Source("mailjet", read_mailjet, Proof.KEY),
        Source("ses", read_ses, Proof.CERTIFICATE),
        Source("brevo", read_brevo, Proof.KEY),
        Source(
            "sendgrid",
            read_sendgrid,
            Proof.SIGNATURE,
            "the verification key of its signed event webhook",
            is_elliptic_key,
        ),
        Source("postmark", read_postmark, Proof.KEY),
        Source("mailgun", read_mailgun, Proof.SIGNATURE, "the HTTP webhook signing key"),
        Source("mailchimp", read_mailchimp, Proof.KEY),
        Source("mandrill", read_mandrill, Proof.SIGNATURE, "the webhook's key"),
        Source("insider", read_insider, Proof.EITHER, "the secret key of its webhook"),
        Source(
            "standard",
            read_standard,
            Proof.SIGNATURE,
            "the endpoint's secret (`whsec_…`) or public key (`whpk_…`)",
            is_standard_secret,
        ),
    )
}
