"""Words about stimulation: devices, thresholds, patterns, and what became of a session."""

from __future__ import annotations

from registry.vocabulary.word import Word


class CoilShape(Word):
    FIGURE_8 = "figure_8", "Figure-of-eight"
    CIRCULAR = "circular", "Circular"
    DOUBLE_CONE = "double_cone", "Double cone"
    H_COIL = "h_coil", "H-coil"
    OTHER = "other", "Other"


class Waveform(Word):
    BIPHASIC = "biphasic", "Biphasic"
    MONOPHASIC = "monophasic", "Monophasic"
    HALF_SINE = "half_sine", "Half sine"
    OTHER = "other", "Other"
    NOT_RECORDED = "not_recorded", "Waveform not recorded"


class StimulationTarget(Word):
    M1_HAND = "m1_hand", "M1, hand area"
    M1_LEG = "m1_leg", "M1, leg area"
    M1_FACE = "m1_face", "M1, face area"
    M1_TRUNK = "m1_trunk", "M1, trunk area"
    S1 = "s1", "Primary somatosensory cortex (S1)"
    S2 = "s2", "Secondary somatosensory cortex (S2)"
    PREMOTOR = "premotor", "Premotor cortex"
    DLPFC = "dlpfc", "Dorsolateral prefrontal cortex (DLPFC)"
    POSTERIOR_SUPERIOR_INSULA = "posterior_superior_insula", "Posterior superior insula"
    ANTERIOR_CINGULATE = "anterior_cingulate", "Anterior cingulate cortex"
    CEREBELLUM = "cerebellum", "Cerebellum"
    OTHER = "other", "Other target"


class Hemisphere(Word):
    LEFT = "left", "Left"
    RIGHT = "right", "Right"
    BOTH = "both", "Both"
    MIDLINE = "midline", "Midline"


class HemisphereRule(Word):
    """How a prescription names the side: outright, or by the side of the primary pain."""

    CONTRALATERAL = "contralateral", "Opposite to the primary pain"
    IPSILATERAL = "ipsilateral", "Same side as the primary pain"
    LEFT = "left", "Left"
    RIGHT = "right", "Right"
    BOTH = "both", "Both"
    MIDLINE = "midline", "Midline"


class IntensityReference(Word):
    RMT = "rmt", "% of resting motor threshold (RMT)"
    AMT = "amt", "% of active motor threshold (AMT)"
    MSO = "mso", "% of maximum stimulator output (MSO)"


class ThresholdKind(Word):
    RESTING = "resting", "Resting motor threshold (RMT)"
    ACTIVE = "active", "Active motor threshold (AMT)"


class ThresholdMethod(Word):
    EMG = "emg", "EMG, relative frequency"
    EMG_ADAPTIVE = "emg_adaptive", "EMG, adaptive estimation"
    VISUAL = "visual", "Visible twitch"
    OTHER = "other", "Other method"
    NOT_RECORDED = "not_recorded", "Method not recorded"


class SessionStatus(Word):
    GIVEN = "given", "Given"
    PARTIAL = "partial", "Stopped early"
    NOT_GIVEN = "not_given", "Attended, not given"
    MISSED = "missed", "Missed"


class SessionReason(Word):
    """Why a session was stopped early, not given or missed."""

    ADVERSE_EVENT = "adverse_event", "Side effect or adverse event"
    PAIN_TOO_STRONG = "pain_too_strong", "Stimulation too painful"
    PATIENT_WISH = "patient_wish", "Patient's wish"
    SAFETY_CHECK = "safety_check", "Safety check not passed"
    TECHNICAL = "technical", "Technical failure"
    COIL_OVERHEATED = "coil_overheated", "Coil overheated"
    NO_THRESHOLD = "no_threshold", "Threshold could not be measured"
    SETTING_ABOVE_OUTPUT = "setting_above_output", "Needed setting above the stimulator's output"
    ILL = "ill", "Patient ill"
    NO_SHOW = "no_show", "Did not come"
    LOGISTICS = "logistics", "Travel or schedule"
    STAFF = "staff", "No staff or room"
    OTHER = "other", "Other"
    NOT_RECORDED = "not_recorded", "Reason not recorded"


