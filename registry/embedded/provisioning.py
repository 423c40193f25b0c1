"""Login roles and databases of the private PostgreSQL; what the roles may do is granted by the migrations."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from registry import environment
from registry.embedded import credentials
from registry.embedded.cluster import BOOTSTRAP
from registry.embedded.place import Place

OWNER = "rtms_owner"
DATABASE = "rtms"
Connection = psycopg.Connection[tuple[object, ...]]


@contextmanager
def administrator(place: Place | None = None, database: str = "postgres") -> Iterator[Connection]:
    """Connect as the bootstrap user, in autocommit; for provisioning and tests, never for the application."""
    place = place or Place(environment.data_directory())
    password = credentials.read(place.secrets)["database_bootstrap"]
    with psycopg.connect(
        host=str(place.sockets), user=BOOTSTRAP, password=password, dbname=database, connect_timeout=10, autocommit=True
    ) as connection:
        yield connection


def provision(place: Place, connection: Connection) -> None:
    """Make the roles and the database; doing it again repairs what a crash left and sets the passwords on file."""
    passwords = credentials.read(place.secrets)
    done = fingerprint(passwords)
    if fingerprint_on_record(connection) == done:
        return
    with connection.transaction():
        for role in environment.ROLES:
            make_role(connection, f"rtms_{role}", passwords[f"database_{role}"])
        connection.execute("REVOKE CONNECT ON DATABASE postgres FROM PUBLIC")
    create_database(place, connection, DATABASE)
    comment = sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(DATABASE), sql.Literal(done))
    connection.execute(comment)


def fingerprint(passwords: dict[str, str]) -> str:
    """Return a mark that says under which passwords provisioning was finished, and tells nothing about them."""
    return "provisioned " + hashlib.sha256(json.dumps(passwords, sort_keys=True).encode()).hexdigest()


def fingerprint_on_record(connection: Connection) -> object:
    """Return the mark on the database, or None."""
    row = connection.execute("SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
    return row and row[0]


def make_role(connection: Connection, name: str, password: str) -> None:
    """Make a login role without any right, or bring an existing one back to that."""
    exists = connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [name]).fetchone() is not None
    statement = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}").format(
        sql.SQL("ALTER" if exists else "CREATE"), sql.Identifier(name), sql.Literal(password)
    )
    connection.execute(statement)


def create_database(place: Place, connection: Connection, name: str, template: str = "template0") -> None:
    """Make a database that rtms_owner owns and only the four roles can enter; one that is there keeps its contents."""
    if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone() is None:
        statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(*map(sql.Identifier, (name, OWNER, template)))
        connection.execute(statement)
    close_to_the_public(place, connection, name)


def close_to_the_public(place: Place, connection: Connection, name: str) -> None:
    """Take every right from PUBLIC and let the four roles connect."""
    database = sql.Identifier(name)
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    roles = sql.SQL(", ").join(sql.Identifier(f"rtms_{role}") for role in environment.ROLES)
    connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, roles))
    with administrator(place, name) as inside:
        inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")


def drop_database(connection: Connection, name: str) -> None:
    """Remove a database and end whoever is in it; nothing happens where there is none."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
