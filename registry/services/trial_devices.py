"""The devices of a trial's definition: added and corrected as trial.toml says them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from registry.models import Coil, CoilConversion, Site, Stimulator, Trial
from registry.rules.tables.stimulation_facts import CoilConversionFacts
from registry.rules.tables.trial_facts import TrialDefinition
from registry.services.trial_records import COIL_FIELDS, STIMULATOR_FIELDS

Facts = TypeVar("Facts")
DEVICES: tuple[tuple[str, Any, tuple[str, ...]], ...] = (
    ("stimulators", Stimulator, STIMULATOR_FIELDS),
    ("coils", Coil, COIL_FIELDS),
)


def conversion_key(facts: CoilConversionFacts | CoilConversion) -> object:
    """Return what makes two conversions the same one."""
    return facts.from_model, facts.to_model


def write_devices(trial: Trial, wanted: TrialDefinition, on_record: TrialDefinition, using: str) -> None:
    """Add what the definition has and the record has not, and bring in line what differs, in a fixed number of statements."""
    sites = dict(Site.objects.using(using).filter(trial=trial).values_list("code", "pk")) if wanted.stimulators or wanted.coils else {}
    for name, model, fields in DEVICES:
        _write(model, trial, _changed(getattr(wanted, name), getattr(on_record, name), _code), fields, sites, using)
    conversions = _changed(wanted.coil_conversions, on_record.coil_conversions, conversion_key)
    CoilConversion.objects.using(using).bulk_create(
        [
            CoilConversion(trial_id=trial.pk, **{name: getattr(facts, name) for name in CoilConversionFacts.__slots__})
            for facts in conversions
        ],
        update_conflicts=True,
        unique_fields=["trial", "from_model", "to_model"],
        update_fields=["factor", "source"],
    )


def _code(facts: Any) -> object:
    return facts.code


def _changed(wanted: Iterable[Facts], on_record: Iterable[Facts], key: Callable[[Any], object]) -> list[Facts]:
    """Return what is new or differs."""
    stored = {key(facts): facts for facts in on_record}
    return [facts for facts in wanted if stored.get(key(facts)) != facts]


def _write(model: Any, trial: Trial, devices: Sequence[Any], fields: tuple[str, ...], sites: dict[str, int], using: str) -> None:
    rows = [model(trial_id=trial.pk, site_id=sites.get(facts.site), **{name: getattr(facts, name) for name in fields}) for facts in devices]
    model.objects.using(using).bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["trial", "code"],
        update_fields=["site", *(name for name in fields if name != "code")],
    )
