"""Who is next: nobody is lost, nobody is taken twice, and nobody holds up the others."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from verifier.core.control import Probe
from verifier.core.dialogue_events import Recipient
from verifier.core.waiting import Waiting

recipients = st.builds(
    Recipient,
    path=st.just("x@y.example"),
    domain=st.sampled_from(["a.example", "b.example", "c.example"]),
    smtputf8=st.booleans(),
    probe=st.sampled_from([Probe.REAL, Probe.REAL, Probe.REAL, Probe.CONTROL, Probe.POSTMASTER]),
    source=st.sampled_from(["one", "two"]),
    interactive=st.booleans(),
)
limits = st.lists(st.integers(1, 7), max_size=200)


def waiting(*those: Recipient) -> Waiting:
    queue = Waiting()
    for recipient in those:
        queue.push(recipient)
    return queue


def row(domain: str, source: str = "one", path: str = "", **options: bool) -> Recipient:
    return Recipient(path=path or f"x@{domain}", domain=domain, source=source, **options)  # type: ignore[arg-type]


def take_all(queue: Waiting, limit: int, one_domain: bool = False) -> list[list[Recipient]]:
    groups = []
    while (head := queue.head()) is not None:
        groups.append(queue.take(limit, smtputf8=head.smtputf8, domain=head.domain if one_domain else None))
    return groups


@given(st.lists(recipients, max_size=40), st.integers(1, 7), st.booleans(), st.lists(st.booleans(), max_size=40))
def test_everybody_is_taken_once(those: list[Recipient], limit: int, one_domain: bool, first: list[bool]) -> None:
    """Whoever was pushed, in front or behind, is in exactly one group; no group is empty or too large; SMTPUTF8 is
    never mixed, nor are domains where only one is allowed."""
    queue = Waiting()
    for number, recipient in enumerate(those):
        queue.push(recipient, first=number < len(first) and first[number])
    assert [len(those), sorted(map(id, those))] == [len(queue), sorted(map(id, queue))]
    groups = take_all(queue, limit, one_domain)
    assert sorted(map(id, those)) == sorted(id(recipient) for group in groups for recipient in group)
    assert [group for group in groups if not 1 <= len(group) <= limit] == []
    assert [group for group in groups if len({r.smtputf8 for r in group}) > 1] == []
    assert not one_domain or [group for group in groups if len({r.domain for r in group}) > 1] == []
    assert [len(queue), bool(queue), queue.head(), queue.take(5, smtputf8=False)] == [0, False, None, []]


@given(st.lists(recipients, min_size=1, max_size=40), st.sampled_from([None, "a.example", "b.example"]))
def test_the_head_can_be_taken(those: list[Recipient], domain: str | None) -> None:
    """Whoever is next is in the next group, whatever domain is preferred."""
    queue = waiting(*those)
    head = queue.head(domain)
    assert head is not None
    group = queue.take(1000, smtputf8=head.smtputf8, domain=head.domain)
    assert head in group


def test_controls_then_people_then_lists() -> None:
    """A control settles others, so it is first; a person waits, so his check is before every list."""
    bulk, person = row("a.example"), row("a.example", interactive=True)
    control = Recipient(path="r@a.example", domain="a.example", probe=Probe.CONTROL)
    queue = waiting(bulk, person, control)
    assert [control, person, bulk] == queue.take(3, smtputf8=False)


def test_urgent_means_that_a_person_waits() -> None:
    """Only interactive checks are urgent."""
    queue = waiting(row("a.example"))
    assert not queue.urgent
    queue.push(row("a.example", interactive=True))
    assert queue.urgent


@given(st.integers(1, 300), st.integers(1, 60), st.integers(1, 12))
def test_lists_share_alike(rows: int, domains: int, limit: int) -> None:
    """However long a list is and over however many domains it spreads, a short one beside it gets every other turn."""
    queue = waiting(*(row(f"d{number % domains}.example", "long") for number in range(rows)))
    short = [row("shop.example", "short") for _ in range(min(rows, 10))]
    for recipient in short:
        queue.push(recipient)
    order = [recipient.source for group in take_all(queue, limit) for recipient in group]
    assert order.count("short") == len(short)
    assert max(place for place, source in enumerate(order) if source == "short") <= 2 * len(short)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=6), st.integers(2, 9))
def test_domains_share_alike(sizes: list[int], limit: int) -> None:
    """Within a list the domains go round: no domain is two ahead of another that still waits."""
    queue = waiting(*(row(f"d{place}.example") for place, size in enumerate(sizes) for _ in range(size)))
    left, taken = Counter({f"d{place}.example": size for place, size in enumerate(sizes)}), Counter[str]()
    for group in take_all(queue, limit):
        for recipient in group:
            taken[recipient.domain] += 1
            left[recipient.domain] -= 1
            behind = [taken[domain] for domain, still in left.items() if still]
            assert not behind or taken[recipient.domain] - min(behind) <= 1


def test_who_was_asked_in_vain_is_next() -> None:
    """`first` puts a recipient before its fellows of the same turn."""
    fellow, again = row("a.example"), row("a.example")
    queue = waiting(fellow)
    queue.push(again, first=True)
    assert [again, fellow] == queue.take(2, smtputf8=False)


def test_one_domain_of_several_lists() -> None:
    """With a domain only its own recipients are taken, from every list in turn."""
    ones = [row("a.example", "one"), row("a.example", "one")]
    two, other = row("a.example", "two"), row("b.example", "one")
    queue = waiting(*ones, two, other)
    assert [ones[0], two, ones[1]] == queue.take(10, smtputf8=False, domain="a.example")
    assert [other] == list(queue)


def test_the_domain_that_is_being_asked_goes_on() -> None:
    """The head is of the preferred domain while one of it waits, but what is urgent comes before."""
    queue = waiting(row("a.example", path="a"), row("b.example", path="b"))
    assert [h.path for h in (queue.head(), queue.head("b.example"), queue.head("z.example")) if h] == ["a", "b", "a"]
    queue.push(row("c.example", path="c", interactive=True))
    queue.push(row("b.example", path="urgent b", interactive=True))
    assert [h.path for h in (queue.head(), queue.head("b.example"), queue.head("a.example")) if h] == [
        "c",
        "urgent b",
        "c",
    ]


def test_neither_half_starves() -> None:
    """Recipients with and without SMTPUTF8 take turns, group by group."""
    queue = waiting(*(row("a.example", smtputf8=number % 2 == 0) for number in range(8)))
    assert [group[0].smtputf8 for group in take_all(queue, 2)] == [False, True, False, True]


def test_a_row_that_a_person_waits_for_overtakes() -> None:
    """What joins an interactive check leaves its list's turn."""
    rows = [row("a.example", path=str(number)) for number in range(4)]
    queue = waiting(*rows)
    queue.hurry(lambda recipient: recipient is rows[2], "one", "a.example")
    queue.hurry(lambda recipient: recipient is rows[3], "one", "b.example")
    queue.hurry(lambda recipient: False, "two", "a.example")
    assert [recipient.path for recipient in queue.take(9, smtputf8=False)] == ["2", "0", "1", "3"]


@given(st.lists(recipients, max_size=30))
def test_what_nobody_wants_is_discarded(those: list[Recipient]) -> None:
    """The unwanted are given out, the others still wait."""
    queue = waiting(*those)
    gone = queue.discard(lambda recipient: recipient.domain == "a.example")
    assert sorted(id(r) for r in those if r.domain == "a.example") == sorted(map(id, gone))
    assert sorted(id(r) for r in those if r.domain != "a.example") == sorted(map(id, queue))


@given(st.lists(recipients, max_size=30))
def test_drained_is_empty(those: list[Recipient]) -> None:
    """Draining gives everybody and leaves nobody."""
    queue = waiting(*those)
    assert sorted(map(id, those)) == sorted(map(id, queue.drain()))
    assert len(queue) == 0
