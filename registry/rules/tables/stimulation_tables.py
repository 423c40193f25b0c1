"""The tables of a trial folder about stimulation: thresholds, sessions with their blocks, adverse events."""

from __future__ import annotations

from registry.rules.tables.columns import Column, Kind, Table
from registry.rules.tables.stimulation_sections import PATTERN_COLUMNS
from registry.vocabulary import (
    AdverseEventTerm,
    DeviationReason,
    EventAction,
    EventOutcome,
    Hemisphere,
    NewSinceLast,
    NoAnswer,
    Relatedness,
    SeriousCriterion,
    SessionReason,
    SessionStatus,
    StimulationTarget,
    ThresholdKind,
    ThresholdMethod,
    TreatmentGuess,
    Waveform,
)

PATIENT = Column("patient", Kind.PATIENT, "Study number.", required=True)
ROW_ID = Column("row_id", Kind.TEXT, "Own identifier of the row, unique for the patient; needed where all else is equal.", longest=80)

MOTOR_THRESHOLDS = Table(
    "motor_thresholds",
    "One row per motor threshold. It holds for the coil model, stimulator and hemisphere it was measured with.",
    (
        PATIENT,
        Column("measured_on", Kind.DATE, "Day it was measured.", default_doc="the patient's local day of `measured_at`"),
        Column("measured_at", Kind.INSTANT, "When it was measured."),
        Column("kind", Kind.WORD, "Which threshold.", words=ThresholdKind, default=ThresholdKind.RESTING),
        Column("hemisphere", Kind.WORD, "Hemisphere, left or right.", required=True, words=Hemisphere),
        Column("percent_mso", Kind.INTEGER, "The threshold.", required=True, unit="% of maximum stimulator output", least=1, most=100),
        Column("coil", Kind.CODE, "Code of the coil."),
        Column("stimulator", Kind.CODE, "Code of the stimulator."),
        Column("waveform", Kind.WORD, "Waveform.", words=Waveform, default=Waveform.NOT_RECORDED),
        Column("muscle", Kind.TEXT, "Muscle that was watched.", longest=40),
        Column("method", Kind.WORD, "How it was found.", words=ThresholdMethod, default=ThresholdMethod.NOT_RECORDED),
        Column("criterion_uv", Kind.INTEGER, "Amplitude that counted as a response.", unit="µV", least=1, most=5000),
        ROW_ID,
    ),
    key=("patient", "kind", "hemisphere", "measured_on", "measured_at", "coil", "row_id"),
)

SESSIONS = Table(
    "sessions",
    "One row per stimulation session, given or not. Pains before and after stand here, and pain_scores.csv leaves them out. A session "
    "that was not given as planned has its blocks in session_blocks.csv; what it caused stands in adverse_events.csv.",
    (
        PATIENT,
        Column("number", Kind.INTEGER, "Number of the planned session; none for an additional one.", least=1, most=9999),
        Column("period", Kind.INTEGER, "Period of a crossover trial.", default="1", least=1, most=9),
        Column("status", Kind.WORD, "What became of it.", required=True, words=SessionStatus),
        Column("reason", Kind.WORD, "Why it was stopped early, not given or missed; each status has its own list.", words=SessionReason),
        Column("reason_text", Kind.TEXT, "The reason in words, where it is `other`.", longest=500),
        Column("for_date", Kind.DATE, "Day of the session, or the day it was planned for.", default_doc="the local day of `started_at`"),
        Column("started_at", Kind.INSTANT, "When stimulation began."),
        Column("ended_at", Kind.INSTANT, "When it ended."),
        Column("visit", Kind.CODE, "Code of the visit it belongs to, if any."),
        Column("protocol", Kind.CODE, "Version of the protocol that prescribed it.", default_doc="the one the patient follows"),
        Column("as_planned", Kind.YES_NO, "Whether the prescription was given just as it stands.", default="no"),
        Column(
            "threshold",
            Kind.TEXT,
            "The threshold used: its `row_id`, else kind, hemisphere, time or day, and coil, as in `resting left 2026-03-01 C-1`.",
        ),
        Column(
            "threshold_percent_mso",
            Kind.INTEGER,
            "That threshold as it was known when the session was given; a later correction of it changes no dose given before.",
            unit="% of maximum stimulator output",
            least=1,
            most=100,
            default_doc="the value of `threshold`",
        ),
        Column("stimulator", Kind.CODE, "Code of the stimulator."),
        Column("coil", Kind.CODE, "Code of the coil, in a trial that conceals nothing."),
        Column("kit_code", Kind.KIT, "Code of the kit used. Needs the right to allocations, both ways.", longest=20, concealed=True),
        Column("hearing_protection", Kind.YES_NO, "Whether hearing protection was on."),
        Column(
            "coil_matches_threshold",
            Kind.YES_NO,
            "Whether the coil was of the model the threshold was measured with.",
            default_doc="worked out where both coils are known",
        ),
        Column("pulse_counter", Kind.INTEGER, "What the stimulator counted.", unit="pulses", least=0, most=1_000_000),
        Column("pain_before", Kind.DECIMAL, "Pain now, before it, on the plan's scale.", unit="points of the scale"),
        Column("pain_before_at", Kind.INSTANT, "When it was asked.", default_doc="just before `started_at`"),
        Column("pain_before_no_answer", Kind.WORD, "Why there is no answer.", words=NoAnswer),
        Column("pain_after", Kind.DECIMAL, "Pain now, after it.", unit="points of the scale"),
        Column("pain_after_at", Kind.INSTANT, "When it was asked.", default_doc="`ended_at`, else `started_at`"),
        Column("pain_after_no_answer", Kind.WORD, "Why there is no answer.", words=NoAnswer),
        Column(
            "new_since_last",
            Kind.WORDS,
            "What was new at the safety check: `none` where nothing was, empty where nobody asked.",
            words=NewSinceLast,
            nothing="none",
        ),
        Column("new_since_last_text", Kind.TEXT, "The same in words.", longest=200),
        Column("side_effects_asked", Kind.YES_NO, "Whether side effects were asked for.", default="no"),
        Column("guess", Kind.WORD, "What the patient believes they got. Needs the same right.", words=TreatmentGuess, concealed=True),
        Column("guess_certainty", Kind.INTEGER, "How certain, 0 to 10.", least=0, most=10, concealed=True),
        Column("deviation_reason", Kind.WORD, "Why it differs from the prescription, where it does.", words=DeviationReason),
        Column("deviation_text", Kind.TEXT, "The same in words.", longest=500),
        Column("note", Kind.TEXT, "Further words, without anything that names a person.", longest=500),
        ROW_ID,
    ),
    key=("patient", "period", "number", "for_date", "started_at", "row_id"),
)

