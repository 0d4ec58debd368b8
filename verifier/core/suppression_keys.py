"""Under which keyed hashes a suppression is kept, and under which an address is looked for.

Law: whoever unsubscribed or complained is found under every spelling that Gmail takes for the same mailbox; every other
kind holds for exactly that address, case aside, or for a whole domain.
"""

from hashlib import sha256

from verifier.core.address import Address
from verifier.core.keys import keyed_hash
from verifier.core.suppressions import SuppressionKind

_BY_MAILBOX = frozenset({SuppressionKind.UNSUBSCRIBED, SuppressionKind.COMPLAINT})
_GMAIL = "@gmail.com"


class SuppressionKeys:
    """`subkey` is the key of these hashes: `core.keys.subkey(secret, "suppression")`."""

    def __init__(self, subkey: bytes) -> None:
        self._subkey = subkey

    def exact(self, address: Address) -> str:
        """Exactly this address: under it uses and decisions are kept too."""
        return keyed_hash(self._subkey, address.normalized)

    def kept(self, address: Address, kind: SuppressionKind) -> str:
        """Where an entry of this kind for an address stands."""
        mailbox = self._mailbox(address) if kind in _BY_MAILBOX else None
        return mailbox if mailbox is not None else self.exact(address)

    def domain(self, domain: str) -> str:
        """Where an entry for a whole domain (A-labels) stands."""
        return keyed_hash(self._subkey, f"@{domain.lower()}")

    def digest(self, sha256_hex: str) -> str:
        """Where an entry stands that came as the SHA-256 (hexadecimal) of an address in lower case."""
        return keyed_hash(self._subkey, f"sha256:{sha256_hex.lower()}")

    def sought(self, address: Address) -> tuple[str, ...]:
        """Everywhere that an entry about the address may stand; the first is `exact`."""
        digest = sha256(address.normalized.encode("utf-8", "surrogatepass")).hexdigest()
        keys = (self.exact(address), self.domain(address.domain), self.digest(digest))
        mailbox = self._mailbox(address)
        return keys if mailbox is None else (*keys, mailbox)

    def _mailbox(self, address: Address) -> str | None:
        if not address.comparison.endswith(_GMAIL):
            return None
        return keyed_hash(self._subkey, f"mailbox:{address.comparison}")
