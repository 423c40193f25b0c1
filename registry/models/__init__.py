"""Shape, constraints and querysets; one file per subject."""

from registry.models.accounts import Membership, User, system_actor
from registry.models.adverse_events import AdverseEvent
from registry.models.allocation import Allocation
from registry.models.api import ApiToken, ApiTokenUse, IdempotentAnswer
from registry.models.audit import ActLog, Change, Seal, SealedChange
from registry.models.design_version import DesignVersion
from registry.models.devices import Calibration, Coil, CoilConversion, Stimulator
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
from registry.models.report_mail import NoReportMail, ReportMail
from registry.models.reports import ReportDocument, WeeklyReport
from registry.models.scores import PainScore
from registry.models.stimulation import (
    MaskingGuess,
    PrescribedBlock,
    Prescription,
    SessionDeviation,
    SessionDraft,
    StimulationBlock,
    StimulationSession,
)
from registry.models.thresholds import MotorThreshold
from registry.models.trials import (
    AnalysisPlan,
    CharterLook,
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
from registry.models.uploads import TrialExport, TrialUpload

__all__ = [
    "ActLog",
    "AdverseEvent",
    "Allocation",
    "AnalysisPlan",
    "ApiToken",
    "ApiTokenUse",
    "Calibration",
    "Change",
    "CharterLook",
    "Coil",
    "CoilConversion",
    "DesignVersion",
    "Disposition",
    "Endpoint",
    "Enrolment",
    "EnrolmentPain",
    "EnrolmentProtocol",
    "Epoch",
    "IdempotentAnswer",
    "Job",
    "MaskingGuess",
    "Membership",
    "MotorThreshold",
    "NoReportMail",
    "PainDiagnosis",
    "PainScore",
    "Patient",
    "PatientIdentity",
    "PatientKey",
    "PlanTimePoint",
    "PrescribedBlock",
    "Prescription",
    "ProtocolApproval",
    "ProtocolVersion",
    "ReportDocument",
    "ReportMail",
    "Scale",
    "ScreeningAttempt",
    "Seal",
    "SealedChange",
    "SessionDeviation",
    "SessionDraft",
    "Site",
    "SiteTransfer",
    "Snapshot",
    "StaleMark",
    "StimulationBlock",
    "StimulationSession",
    "Stimulator",
    "Treatment",
    "Trial",
    "TrialExport",
    "TrialUpload",
    "User",
    "VisitType",
    "WeeklyReport",
    "WorkerHeartbeat",
    "system_actor",
]
