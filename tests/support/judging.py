"""A judge over a few small lists, for tests of what is done with its assessments."""

from tests.support.clock import FakeClock
from verifier.core.lists import DomainList
from verifier.core.names import Names
from verifier.core.providers import Provider, ProviderTable
from verifier.core.reasons import Reason
from verifier.core.spelling import Spelling
from verifier.core.verdict import BounceRisks
from verifier.service.judging import Judging

_EMPTY = DomainList(frozenset())


def judging(clock: FakeClock | None = None) -> Judging:
    names = Names(
        disposable=DomainList(frozenset({"trash.example"})),
        never_disposable=_EMPTY,
        denied=_EMPTY,
        disposable_exchanges=DomainList(frozenset({"mx1.shop.example"})),
        privacy_relays=_EMPTY,
        free=DomainList(frozenset({"gmail.com"})),
        parking_exchanges=_EMPTY,
        opted_out=_EMPTY,
        roles=frozenset({"info"}),
        no_reply=frozenset({"noreply"}),
        spelling=Spelling(["shop.example", "free.example"], {"fre.example": "free.example"}, frozenset({"example"})),
        providers=ProviderTable([Provider(name="big", domains=("big.example",))]),
    )
    risks = BounceRisks(dict.fromkeys(Reason, 0.25), {(Reason.NOT_PROBED, "big"): 0.5})
    return Judging(names, risks, clock or FakeClock(), b"key")
