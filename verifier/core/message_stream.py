"""A message on its way through, as it stands after DATA: where it ends, and whether its lines do (RFC 5321 §2.3.8).

Nothing is unpacked: what goes out is what came in, dots and all, so no server after this one can see another end than
this one saw. That takes lines that end with CR LF everywhere; a lone CR or LF is what servers disagree about.
Law: cut anywhere, the same bytes give the same message, the same verdict on its lines, and the same rest.
"""

_END = b"\r\n.\r\n"


class MessageStream:
    """Feed it what came; it gives what may be passed on. When it is `done`, `rest` is what came after the message."""

    def __init__(self) -> None:
        self._held = b"\r\n"
        """The last bytes seen, which may be the beginning of the end; at first the line end of the DATA command."""
        self._passed = -2
        self.done = False
        self.bare = False
        """A line ended with something else than CR LF."""
        self.rest = b""

    @property
    def size(self) -> int:
        """Octets passed on so far."""
        return self._passed

    def feed(self, data: bytes) -> bytes:
        """What may be passed on now."""
        seen = self._held + data
        end = seen.find(_END)
        self.done = end >= 0
        if self.done:
            seen, self.rest = seen[: end + len(_END)], seen[end + len(_END) :]
        self._look_at_lines(seen)
        keep = 0 if self.done else min(len(seen), len(_END) - 1)
        out, self._held = seen[: len(seen) - keep], seen[len(seen) - keep :]
        begun = max(0, -self._passed)  # the line end of DATA is not the message's
        self._passed += len(out)
        return out[begun:]

    def _look_at_lines(self, seen: bytes) -> None:
        line_feeds = seen.count(b"\n") - seen.startswith(b"\n")
        returns = seen.count(b"\r") - seen.endswith(b"\r")
        if seen.count(b"\r\n") != line_feeds or line_feeds != returns:
            self.bare = True
