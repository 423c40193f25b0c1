"""The tables of a trial folder. docs/reference/trial-folder.md is made from this page."""

from __future__ import annotations

from registry.rules.tables.columns import Column, Kind, Table
from registry.rules.tables.stimulation_tables import STIMULATION_TABLES
from registry.vocabulary import (
    AnswerState,
    Cohort,
    DiagnosticCertainty,
    DispositionKind,
    DispositionReason,
    Handedness,
    MechanismClass,
    PainCondition,
    Rater,
    RecallPeriod,
    ScoreContext,
    ScoreSource,
    Sex,
    Side,
)

PATIENT = Column("patient", Kind.PATIENT, "Study number, unique in the trial; never a name or a record number.", required=True)
DIAGNOSIS = Column("diagnosis", Kind.CODE, "Code of the diagnosis, unique for the patient.", default="D1", longest=20)

ARMS = Table(
    "arms",
    "The arms: a visible treatment and a concealed part. Whoever knows this table and allocations.csv is unmasked.",
    (
        Column("arm", Kind.CODE, "Code of the arm; the plan's comparator and contrasts use it.", required=True),
        Column("label", Kind.TEXT, "What tables print.", default_doc="the code"),
        Column("treatment", Kind.CODE, "Code of the visible treatment.", default_doc="the trial's only treatment"),
        Column("part", Kind.CODE, "What is concealed, for example active or sham.", default_doc="the code of the arm"),
        Column("position", Kind.INTEGER, "Place in tables.", default_doc="the order of the rows", least=1, most=26),
    ),
    key=("arm",),
    concealed=True,
)

PATIENTS = Table(
    "patients",
    "One row per patient: the pseudonymous record. Names, initials and full birth dates have no place here.",
    (
        PATIENT,
        Column("site", Kind.CODE, "Code of the site.", default_doc="the trial's only site"),
        Column("cohort", Kind.WORD, "Which group; only `patients` are counted in outcomes.", words=Cohort, default=Cohort.PATIENTS),
        Column("enrolled_on", Kind.DATE, "Date of enrolment; day 0 where there is no allocation."),
        Column("protocol", Kind.CODE, "Protocol version the patient was enrolled under."),
        Column("birth_year", Kind.INTEGER, "Year of birth.", unit="year", least=1890, most=2100),
        Column("sex", Kind.WORD, "Sex as recorded.", words=Sex, default=Sex.UNKNOWN),
        Column("handedness", Kind.WORD, "Preferred hand.", words=Handedness, default=Handedness.UNKNOWN),
        Column("time_zone", Kind.ZONE, "Time zone of the patient's diary.", default_doc="the site's, else the trial's"),
    ),
    key=("patient",),
)

DIAGNOSES = Table(
    "diagnoses",
    "What the patient has: one row per pain diagnosis.",
    (
        PATIENT,
        DIAGNOSIS,
        Column("condition", Kind.WORD, "Pain condition; subgroups use that of the primary pain.", required=True, words=PainCondition),
        Column("condition_text", Kind.TEXT, "The condition in words, where it is `other`."),
        Column("certainty", Kind.WORD, "How certain.", words=DiagnosticCertainty, default=DiagnosticCertainty.NOT_GRADED),
        Column("mechanism", Kind.WORD, "Mechanism class.", words=MechanismClass, default=MechanismClass.NOT_CLASSIFIED),
        Column("onset", Kind.PARTIAL_DATE, "When the pain began, as exactly as known."),
        Column("icd10", Kind.ICD_10, "ICD-10 code."),
        Column("icd11", Kind.ICD_11, "ICD-11 stem code."),
    ),
    key=("patient", "diagnosis"),
)

PAINS = Table(
    "pains",
    "The pains the trial follows; rank 1 is the primary pain and is frozen at allocation.",
    (
        PATIENT,
        Column("rank", Kind.INTEGER, "1 is the primary pain.", default="1", least=1, most=99),
        DIAGNOSIS,
        Column("body_region", Kind.TEXT, "Where it hurts.", longest=80),
        Column("side", Kind.WORD, "Side of the body.", words=Side, default=Side.NOT_RECORDED),
    ),
    key=("patient", "rank"),
)

