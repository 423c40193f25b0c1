"""The services of docker-compose.yml as processes of this machine, or of several: same commands, variables and secrets, real servers.

What differs is written here and nowhere else: addresses (one machine has one network), places of files, and who starts what.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from registry.embedded.processes import Account, own, server_account
from registry.embedded.programs import Programs, locate
from registry.environment import ROOT
from tests.deploy import recipe
from tests.deploy.hosts import Hosts
from tests.embedded.running import users_environment
from tests.embedded.test_up import free_port

HOST = "registry.example.org"
STARTS_WITHIN_S = 400


class Deployment:
    """Where everything of one deployment is, and how to start it; `machines` puts each service on a machine of its own."""

    def __init__(self, directory: Path, machines: Hosts | None = None, **variables: str) -> None:
        self.directory = directory
        self.machines = machines
        self.more = variables
        self.secrets = directory / "secrets"
        self.files = directory / "files"
        self.logs = directory / "logs"
        self.account: Account | None = server_account()
        self.programs: Programs = locate(self.account)
        self.ports = {name: free_port() for name in ("db", "broker", "web", "http", "https")}
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        for part in (self.files, self.logs):
            part.mkdir()

    def here(self, text: str) -> str:
        """Return a text of the compose file with its addresses and places as they are on this machine."""
        places = {
            "@db:5432": f"@{self.address('db')}:{self.ports['db']}", "broker:6379": f"{self.address('broker')}:{self.ports['broker']}",
            "0.0.0.0:8000": self.web,
            "http://127.0.0.1:8000": f"http://{self.web}", "http://127.0.0.1:8080": f"http://127.0.0.1:{self.ports['http']}",
            "/run/secrets": str(self.secrets), "/var/lib/rtms": str(self.files), "/etc/caddy/Caddyfile": str(ROOT / "deploy/Caddyfile"),
            "/opt/venv/bin/python": sys.executable, "/opt/venv/bin": str(Path(sys.executable).parent),
        }  # fmt: skip
        for there, here in places.items():
            text = text.replace(there, here)
        return text

    def address(self, name: str) -> str:
        """Return where a service is reached."""
        return self.machines.addresses[name] if self.machines else "127.0.0.1"

    def on(self, name: str) -> list[str]:
        """Return what in front of a command runs it on a service's machine; where it has none, on that of the web server."""
        return self.machines.at(name if name in self.machines.addresses else "web") if self.machines else []

    @property
    def web(self) -> str:
        return f"{self.address('web')}:{self.ports['web']}"

    def variables(self, service: str) -> dict[str, str]:
        """Return the environment of a service's container, on top of one in which nothing of ours is set."""
        of_image = {"RTMS_DATA": str(self.files), "STATIC_ROOT": str(self.directory / "static")}
        given = {name: self.here(text) for name, text in recipe.environment_of(service, {"REGISTRY_HOST": HOST}).items()}
        return users_environment(**(of_image if service in recipe.OURS else {}), **given, **self.more)

    def command(self, service: str) -> list[str]:
        """Return what a container of the service runs."""
        words = [self.here(str(word)) for word in recipe.compose()["services"][service]["command"]]
        return [sys.executable, str(ROOT / "manage.py"), *words] if service in recipe.OURS else words

    def start(self, name: str, command: list[str], variables: dict[str, str], directory: Path = ROOT) -> None:
        with open(self.logs / f"{name}.log", "ab") as log:
            self.started[name] = subprocess.Popen([*self.on(name), *command], env=variables, cwd=directory, stdout=log, stderr=log)

    def as_server(self, command: list[str]) -> list[str]:
        """Return a command that runs as the account for servers: PostgreSQL refuses root."""
        if self.account is None:
            return command
        return ["setpriv", f"--reuid={self.account.uid}", f"--regid={self.account.gid}", "--clear-groups", *command]

    def start_database(self) -> None:
        """Do what the PostgreSQL image does on an empty volume: initdb, then the script of roles, then serve."""
        data, sockets = self.directory / "database", self.directory / "sockets"
        for part in (data, sockets):
            own(part, self.account)
        variables = recipe.environment_of("db", {})
        password = sockets / "password"
        password.write_text((self.secrets / "database_bootstrap").read_text())
        if self.account:
            os.chown(password, self.account.uid, self.account.gid)
        initdb = [str(self.programs.postgresql / "initdb"), "-D", str(data), "-U", variables["POSTGRES_USER"], "--pwfile", str(password)]
        made = self.as_server([*initdb, *shlex.split(variables["POSTGRES_INITDB_ARGS"])])
        subprocess.run(made, cwd="/", check=True, capture_output=True)
        password.unlink()
        with open(data / "pg_hba.conf", "a") as rules:
            rules.write("host all all all scram-sha-256\n")  # so does the image
        own_settings = {
            "listen_addresses": self.address("db"), "port": str(self.ports["db"]), "unix_socket_directories": str(sockets), "fsync": "off",
        }  # fmt: skip
        options = [part for name, value in own_settings.items() for part in ("-c", f"{name}={value}")]
        served = self.as_server([str(self.programs.postgresql / "postgres"), "-D", str(data), *self.command("db")[1:], *options])
        self.start("db", served, users_environment(), Path("/"))
        until(lambda: self.psql("rtms_bootstrap", "SELECT 1", database="postgres").returncode == 0)
        self.run_script_of_roles()

    def run_script_of_roles(self) -> None:
        script = [*self.on("db"), str(ROOT / "deploy/postgres/roles.sh")]
        variables = {**self.psql_variables("rtms_bootstrap"), "POSTGRES_USER": "rtms_bootstrap", "SECRETS": str(self.secrets)}
        done = subprocess.run(script, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def psql_variables(self, user: str) -> dict[str, str]:
        secret = f"database_{user.removeprefix('rtms_')}"
        path = f"{self.programs.postgresql}:{os.environ['PATH']}"
        return users_environment(
            PATH=path, PGHOST=self.address("db"), PGPORT=str(self.ports["db"]), PGPASSWORD=(self.secrets / secret).read_text()
        )

    def psql(self, user: str, statement: str, database: str = "rtms") -> subprocess.CompletedProcess[str]:
        """Ask the database as one of its logins."""
        command = [*self.on("db"), "psql", "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", database, "-c", statement]
        return subprocess.run(command, env=self.psql_variables(user), capture_output=True, text=True, check=False)

    @contextmanager
    def holding(self, lock: str) -> Iterator[None]:
        """Hold a lock in the database meanwhile."""
        command = [*self.on("db"), "psql", "-X", "-q", "-t", "-A", "-U", "rtms_bootstrap", "-d", "rtms"]
        variables = self.psql_variables("rtms_bootstrap")
        with subprocess.Popen(command, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
            assert session.stdin is not None
            assert session.stdout is not None
            session.stdin.write(f"BEGIN; {lock}; SELECT 'held';\n")
            session.stdin.flush()
            assert session.stdout.readline() == "held\n"
            yield
            session.stdin.close()

    def start_broker(self) -> None:
        scratch = self.directory / "broker"
        scratch.mkdir()
        variables = users_environment(
            SECRETS=str(self.secrets), SETTINGS=str(scratch / "valkey.conf"), DIRECTORY=str(scratch),
            PORT=str(self.ports["broker"]), VALKEY_SERVER=str(self.programs.valkey),
        )  # fmt: skip
        self.start("broker", ["sh", "deploy/valkey/start.sh"], variables)

    def start_service(self, name: str, on: str = "") -> None:
        """Start a service, under the name of the machine it is to run on."""
        self.start(on or name, self.command(name), self.variables(name))

    def start_proxy(self) -> None:
        variables = {
            **self.variables("proxy"), "HTTP_PORT": str(self.ports["http"]), "HTTPS_PORT": str(self.ports["https"]),
            "SECRETS": str(self.secrets), "WEB": self.web, "XDG_CONFIG_HOME": str(self.directory), "XDG_DATA_HOME": str(self.directory),
        }  # fmt: skip
        command = self.command("proxy")
        self.start("proxy", [str(Path(sys.executable).with_name(command[0])), *command[1:]], variables)

    def manage(self, *arguments: str, service: str = "worker") -> subprocess.CompletedProcess[str]:
        """Run a command as `docker compose run --rm SERVICE ...` does."""
        command = [*self.on(service), sys.executable, str(ROOT / "manage.py"), *arguments]
        return subprocess.run(command, env=self.variables(service), cwd=ROOT, capture_output=True, text=True, check=False)

    def health(self, service: str) -> subprocess.CompletedProcess[str]:
        """Run the health check of a service."""
        kind, *words = recipe.compose()["services"][service]["healthcheck"]["test"]
        command = [self.here(recipe.filled_in(word, {})) for word in words]
        return subprocess.run(
            ["/bin/sh", "-c", *command] if kind == "CMD-SHELL" else command,
            env=self.variables(service), cwd=ROOT, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def stop(self) -> None:
        for name in reversed([*self.started]):
            self.stop_one(name)

    def stop_one(self, name: str) -> None:
        """End a service, by force once its time is over."""
        process = self.started.pop(name)
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def said(self) -> str:
        """Return the end of every log, for a test that failed."""
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in sorted(self.logs.iterdir()))


@contextmanager
def servers(machines: Hosts | None = None, **variables: str) -> Iterator[Deployment]:
    """Make the secrets, start database and broker, bring the tables up to date; stop whatever was started."""
    with ExitStack() as stack:
        directory = Path(tempfile.mkdtemp(prefix="rtms-deployed-"))
        directory.chmod(0o711)  # PostgreSQL runs as another account where root runs the tests
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        at = Deployment(directory, machines, **variables)
        make = [sys.executable, "deploy/make_secrets.py", str(at.secrets), "--host", HOST]
        subprocess.run(make, cwd=ROOT, check=True, capture_output=True)
        stack.callback(at.stop)
        at.start_database()
        at.start_broker()
        migrated = at.manage(*recipe.compose()["services"]["migrate"]["command"], service="migrate")
        assert migrated.returncode == 0, migrated.stderr
        yield at


@contextmanager
def deployed(**variables: str) -> Iterator[Deployment]:
    """Start everything in the order that compose keeps, and stop it."""
    with servers(**variables) as at:
        collected = at.manage("collectstatic", "--no-input", "--verbosity=0", service="web")  # the image has them
        assert collected.returncode == 0, collected.stderr
        for service in ("web", "worker", "beat"):
            at.start_service(service)
        at.start_proxy()
        yield at


def until(condition: object, within_s: float = STARTS_WITHIN_S) -> None:
    """Wait for a condition."""
    give_up_at = time.monotonic() + within_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < give_up_at, f"not within {within_s} s"
        time.sleep(0.3)