_SESSION_DOC = "The session: its `number` (in period 2 as `2.1`), else its `row_id`, `started_at` or `for_date`."

SESSION_BLOCKS = Table(
    "session_blocks",
    "The blocks that a session delivered, in their order; none for one given as planned. A train cut short is a block of its own.",
    (
        PATIENT,
        Column("session", Kind.TEXT, _SESSION_DOC, required=True),
        Column("position", Kind.INTEGER, "Place in the session.", default="1", least=1, most=20),
        Column("target", Kind.WORD, "Target.", words=StimulationTarget, default_doc="as prescribed at this place"),
        Column("target_text", Kind.TEXT, "The target in words, where it is `other`.", longest=120),
        Column("hemisphere", Kind.WORD, "Hemisphere.", words=Hemisphere, default_doc="as prescribed at this place"),
        *PATTERN_COLUMNS,
    ),
    key=("patient", "session", "position"),
)

ADVERSE_EVENTS = Table(
    "adverse_events",
    "One row per adverse event; a side effect told after a session is a solicited one of that session. It is serious where a criterion "
    "is named.",
    (
        PATIENT,
        Column("term", Kind.WORD, "What happened.", required=True, words=AdverseEventTerm),
        Column("term_text", Kind.TEXT, "The same in words, where it is `other`.", longest=200),
        Column("onset_on", Kind.DATE, "Day it began.", default_doc="the local day of `onset_at`"),
        Column("onset_at", Kind.INSTANT, "When it began."),
        Column("resolved_on", Kind.DATE, "Day it was over."),
        Column("session", Kind.TEXT, f"{_SESSION_DOC} None for an event of no session."),
        Column("solicited", Kind.YES_NO, "Whether it was asked for after a session.", default="no"),
        Column("grade", Kind.INTEGER, "Grade in the trial's one scheme: 1 to 3, or CTCAE 1 to 5.", required=True, least=1, most=5),
        Column("serious_criteria", Kind.WORDS, "What makes it serious; none where it is not.", words=SeriousCriterion),
        Column("expected", Kind.YES_NO, "Whether it was expected."),
        Column("relatedness", Kind.WORD, "Relation to stimulation.", words=Relatedness, default=Relatedness.NOT_ASSESSED),
        Column("action", Kind.WORD, "What was done with the stimulation.", words=EventAction, default=EventAction.NOT_RECORDED),
        Column("outcome", Kind.WORD, "How it ended.", words=EventOutcome, default=EventOutcome.UNKNOWN),
        Column("aware_at", Kind.INSTANT, "When the site came to know of it."),
        Column("needs_report", Kind.YES_NO, "Whether somebody has yet to complete the report.", default="no"),
        Column("note", Kind.TEXT, "Further words, without anything that names a person.", longest=1000),
        ROW_ID,
    ),
    key=("patient", "term", "term_text", "onset_on", "onset_at", "session", "row_id"),
)

STIMULATION_TABLES = (MOTOR_THRESHOLDS, SESSIONS, SESSION_BLOCKS, ADVERSE_EVENTS)
