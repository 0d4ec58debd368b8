"""Test addresses: `<reason>@verifier.test` gives that verdict everywhere, without network or quota."""

from verifier.core.address import TEST_DOMAIN, Address
from verifier.core.reasons import Reason

_REASONS = {reason.value: reason for reason in Reason}
_AT_TEST_DOMAIN = f"@{TEST_DOMAIN}"
_BEFORE = -len(_AT_TEST_DOMAIN)


def stated_reason(address: Address) -> Reason | None:
    """The reason that a test address states; None for every other address. Case does not matter."""
    if address.domain != TEST_DOMAIN:
        return None
    return _REASONS.get(address.local.lower())


def is_test_address(normalized: str | None) -> bool:
    """The same of an address that was parsed before (`Address.normalized`)."""
    return normalized is not None and normalized.endswith(_AT_TEST_DOMAIN) and normalized[:_BEFORE] in _REASONS
