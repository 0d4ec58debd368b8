"""The domain in a From line: what lacks is said with the line to publish, and silence of DNS is no fault of its."""

import asyncio
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from verifier.core.diagnosis import Health
from verifier.core.dns import Answer, DnsStatus, RecordType
from verifier.core.sender_domain import DomainAnswers, judge_sender, warnings_of
from verifier.service.sender_domain import examine_sender
from verifier.writers.told_fr import in_french

DOMAIN = "shop.example"


def texts(*records: str) -> Answer:
    return Answer(DnsStatus.OK if records else DnsStatus.NODATA, tuple((0, text) for text in records))


GOOD = DomainAnswers(
    DOMAIN,
    txt=texts("google-site-verification=x", "v=spf1 include:spf.sender.example ~all"),
    dmarc=texts("v=DMARC1; p=none; rua=mailto:d@shop.example"),
    mx=Answer(DnsStatus.OK, ((10, "mx.shop.example"),)),
    selector="s1",
    dkim=texts("v=DKIM1; k=rsa; p=MIGf"),
)


def test_a_good_domain() -> None:
    """Nothing is to be done."""
    checks = judge_sender(GOOD)
    assert [check.health for check in checks] == [Health.OK] * 4
    assert warnings_of(checks) == ()


@pytest.mark.parametrize(
    ("changes", "seen", "advice"),
    [
        ({"txt": texts()}, "has no SPF record", '"v=spf1 include:'),
        ({"txt": texts("v=spf10 x")}, "has no SPF record", "Publish TXT at shop.example"),
        ({"txt": texts("v=spf1 -all", "v=spf1 ~all")}, "has 2 SPF records", "one of them"),
        ({"txt": texts("V=SPF1 mx +ALL")}, "lets everybody send", '"~all"'),
        ({"dkim": texts()}, "no DKIM key under the selector s1", "TXT at s1._domainkey.shop.example"),
        ({"dkim": texts("v=DKIM1; p=")}, "is revoked", "Publish the new one"),
        ({"dkim": texts("v=DKIM2; p=x")}, "no DKIM key", "v=DKIM1"),
        ({"dmarc": texts()}, "no DMARC record", '"v=DMARC1; p=none; rua=mailto:dmarc@shop.example"'),
        ({"dmarc": texts("v=DMARC1; p=maybe")}, "is not valid", "Publish TXT at _dmarc.shop.example"),
        ({"dmarc": texts("v=DMARC1; p=none", "v=DMARC1; p=reject")}, "is not valid", "p=none"),
        ({"mx": texts()}, "takes no mail", "Publish MX"),
        ({"mx": Answer(DnsStatus.OK, ((0, ""),))}, "takes no mail", "From a domain that has them"),
    ],
)
def test_what_lacks_is_said_with_what_to_publish(changes: dict[str, Answer], seen: str, advice: str) -> None:
    """One warning, about that alone; in French too, with the same names."""
    (warning,) = warnings_of(judge_sender(structs.replace(GOOD, **changes)))
    assert seen in warning and advice in warning
    french = in_french(warning)
    assert french is not None and french != warning
    assert re.findall(r"[\w.]*shop\.example|v=DMARC1|s1", french) == re.findall(
        r"[\w.]*shop\.example|v=DMARC1|s1", warning
    )


@given(st.sampled_from(["txt", "dkim", "dmarc", "mx"]), st.sampled_from(sorted(set(DnsStatus))))
def test_silence_of_dns_is_nobodys_fault(part: str, status: DnsStatus) -> None:
    """Where DNS did not answer, nothing is said to lack; and that is said in French too."""
    checks = judge_sender(structs.replace(GOOD, **{part: Answer(status)}))
    told = status in (DnsStatus.OK, DnsStatus.NODATA, DnsStatus.NXDOMAIN)
    assert any(check.health is Health.PROBLEM or "takes no mail" in check.seen for check in checks) == told
    assert None not in [in_french(warning) for warning in warnings_of(checks)]


def test_without_a_selector_nothing_is_said_of_keys() -> None:
    """It is no warning that nobody named one."""
    assert warnings_of(judge_sender(structs.replace(GOOD, selector="", dkim=None))) == ()


def test_the_right_names_are_asked() -> None:
    """Each once, side by side."""
    asked: list[tuple[str, RecordType]] = []

    class Names:
        identity = "test"

        async def lookup(self, name: str, record_type: RecordType) -> Answer:
            asked.append((name, record_type))
            return texts()

        async def close(self) -> None:
            """Nothing is open."""

    checks = asyncio.run(examine_sender(Names(), DOMAIN, "s1"))
    assert len(warnings_of(checks)) == 4
    assert asked == [
        (DOMAIN, RecordType.TXT),
        (f"_dmarc.{DOMAIN}", RecordType.TXT),
        (DOMAIN, RecordType.MX),
        (f"s1._domainkey.{DOMAIN}", RecordType.TXT),
    ]
    asked.clear()
    asyncio.run(examine_sender(Names(), DOMAIN))
    assert len(asked) == 3
