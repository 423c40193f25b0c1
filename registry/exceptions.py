"""One family of errors, each with a stable code and a sentence the user can act on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where, what, and what would be right."""

    field: str
    message: str
    code: str = "invalid"


class RegistryError(Exception):
    """Base of all errors a person may see; `sentence` says what to do."""

    code = "error"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class InvalidInput(RegistryError):
    """Input that breaks a rule; names each field and the remedy. Nothing was written."""

    code = "invalid_input"

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(problem.message for problem in problems))
        self.problems = problems


class NotAllowed(RegistryError):
    """The person lacks a right; names the right and whom to ask."""

    code = "not_allowed"


class NotFound(RegistryError):
    """No such record among those the person may see."""

    code = "not_found"


class Conflict(RegistryError):
    """The record changed meanwhile, or the act was done already in another way."""

    code = "conflict"

    def __init__(self, sentence: str, *, field: str = "", records: Collection[UUID] = ()) -> None:
        """Take the sentence and, where something of the records sent is in the way, what of which of them."""
        super().__init__(sentence)
        self.field, self.records = field, frozenset(records)


class AuditContextMissing(RegistryError):
    """A write outside audited(); a programming error, never shown to a user as their fault."""

    code = "audit_context_missing"


class AllocationRefused(RegistryError):
    """No slot can be given: no list, list used up, or the enrolment may not be allocated."""

    code = "allocation_refused"


class ImportRefused(RegistryError):
    """A folder that cannot be imported; the report lists each cell."""

    code = "import_refused"
