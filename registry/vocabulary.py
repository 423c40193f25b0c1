"""The field's words as enumerations: stored value, label for people. Knows nobody."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A stored value with the label people read."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        word = str.__new__(cls, value)
        word._value_ = value
        word.label = label
        return word

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        """Return value and label pairs in the order they are written."""
        return [(word.value, word.label) for word in cls]


class Conduct(Word):
    PROSPECTIVE = "prospective", "Prospective"
    RETROSPECTIVE = "retrospective", "Retrospective (finished trial)"


class TrialDesign(Word):
    PARALLEL = "parallel", "Parallel groups"
    CROSSOVER = "crossover", "Crossover"
    COHORT = "cohort", "Cohort without comparison"


class Sex(Word):
    FEMALE = "female", "Female"
    MALE = "male", "Male"
    OTHER = "other", "Other"
    UNKNOWN = "unknown", "Not recorded"


class Handedness(Word):
    RIGHT = "right", "Right-handed"
    LEFT = "left", "Left-handed"
    BOTH = "both", "Ambidextrous"
    UNKNOWN = "unknown", "Not recorded"


class PainCondition(Word):
    POST_STROKE_CENTRAL = "post_stroke_central", "Central post-stroke pain"
    POST_STROKE_SHOULDER = "post_stroke_shoulder", "Post-stroke shoulder pain"
    POST_STROKE_OTHER = "post_stroke_other", "Other post-stroke pain"
    CRPS_1 = "crps_1", "CRPS type I"
    CRPS_2 = "crps_2", "CRPS type II"
    PHANTOM_LIMB = "phantom_limb", "Phantom limb pain"
    FIBROMYALGIA = "fibromyalgia", "Fibromyalgia"
    SPINAL_CORD_INJURY = "spinal_cord_injury", "Spinal cord injury pain"
    TRIGEMINAL_NEURALGIA = "trigeminal_neuralgia", "Trigeminal neuralgia"
    BRACHIAL_PLEXUS_AVULSION = "brachial_plexus_avulsion", "Brachial plexus avulsion pain"
    DIABETIC_NEUROPATHY = "diabetic_neuropathy", "Painful diabetic neuropathy"
    POST_HERPETIC_NEURALGIA = "post_herpetic_neuralgia", "Post-herpetic neuralgia"
    PERIPHERAL_NEUROPATHIC_OTHER = "peripheral_neuropathic_other", "Other peripheral neuropathic pain"
    LOW_BACK = "low_back", "Low back pain"
    PELVIC = "pelvic", "Pelvic pain"
    MYOFASCIAL = "myofascial", "Myofascial pain"
    OTHER = "other", "Other chronic pain"


class DiagnosticCertainty(Word):
    POSSIBLE = "possible", "Possible"
    PROBABLE = "probable", "Probable"
    DEFINITE = "definite", "Definite"
    NOT_GRADED = "not_graded", "Not graded"


class MechanismClass(Word):
    NEUROPATHIC = "neuropathic", "Neuropathic"
    NOCICEPTIVE = "nociceptive", "Nociceptive"
    NOCIPLASTIC = "nociplastic", "Nociplastic"
    MIXED = "mixed", "Mixed"
    NOT_CLASSIFIED = "not_classified", "Not classified"


class Side(Word):
    LEFT = "left", "Left"
    RIGHT = "right", "Right"
    BOTH = "both", "Both sides"
    MIDLINE = "midline", "Midline"
    NOT_RECORDED = "not_recorded", "Side not recorded"


class Cohort(Word):
    PATIENTS = "patients", "Patients"
    PAIN_FREE = "pain_free", "Pain-free comparison"
    HEALTHY = "healthy", "Healthy volunteers"


class EpochKind(Word):
    SCREENING = "screening", "Screening"
    BASELINE = "baseline", "Baseline"
    INDUCTION = "induction", "Induction"
    MAINTENANCE = "maintenance", "Maintenance"
    FOLLOW_UP = "follow_up", "Follow-up"
    OPEN_EXTENSION = "open_extension", "Open extension"
    WASHOUT = "washout", "Washout"


class ScreeningResult(Word):
    PENDING = "pending", "Not decided yet"
    PASSED = "passed", "Eligible"
    FAILED = "failed", "Screen failure"


class DispositionKind(Word):
    SCREEN_FAILURE = "screen_failure", "Screen failure"
    STOP_OF_STIMULATION = "stop_of_stimulation", "Stop of stimulation"
    END_OF_FOLLOW_UP = "end_of_follow_up", "End of follow-up"
    WITHDRAWAL_OF_CONSENT = "withdrawal_of_consent", "Withdrawal of consent"
    LOST = "lost", "Lost to follow-up"
    DEATH = "death", "Death"
    COMPLETION = "completion", "Completion"
    OPEN_LABEL_SWITCH = "open_label_switch", "Switch to open label"


class DispositionReason(Word):
    NOT_ELIGIBLE = "not_eligible", "Does not meet the criteria"
    DECLINED = "declined", "Declined to take part"
    LACK_OF_EFFECT = "lack_of_effect", "Lack of effect"
    ADVERSE_EVENT = "adverse_event", "Adverse event"
    RESCUE = "rescue", "Rescue treatment"
    RECOVERED = "recovered", "Pain resolved"
    PATIENT_WISH = "patient_wish", "Patient's wish"
    INVESTIGATOR_DECISION = "investigator_decision", "Investigator's decision"
    LOGISTICS = "logistics", "Travel or schedule"
    NO_CONTACT = "no_contact", "No contact"
    PROTOCOL_END = "protocol_end", "As planned in the protocol"
    RELATED_DEATH = "related_death", "Death, possibly related"
    UNRELATED_DEATH = "unrelated_death", "Death, not related"
    OTHER = "other", "Other"
    NOT_RECORDED = "not_recorded", "Reason not recorded"


# Fixed lists: which reasons each kind of disposition may carry.
DISPOSITION_REASONS: dict[DispositionKind, tuple[DispositionReason, ...]] = {
    DispositionKind.SCREEN_FAILURE: (DispositionReason.NOT_ELIGIBLE, DispositionReason.DECLINED),
    DispositionKind.STOP_OF_STIMULATION: (
        DispositionReason.LACK_OF_EFFECT,
        DispositionReason.ADVERSE_EVENT,
        DispositionReason.RESCUE,
        DispositionReason.RECOVERED,
        DispositionReason.PATIENT_WISH,
        DispositionReason.INVESTIGATOR_DECISION,
        DispositionReason.LOGISTICS,
    ),
    DispositionKind.END_OF_FOLLOW_UP: (DispositionReason.PROTOCOL_END, DispositionReason.LOGISTICS, DispositionReason.PATIENT_WISH),
    DispositionKind.WITHDRAWAL_OF_CONSENT: (DispositionReason.PATIENT_WISH,),
    DispositionKind.LOST: (DispositionReason.NO_CONTACT,),
    DispositionKind.DEATH: (DispositionReason.RELATED_DEATH, DispositionReason.UNRELATED_DEATH),
    DispositionKind.COMPLETION: (DispositionReason.PROTOCOL_END,),
    DispositionKind.OPEN_LABEL_SWITCH: (DispositionReason.PROTOCOL_END, DispositionReason.LACK_OF_EFFECT),
}
ALWAYS_ALLOWED_REASONS = (DispositionReason.OTHER, DispositionReason.NOT_RECORDED)


class ScaleKind(Word):
    INTENSITY = "intensity", "Intensity (lower is better)"
    RELIEF_PERCENT = "relief_percent", "Relief in percent (higher is better)"


class RecallPeriod(Word):
    NOW = "now", "Now"
    AVERAGE_24H = "average_24h", "Average of the last 24 hours"
    WORST_24H = "worst_24h", "Worst of the last 24 hours"
    LEAST_24H = "least_24h", "Least of the last 24 hours"
    AVERAGE_7D = "average_7d", "Average of the last 7 days"
    NOT_STATED = "not_stated", "Recall not stated"


class ScoreContext(Word):
    DIARY = "diary", "Diary"
    VISIT = "visit", "Visit"
    PRE_SESSION = "pre_session", "Before a session"
    POST_SESSION = "post_session", "After a session"
    UNSCHEDULED = "unscheduled", "Unscheduled"


class ScoreSource(Word):
    DIARY = "diary", "Diary"
    PHONE = "phone", "Phone"
    CLINIC = "clinic", "Clinic"


class Rater(Word):
    PATIENT = "patient", "Patient"
    ASSESSOR = "assessor", "Assessor"
    OPERATOR = "operator", "Operator"


class AnswerState(Word):
    ON_TIME = "on_time", "On time"
    LATE = "late", "Late"


class Anchor(Word):
    ALLOCATION = "allocation", "Day of allocation"
    FIRST_STIMULATION = "first_stimulation", "Day of the first stimulation"


class ValueRule(Word):
    MEAN = "mean", "Mean of all days"
    NEAREST = "nearest", "Day nearest to the target"
    LAST = "last", "Last day"


class TimePointKind(Word):
    DIARY = "diary", "Diary interval (study days)"
    VISIT = "visit", "Visit value (study days)"
    VISIT_CODE = "visit_code", "Named visit (no date needed)"


class PlanPain(Word):
    OVERALL = "overall", "Overall pain"
    PRIMARY = "primary", "Primary pain"


class Strategy(Word):
    TREATMENT_POLICY = "treatment_policy", "Treatment policy"
    COMPOSITE = "composite", "Composite (stop for a listed reason is non-response)"


class Population(Word):
    ALLOCATED = "allocated", "All allocated"
    TREATED = "treated", "Allocated and stimulated at least once"
    ENROLLED = "enrolled", "All enrolled (cohort)"


class MissingRule(Word):
    NRI = "NRI", "Missing counts as non-response"
    OC = "OC", "Observed cases"
    LOCF = "LOCF", "Last observation carried forward"
    BOCF = "BOCF", "Baseline observation carried forward"


class EndpointStatus(Word):
    NOT_DUE = "not_due", "Not due yet"
    DIED = "died", "Died"
    NO_BASELINE = "no_baseline", "No baseline"
    BASELINE_ZERO = "baseline_zero", "Baseline of zero"
    COMPOSITE_STOP = "composite_stop", "Stopped for a listed reason"
    OBSERVED = "observed", "Observed"
    MISSING = "missing", "Missing"


class MissingReason(Word):
    TOO_FEW = "too_few", "Too few values in the window"
    WITHDRAWN = "withdrawn", "Consent withdrawn"
    LOST = "lost", "Lost to follow-up"
    ENDED = "ended", "Follow-up ended before the window"
    NONE = "none", "No value in the window"


class AllocationListKind(Word):
    IMPORTED = "imported", "Imported list"
    GENERATED = "generated", "Generated stratified permuted blocks"


class JobKind(Word):
    REFRESH = "refresh", "Refresh endpoints and snapshot"


class JobState(Word):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class Act(Word):
    SIGN_IN = "sign_in", "Signed in"
    SIGN_IN_FAILED = "sign_in_failed", "Sign-in refused"
    SIGN_OUT = "sign_out", "Signed out"
    PASSWORD_CHANGED = "password_changed", "Changed the password"
    IDENTITY_READ = "identity_read", "Read an identity"
    ALLOCATION_READ = "allocation_read", "Read allocations"
    CLOSED_OUTCOMES_READ = "closed_outcomes_read", "Read closed outcomes"
    OUTCOMES_READ = "outcomes_read", "Read open outcomes"
    EXPORT = "export", "Exported a trial"
    IMPORT = "import", "Imported a trial"
