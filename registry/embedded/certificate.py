"""HTTPS without a proxy: the site's own certificate, checked before anything starts, or one made here."""

import ipaddress
import os
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from registry.embedded.place import Place
from registry.embedded.refusals import Refused, refusal

# Browsers refuse certificates that are valid for longer than 398 days.
VALID_FOR = timedelta(days=397)
MADE_ANEW_BEFORE_ITS_END = timedelta(days=30)


@dataclass(frozen=True)
class Tls:
    """A certificate and its key, and whether anybody else vouches for it."""

    certificate: Path
    key: Path
    self_made: bool

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 fingerprint as browsers show it."""
        return read(self.certificate).fingerprint(hashes.SHA256()).hex(":").upper()


def given(certificate: Path | None, key: Path | None, now: datetime) -> Tls:
    """Return the site's certificate, or refuse with what is wrong with it."""
    if certificate is None or key is None:
        raise Refused("--certificate and --key belong together: name the file of the certificate and the file of its key.")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password=lambda: b"")
    except ssl.SSLError as error:
        raise Refused(
            f"{certificate} and {key} are not a certificate and its key without a passphrase, both as PEM: name a pair that is."
        ) from error
    except OSError as error:
        raise Refused(f"{certificate} or {key} cannot be read ({error.strerror}): name files that this account can read.") from error
    found = read(certificate)
    if not found.not_valid_before_utc <= now <= found.not_valid_after_utc:
        days = f"{found.not_valid_before_utc:%Y-%m-%d} to {found.not_valid_after_utc:%Y-%m-%d}"
        raise Refused(f"{certificate} is valid from {days}, and not now: name a certificate that is.")
    return Tls(certificate.resolve(), key.resolve(), self_made=False)


def self_made(place: Place, names: list[str], now: datetime) -> Tls:
    """Return a certificate for the names that its maker alone vouches for; one that still serves is kept, so that trust in it lasts."""
    tls = Tls(place.data / "tls" / "certificate.pem", place.data / "tls" / "key.pem", self_made=True)
    try:
        if not (tls.certificate.exists() and tls.key.exists() and serves(read(tls.certificate), names, now)):
            make(tls, names, now)
    except OSError as error:
        raise refusal(error, place.data) from error
    return tls


def read(path: Path) -> x509.Certificate:
    """Return the first certificate of a file."""
    return x509.load_pem_x509_certificates(path.read_bytes())[0]


def serves(certificate: x509.Certificate, names: list[str], now: datetime) -> bool:
    """Return whether a certificate holds exactly these names and lasts a while yet."""
    held = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return set(held) == set(map(general_name, names)) and certificate.not_valid_after_utc > now + MADE_ANEW_BEFORE_ITS_END


def general_name(name: str) -> x509.GeneralName:
    """Return a name or an address as certificates hold it."""
    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return x509.DNSName(name)


def make(tls: Tls, names: list[str], now: datetime) -> None:
    """Make key and certificate; the key can be read by this account alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "rTMS Pain Registry")])
    certificate = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=x509.random_serial_number())
        .not_valid_before(now.astimezone(UTC) - timedelta(hours=1))  # a tablet's clock may be slow
        .not_valid_after(now.astimezone(UTC) + VALID_FOR)
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    tls.key.parent.mkdir(mode=0o700, exist_ok=True)
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write(tls.key, key.private_bytes(*form))
    write(tls.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def write(path: Path, content: bytes) -> None:
    """Write a file that only this account can read."""
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(content)
