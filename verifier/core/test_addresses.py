"""Test addresses: `<reason>@verifier.test` gives that verdict everywhere, without network or quota."""

from verifier.core.address import TEST_DOMAIN, Address
from verifier.core.reasons import Reason

_REASONS = {reason.value: reason for reason in Reason}


def stated_reason(address: Address) -> Reason | None:
    """The reason that a test address states; None for every other address. Case does not matter."""
    if address.domain != TEST_DOMAIN:
        return None
    return _REASONS.get(address.local.lower())


def is_test_address(normalized: str | None) -> bool:
    """The same of an address that was parsed before (`Address.normalized`)."""
    local, _, domain = (normalized or "").rpartition("@")
    return domain == TEST_DOMAIN and local in _REASONS
