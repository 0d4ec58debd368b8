"""Keyed hashes: what is stored of an address stands under one, so that a stolen store names nobody.

Law: without the secret nobody can tell whether an address is in a store; with it, equal addresses meet.
BLAKE2b keyed (RFC 7693), one sub-key a purpose, so that no key leaks from one use into another.
"""

from collections.abc import Iterable
from hashlib import blake2b


def subkey(secret: bytes, purpose: str) -> bytes:
    """The 32-byte key for one purpose ("mailbox", "cookie", …), derived from the secret of any length."""
    root = blake2b(secret, digest_size=32, person=b"verifier.root").digest()
    return blake2b(purpose.encode(), digest_size=32, key=root, person=b"verifier.subkey").digest()


def mailbox_key(secret: bytes, normalized: str) -> str:
    """The 32 hex digits under which a mailbox is stored; `normalized` is `Address.normalized`."""
    return keyed_hash(subkey(secret, "mailbox"), normalized)


def keyed_hash(key: bytes, text: str) -> str:
    """32 hex digits: 128 bits, so that a billion texts do not meet by chance. `key` is at most 64 bytes."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16, key=key).hexdigest()


def journal_name(content_hash: str, arguments: Iterable[str], data_versions: Iterable[str]) -> str:
    """The name of a run's journal, 32 hex digits: the same input, arguments and data give the same name."""
    digest = blake2b(digest_size=16, person=b"verifier.journal")
    for part in ([content_hash], arguments, data_versions):
        texts = [text.encode("utf-8", "surrogatepass") for text in part]
        digest.update(b"%d;" % len(texts))
        for text in texts:
            digest.update(b"%d:" % len(text) + text)
    return digest.hexdigest()
