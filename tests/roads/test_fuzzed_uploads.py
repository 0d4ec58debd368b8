"""Uploads that are mutated, cut, crossed, bombs, or lie about themselves, sent to the real service.

`python -m bench.fuzz_uploads` sends ten thousand.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from bench.fuzz_uploads import AT_ONCE, MOST_MEGABYTES, Judge, complaint, left_behind, send, soon
from bench.mutated_uploads import Upload, gzip_bomb, upload
from bench.service import NOBODY, Service, peak_megabytes

COUNT, SEED = 300, 7


def bomb() -> Upload:
    """Three hundred megabytes of blank lines in as many kilobytes."""
    body = gzip_bomb(b"\n", 300)
    lines = [
        "POST /v1/lists?start=true HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        f"Content-Length: {len(body)}",
    ]
    head = "\r\n".join([*lines, "", ""])
    return Upload("gzip bomb", head.encode() + body, False)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with Service(tmp_path_factory.mktemp("fuzzed"), NOBODY) as running:
        yield running


def test_only_clear_refusals_or_lists(service: Service) -> None:
    """Never a 5xx, never silence, every refusal with its code and what to do; memory stays bounded, nothing is left on
    the disk, and nothing in the log is called a fault of this program.
    """
    judge = Judge(service, SEED)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(judge.judge, range(COUNT)))
    blown = send(service.port, bomb())
    assert (judge.wrong, complaint(bomb(), blown)) == ([], None)
    assert {"202", "400", "422"} <= set(judge.outcomes)
    worker = service.worker
    assert worker is not None
    assert peak_megabytes(service.pid) + peak_megabytes(worker) < MOST_MEGABYTES
    for each in service.ask("GET", "/v1/lists?limit=100")[1]["lists"]:  # of senders who went away before the answer
        assert service.ask("DELETE", f"/v1/lists/{each['id']}")[0] == 204
    assert soon(lambda: left_behind(service)) == []
    assert service.stop() == 0
    log = service.log.read_text()
    assert ("Traceback" in log, "fault of this program" in log) == (False, False)


def test_an_upload_is_made_again_by_its_number() -> None:
    """A failure can be sent again."""
    assert [upload(3, n) for n in range(20)] == [upload(3, n) for n in range(20)]
    assert len({upload(3, n).wire for n in range(100)}) == 100
