"""A small authority for tests: the certificates that a broker with TLS needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

SIGNS_ONLY: Final = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)


class Authority:
    """Signs certificates that are good for a day."""

    def __init__(self, name: str) -> None:
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())

    def own(self) -> bytes:
        """The certificate by which others know this authority, as PEM."""
        is_authority = x509.BasicConstraints(ca=True, path_length=None)
        return self.sign(self._name, self._key.public_key(), is_authority, SIGNS_ONLY)

    def sign(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *extensions: x509.ExtensionType) -> bytes:
        """A certificate for `key`, as PEM."""
        ours = x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key())
        building = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime.now(UTC) - timedelta(days=1))
            .not_valid_after(datetime.now(UTC) + timedelta(days=1))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(ours, critical=False)
        )
        for extension in extensions:
            must_be_understood = not isinstance(extension, x509.SubjectAlternativeName)
            building = building.add_extension(extension, critical=must_be_understood)
        return building.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def for_broker(directory: Path, address: str = "127.0.0.1") -> tuple[Path, Path, Path]:
    """Write a new authority's certificate, and a broker's certificate and key for `address`; return the three files."""
    authority, key = Authority("the street"), ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the broker")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))])
    paths = directory / "ca.pem", directory / "broker.pem", directory / "broker.key"
    paths[0].write_bytes(authority.own())
    paths[1].write_bytes(authority.sign(subject, key.public_key(), names))
    plain, pkcs8 = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8
    paths[2].write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    return paths
