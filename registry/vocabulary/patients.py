"""Words about a person and their way through a trial."""

from __future__ import annotations

from registry.vocabulary.word import Word


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


class Cohort(Word):
    PATIENTS = "patients", "Patients"
    PAIN_FREE = "pain_free", "Pain-free comparison"
    HEALTHY = "healthy", "Healthy volunteers"


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