# Fixed lists: which reasons each status may carry. A session given needs none.
SESSION_REASONS: dict[SessionStatus, tuple[SessionReason, ...]] = {
    SessionStatus.GIVEN: (),
    SessionStatus.PARTIAL: (
        SessionReason.ADVERSE_EVENT,
        SessionReason.PAIN_TOO_STRONG,
        SessionReason.PATIENT_WISH,
        SessionReason.TECHNICAL,
        SessionReason.COIL_OVERHEATED,
        SessionReason.OTHER,
        SessionReason.NOT_RECORDED,
    ),
    SessionStatus.NOT_GIVEN: (
        SessionReason.SAFETY_CHECK,
        SessionReason.ADVERSE_EVENT,
        SessionReason.PATIENT_WISH,
        SessionReason.TECHNICAL,
        SessionReason.NO_THRESHOLD,
        SessionReason.SETTING_ABOVE_OUTPUT,
        SessionReason.ILL,
        SessionReason.STAFF,
        SessionReason.OTHER,
        SessionReason.NOT_RECORDED,
    ),
    SessionStatus.MISSED: (
        SessionReason.NO_SHOW,
        SessionReason.ILL,
        SessionReason.LOGISTICS,
        SessionReason.STAFF,
        SessionReason.PATIENT_WISH,
        SessionReason.ADVERSE_EVENT,
        SessionReason.OTHER,
        SessionReason.NOT_RECORDED,
    ),
}


class NoAnswer(Word):
    """Why a pain question had no answer; never read as a score."""

    ASLEEP = "asleep", "Asleep"
    REFUSED = "refused", "Refused"
    LANGUAGE = "language", "Language"
    NOT_ASKED = "not_asked", "Not asked"
    NOT_RECORDED = "not_recorded", "Not recorded"


class NewSinceLast(Word):
    """What may have changed since the last session, as the safety check asks it."""

    MEDICINE = "medicine", "Medicine new or changed"
    SEIZURE_OR_FAINT = "seizure_or_faint", "Seizure or faint"
    METAL_OR_IMPLANT = "metal_or_implant", "Metal or implant"
    PREGNANCY = "pregnancy", "Possible pregnancy"
    ALCOHOL_OR_DRUGS = "alcohol_or_drugs", "Alcohol or drugs"
    SHORT_SLEEP = "short_sleep", "Slept less than 4 hours"
    OTHER = "other", "Other"


class DeviationKind(Word):
    """In what a session differs from its prescription."""

    FREQUENCY = "frequency", "Frequency"
    PULSES_PER_TRAIN = "pulses_per_train", "Pulses per train"
    TRAINS = "trains", "Number of trains"
    GAP = "gap", "Pause between trains"
    INTENSITY = "intensity", "Intensity"
    TARGET = "target", "Target"
    HEMISPHERE = "hemisphere", "Hemisphere"
    BLOCKS = "blocks", "Number or order of blocks"
    BURST = "burst", "Burst pattern"
    KIT = "kit", "Another kit"
    COIL_MODEL = "coil_model", "Coil of another model than the threshold's"
    PULSE_COUNTER = "pulse_counter", "Stimulator counted another number of pulses"
    HEARING_PROTECTION = "hearing_protection", "No hearing protection"
    THRESHOLD = "threshold", "Threshold older than the protocol allows"
    NOT_COMPLETED = "not_completed", "Session not completed"
    DURATION = "duration", "Start and end closer than the pulses take"


class DeviationReason(Word):
    """Why a session differs; each deviation needs one."""

    TOLERABILITY = "tolerability", "Tolerability"
    DEVICE_LIMIT = "device_limit", "Limit of the device"
    TECHNICAL = "technical", "Technical failure"
    OPERATOR_ERROR = "operator_error", "Error in setting"
    CLINICAL_DECISION = "clinical_decision", "Clinical decision"
    PATIENT_WISH = "patient_wish", "Patient's wish"
    KIT_REPLACED = "kit_replaced", "Kit replaced"
    OTHER = "other", "Other"
    NOT_RECORDED = "not_recorded", "Reason not recorded"


class TreatmentGuess(Word):
    """What the patient believes they got."""

    REAL = "real", "Real stimulation"
    SHAM = "sham", "Sham stimulation"
    DO_NOT_KNOW = "do_not_know", "Do not know"
