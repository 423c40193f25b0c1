"""What the rows of a set of sessions refer to: patients, prescriptions, thresholds, devices, visits. Read once, whatever their number."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast
from uuid import UUID

from registry.models import (
    Allocation,
    AnalysisPlan,
    Coil,
    CoilConversion,
    Enrolment,
    EnrolmentPain,
    EnrolmentProtocol,
    MotorThreshold,
    Prescription,
    ProtocolVersion,
    Scale,
    Stimulator,
    Trial,
    User,
    VisitType,
)
from registry.roles import Permission
from registry.services.record_sets import KnownPatient, known_patients
from registry.vocabulary import PlanPain, Side


@dataclass(frozen=True, slots=True)
class Given:
    """What was allocated to a patient, as everybody may know it."""

    treatment_id: int
    kit_code: str


class SessionReferences:
    """Everything that sessions of one trial may name, in a number of queries that does not depend on the rows."""

    def __init__(self, *, trial: Trial, by: User, permission: Permission, codes: Collection[str], thresholds: Collection[UUID]) -> None:
        self.trial, self.by = trial, by
        self.patients: dict[str, KnownPatient] = known_patients(trial=trial, by=by, permission=permission, codes=codes)
        ids = [patient.id for patient in self.patients.values()]
        self._read_patients(ids)
        self._read_protocol(ids)
        self._read_devices()
        self.thresholds = self._thresholds(thresholds)
        self.visits = dict(VisitType.objects.filter(trial=trial).values_list("code", "pk"))
        self._read_plan()

    def _read_patients(self, ids: list[int]) -> None:
        sides = EnrolmentPain.objects.filter(enrolment_id__in=ids, rank=1).values_list("enrolment_id", "side")
        self.sides = {enrolment_id: Side(side) for enrolment_id, side in sides}
        rows = Allocation.objects.filter(enrolment_id__in=ids).order_by("stage").values_list("enrolment_id", "treatment_id", "kit_code")
        # The latest stage stands.
        self.given = {enrolment_id: Given(treatment_id, kit_code) for enrolment_id, treatment_id, kit_code in rows}

    def _read_protocol(self, ids: list[int]) -> None:
        self._enrolled_under = dict(Enrolment.objects.filter(pk__in=ids).values_list("pk", "protocol_version_id"))
        self._dated: defaultdict[int, list[tuple[date, int]]] = defaultdict(list)
        dated = EnrolmentProtocol.objects.filter(enrolment_id__in=ids).order_by("valid_from")
        for enrolment_id, since, version_id in dated.values_list("enrolment_id", "valid_from", "protocol_version_id"):
            self._dated[enrolment_id].append((since, version_id))
        versions = ProtocolVersion.objects.filter(trial=self.trial).values_list("version", "pk", "effective_from")
        self.versions = {version: pk for version, pk, _ in versions}
        # One without a date is in effect until a dated one is.
        self._in_effect = sorted((since or date.min, pk) for _, pk, since in versions)
        prescriptions = (
            Prescription.objects.filter(protocol_version__trial=self.trial).select_related("protocol_version").prefetch_related("blocks")
        )
        self._prescriptions = {(row.protocol_version_id, row.treatment_id): row for row in prescriptions}

    def _read_devices(self) -> None:
        self.stimulators = dict(Stimulator.objects.filter(trial=self.trial).values_list("code", "pk"))
        self.coils = {coil.code: coil for coil in Coil.objects.filter(trial=self.trial)}
        rows = CoilConversion.objects.filter(trial=self.trial).values_list("from_model", "to_model", "factor")
        self._factors = {(measured, used): factor for measured, used, factor in rows}

    def _thresholds(self, records: Collection[UUID]) -> dict[UUID, MotorThreshold]:
        rows = MotorThreshold.objects.filter(record__in=records, enrolment__trial=self.trial, ended_at__isnull=True)
        return {row.record: row for row in cast(Iterable[MotorThreshold], rows.select_related("coil"))}

    def _read_plan(self) -> None:
        """Find the scale of pains before and after: the plan's, else the trial's first."""
        plan = AnalysisPlan.objects.filter(trial=self.trial).select_related("scale").order_by("pk").last()
        first = Scale.objects.filter(trial=self.trial).order_by("code", "version").first()
        self.scale: Scale | None = first if plan is None else plan.scale
        self._primary_pain = plan is not None and plan.pain == PlanPain.PRIMARY

    def pain_rank(self, patient: KnownPatient) -> int | None:
        """Return which pain the plan follows; None is pain overall."""
        return 1 if self._primary_pain and patient.id in self.sides else None

    def prescription(self, patient: KnownPatient, on: date, version: str | None) -> Prescription | None:
        """Return what is prescribed for a patient on a day: for the treatment allocated, else for all; None where nothing is."""
        version_id = self.versions.get(version or "") if version else self._version_on(patient, on)
        given = self.given.get(patient.id)
        treatment_id = None if given is None else given.treatment_id
        return self._prescriptions.get((version_id or 0, treatment_id)) or self._prescriptions.get((version_id or 0, None))

    def _version_on(self, patient: KnownPatient, on: date) -> int | None:
        """Return the version a patient follows: their own dated one, else that of enrolment, else the newest in effect."""
        own = [version_id for since, version_id in self._dated[patient.id] if since <= on]
        if own:
            return own[-1]
        enrolled_under = self._enrolled_under.get(patient.id)
        if enrolled_under is not None:
            return enrolled_under
        in_effect = [version_id for since, version_id in self._in_effect if since <= on]
        return in_effect[-1] if in_effect else None

    def coils_at(self, site_id: int) -> list[str]:
        """Return the codes of the coils in use at a site."""
        return [code for code, coil in self.coils.items() if coil.retired_on is None and coil.site_id in (None, site_id)]

    def factor(self, measured_with: str, used: str) -> Decimal | None:
        """Return by what the trial carries a threshold over from one coil model to another, None where it states nothing."""
        return None if measured_with == used else self._factors.get((measured_with, used))
