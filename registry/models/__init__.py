"""Shape, constraints and querysets; one file per subject."""

from registry.models.accounts import Membership, User, system_actor
from registry.models.allocation import Allocation
from registry.models.audit import ActLog, Change, Seal, SealedChange
from registry.models.diagnoses import EnrolmentPain, PainDiagnosis
from registry.models.outcomes import Endpoint, Job, Snapshot, StaleMark, WorkerHeartbeat
from registry.models.patients import (
    Disposition,
    Enrolment,
    EnrolmentProtocol,
    Patient,
    PatientIdentity,
    PatientKey,
    ScreeningAttempt,
    SiteTransfer,
)
from registry.models.scores import PainScore
from registry.models.trials import (
    AnalysisPlan,
    Epoch,
    PlanTimePoint,
    ProtocolApproval,
    ProtocolVersion,
    Scale,
    Site,
    Treatment,
    Trial,
    VisitType,
)

__all__ = [
    "ActLog",
    "Allocation",
    "AnalysisPlan",
    "Change",
    "Disposition",
    "Endpoint",
    "Enrolment",
    "EnrolmentPain",
    "EnrolmentProtocol",
    "Epoch",
    "Job",
    "Membership",
    "PainDiagnosis",
    "PainScore",
    "Patient",
    "PatientIdentity",
    "PatientKey",
    "PlanTimePoint",
    "ProtocolApproval",
    "ProtocolVersion",
    "Scale",
    "ScreeningAttempt",
    "Seal",
    "SealedChange",
    "Site",
    "SiteTransfer",
    "Snapshot",
    "StaleMark",
    "Treatment",
    "Trial",
    "User",
    "VisitType",
    "WorkerHeartbeat",
    "system_actor",
]
