"""`manage.py up`: services, migrations, web server, worker and schedule in one process tree, until Ctrl-C."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from registry import environment
from registry.embedded import broker, preflight, recipes, sharing, steps
from registry.embedded.certificate import Tls
from registry.embedded.children import Child, Recipe, shorten
from registry.embedded.place import Place
from registry.embedded.readiness import what_is_missing
from registry.embedded.refusals import Refused

# Addresses that mean all of a machine's, and how this machine itself calls them.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104  (recognised, not chosen)
POLL_S = 0.2
KEEPER_CHECK_S = 1.0
LOG_CHECK_S = 60.0
KEEPER_PAUSE_S = 15.0
READY_WITHIN_S = 180
QUICK_ENDS_BEFORE_READY = 5


class Stopped(Exception):
    """Ctrl-C or SIGTERM came; whatever is under way is wound up."""


def is_for_others(host: str) -> bool:
    """Return whether an address to listen on can be reached from other machines."""
    return not (host.startswith("127.") or host in ("localhost", "::1"))


@dataclass(frozen=True)
class Wishes:
    """What the user asked for, and what the start needs to know of the settings."""

    host: str
    port: int
    host_name: str
    collect_static: list[str] | None
    account_options: tuple[str, ...] = ()
    tls: Tls | None = None

    @property
    def bind(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def address(self) -> str:
        scheme = "https" if self.tls else "http"
        return f"{scheme}://{EVERYWHERE[self.host]}:{self.port}/" if self.host in EVERYWHERE else f"{scheme}://{self.bind}/"

    @property
    def is_for_others(self) -> bool:
        """Return whether other machines may reach it."""
        return is_for_others(self.host)


@dataclass
class Supervisor:
    """Starts everything in order, heals what ends, stops everything in order."""

    place: Place
    wishes: Wishes
    say: Callable[[str], None]
    announce: Callable[[str], None]
    children: list[Child] = field(default_factory=list)
    held: tuple[int, ...] = ()
    told_to_stop: bool = False
    keeper_due_at: float = 0.0
    logs_due_at: float = 0.0
    database_is_embedded: bool = field(default_factory=lambda: not environment.is_set("DATABASE_URL"))

    def run(self) -> None:
        """Serve until told to stop; everything is stopped whichever way this ends."""
        with self._signals(), ExitStack() as stack:
            try:
                self.say("Starting ...")
                self._start(stack)
                while True:
                    self._check()
                    self._heal()
                    time.sleep(POLL_S)
            except Stopped:
                self.say("Stopping ...")

    def _start(self, stack: ExitStack) -> None:
        """Start all parts and say so once they answer; the stack stops them in the opposite order."""
        self._hold(stack, preflight.after_the_last(self.place, self._check), os.close)
        if self.database_is_embedded:
            self._hold(stack, sharing.share(self.place, self._check), self._release_share)
        if not environment.is_set("BROKER_URL"):
            self._start_broker(stack)
        self._prepare()
        programs = [self._add(stack, recipe) for recipe in self._programs()]
        stack.callback(stop_together, programs)
        accounts = self._begin("worker", "ensure_accounts", *self.wishes.account_options).finish(self._check)
        self._wait_until_ready()
        self.announce(accounts)

    def _programs(self) -> list[Recipe]:
        """Return what runs beside the servers, in the order of the start."""
        return [
            recipes.worker(self.place, self.held),
            recipes.web(self.place, self.held, self.wishes.bind, self.wishes.tls),
            recipes.beat(self.place, self.held),
        ]

    def _hold(self, stack: ExitStack, descriptor: int, release: Callable[[int], None]) -> None:
        """Keep a lock and hand it to every program: it lasts until the last of them has ended."""
        stack.callback(release, descriptor)
        self.held = (*self.held, descriptor)

    def _release_share(self, descriptor: int) -> None:
        """Give the share of PostgreSQL back and see it stop, unless somebody else holds one too."""
        sharing.release(self.place, descriptor)

    def _add(self, stack: ExitStack, recipe: Recipe) -> Child:
        """Start a program that is to run until the end."""
        child = Child(recipe)
        stack.callback(child.stop)
        self.children.append(child)
        child.revive()
        return child

    def _start_broker(self, stack: ExitStack) -> None:
        """Start Valkey and wait until it takes commands."""
        recipe, handed = recipes.valkey(self.place, self.held)
        stack.callback(handed.close)
        self._add(stack, recipe)
        while not broker.answers(self.place):
            self._check()
            self._heal()
            self._refuse_what_does_not_start()
            time.sleep(0.02)

    def _begin(self, role: str, *arguments: str) -> steps.Step:
        return steps.begin(self.place, role, self.held, *arguments)

    def _prepare(self) -> None:
        """Bring the database up to date and, beside that, the static files."""
        under_way = [self._begin("owner", "migrate", "--verbosity=0", "--no-input")]
        if self.wishes.collect_static:
            under_way.append(self._begin("worker", *self.wishes.collect_static))
        for step in under_way:
            step.finish(self._check)

    def _wait_until_ready(self) -> None:
        """Return once /readyz says so; refuse where a program keeps ending or the time is over."""
        give_up_at = time.monotonic() + READY_WITHIN_S
        while missing := what_is_missing(self.wishes.address, self.wishes.host_name):
            self._check()
            self._heal()
            self._refuse_what_does_not_start()
            if time.monotonic() > give_up_at:
                raise Refused(
                    f"Not ready after {READY_WITHIN_S} s for want of {missing}: see the logs in {self.place.logs} and start again."
                )
            time.sleep(POLL_S)

    def _refuse_what_does_not_start(self) -> None:
        """Refuse where a program has ended several times in a row."""
        for child in self.children:
            if child.quick_ends >= QUICK_ENDS_BEFORE_READY:
                raise Refused(
                    f"The program '{child.recipe.name}' does not start: see {child.recipe.log} and start again once that is mended."
                )

    def _heal(self) -> None:
        """Start again what ended, and keep the logs short."""
        for child in self.children:
            child.revive()
        if time.monotonic() >= self.logs_due_at:
            self.logs_due_at = time.monotonic() + LOG_CHECK_S
            for log in self.place.logs.glob("*.log"):
                shorten(log)
        if self.database_is_embedded and time.monotonic() >= self.keeper_due_at:
            self.keeper_due_at = time.monotonic() + KEEPER_CHECK_S
            if not sharing.keeper_is_at_work(self.place):
                self._revive_keeper()

    def _revive_keeper(self) -> None:
        """Have PostgreSQL kept again; where that fails, say why and try later: a full disk may be freed."""
        try:
            sharing.revive(self.place, self._check)
        except Refused as problem:
            self.say(str(problem))
            self.keeper_due_at = time.monotonic() + KEEPER_PAUSE_S

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Turn Ctrl-C, SIGTERM and the terminal's end into a flag: an exception could leave a step half done."""
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it on purpose
            numbers.append(signal.SIGHUP)
        earlier = {number: signal.signal(number, self._on_signal) for number in numbers}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)

    def _on_signal(self, _number: int, _frame: object) -> None:
        self.told_to_stop = True

    def _check(self) -> None:
        """Raise once told to stop."""
        if self.told_to_stop:
            raise Stopped


def stop_together(programs: list[Child]) -> None:
    """Stop the schedule first, so that nothing new begins, then the others at the same time."""
    *others, schedule = programs
    schedule.stop()
    for child in others:
        child.ask_to_stop()
