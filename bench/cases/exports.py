"""Export of a trial folder beside COPY of the tables it reads, and the memory it takes."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench import goals
from bench.results import Result
from bench.sandwich import timed
from bench.worlds import SLUG, World, reader
from tests import cluster

if TYPE_CHECKING:
    from bench.bench import Bench

TABLES = ("registry_enrolment", "registry_patient", "registry_paindiagnosis", "registry_enrolmentpain", "registry_allocation")


def measure(bench: Bench, stack: ExitStack) -> None:
    """Measure each size."""
    for patients in bench.sizes:
        exports = Exports(bench.world(patients), bench.folder)
        what = f"export of a folder of {exports.world.scores} scores"
        bench.compare(patients, "COPY of the same tables", exports.copy, {what: (exports.export, None)})
        # The first one warms up.
        grown = tuple(exports.grown[1:])
        bench.run.note(Result("memory an export adds at its peak", patients, grown, unit="MB", goal=goals.MEMORY_MB))


@dataclass
class Exports:
    """Exports of one trial, with the memory each took, in MB."""

    world: World
    folder: Path
    grown: list[float] = field(default_factory=list)

    def export(self) -> float:
        """Return the seconds of one export."""
        from registry.interchange.exporter import take_out

        target = self.folder / f"export-{self.world.patients}-{len(self.grown)}"
        before = forget_peak()
        seconds = timed(lambda: take_out(SLUG, target, by=reader()))
        self.grown.append((memory("VmHWM") - before) / 1024)
        shutil.rmtree(target)
        return seconds

    def copy(self) -> float:
        """Return the seconds of COPY."""
        return timed(lambda: copy_out(self.world.database, self.folder / "copied"))


def copy_out(database: str, path: Path) -> None:
    """COPY the tables of a folder into a file, unsorted and unjoined."""
    with cluster.administrator(database) as connection, path.open("wb") as file:
        for table in (*TABLES, "registry_painscore"):
            with connection.cursor().copy(f"COPY {table} TO STDOUT (FORMAT csv)".encode()) as out:
                for block in out:
                    file.write(block)


def forget_peak() -> int:
    """Forget the highest memory this process ever took; return what it takes now, in kB."""
    Path("/proc/self/clear_refs").write_text("5")
    return memory("VmRSS")


def memory(name: str) -> int:
    """Return one of the kernel's counts of this process's memory, in kB."""
    rows = Path("/proc/self/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith(f"{name}:"))
