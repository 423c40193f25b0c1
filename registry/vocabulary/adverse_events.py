"""Words about adverse events."""

from __future__ import annotations

from registry.vocabulary.word import Word


class AdverseEventTerm(Word):
    SEIZURE = "seizure", "Seizure"
    SYNCOPE = "syncope", "Faint (syncope)"
    HEADACHE = "headache", "Headache"
    SCALP_PAIN = "scalp_pain", "Scalp or site pain"
    NECK_PAIN = "neck_pain", "Neck pain"
    DIZZINESS = "dizziness", "Dizziness"
    SLEEPINESS = "sleepiness", "Sleepiness"
    HEARING = "hearing", "Hearing change or tinnitus"
    TWITCHING = "twitching", "Twitching"
    TOOTHACHE = "toothache", "Toothache"
    NAUSEA = "nausea", "Nausea"
    PARAESTHESIA = "paraesthesia", "Paraesthesia"
    FATIGUE = "fatigue", "Fatigue"
    MOOD = "mood", "Transient mood change"
    COGNITIVE = "cognitive", "Cognitive complaint"
    PAIN_FLARE = "pain_flare", "Pain flare"
    BURN = "burn", "Burn"
    DEVICE_INTERFERENCE = "device_interference", "Interference with a device"
    OTHER = "other", "Other"


# What the session form asks for after each session, in this order.
SOLICITED_TERMS = (
    AdverseEventTerm.HEADACHE,
    AdverseEventTerm.SCALP_PAIN,
    AdverseEventTerm.NECK_PAIN,
    AdverseEventTerm.DIZZINESS,
    AdverseEventTerm.SYNCOPE,
    AdverseEventTerm.SLEEPINESS,
    AdverseEventTerm.HEARING,
    AdverseEventTerm.TWITCHING,
    AdverseEventTerm.OTHER,
)


class GradingScheme(Word):
    """One scheme per trial: which grades an event may have."""

    THREE_STEP = "three_step", "Mild, moderate, severe (1 to 3)"
    CTCAE = "ctcae", "CTCAE (1 to 5)"


class Severity(Word):
    """The three-step scheme in words."""

    MILD = "mild", "Mild"
    MODERATE = "moderate", "Moderate"
    SEVERE = "severe", "Severe"


# The grade under which a severity in words is stored, the same in both schemes.
SEVERITY_GRADES: dict[Severity, int] = {Severity.MILD: 1, Severity.MODERATE: 2, Severity.SEVERE: 3}


class Relatedness(Word):
    """How the investigator relates an event to stimulation."""

    UNRELATED = "unrelated", "Not related"
    UNLIKELY = "unlikely", "Unlikely"
    POSSIBLE = "possible", "Possible"
    PROBABLE = "probable", "Probable"
    DEFINITE = "definite", "Definite"
    NOT_ASSESSED = "not_assessed", "Not assessed"


class SeriousCriterion(Word):
    """What makes an event serious."""

    DEATH = "death", "Death"
    LIFE_THREATENING = "life_threatening", "Life-threatening"
    HOSPITAL = "hospital", "Hospital stay new or longer"
    DISABILITY = "disability", "Lasting disability"
    CONGENITAL = "congenital", "Congenital anomaly"
    MEDICALLY_IMPORTANT = "medically_important", "Medically important"


class EventAction(Word):
    """What was done with the stimulation."""

    NONE = "none", "None"
    DOSE_CHANGED = "dose_changed", "Stimulation changed"
    SESSION_STOPPED = "session_stopped", "Session stopped"
    PAUSED = "paused", "Stimulation paused"
    STOPPED = "stopped", "Stimulation stopped for good"
    NOT_RECORDED = "not_recorded", "Not recorded"


class EventOutcome(Word):
    RECOVERED = "recovered", "Recovered"
    RECOVERING = "recovering", "Recovering"
    NOT_RECOVERED = "not_recovered", "Not recovered"
    SEQUELAE = "sequelae", "Recovered with sequelae"
    FATAL = "fatal", "Fatal"
    UNKNOWN = "unknown", "Not known"
