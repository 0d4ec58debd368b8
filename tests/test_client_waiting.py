"""The Python client for programs without asyncio: threads, forks, interruptions."""

import asyncio
import gc
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.core.test_signup import assessment
from verifier.client import AsyncClient, Client
from verifier.core.reasons import Reason
from verifier.core.record import to_record

LINE = to_record(assessment(Reason.ACCEPTED))
EMAILS = [f"user{n}@shop.example" for n in range(4)]


class Answering(BaseHTTPRequestHandler):
    """Answers at once; of a batch only the first two lines, where it is told to hang then."""

    protocol_version = "HTTP/1.1"
    released: threading.Event

    def do_POST(self) -> None:
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        if "emails" not in question:
            content = json.dumps(LINE | {"decision": "accept", "sentence": ""}).encode()
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            return
        self.send_header("Connection", "close")
        self.end_headers()
        for index in range(len(question["emails"])):
            if index == 2:
                self.released.wait(20)
            self.wfile.write(json.dumps(LINE | {"index": index}).encode() + b"\n")

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def service(*, hanging: bool = False) -> Iterator[str]:
    """A service in threads of its own, which a fork leaves alone."""
    released = threading.Event()
    if not hanging:
        released.set()
    handler = type("Handler", (Answering,), {"released": released})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            released.set()
            server.shutdown()
            thread.join()


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_both_sides_of_a_fork_ask() -> None:
    """A server that is loaded before it forks its workers makes the client once, and each of them asks."""
    with service() as url, Client(url) as client:
        assert not client.signup("jane@shop.example").degraded
        child = os.fork()
        if not child:
            signal.alarm(10)  # whoever waits for a thread that did not come along waits for ever
            os._exit(3 if client.signup("jane@shop.example").degraded else 0)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        assert not client.signup("jane@shop.example").degraded


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # asyncio.run leaves them to nobody
def test_a_client_outlives_its_event_loop() -> None:
    """Programs without asyncio ask by `asyncio.run`, each time in a loop of its own, with a client that they keep."""
    with service() as url:
        client = AsyncClient(url)

        async def ask() -> str:
            return (await client.signup("jane@shop.example")).decision

        assert [asyncio.run(ask()) for _ in range(3)] == ["accept"] * 3
        assert not asyncio.run(client.signup("jane@shop.example")).degraded
        asyncio.run(client.close())
        gc.collect()


def test_an_interruption_stays_one() -> None:
    """Ctrl-C among the answers ends them as Ctrl-C, and the client can be asked on."""
    with service(hanging=True) as url, Client(url) as client:
        interrupting = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
        heard = []
        with pytest.raises(KeyboardInterrupt):
            for place, _ in client.verify_all(EMAILS):
                heard.append(place)
                if len(heard) == 2:
                    interrupting.start()
        assert heard == [0, 1]
        assert client.verify("jane@shop.example").reason == "accepted"


def test_closed_twice_is_closed() -> None:
    """And who asks all the same is answered, by connections that are made anew."""
    with service() as url:
        client = Client(url)
        client.close()
        assert client.verify("jane@shop.example").reason == "accepted"
        client.close()
        client.close()
        assert not client.signup("jane@shop.example").degraded
        client.close()


def test_answers_end_with_their_client() -> None:
    """Who closes it in the midst of them is told that there were more, and leaves nothing behind."""
    with service() as url:
        client = Client(url)
        left, open_ones = client.verify_all(EMAILS), client.verify_all(EMAILS)
        assert next(left)[0] == next(open_ones)[0] == 0
        client.close()
        with pytest.raises(RuntimeError, match="closed before all was answered"):
            next(open_ones)
        del left
        assert "verifier-client" not in {thread.name for thread in threading.enumerate()}


def test_a_close_keeps_no_thread_waiting() -> None:
    """Who waits in another thread is let go."""
    with service(hanging=True) as url:
        client, ended = Client(url), threading.Event()

        def ask() -> None:
            try:
                list(client.verify_all(EMAILS))
            except BaseException:  # noqa: BLE001 whatever it is: it ended
                ended.set()

        thread = threading.Thread(target=ask)
        thread.start()
        ended.wait(0.3)
        client.close()
        assert ended.wait(5)
        thread.join()
