"""What sending services want of a list that is imported there: rows of data, one a service.

The address stands first, under the heading that the service's importer knows, clean and once each; the list's own
columns follow, where the service takes any. Only what is sendable is kept unless something else is asked for.
Headings: the services' import pages (Brevo's attribute names are upper-case; Mailchimp's required column is "Email
Address"; Mailjet's and Campaigner's importers map "email"; Insider's suppression import is one column without heading).
"""

from collections.abc import Mapping

from msgspec import Struct


class Preset(Struct, frozen=True):
    """`heading` is None where the file begins with the first address; `others`: the list's other columns go along."""

    name: str
    heading: str | None
    others: bool = True


PRESETS: Mapping[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("mailjet", "email"),
        Preset("brevo", "EMAIL"),
        Preset("mailchimp", "Email Address"),
        Preset("insider", None, others=False),
        Preset("campaigner", "Email"),
    )
}
