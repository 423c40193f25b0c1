"""The design of a trial as writing records needs it, kept by each process for as long as it stands (docs/decisions/0012)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from uuid import UUID

from registry.models import (
    AnalysisPlan,
    Coil,
    CoilConversion,
    DesignVersion,
    Prescription,
    ProtocolVersion,
    Scale,
    Site,
    Stimulator,
    Trial,
    User,
    VisitType,
)
from registry.roles import Permission

# More trials than one process writes to; past it, all are read again.
MOST_KEPT = 100


@dataclass(frozen=True)
class TrialDesign:
    """What records of a trial may name, and what its protocol prescribes. Shared by threads: nobody changes the rows."""

    sites: Sequence[Site]
    versions: Mapping[str, int]
    # From which day a version of the protocol is in effect; one without a date is until a dated one is.
    in_effect: Sequence[tuple[date, int]]
    prescriptions: Mapping[tuple[int, int | None], Prescription]
    stimulators: Mapping[str, int]
    coils: Mapping[str, Coil]
    factors: Mapping[tuple[str, str], Decimal]
    visits: Mapping[str, int]
    scales: Sequence[Scale]
    plan: AnalysisPlan | None

    def writable_sites(self, trial: Trial, by: User, permission: Permission) -> set[int]:
        """Return the sites where the person holds a right; raise NotAllowed where they hold it nowhere."""
        found = {site.pk for site in self.sites if by.can(permission, trial=trial, site=site)}
        if not found:
            by.check_can(permission, trial=trial, site=self.sites[0] if self.sites else None)
        return found

    def zone_of(self, site_id: int) -> str:
        """Return the name of a site's own time zone, empty where it has that of the trial."""
        return next(site.time_zone for site in self.sites if site.pk == site_id)


_kept: dict[int, tuple[UUID, TrialDesign]] = {}


def current_token(trial: Trial, using: str | None = None) -> UUID | None:
    """Return the token of the design that stands; None for a trial without any."""
    return DesignVersion.objects.using(using).filter(trial=trial).values_list("token", flat=True).first()


def design_of(trial: Trial, token: UUID | None, using: str | None = None) -> TrialDesign:
    """Return the design. `token` was read in this transaction, before anything of the design."""
    kept = _kept.get(trial.pk)
    if token is not None and kept is not None and kept[0] == token:
        return kept[1]
    design = _read(trial, using)
    if token is not None:
        if len(_kept) >= MOST_KEPT:
            _kept.clear()
        _kept[trial.pk] = (token, design)
    return design


def _read(trial: Trial, using: str | None) -> TrialDesign:
    versions = list(ProtocolVersion.objects.using(using).filter(trial=trial).values_list("version", "pk", "effective_from"))
    rows = Prescription.objects.using(using).filter(protocol_version__trial=trial)
    prescriptions = rows.select_related("protocol_version").prefetch_related("blocks")
    conversions = CoilConversion.objects.using(using).filter(trial=trial).values_list("from_model", "to_model", "factor")
    return TrialDesign(
        sites=list(Site.objects.using(using).filter(trial=trial)),
        versions={version: pk for version, pk, _ in versions},
        in_effect=sorted((since or date.min, pk) for _, pk, since in versions),
        prescriptions={(row.protocol_version_id, row.treatment_id): row for row in prescriptions},
        stimulators=dict(Stimulator.objects.using(using).filter(trial=trial).values_list("code", "pk")),
        coils={coil.code: coil for coil in Coil.objects.using(using).filter(trial=trial)},
        factors={(measured, used): factor for measured, used, factor in conversions},
        visits=dict(VisitType.objects.using(using).filter(trial=trial).values_list("code", "pk")),
        scales=list(Scale.objects.using(using).filter(trial=trial).order_by("code", "version")),
        plan=AnalysisPlan.objects.using(using).filter(trial=trial).select_related("scale").order_by("pk").last(),
    )
