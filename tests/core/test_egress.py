"""What a few large mail hosts say about our own way out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.egress import CanarySighting, EgressState, judge_egress


def seen(domain: str, banner: str | None) -> CanarySighting:
    return CanarySighting(domain, f"mx.{domain}", banner, "" if banner else "timeout")


GOOGLE, ORANGE, QQ = (seen(d, f"220 mx.{d} ESMTP") for d in ("google.example", "orange.example", "qq.example"))
SILENT = [seen(f"{name}.example", None) for name in "abcd"]
RELAYED = [seen(f"{name}.example", "220 relay.isp.example ESMTP Postfix") for name in "abcd"]


@pytest.mark.parametrize(
    ("sightings", "state"),
    [
        ([], EgressState.UNTESTED),
        (SILENT[:2], EgressState.UNTESTED),
        (RELAYED[:2], EgressState.UNTESTED),
        (SILENT, EgressState.BLOCKED),
        (SILENT[:3], EgressState.BLOCKED),
        ([*SILENT[:3], GOOGLE], EgressState.OPEN),
        ([GOOGLE, ORANGE, QQ], EgressState.OPEN),
        (RELAYED, EgressState.INTERCEPTED),
        ([*RELAYED[:3], SILENT[3]], EgressState.INTERCEPTED),
        ([*RELAYED[:2], *SILENT[:2]], EgressState.OPEN),
        ([*RELAYED[:3], GOOGLE], EgressState.OPEN),
        ([seen(f"{name}.google.example", "220 mx.google.example hi") for name in "abc"], EgressState.OPEN),
        ([seen(f"{name}.example", "554 relay.isp.example not for you") for name in "abc"], EgressState.INTERCEPTED),
        ([seen(f"{name}.example", "220 ") for name in "abc"], EgressState.INTERCEPTED),
    ],
)
def test_states(sightings: list[CanarySighting], state: EgressState) -> None:
    """All silent: blocked. One and the same foreign banner everywhere: intercepted. Too few asked: untested."""
    assert judge_egress(sightings).state is state


sightings = st.builds(
    CanarySighting,
    domain=st.sampled_from(["a.example", "b.example", "c.example"]),
    mx_host=st.sampled_from(["mx.a.example", "mx.b.example"]),
    banner=st.none() | st.sampled_from(["220 mx.a.example", "220 relay.isp.example hi", "220", "no", ""]),
)


@given(st.lists(sightings, max_size=6))
def test_one_that_answers_in_its_own_name_opens_the_way(known: list[CanarySighting]) -> None:
    """Blocked means that nobody answered; intercepted that nobody answered in his own name; and there is a sentence."""
    egress = judge_egress(known)
    own = [s for s in known if s.banner is not None and s.banner.startswith("220 mx.a") and s.mx_host == "mx.a.example"]
    assert egress.sentence.endswith(".")
    assert not own or egress.state in (EgressState.OPEN, EgressState.UNTESTED)
    assert egress.state is not EgressState.BLOCKED or {s.banner for s in known} == {None}
    assert (egress.state is EgressState.UNTESTED) == (len(known) < 3)
