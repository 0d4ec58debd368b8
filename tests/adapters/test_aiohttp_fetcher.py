"""A small text over https: from whom it may be had, whole, and from nobody else."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address, ip_network
from pathlib import Path

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from verifier.adapters.aiohttp_fetcher import LARGEST, AiohttpFetcher
from verifier.core.guard import Guard

LOOPBACK = Guard(allowed=(ip_network("127.0.0.0/8"),))
NOBODY = Guard()


def contexts(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a certificate for 127.0.0.1, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, secret = folder / "certificate.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem, secret)
    return server, ssl.create_default_context(cafile=str(pem))


@asynccontextmanager
async def serving(context: ssl.SSLContext, answer: bytes) -> AsyncIterator[str]:
    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=context)
    async with server:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.pem"


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(body), body)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ok(b"a certificate"), "a certificate"),
        (ok(b"x" * LARGEST), "x" * LARGEST),
        (ok(b"x" * (LARGEST + 1)), None),
        (b"HTTP/1.1 302 Found\r\nLocation: https://example.org/\r\nContent-Length: 0\r\n\r\n", None),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", None),
        (b"no HTTP at all\r\n\r\n", None),
    ],
)
async def test_a_text_comes_whole_or_not_at_all(tmp_path: Path, answer: bytes, expected: str | None) -> None:
    """Redirects are not followed, errors are nothing, and no more is read than a certificate has."""
    server, trust = contexts(tmp_path)
    fetcher = AiohttpFetcher(LOOPBACK.reason, aiohttp.ClientTimeout(total=5.0), trust)
    async with serving(server, answer) as url:
        assert await fetcher.get(url) == expected
    await fetcher.close()


async def test_nobody_is_asked_whose_address_is_forbidden_or_whose_certificate_is_not_trusted(tmp_path: Path) -> None:
    """Nor over plain http."""
    server, trust = contexts(tmp_path)
    async with serving(server, ok(b"x")) as url:
        for guard, trusted in ((NOBODY, trust), (LOOPBACK, None)):
            fetcher = AiohttpFetcher(guard.reason, aiohttp.ClientTimeout(total=5.0), trusted)
            assert await fetcher.get(url) is None
            assert await fetcher.get(url.replace("https", "http")) is None
            await fetcher.close()
