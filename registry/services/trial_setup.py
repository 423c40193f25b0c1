"""Setting up a trial piece by piece, as a person does at a screen: each piece is read like a section of trial.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from registry.exceptions import InvalidInput, Problem
from registry.models import Trial, User
from registry.roles import Permission
from registry.rules.tables.section_checks import SectionChecks
from registry.rules.tables.trial_facts import TrialDefinition
from registry.rules.tables.trial_toml import definition_from, write_trial
from registry.services.auditing import audited
from registry.services.jobs import mark_stale
from registry.services.reasons import MINIMUM_REASON
from registry.services.trial_records import definition_of
from registry.services.trials import LISTS, define_trial, lock_name

# One section as a form holds it: texts, yes and no as booleans, lists of these; what is left out takes its default.
Values = Mapping[str, Any]

# The list of a definition that each section belongs to, and the field that tells its items apart.
LIST_OF = {
    "sites": ("sites", "code"),
    "treatments": ("treatments", "code"),
    "stimulators": ("stimulators", "code"),
    "coils": ("coils", "code"),
    "coil_conversions": ("coil_conversions", "from_model"),
    "visit_types": ("visit_types", "code"),
    "scales": ("scales", "version"),
    "protocol": ("protocols", "version"),
    "plan": ("plans", "version"),
    "looks": ("looks", "code"),
}
VERSIONED = ("protocol", "plan")
# Adding one needs a reason: it decides when efficacy by arm is looked at.
REASONED = ("looks",)
# What the outcomes, or what may be shown of them, depend on.
SHOWN_BY = ("plan", "looks")


def create_trial(*, trial: Values, site: Values, by: User, now: datetime) -> Trial:
    """Make a trial with its first site; its maker gets no role in it. Raises InvalidInput naming fields as `trial[0].slug`."""
    by.check_can(Permission.TRIAL_CREATE)
    definition = _read({"trial": trial, "sites": [site]})
    slug = definition.trial.slug
    with audited(by=by, reason="trial set up"):
        lock_name(slug)
        if Trial.objects.filter(slug=slug).exists():
            raise InvalidInput([Problem("trial[0].slug", f"'{slug}' is the short name of another trial. Choose another one.")])
        return define_trial(definition=definition, by=by, now=now, appoint=False).trial


def correct_trial(*, trial: Trial, values: Values, reason: str, by: User, now: datetime, partial: bool = False) -> None:
    """Correct what is said of the trial itself, its short name excepted; with `partial` what the values do not name stays."""
    check_reason(reason)
    with _set_up(trial, by, reason) as on_record:
        sections = _sections(on_record)
        kept = sections["trial"] if partial else {}
        brought = _read({**sections, "trial": {**kept, **values, "slug": trial.slug}})
        define_trial(definition=replace(on_record, trial=brought.trial), by=by, now=now)
        mark_stale(trial, by=by)


def add_part(*, trial: Trial, section: str, values: Values, by: User, now: datetime, reason: str = "") -> None:
    """Add a site, treatment, device, visit type, scale, version of protocol or plan, or look; raise InvalidInput for one that is there.

    Fields are named as in `sites[0].code`, `plan.time_points[2].target_day`, or `plan[0].time_points[W4]` for a time point.
    """
    if section in REASONED:
        check_reason(reason)
    name, key_field = LIST_OF[section]
    with _set_up(trial, by, reason or f"{section.replace('_', ' ')} added") as on_record:
        brought = _read({**_sections(on_record), section: [values]})
        (new,) = getattr(brought, name)
        stored = getattr(on_record, name)
        if LISTS[name](new) in {LISTS[name](item) for item in stored}:
            taken = getattr(new, key_field)
            raise InvalidInput([Problem(f"{section}[0].{key_field}", f"'{taken}' is on record already. Choose another one.", "taken")])
        define_trial(definition=_with(on_record, name, (*stored, new)), by=by, now=now, reason=reason)
        if section in SHOWN_BY:
            mark_stale(trial, by=by)


def correct_part(*, trial: Trial, section: str, values: Values, reason: str, by: User, now: datetime, partial: bool = False) -> None:
    """Correct names, labels and days of an item, which the values name by its code; what is in use otherwise never changes.

    With `partial` what the values do not name stays.
    """
    check_reason(reason)
    name, key_field = LIST_OF[section]
    with _set_up(trial, by, reason) as on_record:
        sections = _sections(on_record)
        kept = [item for item in sections.get(section, []) if partial and item[key_field] == values[key_field]]
        brought = _read({**sections, section: [{**dict(*kept), **values}]})
        (corrected,) = getattr(brought, name)
        key = LISTS[name]
        items = tuple(corrected if key(item) == key(corrected) else item for item in getattr(on_record, name))
        define_trial(definition=_with(on_record, name, items), by=by, now=now, reason=reason)
        if section in SHOWN_BY:
            mark_stale(trial, by=by)


def check_reason(reason: str) -> None:
    """Raise InvalidInput for a reason that says nothing."""
    if len(reason.strip()) < MINIMUM_REASON:
        raise InvalidInput([Problem("reason", f"Say why in at least {MINIMUM_REASON} characters.", "too_short")])


@contextmanager
def _set_up(trial: Trial, by: User, reason: str) -> Iterator[TrialDefinition]:
    """Hold the trial's definition, so that two people who add at once both find the other's addition."""
    by.check_can(Permission.TRIAL_MANAGE, trial=trial)
    with audited(by=by, reason=reason.strip()):
        lock_name(trial.slug)
        yield definition_of(Trial.objects.get(pk=trial.pk))


def _sections(on_record: TrialDefinition) -> dict[str, Any]:
    """Return what new sections may refer to. Versions on record are left out: they were judged when they came."""
    sections = tomllib.loads(write_trial(on_record), parse_float=Decimal)
    return {name: section for name, section in sections.items() if name not in VERSIONED}


def _read(sections: Mapping[str, Any]) -> TrialDefinition:
    """Return the definition; raise InvalidInput with everything that is wrong."""
    reader = SectionChecks()
    definition = definition_from(reader, sections)
    if reader.found or definition is None:
        raise InvalidInput(reader.found)
    return definition


def _with(definition: TrialDefinition, name: str, items: tuple[Any, ...]) -> TrialDefinition:
    """Return the definition with another list."""
    changes: dict[str, Any] = {name: items}
    return replace(definition, **changes)