ALLOCATIONS = Table(
    "allocations",
    "Who got which arm. Needs the right 'allocation.manage' to bring in and 'allocation.reveal' to take out; a row is never changed.",
    (
        PATIENT,
        Column("stage", Kind.INTEGER, "1 for the first randomisation; a later one is a new stage.", default="1", least=1, most=9),
        Column("arm", Kind.CODE, "Code of the arm in arms.csv.", required=True),
        Column("analysis_site", Kind.CODE, "Site the patient is analysed under.", default_doc="the patient's site"),
        Column("stratum", Kind.TEXT, "Stratum as used at allocation, never recomputed."),
        Column("kit_code", Kind.KIT, "Code of the kit given, if any.", longest=20),
        Column("allocated_on", Kind.DATE, "Date of allocation; day 0 of the plan's windows. Published data often have none."),
        Column("allocated_at", Kind.INSTANT, "Time of allocation, if known."),
    ),
    key=("patient", "stage"),
    concealed=True,
)

DISPOSITIONS = Table(
    "dispositions",
    "Turns of a patient's way through the trial. Stopping stimulation never ends follow-up; each kind stands once.",
    (
        PATIENT,
        Column("kind", Kind.WORD, "What happened.", required=True, words=DispositionKind),
        Column("happened_on", Kind.DATE, "When."),
        Column("reason", Kind.WORD, "Why; each kind has its own list.", words=DispositionReason, default=DispositionReason.NOT_RECORDED),
        Column("note", Kind.TEXT, "Further words, without anything that names a person.", longest=500),
    ),
    key=("patient", "kind"),
)

PAIN_SCORES = Table(
    "pain_scores",
    "One row per pain score. A row without a value is no answer: it is counted and left out, never read as 0.",
    (
        PATIENT,
        Column("for_date", Kind.DATE, "Day the score is about.", default_doc="the day of `recorded_at` (diary) or `observed_at`, if given"),
        Column("visit", Kind.CODE, "Code of the visit. A score needs a visit or a day.", default_doc="none"),
        Column("value", Kind.DECIMAL, "The score, on its scale, with at most six decimals.", unit="points of the scale"),
        Column("scale", Kind.CODE, "Code of the scale.", default_doc="the plan's scale, else the trial's only one"),
        Column("scale_version", Kind.CODE, "Version of the scale.", default_doc="the plan's, else the scale's only one"),
        Column("recall", Kind.WORD, "Period the score covers.", words=RecallPeriod, default_doc="the plan's, else `not_stated`"),
        Column("context", Kind.WORD, "When it was asked.", words=ScoreContext, default_doc="`visit` where a visit is named, else `diary`"),
        Column("source", Kind.WORD, "How it came in.", words=ScoreSource, default_doc="`diary` in context diary, else `clinic`"),
        Column("rater", Kind.WORD, "Who rated.", words=Rater, default=Rater.PATIENT),
        Column(
            "pain", Kind.PAIN, "Rank of the pain it is about, or `overall`.", default_doc="the plan's: `overall`, or 1 for the primary pain"
        ),
        Column("observed_at", Kind.INSTANT, "When a visit's score was taken."),
        Column("recorded_at", Kind.INSTANT, "When the answer was given; the first of two for one day counts.", default_doc="`observed_at`"),
        Column(
            "answer_state",
            Kind.WORD,
            "Whether a diary answer came in time.",
            words=AnswerState,
            default_doc="for a diary with `recorded_at`: `late` after 12:00 of the next day; else `on_time`",
        ),
        Column("scheduled", Kind.YES_NO, "Whether it belongs to a planned visit or diary.", default="yes"),
        Column("row_id", Kind.TEXT, "Own identifier of the row, unique for the patient; needed where all else is equal.", longest=80),
    ),
    key=(
        "patient",
        "for_date",
        "visit",
        "context",
        "source",
        "scale",
        "scale_version",
        "recall",
        "pain",
        "observed_at",
        "recorded_at",
        "row_id",
    ),
)

# In the order in which they are read: a row may refer only to rows of tables before its own.
TABLES = (ARMS, PATIENTS, DIAGNOSES, PAINS, ALLOCATIONS, DISPOSITIONS, PAIN_SCORES, *STIMULATION_TABLES)
