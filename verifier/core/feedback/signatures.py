"""Is a message signed by whom it claims to be from? HMAC by the standard library, public keys by `cryptography`.

Pure: keys and bytes in, a yes or a no out; nothing is fetched and nothing remembered here. Every comparison takes the
same time wherever the texts differ.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from datetime import datetime

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate


def hmac_matches(secrets: Sequence[str], content: bytes, given: str, algorithm: str) -> bool:
    """`given` is the HMAC of the content under one of the secrets, in hexadecimal or base64."""
    matches = False
    for secret in secrets:
        mac = hmac.digest(secret.encode("utf-8", "surrogatepass"), content, algorithm)
        for written in (mac.hex(), base64.b64encode(mac).decode()):
            matches |= _same(written, given.strip())
    return matches


def ecdsa_matches(public_keys: Sequence[str], content: bytes, given: str) -> bool:
    """ECDSA over SHA-256 by one of the keys (base64 of a SubjectPublicKeyInfo, or PEM); `given` is base64 of DER."""
    signature = from_base64(given)
    return signature is not None and any(_ecdsa(key, content, signature) for key in public_keys)


def certificate_matches(certificate_pem: str, content: bytes, given: str, *, sha1: bool, now: datetime) -> bool:
    """RSA, PKCS #1 v1.5, by the key of an X.509 certificate that holds at `now`."""
    signature = from_base64(given)
    if signature is None:
        return False
    try:
        certificate = load_pem_x509_certificate(certificate_pem.encode())
        key = certificate.public_key()
        held = certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc
        if not isinstance(key, rsa.RSAPublicKey) or not held:
            return False
        # SHA-1 is what signature version 1 of SNS is made of; the topic's owner chooses version 2
        key.verify(signature, content, padding.PKCS1v15(), hashes.SHA1() if sha1 else hashes.SHA256())
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def ed25519_matches(public_key: bytes, content: bytes, signature: bytes) -> bool:
    """Ed25519 (RFC 8032); a key of 32 bytes, a signature of 64. What is neither does not match."""
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public_key).verify(signature, content)
    except (InvalidSignature, ValueError):
        return False
    return True


def is_elliptic_key(public_key: str) -> bool:
    """Signatures can be compared with it: base64 of a SubjectPublicKeyInfo, or PEM."""
    try:
        return isinstance(_loaded(public_key), ec.EllipticCurvePublicKey)
    except (UnsupportedAlgorithm, ValueError):
        return False


def bytes_match(one: bytes, other: bytes) -> bool:
    """Compared in the same time wherever they differ."""
    return hmac.compare_digest(one, other)


def from_base64(text: str) -> bytes | None:
    """None for what is no base64."""
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None


def _loaded(public_key: str) -> object:
    if "BEGIN" in public_key:
        return load_pem_public_key(public_key.encode("utf-8", "surrogatepass"))
    return load_der_public_key(base64.b64decode(public_key, validate=True))


def _ecdsa(public_key: str, content: bytes, signature: bytes) -> bool:
    try:
        key = _loaded(public_key)
        if not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        key.verify(signature, content, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass"))
