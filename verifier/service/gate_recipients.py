"""What the text of an address alone says to the gate: worked out once for whoever gets more than one mail."""

from functools import lru_cache

from msgspec import Struct

from verifier.core.address import Address, SyntaxFault, parse_address
from verifier.core.decisions import masked
from verifier.core.gate_standing import Standing
from verifier.core.suppression_keys import SuppressionKeys
from verifier.core.suppressions import SuppressionKind
from verifier.core.test_addresses import stated_reason
from verifier.service.judging import Judging

_MOST_REMEMBERED = 10_000


class Recipient(Struct):
    """One text. `key` is its keyed hash, under which decisions and uses are kept, `sought` all under which a
    suppression of it may stand, `mailbox` the one of the mailbox in the stores; empty where the text is no address.
    `stated`: a test address, whose verdict is known from its name. `masked` is what people may see of it. `standing` is
    what was concluded last, `suspected` what the memory of suppressions said in its edition `suspected_in`.
    """

    parsed: Address | SyntaxFault
    masked: str
    key: str = ""
    sought: tuple[str, ...] = ()
    mailbox: str = ""
    stated: bool = False
    standing: Standing | None = None
    suspected: frozenset[SuppressionKind] = frozenset()
    suspected_in: int | None = None

    @property
    def is_looked_up(self) -> bool:
        """Its verdict stands on what is known of it."""
        return self.sought != () and not self.stated


class Recipients:
    """`of` gives the recipient of a text; the last ones are remembered, until `forget`."""

    def __init__(self, keys: SuppressionKeys, judging: Judging) -> None:
        self._keys = keys
        self._judging = judging
        self.of = lru_cache(_MOST_REMEMBERED)(self._recipient)

    def forget(self) -> None:
        """All of them."""
        self.of.cache_clear()

    def _recipient(self, email: str) -> Recipient:
        parsed = parse_address(email)
        if not isinstance(parsed, Address):
            return Recipient(parsed, masked(email))
        sought = self._keys.sought(parsed)
        stated = stated_reason(parsed) is not None
        return Recipient(parsed, masked(email), sought[0], sought, self._judging.key_of(parsed), stated)
