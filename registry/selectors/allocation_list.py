"""What is prepared in the closed room, for who prepares it: the arms, and how many places the list has. No patient appears."""

from __future__ import annotations

from dataclasses import dataclass, field

from registry.closed_room import open_closed_room
from registry.models import Treatment, Trial, User
from registry.roles import Permission
from registry.vocabulary import AllocationListKind


@dataclass(frozen=True)
class ArmRow:
    """One arm with its visible treatment and its concealed part."""

    code: str
    label: str
    treatment: str
    part: str


@dataclass(frozen=True)
class ListFacts:
    """What may be told of a stored list."""

    kind: str
    sha256: str
    block_sizes: tuple[int, ...]
    strata: tuple[tuple[str, int], ...]

    @property
    def places(self) -> int:
        """Return how many places there are in all strata."""
        return sum(number for _, number in self.strata)


@dataclass(frozen=True)
class PreparedAllocation:
    """How far the allocation of a trial is prepared."""

    arms: list[ArmRow] = field(default_factory=list)
    list: ListFacts | None = None


def prepared_allocation(trial: Trial, by: User) -> PreparedAllocation:
    """Return the arms and the list of the first stage; raise NotAllowed for who does not prepare it."""
    treatments = dict(Treatment.objects.filter(trial=trial).values_list("pk", "label"))
    with open_closed_room(by=by, permission=Permission.ALLOCATION_MANAGE, trial=trial) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT code, label, treatment_id, part FROM closed.arm WHERE trial_id = %s ORDER BY position", [trial.pk])
        arms = [ArmRow(code, label, treatments[treatment], part) for code, label, treatment, part in cursor.fetchall()]
        cursor.execute(
            "SELECT id, kind, sha256, block_sizes FROM closed.allocation_list WHERE trial_id = %s ORDER BY stage LIMIT 1", [trial.pk]
        )
        stored = cursor.fetchone()
        if stored is None:
            return PreparedAllocation(arms)
        list_id, kind, sha256, sizes = stored
        cursor.execute("SELECT stratum, count(*) FROM closed.slot WHERE list_id = %s GROUP BY stratum ORDER BY stratum", [list_id])
        strata = tuple((stratum, int(number)) for stratum, number in cursor.fetchall())
    return PreparedAllocation(arms, ListFacts(AllocationListKind(kind).label, sha256, tuple(sizes), strata))
