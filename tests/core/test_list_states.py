"""The states of a list: which may follow which."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verifier.core.list_states import AT_REST, FINISHED, FOLLOWING, READABLE, ListState, may_follow

S = ListState
_ALLOWED = {
    (S.UPLOADED, S.PARSING),
    (S.PARSING, S.READY),
    (S.READY, S.RUNNING),
    (S.RUNNING, S.PAUSED),
    (S.PAUSED, S.RUNNING),
    (S.PAUSED, S.RECHECKING),
    (S.RECHECKING, S.PAUSED),
    (S.RUNNING, S.RECHECKING),
    (S.RUNNING, S.COMPLETED),
    (S.RECHECKING, S.COMPLETED),
    *product((S.UPLOADED, S.PARSING, S.RUNNING, S.PAUSED, S.RECHECKING), (S.FAILED, S.CANCELLED)),
    (S.READY, S.CANCELLED),
    *((state, S.EXPIRED) for state in S if state is not S.EXPIRED),
}


@pytest.mark.parametrize(("state", "following"), list(product(S, S)))
def test_a_list_moves_along_the_contracts_line(state: ListState, following: ListState) -> None:
    """Exactly the moves of the contract are allowed, `rechecking` pausing as `running` does; all others are not."""
    assert may_follow(state, following) is ((state, following) in _ALLOWED)


def test_the_words_are_the_contracts() -> None:
    """Ten states, by their wire words, in the order of the line."""
    words = [
        "uploaded",
        "parsing",
        "ready",
        "running",
        "paused",
        "rechecking",
        "completed",
        "failed",
        "cancelled",
        "expired",
    ]
    assert words == [state.value for state in S]


@given(st.lists(st.sampled_from(list(S)), max_size=12))
def test_nothing_comes_back_from_the_end(wanted: list[ListState]) -> None:
    """However a list is pushed about, once it is finished it can only expire, and once expired it stays so."""
    state, path = S.UPLOADED, [S.UPLOADED]
    for following in wanted:
        if may_follow(state, following):
            state = following
            path.append(state)
    for before, after in pairwise(path):
        if before in FINISHED:
            assert after is S.EXPIRED
    assert S.EXPIRED not in path[:-1]


def test_every_state_leads_on_or_is_the_end() -> None:
    """From every state but the last the list can still expire; what is at work can always be stopped."""
    assert [state for state in S if S.EXPIRED not in FOLLOWING[state]] == [S.EXPIRED]
    assert [state for state in S if S.CANCELLED not in FOLLOWING[state]] == [*sorted(FINISHED, key=list(S).index)]


def test_who_rests_and_who_can_be_read() -> None:
    """A list is at rest where nobody works on it; rows can be read from the start of its run to its expiry."""
    assert {S.READY, *FINISHED} == AT_REST
    assert {S.RUNNING, S.PAUSED, S.RECHECKING, S.COMPLETED, S.CANCELLED} == READABLE
