"""PostgreSQL's own programs, told by variables where the database is: a password on a command line would show to everybody."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo

from registry.operations.table_sums import Connection

# How libpq's programs are told what an address may say of TLS.
TLS = {
    option.keyword.decode(): option.envvar.decode()
    for option in pq.Conninfo.get_defaults()
    if option.envvar and option.keyword.startswith((b"ssl", b"channel_binding", b"gssencmode"))
}


class ProgramFailed(Exception):
    """A program failed; the text is the last line it said."""


@dataclass(frozen=True)
class Database:
    """A database as its owner reaches it, and the directory of the programs that speak with it."""

    settings: Mapping[str, Any]
    programs: Path
    variables: Mapping[str, str]

    def connect(self) -> Connection:
        """Connect as the owner, apart from Django: what is dumped and what is summed up must be seen in one transaction."""
        at = {"host": "HOST", "port": "PORT", "dbname": "NAME", "user": "USER", "password": "PASSWORD"}
        given = {name: str(self.settings[key]) for name, key in at.items() if self.settings[key]}
        return psycopg.connect(make_conninfo(**given, **self.encryption()))

    def encryption(self) -> dict[str, str]:
        """Return what the address says of TLS. Its time limits are left out: a dump may wait for a slow disk."""
        return {name: str(value) for name, value in self.settings.get("OPTIONS", {}).items() if name in TLS}

    def command(self, program: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
        """Return a program's command line and environment."""
        at = {"PGHOST": "HOST", "PGPORT": "PORT", "PGDATABASE": "NAME", "PGUSER": "USER", "PGPASSWORD": "PASSWORD"}
        given = {name: str(self.settings[key]) for name, key in at.items() if self.settings[key]}
        encryption = {TLS[name]: value for name, value in self.encryption().items()}
        return [str(self.programs / program), *arguments], {**self.variables, **given, **encryption}

    def run(self, program: str, *arguments: str) -> None:
        """Run a program to its end."""
        command, variables = self.command(program, *arguments)
        done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ProgramFailed(f"{program}: {last_line(done.stderr)}")


def last_line(said: str) -> str:
    """Return the last line that says something."""
    return next((line for line in reversed(said.splitlines()) if line.strip()), "no message")
