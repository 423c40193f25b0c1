"""A backup: the database as one moment saw it, the files, and apart from both the keys that open what names people."""

from __future__ import annotations

import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from psycopg import IsolationLevel

from registry.operations.programs import Database
from registry.operations.table_sums import Connection, sequence_values, table_sums

MANIFEST = "manifest.json"
DUMP = "database.dump"
FILES = "files.tar.gz"
KEY_ROWS = "patient_keys.dump"
SECRETS = "secrets.json"
# The key of each patient, wrapped by the identity key. Apart from the rest, so that an erasure reaches the backups as soon as the
# keys' backups are let go, long before those of the data.
KEY_TABLE = "public.registry_patientkey"
# What in the data directory cannot be made again. Sockets, logs, static files, broker and database files can, or are dumped; a trial
# folder that waits for its word can be brought again, and may carry allocations, which have no place beside the data.
KEPT_FILES = ("mail",)
APPLIED = "SELECT app || '.' || name FROM django_migrations ORDER BY 1"


def back_up(
    database: Database, *, to: Path, keys: Path, data: Path, secrets: dict[str, str], release: str, now: datetime
) -> dict[str, Any]:
    """Write a backup into two new directories and return its manifest, which is written last: without one there is no backup."""
    for directory in (to, keys):
        directory.mkdir(mode=0o700, parents=True)
    with database.connect() as connection:
        connection.isolation_level = IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        facts = dump(database, connection, to, keys)
    pack_files(data, to / FILES)
    write_private(keys / SECRETS, json.dumps(secrets, indent=1))
    digests = {path.name: sha256(path) for path in (to / DUMP, to / FILES)}
    key_digests = {path.name: sha256(path) for path in (keys / KEY_ROWS, keys / SECRETS)}
    manifest = {"release": release, "made_at": now.isoformat(), **facts, "files": digests, "keys": key_digests}
    write_private(to / MANIFEST, json.dumps(manifest, indent=1, sort_keys=True))
    return manifest


def dump(database: Database, connection: Connection, to: Path, keys: Path) -> dict[str, Any]:
    """Dump the database and, apart, the patients' keys; return the sums of what was dumped, seen by the same snapshot."""
    row = connection.execute("SELECT pg_export_snapshot(), current_setting('server_version')").fetchone()
    assert row is not None  # noqa: S101  (always answers)
    snapshot, version = map(str, row)
    # Sequences belong to no snapshot: read before the dump, theirs in it stand here or further on.
    sequences = sequence_values(connection)
    common = ("--format=custom", "--compress=6", f"--snapshot={snapshot}")
    database.run("pg_dump", *common, f"--exclude-table-data={KEY_TABLE}", f"--file={to / DUMP}")
    database.run("pg_dump", *common, "--data-only", f"--table={KEY_TABLE}", f"--file={keys / KEY_ROWS}")
    for path in (to / DUMP, keys / KEY_ROWS):
        path.chmod(0o600)
    return {
        "postgresql": version,
        "migrations": [str(name) for (name,) in connection.execute(APPLIED).fetchall()],
        "tables": table_sums(connection),
        "sequences": sequences,
    }


def pack_files(data: Path, archive: Path) -> None:
    """Pack the kept files of the data directory."""
    with tarfile.open(archive, "w:gz") as packed:
        for name in KEPT_FILES:
            if (data / name).is_dir():
                packed.add(data / name, name)
    archive.chmod(0o600)


def write_private(path: Path, text: str) -> None:
    """Write a file that this account alone can read, and see it on the disk."""
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sha256(path: Path) -> str:
    """Return the digest of a file, read in parts."""
    digest = hashlib.sha256()
    for part in parts_of(path):
        digest.update(part)
    return digest.hexdigest()


def parts_of(path: Path) -> Iterator[bytes]:
    """Yield a file a megabyte at a time."""
    with open(path, "rb") as file:
        while part := file.read(1_048_576):
            yield part
