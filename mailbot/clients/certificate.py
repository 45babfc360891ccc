"""The key and the certificate of an app, from PEM or PFX (PKCS #12, RFC 7292)."""

from collections.abc import Sequence
from typing import Any


class Unusable(ValueError):
    """Why a file holds no key with its certificate, and what to do."""


def key_and_certificate(content: bytes, passphrase: str = "") -> tuple[str, str]:
    """The private key and the certificate that belongs to it, both as PEM. Raises Unusable."""
    from cryptography.hazmat.primitives import serialization

    word = passphrase.encode() or None
    key, certificates = (
        _from_pem(content, word) if b"-----BEGIN" in content else _from_pfx(content, word)
    )
    own = _public(key)
    certificate = next((one for one in certificates if _public_of(one) == own), None)
    if certificate is None:
        raise Unusable("holds no certificate that belongs to its key; save both in one file")
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return private.decode(), certificate.public_bytes(serialization.Encoding.PEM).decode()


def _from_pem(content: bytes, word: bytes | None) -> tuple[Any, Sequence[Any]]:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        certificates = x509.load_pem_x509_certificates(content)
    except ValueError:
        raise Unusable("holds no certificate; save key and certificate in one file") from None
    try:
        return load_pem_private_key(_key_part(content), word), certificates
    except TypeError:
        raise Unusable(_PASSPHRASE if word is None else _NO_PASSPHRASE) from None
    except ValueError:
        raise Unusable("holds no private key that can be read; save it as PEM or PFX") from None


def _key_part(content: bytes) -> bytes:
    """A certificate may stand before the key; the library reads the first part only."""
    start = content.find(b"PRIVATE KEY-----")
    begin = content.rfind(b"-----BEGIN", 0, start)
    return content[begin:] if start >= 0 and begin >= 0 else b""


def _from_pfx(content: bytes, word: bytes | None) -> tuple[Any, Sequence[Any]]:
    from cryptography.hazmat.primitives.serialization.pkcs12 import load_key_and_certificates

    try:
        key, certificate, others = load_key_and_certificates(content, word)
    except (ValueError, TypeError):
        raise Unusable(f"is neither PEM nor a PFX that opens; {_PASSPHRASE}") from None
    if key is None:
        raise Unusable("holds no private key; export the certificate together with its key")
    return key, [one for one in (certificate, *others) if one is not None]


_PASSPHRASE = "if it has a passphrase, put that into the credential of the same name + .passphrase"
_NO_PASSPHRASE = "has no passphrase; remove the credential of the same name + .passphrase"


def _public(key: Any) -> bytes:
    from cryptography.hazmat.primitives import serialization

    made: bytes = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return made


def _public_of(certificate: Any) -> bytes:
    return _public(certificate)
