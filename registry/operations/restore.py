"""Restoring a backup to an empty database: all of it or nothing, and every table compared with the sums of the backup."""

from __future__ import annotations

import json
import subprocess
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from registry.operations.backup import DUMP, FILES, KEY_ROWS, KEY_TABLE, MANIFEST, SECRETS, sha256
from registry.operations.programs import Database, ProgramFailed, last_line
from registry.operations.table_sums import TABLES, sequence_values, table_sums


class CannotRestore(Exception):
    """The restore is refused or did not give what was backed up; the text is one sentence that says what to do."""


def read_backup(directory: Path, keys: Path | None, known_migrations: set[str]) -> dict[str, Any]:
    """Return the manifest of a whole and untouched backup that this release can read, or refuse."""
    try:
        manifest: dict[str, Any] = json.loads((directory / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise CannotRestore(f"{directory} holds no finished backup: name a directory that 'backup' wrote to its end.") from error
    check_digests(directory, manifest["files"])
    if keys is not None:
        check_digests(keys, manifest["keys"])
    if newer := sorted(set(manifest["migrations"]) - known_migrations):
        raise CannotRestore(
            f"The backup was made by release {manifest['release']}, which is newer than this one ({newer[0]}): use that release."
        )
    return manifest


def check_digests(directory: Path, digests: dict[str, str]) -> None:
    """Refuse a file that is missing or is not what the manifest says."""
    for name, digest in digests.items():
        path = directory / name
        if not path.is_file():
            raise CannotRestore(f"{path} is missing: name the directory of the keys with --keys, or restore another backup.")
        if sha256(path) != digest:
            raise CannotRestore(f"{path} is not what was backed up: restore another copy of it.")


def read_secrets(keys: Path) -> dict[str, str]:
    """Return the secrets of a backup."""
    return dict(json.loads((keys / SECRETS).read_text()))


def check_empty(database: Database) -> None:
    """Refuse a database that holds anything: a restore never writes over records."""
    with database.connect() as connection:
        tables = connection.execute(TABLES).fetchall()
    if tables:
        raise CannotRestore(
            f"The database is not empty ({len(tables)} tables): restore to a new one, in embedded mode with --data and a new directory."
        )


def restore(database: Database, directory: Path, keys: Path | None, manifest: dict[str, Any]) -> None:
    """Restore tables, rows and keys in one transaction, then compare every table and sequence with the manifest.

    The keys' rows come before constraints and triggers are made: a restore is no change of a record, so no history may tell of one.
    """
    parts = [(directory / DUMP, "--section=pre-data"), (directory / DUMP, "--section=data")]
    parts += [(keys / KEY_ROWS, "--data-only")] if keys else []
    parts += [(directory / DUMP, "--section=post-data")]
    pour(database, parts)
    compare(database, manifest, without_keys=keys is None)


def pour(database: Database, parts: list[tuple[Path, str]]) -> None:
    """Let psql run what pg_restore reads out of each part, as one transaction."""
    command, variables = database.command(
        "psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", "--output=/dev/null"
    )
    with subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as psql:
        assert psql.stdin is not None  # noqa: S101  (asked for)
        failure = ""
        for path, section in parts:
            reader, reader_variables = database.command("pg_restore", "--exit-on-error", "--file=-", section, str(path))
            read = subprocess.run(reader, env=reader_variables, stdout=psql.stdin, stderr=subprocess.PIPE, check=False)
            failure = failure or (f"pg_restore: {last_line(read.stderr.decode())}" if read.returncode else "")
        # Where psql itself ended early its pipe is broken, and what it said tells why.
        with suppress(BrokenPipeError):
            if failure:
                psql.stdin.write(b"\nROLLBACK;\n\\quit 3\n")
                psql.stdin.flush()
        with suppress(BrokenPipeError):
            psql.stdin.close()
        said = psql.stderr.read().decode() if psql.stderr else ""
    if psql.returncode or failure:
        # What psql says names the first thing that went wrong; a reader whose pipe broke says only that.
        raise ProgramFailed(next((f"psql: {line}" for line in said.splitlines() if "ERROR" in line), failure or f"psql: {last_line(said)}"))


def compare(database: Database, manifest: dict[str, Any], *, without_keys: bool) -> None:
    """Refuse to call it restored where a table differs from what was backed up, or a sequence would give a number twice."""
    with database.connect() as connection:
        tables, sequences = table_sums(connection), sequence_values(connection)
    different = {name for name in {*tables, *manifest["tables"]} if tables.get(name) != manifest["tables"].get(name)}
    different |= {name for name, least in manifest["sequences"].items() if least is not None and (sequences.get(name) or 0) < least}
    if without_keys:
        different.discard(KEY_TABLE)
    if different:
        raise CannotRestore(
            f"{', '.join(sorted(different))} came out otherwise than backed up: do not use this database, and keep the backup."
        )


def unpack_files(directory: Path, data: Path) -> None:
    """Put the kept files back into the data directory; nothing in the archive can point outside of it."""
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tarfile.open(directory / FILES) as packed:
        packed.extractall(data, filter="data")
