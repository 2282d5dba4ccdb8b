"""A server's certificate that nobody but its own clients need trust: made, and looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = timedelta(days=365)
RENEW_BEFORE = timedelta(days=90)
CLOCK_SKEW = timedelta(hours=1)
_COMMON_NAME_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate, which is its own authority, and its key, both as PEM.

    Attributes:
        certificate: What clients trust.
        key: What only the server has.
    """

    certificate: bytes
    key: bytes


def issue(names: Sequence[str], now: datetime) -> Pair:
    """Return a new pair for a server of these DNS names, valid for a year."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, names[0][:_COMMON_NAME_LENGTH])],
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False)
        .sign(key, hashes.SHA256())
    )
    return Pair(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def is_certificate(pem: bytes) -> bool:
    """Whether these bytes are a certificate that can be trusted or not."""
    try:
        x509.load_pem_x509_certificate(pem)
    except ValueError:
        return False
    return True


def fault(pair: Pair, names: Sequence[str], now: datetime) -> str:
    """Return why a pair should be replaced; empty for one that is well."""
    try:
        certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, password=None)
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except (ValueError, TypeError, x509.ExtensionNotFound) as error:
        return f"the one before cannot be read ({type(error).__name__})"
    if key.public_key() != certificate.public_key():
        return "the key of the one before is another one's"
    if set(found.value.get_values_for_type(x509.DNSName)) != set(names):
        return "the one before is for other names"
    if certificate.not_valid_after_utc - now < RENEW_BEFORE:
        return f"the one before ends on {certificate.not_valid_after_utc:%Y-%m-%d}"
    return ""
