"""pass_message(…): one message from the client to the upstream, as it comes.

Law: the upstream sees the end of a message only where the whole of it may pass; the client is heard to the end in any
case, so that it can be answered.
"""

import asyncio

from verifier.core.message_stream import MessageStream
from verifier.core.relay_commands import Refused
from verifier.core.unsubscribe_header import head_is_whole, unsubscribe_lines
from verifier.edges.relay.channel import Channel
from verifier.edges.relay.upstream import Upstream, UpstreamGone, UpstreamReply


async def pass_message(
    client: Channel, upstream: Upstream, trace: bytes, link: str | None, most_bytes: int, silence_seconds: float
) -> UpstreamReply:
    """The upstream's reply to the message. `trace` goes before it, and the header with `link` where one is given.

    Raises Refused or UpstreamGone when the client has sent everything, ChannelGone or TimeoutError where it does not.
    The upstream is of no use after any of them.
    """
    message = MessageStream()
    fault: Refused | UpstreamGone | None = None
    piece = trace
    while True:
        try:
            if fault is None:
                await upstream.send(piece)
        except UpstreamGone as gone:
            fault = gone
        if message.done:
            break
        piece = message.feed(await _some(client, silence_seconds))
        if link is not None:
            while not (message.done or head_is_whole(piece)):
                piece += message.feed(await _some(client, silence_seconds))
            piece, link = unsubscribe_lines(piece, link) + piece, None
        if fault is None and (message.bare or message.size > most_bytes):
            fault = _refusal(message, most_bytes)
            upstream.abort()
    client.put_back(message.rest)
    if fault is not None:
        raise fault
    return await upstream.end_of_message()


async def _some(client: Channel, seconds: float) -> bytes:
    async with asyncio.timeout(seconds):
        return await client.some()


def _refusal(message: MessageStream, most_bytes: int) -> Refused:
    if message.bare:
        return Refused("554 5.6.0 every line has to end with CR LF, and nothing else")
    return Refused(f"552 5.3.4 a message is at most {most_bytes} octets long")
