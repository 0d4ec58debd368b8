"""A list as a value: how it is told, and what it keeps."""

from datetime import timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.support.clock import START
from tests.support.list_jobs import job
from verifier.core.address import Address, parse_address
from verifier.core.distinct import DistinctCounter
from verifier.core.forecast import Forecast
from verifier.core.forgetting import holds
from verifier.core.list_jobs import (
    ListJob,
    ListOptions,
    Progress,
    Told,
    Webhook,
    changed,
    list_record,
    preview_record,
    told,
)
from verifier.core.list_states import ListState, PauseCode
from verifier.core.webhooks import Delivery, WebhookState


def test_a_job_comes_back_from_its_bytes() -> None:
    """What is written down is what was meant, times and durations too."""
    known = job(progress=Progress(asked=3, deadline=START, rate=1.5), pause=PauseCode.DISK_FULL, finished=START)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(known), type=ListJob) == known


def test_every_change_is_one_more() -> None:
    """The revision counts changes."""
    once = changed(job(), START + timedelta(seconds=1), state=ListState.RUNNING)
    assert (once.revision, once.changed, once.state) == (1, START + timedelta(seconds=1), ListState.RUNNING)


def test_the_record_holds_no_row() -> None:
    """Events and webhooks carry it: no address may be in it. The preview, which does hold some, is told apart."""
    assert "ann@" not in msgspec.json.encode(list_record(job())).decode()
    shown = preview_record(job())
    assert shown is not None and shown["first_rows"] == [["1", "ann@shop.example"]]
    assert preview_record(job(preview=None)) is None


def test_who_is_told() -> None:
    """Nobody; or how its message stands; before there is one whether the list's end is waited for. Only what is pending
    has a next time.
    """
    hook = Webhook("https://shop.example/hook", "main")
    known = job(options=ListOptions(webhook=hook))
    message = Delivery("msg_1", known.id, hook.url, hook.secret, b"{}", START, 2, WebhookState.PENDING, 500, "", START)
    assert told(job(), None) is None
    states = {state: told(changed(known, START, state=state), None) for state in ListState}
    waiting, nothing = Told(hook.url, hook.secret, WebhookState.WAITING), WebhookState.NOT_SENT
    assert states[ListState.RUNNING] == states[ListState.UPLOADED] == waiting
    assert states[ListState.CANCELLED] == Told(hook.url, hook.secret, nothing)
    assert told(known, message) == Told(hook.url, hook.secret, WebhookState.PENDING, 2, 500, "", START, START)
    for state in (WebhookState.DELIVERED, WebhookState.FAILED):
        found = told(known, msgspec.structs.replace(message, state=state))
        assert found is not None and (found.state, found.next_at) == (state, None)


def test_time_left() -> None:
    """By the pace of late, before there is one by the forecast; none once it is finished or before it was read."""
    assert job(forecast=Forecast((), 0.0, 0.0, 12.34)).eta_s == 12.3
    assert job(state=ListState.RUNNING, progress=Progress(asked=2, rate=0.5)).eta_s == 4.0
    assert job().eta_s is None
    assert job(preview=None).eta_s is None
    assert job(state=ListState.COMPLETED, progress=Progress(rate=0.5)).eta_s is None


def test_a_pause_or_an_error_is_told_by_its_code() -> None:
    """One field for both."""
    assert list_record(job(pause=PauseCode.DISK_FULL))["code"] == "disk_full"
    assert list_record(job(error_code="bad_list", error="No."))["code"] == "bad_list"
    assert list_record(job())["code"] is None


@given(st.sets(st.integers(-(2**63), 2**63 - 1), max_size=3000))
def test_different_ones_are_counted(hashes: set[int]) -> None:
    """Within one in a hundred, and the same again seen twice."""
    counter = DistinctCounter()
    counter.see(hashes)
    counter.see(hashes)
    assert abs(counter.estimate() - len(hashes)) <= 2 + len(hashes) / 100


def test_many_different_ones_are_counted() -> None:
    """A million, to one in a hundred."""
    counter = DistinctCounter()
    counter.see(hash(str(number)) for number in range(1_000_000))
    assert abs(counter.estimate() - 1_000_000) < 10_000


def test_what_is_forgotten_is_found_in_every_spelling() -> None:
    """As it stands, in other case, with a name around it, within a text; not in another's."""
    address = parse_address("Jane.Doe+news@gmail.com")
    assert isinstance(address, Address)
    for cell in ("jane.doe+news@GMAIL.com", "janedoe@googlemail.com", "Jane <jane.doe@gmail.com>"):
        assert holds(cell, address), cell
    assert holds("write to Jane.Doe+News@gmail.com, please: " + "x" * 3000, address)
    for cell in ("", "jane.doe", "john.doe@gmail.com", "xjane.doe@gmail.com"):
        assert not holds(cell, address), cell
