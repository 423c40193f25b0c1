"""Trials: make one from its definition, or bring one on record in line with it. What is in use is followed, never edited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from django.db import connections

from registry.exceptions import InvalidInput, Problem
from registry.models import Allocation, CharterLook, Membership, Scale, Site, Treatment, Trial, User, VisitType
from registry.roles import Permission
from registry.rules.tables.trial_facts import PlanFacts, ScaleFacts, TrialDefinition
from registry.services.acts import arms_were_shown
from registry.services.auditing import audited
from registry.services.reasons import MINIMUM_REASON
from registry.services.row_sets import Tally, check_open
from registry.services.trial_devices import conversion_key, write_devices
from registry.services.trial_records import TRIAL_FIELDS, definition_of
from registry.services.trial_versions import add_plans, add_protocols

Facts = TypeVar("Facts")
# What decides who may see what, and so must not change under patients who are allocated.
FROZEN_BY_ALLOCATION = ("conduct", "design", "masked")
EVERYTHING_OF_A_SCALE = ("kind", "minimum", "maximum", "step", "zero_means_none")


@dataclass(frozen=True)
class DefinedTrial:
    """A trial, whether it was made now, and how its definition compares with what was on record."""

    trial: Trial
    created: bool
    tally: Tally


def define_trial(
    *,
    definition: TrialDefinition,
    by: User,
    now: datetime,
    with_allocations: bool = False,
    knows_allocations: bool = False,
    appoint: bool = True,
    reason: str = "",
    asks_reason: bool = True,
    using: str = "default",
) -> DefinedTrial:
    """Make the trial, or extend and correct the one of that slug; raise InvalidInput for a change that may not be.

    Who makes a trial becomes its data manager, and its unmasked statistician if they bring its allocations; without
    `appoint` they get no role in it. A plan added to a trial on record by who knows who got what is post hoc, as it is once
    anybody was shown that (`knows_allocations`: the same folder brings it). A trial made now keeps what its folder says of its plans.
    Looks that are new or changed need a reason, unless what is written is only tried (`asks_reason`).
    """
    with audited(by=by, reason=reason or "trial defined", using=using):
        lock_name(definition.trial.slug, using)
        trial = Trial.objects.using(using).filter(slug=definition.trial.slug).first()
        if trial is not None:
            on_record = definition_of(trial, using)
            unexplained = _unexplained_looks(definition, on_record, reason) if asks_reason else []
            if problems := [*_forbidden_changes(trial, definition, on_record, using), *unexplained]:
                raise InvalidInput(problems)
            return _extend(trial, definition, on_record, by=by, using=using, knows_allocations=knows_allocations)
        if not by.is_system:
            by.check_can(Permission.TRIAL_CREATE)
        trial = _create(definition, using)
        if appoint:
            _appoint(trial, by, now, with_allocations=with_allocations, using=using)
    return DefinedTrial(trial, created=True, tally=Tally(new=_size(definition)))


def lock_name(slug: str, using: str = "default") -> None:
    """Let one person at a time define a trial, until the end of the transaction."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('registry_trial'), hashtext(%s))", [slug])


def _create(definition: TrialDefinition, using: str) -> Trial:
    trial = Trial(**{name: getattr(definition.trial, name) for name in TRIAL_FIELDS})
    trial.save(using=using, force_insert=True)
    nothing = TrialDefinition(definition.trial, sites=())
    _add_missing(trial, definition, nothing, post_hoc=False, using=using)
    return trial


def _appoint(trial: Trial, by: User, now: datetime, *, with_allocations: bool, using: str) -> None:
    """Give the maker of a trial the roles that bringing in its data needs, and let them count at once.

    A system actor holds them for as long as the object lives; nothing is stored.
    """
    roles = ["data_manager", *(["unmasked_statistician"] if with_allocations else [])]
    rows = [Membership(user_id=by.pk, trial_id=trial.pk, role=role, valid_from=now.date()) for role in roles]
    by.current_memberships().extend(rows if by.is_system else Membership.objects.using(using).bulk_create(rows))


