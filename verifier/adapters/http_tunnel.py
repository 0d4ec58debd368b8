"""HTTP CONNECT (RFC 9110 §9.3.6) for a protocol in which the server speaks first.

The target's banner may come in one segment with the proxy's answer; python-socks drops what follows the answer, so
the tunnel is opened here.
"""

from base64 import b64encode
from urllib.parse import SplitResult, unquote

from verifier.ports import Connection

_END = b"\r\n\r\n"
_LONGEST_HEAD = 16 * 1024


class TunnelRefused(Exception):
    """The proxy did not open a tunnel."""


async def open_tunnel(connection: Connection, proxy: SplitResult, address: str, port: int, timeout: float) -> bytes:
    """Ask the proxy at the other end of `connection` for a tunnel to the address: what the target has said already.

    Raises TunnelRefused, and what `Connection.receive` raises.
    """
    connection.send(_request(proxy, address, port))
    head = b""
    while _END not in head:
        data = await connection.receive(timeout)
        if not data or len(head) > _LONGEST_HEAD:
            raise TunnelRefused("the answer has no end")
        head += data
    head, _, rest = head.partition(_END)
    words = head.split(b"\r\n")[0].split(None, 2)
    if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not (words[1].isdigit() and words[1][:1] == b"2"):
        raise TunnelRefused(head[:80].decode("ascii", "replace"))
    return rest


def _request(proxy: SplitResult, address: str, port: int) -> bytes:
    authority = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
    lines = [f"CONNECT {authority} HTTP/1.1", f"Host: {authority}"]
    if proxy.username is not None:
        credentials = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}".encode()
        lines.append(f"Proxy-Authorization: Basic {b64encode(credentials).decode()}")
    return "\r\n".join([*lines, "", ""]).encode()
