"""What the cases share: the run, its sizes, and the databases and web servers they work on, each made once."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from bench.results import Result, Run, ratio
from bench.sandwich import Take, sandwiches
from bench.servers import WebServer, peer, product

if TYPE_CHECKING:
    from bench.goals import Goal
    from bench.worlds import World


@dataclass
class Bench:
    """One run of the command."""

    run: Run
    sizes: list[int]
    seconds: float
    folder: Path
    stack: ExitStack
    worlds: dict[int, World] = field(default_factory=dict)

    def run_case(self, name: str) -> None:
        """Take the measurements of one case."""
        with ExitStack() as stack:
            import_module(f"bench.cases.{name}").measure(self, stack)

    def world(self, patients: int) -> World:
        """Return the filled database of a size, made at first need and in use from now on."""
        from bench import worlds

        if patients not in self.worlds:
            self.worlds[patients] = self.stack.enter_context(worlds.world(patients, self.run.seed))
        worlds.use(self.worlds[patients].database)
        return self.worlds[patients]

    def product(self, database: str, stack: ExitStack) -> WebServer:
        """Return the product's web server on a database, until the case ends."""
        return stack.enter_context(product(database, self.folder))

    def peer(self, database: str, stack: ExitStack) -> WebServer:
        """Return the peer's web server on a database, until the case ends."""
        return stack.enter_context(peer(database, self.folder))

    def compare(
        self, patients: int, against: str, yardstick: Take, candidates: dict[str, tuple[Take, Goal | None]], *, unit: str = "s"
    ) -> dict[str, Result]:
        """Take sandwiches of the candidates and print them."""
        found = sandwiches(yardstick, {name: take for name, (take, _) in candidates.items()}, self.run.repeats)
        results = {name: ratio(name, against, patients, one, unit=unit, goal=candidates[name][1]) for name, one in found.items()}
        for one in results.values():
            self.run.note(one)
        return results