def _extend(
    trial: Trial, definition: TrialDefinition, on_record: TrialDefinition, *, by: User, using: str, knows_allocations: bool
) -> DefinedTrial:
    tally = _tally(definition, on_record)
    if tally.new or tally.corrected:
        by.check_can(Permission.TRIAL_MANAGE, trial=trial)
        check_open(trial)
        _correct(trial, definition, on_record, using)
        _add_missing(trial, definition, on_record, post_hoc=knows_allocations or _was_looked_at(trial, using), using=using)
    return DefinedTrial(trial, created=False, tally=tally)


def _was_looked_at(trial: Trial, using: str) -> bool:
    """Tell whether somebody may have seen outcomes by arm, after which every new plan is post hoc."""
    return trial.is_decoded or arms_were_shown(trial, using)


def _forbidden_changes(trial: Trial, wanted: TrialDefinition, on_record: TrialDefinition, using: str) -> list[Problem]:
    """Return the changes that would rewrite what others refer to."""
    return [
        *_frozen_facts(trial, wanted, on_record, using),
        *_changed_versions("scales", wanted.scales, on_record.scales, _scale_key, _scale_without_label),
        *_changed_versions("protocol", wanted.protocols, on_record.protocols, _version, _itself),
        *_changed_versions("plan", wanted.plans, on_record.plans, _version, _plan_without_mark),
    ]


def _frozen_facts(trial: Trial, wanted: TrialDefinition, on_record: TrialDefinition, using: str) -> list[Problem]:
    changed = [name for name in FROZEN_BY_ALLOCATION if getattr(wanted.trial, name) != getattr(on_record.trial, name)]
    if not changed or not Allocation.objects.using(using).filter(enrolment__trial=trial).exists():
        return []
    return [
        Problem(
            f"trial[0].{name}", f"differs from the trial on record, whose patients are allocated: Keep {getattr(on_record.trial, name)}"
        )
        for name in changed
    ]


def _unexplained_looks(wanted: TrialDefinition, on_record: TrialDefinition, reason: str) -> list[Problem]:
    """Return a problem for each look that is new or changed without a reason: when efficacy is looked at is no small thing."""
    if len(reason.strip()) >= MINIMUM_REASON:
        return []
    return [
        Problem(f"looks[{number}].code", f"is new or changed: Say why in at least {MINIMUM_REASON} characters, as the reason")
        for number, look in enumerate(wanted.looks)
        if look not in on_record.looks
    ]


def _changed_versions(
    section: str,
    wanted: Sequence[Facts],
    on_record: Sequence[Facts],
    key: Callable[[Facts], object],
    content: Callable[[Facts], object],
) -> list[Problem]:
    """Return a problem for each version that exists with another content."""
    stored = {key(facts): content(facts) for facts in on_record}
    return [
        Problem(f"{section}[{number}].version", "differs from this version on record, which may be in use: Give the change a new version")
        for number, facts in enumerate(wanted)
        if stored.get(key(facts), content(facts)) != content(facts)
    ]


def _itself(facts: Facts) -> object:
    return facts


def _code(facts: Any) -> object:
    return facts.code


def _version(facts: Any) -> object:
    return facts.version


def _scale_key(scale: ScaleFacts) -> object:
    return scale.code, scale.version


def _scale_without_label(scale: ScaleFacts) -> object:
    return [getattr(scale, name) for name in EVERYTHING_OF_A_SCALE]


def _plan_without_mark(plan: PlanFacts) -> object:
    return replace(plan, post_hoc=False)


# Each list of a definition, with what makes two of its items the same one.
LISTS: Mapping[str, Callable[[Any], object]] = {
    "sites": _code,
    "treatments": _code,
    "stimulators": _code,
    "coils": _code,
    "coil_conversions": conversion_key,
    "visit_types": _code,
    "scales": _scale_key,
    "protocols": _version,
    "plans": _version,
    "looks": _code,
}


def _size(definition: TrialDefinition) -> int:
    return 1 + sum(len(getattr(definition, name)) for name in LISTS)


def _tally(wanted: TrialDefinition, on_record: TrialDefinition) -> Tally:
    """Count the trial itself and the items of its lists."""
    new, absent, corrected = 0, 0, int(wanted.trial != on_record.trial)
    for name, key in LISTS.items():
        content = _plan_without_mark if name == "plans" else _itself
        brought = {key(facts): content(facts) for facts in getattr(wanted, name)}
        stored = {key(facts): content(facts) for facts in getattr(on_record, name)}
        new += len(brought.keys() - stored.keys())
        absent += len(stored.keys() - brought.keys())
        corrected += sum(brought[one] != stored[one] for one in brought.keys() & stored.keys())
    return Tally(new=new, unchanged=_size(wanted) - new - corrected, corrected=corrected, absent=absent)


