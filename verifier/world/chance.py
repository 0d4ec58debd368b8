"""Chance that is no chance: every draw is a keyed hash of what it is for, so that a world needs no memory."""

from hashlib import blake2b

_RANGE = float(1 << 64)


def draw(seed: int, *parts: str) -> int:
    """A uniform 64-bit number, the same for ever for the same seed and parts."""
    text = "\x1f".join(parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(blake2b(text, digest_size=8, key=str(seed).encode()[:64]).digest(), "big")


def share(seed: int, *parts: str) -> float:
    """A uniform number in [0, 1), the same for ever for the same seed and parts."""
    return draw(seed, *parts) / _RANGE
