"""What a row of the permission table is, and the groups of roles it speaks of.

Rights are written out by hand, role by role, and not read from registry.roles: the table is the second opinion.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from json import dumps
from typing import Any

from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.urls import reverse

from registry.roles import ROLES

EVERYBODY = frozenset(ROLES)
NOBODY: frozenset[str] = frozenset()
CARE = frozenset({"operator", "assessor", "coordinator", "data_manager", "principal_investigator"})
CORRECT = CARE - {"assessor"}
READ = CARE | {"monitor", "researcher", "unmasked_statistician"}
READ_HISTORY = CARE | {"monitor"}
OPEN_OUTCOMES = frozenset({"coordinator", "data_manager", "principal_investigator", "researcher", "unmasked_statistician", "safety_board"})
CLOSED_OUTCOMES = frozenset({"unmasked_statistician", "safety_board"})
# Masked roles without a duty to single patients, who see no score after allocation.
EFFICACY_HIDDEN = frozenset({"principal_investigator", "researcher"})
# What the person at one site holds there; see scene.add_people.
SOUTHERNER = frozenset({"operator", "coordinator", "data_manager", "monitor", "principal_investigator"})

SIGN_IN = 302
NO_RIGHT, NOT_THERE = 403, 404


@dataclass(frozen=True)
class Row:
    """One route by one method: what each kind of person is answered.

    `roles` get `allowed`, `hidden` roles are told there is no such thing, other roles of the trial get `refused`; somebody of
    another site `elsewhere` (a patient of site N is asked for), somebody of another trial `stranger`; who is not signed in
    `anonymous`. `writes` says that an allowed request changes records.
    """

    route: str
    method: str = "GET"
    roles: frozenset[str] = EVERYBODY
    kwargs: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    json: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    allowed: int = 200
    refused: int = NO_RIGHT
    elsewhere: int = 200
    stranger: int = 200
    anonymous: int = SIGN_IN
    hidden: frozenset[str] = NOBODY
    writes: bool = False
    # About the trial as a whole: no membership that ends at a site opens it.
    whole_trial: bool = False
    note: str = ""
    # The answer names a record the database has just made, whose id is of that moment.
    makes_id: bool = False

    def address(self) -> str:
        """Return the path asked for; an id that the scene's database made is looked up in it."""
        return reverse(self.route, kwargs={name: value() if callable(value) else value for name, value in self.kwargs.items()})

    def body(self) -> tuple[Any, ...]:
        """Return body and content type of the request."""
        if self.json is not None:
            return dumps(self.json), "application/json"
        return (encode_multipart(BOUNDARY, self.data), MULTIPART_CONTENT) if self.method == "POST" else ()

    def __str__(self) -> str:
        return f"{self.method} {self.route}{f' ({self.note})' if self.note else ''}"

    def status_for(self, who: str) -> int:
        """Return the status this person is answered with."""
        if who == "anonymous":
            return self.anonymous
        if who in ("stranger", "former"):
            return NOT_THERE if who == "former" and "trial" in self.kwargs else self.stranger
        if who in ("southerner", "northerner") and self.whole_trial:
            return NOT_THERE if who == "southerner" and self.elsewhere == NOT_THERE else self.refused
        if who == "southerner":
            return self.elsewhere if (self.roles | self.hidden) & SOUTHERNER else self.refused
        if who == "northerner":
            return self.allowed if self.roles & SOUTHERNER else NOT_THERE if self.hidden & SOUTHERNER else self.refused
        if who in self.hidden:
            return NOT_THERE
        return self.allowed if who in self.roles else self.refused
