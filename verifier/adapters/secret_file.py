"""The secret that keyed hashes, cookies and tokens are made with: configured, or made once in the data folder."""

import os
from pathlib import Path

from verifier.core.faults import ConfigError, ServiceUnavailable
from verifier.ports import Clock

_FILE = "secret.key"
_LENGTH = 52  # letters and digits: 268 bits


def load_secret(folder: Path, configured: str, clock: Clock) -> bytes:
    """VERIFIER_SECRET_KEY as bytes where it is set; else what the folder's `secret.key` holds, made where it is absent.

    Never made anew in place of one that cannot be read: every hash that was stored would be orphaned. Raises
    ConfigError where the file holds no secret, ServiceUnavailable where it cannot be read or written.
    """
    if configured:
        return configured.encode()
    path = folder / _FILE
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path, path.with_name(f"{_FILE}.{clock.token(8)}"), clock.token(_LENGTH).encode())
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
        secret = path.read_bytes().strip()
    except OSError as error:
        raise ServiceUnavailable(f"{path} cannot be used: {error.strerror or error}.") from None
    if len(secret) < _LENGTH:
        raise ConfigError(
            f"{path} holds no whole secret: restore it, or delete it and lose what is known of addresses."
        )
    return secret


def _make(path: Path, draft: Path, secret: bytes) -> None:
    """Whole or not at all, and of two processes that make it at once the first one's stays."""
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secret)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass  # another process was faster: its secret counts
    finally:
        draft.unlink()
