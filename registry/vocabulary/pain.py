"""Words about pain: what hurts, and how it is asked and answered."""

from __future__ import annotations

from registry.vocabulary.word import Word


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
