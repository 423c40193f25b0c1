"""Make the secrets of docker-compose.yml, each in a file of its own: `python3 deploy/make_secrets.py --host NAME`; standard library only.

What is there already is kept: a second run completes, it never replaces.
"""

import argparse
import base64
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PASSWORDS = ("database_bootstrap", "database_owner", "database_web", "database_worker", "database_unmasked", "broker", "secret_key")
CERTIFICATE_DAYS = 397


def main() -> None:
    """Make what is missing and say what was made."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", type=Path, default=HERE / "secrets")
    parser.add_argument(
        "--host", required=True, help="the name people type into the browser; a certificate is made for it unless one is there"
    )
    given = parser.parse_args()
    given.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    given.directory.chmod(0o700)
    made = [name for name in PASSWORDS if write(given.directory / name, secrets.token_hex(32))]
    if write(given.directory / "identity_key", base64.urlsafe_b64encode(os.urandom(32)).decode()):
        made.append("identity_key")
    if make_certificate(given.directory, given.host):
        made.append("tls_certificate and tls_key (self-made: browsers warn until you put the site's own there)")
    print(f"{given.directory}: made {', '.join(made) or 'nothing, all secrets are there'}.")
    print("Keep a copy of identity_key apart from the backups of the database: whoever loses it loses the identities.")


def write(path: Path, text: str) -> bool:
    """Write a secret unless it is there; tell whether it was written.

    Each container runs as an account of its own and finds its secrets mounted with these rights, so the files can be read by
    all; the directory around them, which is not mounted, can be entered by its owner alone.
    """
    if path.exists():
        return False
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o444)
    os.fchmod(descriptor, 0o444)
    with open(descriptor, "w") as file:
        file.write(text)
    return True


def make_certificate(directory: Path, host: str) -> bool:
    """Make a certificate that nobody but its maker vouches for, unless one is there."""
    certificate, key = directory / "tls_certificate", directory / "tls_key"
    if certificate.exists() and key.exists():
        return False
    if shutil.which("openssl") is None:
        sys.exit(f"openssl is not installed: install it, or put a certificate and its key at {certificate} and {key}.")
    kind = "IP" if host.replace(".", "").isdigit() or ":" in host else "DNS"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        str(CERTIFICATE_DAYS),
    ]
    command += ["-subj", f"/CN={host}", "-addext", f"subjectAltName={kind}:{host}", "-keyout", str(key), "-out", str(certificate)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"openssl could not make a certificate for {host}: {done.stderr.strip().splitlines()[-1]}")
    for path in (certificate, key):
        path.chmod(0o444)
    return True


if __name__ == "__main__":
    main()
