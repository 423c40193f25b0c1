"""A pytest plugin, loaded before Django: one throw-away PostgreSQL for the run, one migrated template, a clone for each worker.

RTMS_TEST_SERVER (a libpq connection string of a superuser) uses a running server instead; RTMS_TEST_SERVER=none runs only
tests that need no database.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

ROOT = Path(__file__).resolve().parent.parent
TEMPLATE = "rtms_template"
ROLES = ("owner", "web", "worker", "unmasked")
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "main")

_services = ExitStack()


def _use_given_server() -> None:
    """Point the settings at a server that runs already and trusts the four roles."""
    at = conninfo_to_dict(os.environ["RTMS_TEST_SERVER"])
    for role in ROLES:
        name = "DATABASE_URL" if role == "web" else f"DATABASE_URL_{role.upper()}"
        os.environ[name] = f"postgresql://rtms_{role}@/{os.environ['RTMS_DB_NAME']}?host={at['host']}"


def _data_until_the_end(prefix: str) -> None:
    """Make a data directory; whoever made it, and no process that inherits it, removes it at the end."""
    if "RTMS_TEST_HELD" not in os.environ:
        os.environ |= {"RTMS_DATA": tempfile.mkdtemp(prefix=prefix), "RTMS_TEST_HELD": "1"}
        atexit.register(shutil.rmtree, os.environ["RTMS_DATA"], ignore_errors=True)


def _prepare_environment() -> None:
    """Choose the server; runs at import, before the settings are read."""
    os.environ.setdefault("SECRET_KEY", "test-secret-key-that-protects-nothing")
    os.environ.setdefault("IDENTITY_KEY", "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=")
    os.environ["RTMS_DB_ROLE"] = "web"
    os.environ["RTMS_DB_NAME"] = f"rtms_test_{WORKER}_{os.getppid() if WORKER != 'main' else os.getpid()}"
    given = os.environ.get("RTMS_TEST_SERVER", "")
    if given == "none":
        _data_until_the_end("rtms-none-")
        for role in ROLES:
            os.environ["DATABASE_URL" if role == "web" else f"DATABASE_URL_{role.upper()}"] = "postgresql://nobody@127.0.0.1:1/none"
        os.environ.setdefault("BROKER_URL", "redis://127.0.0.1:1/0")
    elif given:
        if "RTMS_DATA" not in os.environ:
            _data_until_the_end("rtms-test-")
        os.environ.setdefault("BROKER_URL", "redis://127.0.0.1:1/0")
        os.environ.setdefault("RTMS_HTTPS", "0")
        _use_given_server()
    elif "RTMS_TEST_HELD" not in os.environ:
        from registry.embedded import throwaway_services

        _services.enter_context(throwaway_services())
        atexit.register(_services.close)
        os.environ["RTMS_TEST_HELD"] = "1"  # xdist's workers inherit it, and share what the controller holds


_prepare_environment()


def administrator(database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
    """Connect as the superuser, which only tests and provisioning ever do."""
    given = os.environ.get("RTMS_TEST_SERVER", "")
    if given:
        return psycopg.connect(make_conninfo(given, dbname=database), autocommit=True)
    from registry import environment

    secrets = environment.embedded_secrets()
    host = environment.socket_directory(environment.data_directory())
    return psycopg.connect(host=str(host), user="rtms_bootstrap", password=secrets["database_bootstrap"], dbname=database, autocommit=True)


def _migrated_marker() -> str:
    """Return what the template was made from, so that a long-lived server gets a new one after a migration."""
    import hashlib

    digest = hashlib.sha256()
    made_from = (ROOT / "registry" / name for name in ("database_rights.py", "models/columns.py", "models/history.py"))
    for path in sorted([*ROOT.glob("registry/migrations/*.py"), *made_from]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def ensure_template() -> str:
    """Return the name of a database with every migration applied, made once.

    The lock is the server's, since runs that share nothing else may share the server; it ends with the connection.
    """
    name = f"{TEMPLATE}_{_migrated_marker()}"
    with administrator() as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [TEMPLATE])
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s AND datistemplate", [name]).fetchone():
            return name
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" OWNER rtms_owner')
        with administrator(name) as inside:
            inside.execute("ALTER SCHEMA public OWNER TO rtms_owner")
            inside.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        _migrate(name)
        connection.execute(f'ALTER DATABASE "{name}" IS_TEMPLATE true')
    return name


def _migrate(name: str) -> None:
    """Migrate as the owner in a process of its own; this one stays the web role."""
    environment = {**os.environ, "RTMS_DB_ROLE": "owner", "RTMS_DB_NAME": name, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    if "DATABASE_URL_OWNER" in environment:
        environment |= {
            key: value.replace(os.environ["RTMS_DB_NAME"], name) for key, value in environment.items() if key.startswith("DATABASE_URL")
        }
    done = subprocess.run(
        [sys.executable, "-m", "django", "migrate", "--verbosity=0", "--skip-checks"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the template could not be migrated:\n{done.stdout}\n{done.stderr}")


def make_database(name: str, template: str) -> None:
    """Make a clone of the template, throwing an older one of the name away."""
    with administrator() as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" OWNER rtms_owner STRATEGY wal_log')


def drop_database(name: str) -> None:
    """Throw a clone away."""
    with administrator() as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
