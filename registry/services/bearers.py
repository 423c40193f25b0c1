"""Who holds a token: the token, its person, where it reaches and the person's memberships, in one statement."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from django.db import models

from registry.models import ApiToken, ApiTokenUse, Membership, Site, Trial, User
from registry.postgresql.prepared import prepared_cursor
from registry.services.row_making import read_row

# In the order of their columns: the alias of each table in the statement, and its model.
PARTS: dict[str, type[models.Model]] = {
    "token": ApiToken,
    "person": User,
    "reach": Trial,
    "used": ApiTokenUse,
    "member": Membership,
    "member_trial": Trial,
    "member_site": Site,
}
JOINED = """
FROM registry_apitoken token JOIN registry_user person ON person.id = token.user_id
LEFT JOIN registry_trial reach ON reach.id = token.trial_id
LEFT JOIN registry_apitokenuse used ON used.token_id = token.id
LEFT JOIN registry_membership member ON member.user_id = person.id
LEFT JOIN registry_trial member_trial ON member_trial.id = member.trial_id
LEFT JOIN registry_site member_site ON member_site.id = member.site_id
WHERE token.digest = %s::varchar ORDER BY member.id"""


def token_of(digest: str) -> ApiToken | None:
    """Return the token with that digest, None where there is none. Its person comes with all memberships, whether in force or not."""
    with prepared_cursor() as cursor:
        cursor.execute(_statement(), [digest])
        rows = cursor.fetchall()
    if not rows:
        return None
    first = rows[0]
    token = cast("ApiToken", _part("token", first))
    token.user, token.trial = cast("User", _part("person", first)), cast("Trial | None", _part("reach", first))
    token._state.fields_cache["use"] = _part("used", first)
    token.user.know_memberships(_memberships(rows))
    return token


def _memberships(rows: list[tuple[Any, ...]]) -> Iterator[Membership]:
    """Yield the memberships; those in one trial share its object."""
    trials: dict[int, models.Model | None] = {}
    for row in rows:
        found = cast("Membership | None", _part("member", row))
        if found is None:
            continue
        key = found.trial_id
        if key is not None and key not in trials:
            trials[key] = _part("member_trial", row)
        found._state.fields_cache |= {"trial": None if key is None else trials[key], "site": _part("member_site", row)}
        yield found


@cache
def _statement() -> str:
    columns = ", ".join(f'{alias}."{field.column}"' for alias, model in PARTS.items() for field in model._meta.concrete_fields)
    return f"SELECT {columns} {JOINED}"


@cache
def _places() -> dict[str, tuple[int, list[str]]]:
    """Return where the columns of each part begin, and the attributes they fill."""
    found, start = {}, 0
    for alias, model in PARTS.items():
        names = [field.attname for field in model._meta.concrete_fields]
        found[alias] = (start, names)
        start += len(names)
    return found


def _part(alias: str, row: tuple[Any, ...]) -> models.Model | None:
    """Return one row of a table, None where the join found none."""
    start, names = _places()[alias]
    values = row[start : start + len(names)]
    return None if values[0] is None else read_row(PARTS[alias], names, values)
