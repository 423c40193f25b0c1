"""What the rows of a set of sessions refer to: patients, prescriptions, thresholds, devices, visits. Read once, whatever their number."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from registry.models import MotorThreshold, Prescription, Scale, Trial, User
from registry.roles import Permission
from registry.services.patient_facts import PatientFacts, read_facts
from registry.services.record_sets import KnownPatient
from registry.services.trial_design import TrialDesign, current_token, design_of
from registry.vocabulary import PlanPain


class SessionReferences:
    """Everything that sessions of one trial may name, in a number of queries that does not depend on the rows."""

    def __init__(
        self, *, trial: Trial, by: User, permission: Permission, codes: Collection[str], thresholds: Collection[UUID], hold: bool = False
    ) -> None:
        self.trial, self.by = trial, by
        facts, token = read_facts(trial=trial, by=by, codes=codes, hold=hold)
        self.facts: Mapping[str, PatientFacts] = facts
        self.design: TrialDesign = design_of(trial, token if facts else current_token(trial))
        self.patients = self.patients_for(permission)
        self._by_id = {one.id: one for one in facts.values()}
        self.sides = {one.id: one.pains[1][1] for one in facts.values() if 1 in one.pains}
        self.given = {one.id: one.given for one in facts.values() if one.given is not None}
        self.thresholds = self._thresholds(thresholds)
        self.versions, self.stimulators, self.coils = self.design.versions, self.design.stimulators, self.design.coils
        self.visits = self.design.visits

    def patients_for(self, permission: Permission) -> dict[str, KnownPatient]:
        """Return the patients; `writable` says whether the person holds this right at their site."""
        allowed = self.design.writable_sites(self.trial, self.by, permission)
        return {
            code: KnownPatient(one.id, code, ZoneInfo(self.zone_of(one)), one.site_id, one.site_id in allowed)
            for code, one in self.facts.items()
        }

    def zone_of(self, patient: PatientFacts) -> str:
        """Return the name of a patient's time zone: the own, else the site's, else the trial's."""
        return patient.own_zone or self.design.zone_of(patient.site_id) or self.trial.time_zone

    def _thresholds(self, named: Collection[UUID]) -> dict[UUID, MotorThreshold]:
        found = {record: row for one in self.facts.values() for record, row in one.thresholds.items() if record in named}
        coils = {coil.pk: coil for coil in self.design.coils.values()}
        for row in found.values():
            if row.coil_id in coils:
                row.coil = coils[row.coil_id]
        return found

    @property
    def scale(self) -> Scale | None:
        """Return the scale of pains before and after: the plan's, else the trial's first."""
        plan, scales = self.design.plan, self.design.scales
        return plan.scale if plan is not None else scales[0] if scales else None

    def pain_rank(self, patient: KnownPatient) -> int | None:
        """Return which pain the plan follows; None is pain overall."""
        plan = self.design.plan
        return 1 if plan is not None and plan.pain == PlanPain.PRIMARY and patient.id in self.sides else None

    def prescription(self, patient: KnownPatient, on: date, version: str | None) -> Prescription | None:
        """Return what is prescribed for a patient on a day: for the treatment allocated, else for all; None where nothing is."""
        version_id = self.versions.get(version or "") if version else self._version_on(patient, on)
        given = self.given.get(patient.id)
        treatment_id = None if given is None else given.treatment_id
        prescribed = self.design.prescriptions
        return prescribed.get((version_id or 0, treatment_id)) or prescribed.get((version_id or 0, None))

    def _version_on(self, patient: KnownPatient, on: date) -> int | None:
        """Return the version a patient follows: their own dated one, else that of enrolment, else the newest in effect."""
        facts = self._by_id[patient.id]
        own = [version_id for since, version_id in facts.dated if since <= on]
        if own:
            return own[-1]
        if facts.enrolled_under is not None:
            return facts.enrolled_under
        in_effect = [version_id for since, version_id in self.design.in_effect if since <= on]
        return in_effect[-1] if in_effect else None

    def coils_at(self, site_id: int) -> list[str]:
        """Return the codes of the coils in use at a site."""
        return [code for code, coil in self.coils.items() if coil.retired_on is None and coil.site_id in (None, site_id)]

    def factor(self, measured_with: str, used: str) -> Decimal | None:
        """Return by what the trial carries a threshold over from one coil model to another, None where it states nothing."""
        return None if measured_with == used else self.design.factors.get((measured_with, used))