def _correct(trial: Trial, wanted: TrialDefinition, on_record: TrialDefinition, using: str) -> None:
    """Correct the trial's own facts, and names, labels and days of the items of its lists."""
    changed = [name for name in TRIAL_FIELDS if getattr(wanted.trial, name) != getattr(on_record.trial, name)]
    if changed:
        Trial.objects.using(using).filter(pk=trial.pk).update(**{name: getattr(wanted.trial, name) for name in changed})
        trial.refresh_from_db(using=using)
    _update(Site.objects.using(using).filter(trial=trial), wanted.sites, on_record.sites, ("name", "time_zone"))
    _update(Treatment.objects.using(using).filter(trial=trial), wanted.treatments, on_record.treatments, ("label",))
    days = ("label", "target_day", "days_before", "days_after")
    _update(VisitType.objects.using(using).filter(trial=trial), wanted.visit_types, on_record.visit_types, days)
    _update(Scale.objects.using(using).filter(trial=trial), wanted.scales, on_record.scales, ("label",), _scale_key)
    looks = CharterLook.objects.using(using).filter(trial=trial)
    _update(looks, wanted.looks, on_record.looks, ("label", "planned_on", "called_off"))


def _update(
    rows: Any, wanted: Sequence[Any], on_record: Sequence[Any], fields: tuple[str, ...], key: Callable[[Any], object] = _code
) -> None:
    """Bring the changed rows in line, in two statements."""
    stored = {key(facts): facts for facts in on_record}
    changed = {key(facts): facts for facts in wanted if stored.get(key(facts), facts) != facts}
    found = [row for row in rows if key(row) in changed] if changed else []
    for row in found:
        for name in fields:
            setattr(row, name, getattr(changed[key(row)], name))
    if found:
        rows.bulk_update(found, fields)


def _add_missing(trial: Trial, wanted: TrialDefinition, on_record: TrialDefinition, *, post_hoc: bool, using: str) -> None:
    """Add what the definition has and the record has not, in a fixed number of statements but for versions."""
    sites = _missing(wanted.sites, on_record.sites, _code)
    Site.objects.using(using).bulk_create(
        Site(trial_id=trial.pk, code=facts.code, name=facts.name, time_zone=facts.time_zone) for facts in sites
    )
    treatments = _missing(wanted.treatments, on_record.treatments, _code)
    Treatment.objects.using(using).bulk_create(Treatment(trial_id=trial.pk, code=facts.code, label=facts.label) for facts in treatments)
    write_devices(trial, wanted, on_record, using)
    visits = _missing(wanted.visit_types, on_record.visit_types, _code)
    VisitType.objects.using(using).bulk_create(
        VisitType(
            trial_id=trial.pk,
            position=position,
            **{name: getattr(facts, name) for name in ("code", "label", "target_day", "days_before", "days_after")},
        )
        for position, facts in enumerate(visits, start=len(on_record.visit_types) + 1)
    )
    scales = _missing(wanted.scales, on_record.scales, _scale_key)
    names = ("code", "label", "version", *EVERYTHING_OF_A_SCALE)
    Scale.objects.using(using).bulk_create(Scale(trial_id=trial.pk, **{name: getattr(facts, name) for name in names}) for facts in scales)
    add_protocols(trial, _missing(wanted.protocols, on_record.protocols, _version), using)
    plans = _missing(wanted.plans, on_record.plans, _version)
    CharterLook.objects.using(using).bulk_create(
        CharterLook(trial_id=trial.pk, code=facts.code, label=facts.label, planned_on=facts.planned_on, called_off=facts.called_off)
        for facts in _missing(wanted.looks, on_record.looks, _code)
    )
    add_plans(trial, [replace(plan, post_hoc=plan.post_hoc or post_hoc) for plan in plans], using)


def _missing(wanted: Iterable[Facts], on_record: Iterable[Facts], key: Callable[[Facts], object]) -> list[Facts]:
    stored = {key(facts) for facts in on_record}
    return [facts for facts in wanted if key(facts) not in stored]
