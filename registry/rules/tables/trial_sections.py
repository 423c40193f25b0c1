"""The sections of trial.toml, described like tables: a key is a column. docs/reference/trial-folder.md is made from this page."""

from __future__ import annotations

from registry.rules.tables.columns import Column, Kind, Table
from registry.rules.tables.stimulation_sections import DEVICE_SECTIONS, PRESCRIPTION_SECTIONS
from registry.vocabulary import (
    Anchor,
    Conduct,
    DispositionReason,
    EpochKind,
    GradingScheme,
    PlanPain,
    Population,
    RecallPeriod,
    ReportDay,
    ScaleKind,
    ScoreContext,
    ScoreSource,
    Strategy,
    TimePointKind,
    TrialDesign,
    ValueRule,
)

TRIAL = Table(
    "trial",
    "What the trial is. A change of an existing trial needs the right 'trial.manage' and a reason.",
    (
        Column("slug", Kind.SLUG, "Short name, unique in the registry; it stands in addresses.", required=True),
        Column("name", Kind.TEXT, "Name people use.", required=True, longest=80),
        Column("title", Kind.TEXT, "Full title.", longest=400),
        Column(
            "conduct", Kind.WORD, "`retrospective` for a finished trial: every time point is due, arms may be named.", True, words=Conduct
        ),
        Column("design", Kind.WORD, "Design.", words=TrialDesign, default=TrialDesign.PARALLEL),
        Column("time_zone", Kind.ZONE, "Time zone of report weeks, and of sites that name none.", default="UTC"),
        Column("masked", Kind.YES_NO, "Whether part of the treatment is concealed.", default="yes"),
        Column("pooled_efficacy", Kind.YES_NO, "Whether masked roles may see pooled outcomes.", default="no"),
        Column("registry_number", Kind.TEXT, "Number in a public register.", longest=80),
        Column("sponsor", Kind.TEXT, "Sponsor."),
        Column("contact", Kind.TEXT, "Whom to ask."),
        Column("synthetic", Kind.YES_NO, "Whether the data are made up.", default="no"),
        Column("grading_scheme", Kind.WORD, "How adverse events are graded.", words=GradingScheme, default=GradingScheme.THREE_STEP),
        Column("planned_participants", Kind.INTEGER, "How many patients are to be recruited.", least=1, most=1_000_000),
        Column("recruitment_starts_on", Kind.DATE, "Planned first day of recruitment."),
        Column("recruitment_ends_on", Kind.DATE, "Planned last day; the plan rises evenly from the first day to it."),
        Column("report_day", Kind.WORD, "Day on which the weekly report is made.", words=ReportDay, default=ReportDay.MONDAY),
        Column("report_hour", Kind.INTEGER, "Hour of that day, in the trial's time zone.", unit="h", default="6", least=0, most=23),
    ),
)

SITES = Table(
    "sites",
    "At least one.",
    (
        Column("code", Kind.CODE, "Code, unique in the trial.", required=True),
        Column("name", Kind.TEXT, "Name.", default_doc="the code"),
        Column("time_zone", Kind.ZONE, "Time zone.", default_doc="the trial's"),
    ),
    key=("code",),
)

TREATMENTS = Table(
    "treatments",
    "What differs to the eye: target or protocol. What is concealed stands in arms.csv.",
    (
        Column("code", Kind.CODE, "Code, unique in the trial.", required=True),
        Column("label", Kind.TEXT, "What people see.", default_doc="the code"),
    ),
    key=("code",),
)

VISIT_TYPES = Table(
    "visit_types",
    "The named visits, in their order. The days are optional: published data often have none.",
    (
        Column("code", Kind.CODE, "Code, unique in the trial.", required=True),
        Column("label", Kind.TEXT, "What people see.", default_doc="the code", longest=120),
        Column("target_day", Kind.INTEGER, "Day it is planned for; the anchor is day 0.", unit="day", least=-9999, most=9999),
        Column("days_before", Kind.INTEGER, "How much earlier it may be.", default="0", unit="days", least=0, most=999),
        Column("days_after", Kind.INTEGER, "How much later it may be.", default="0", unit="days", least=0, most=999),
    ),
    key=("code",),
)

SCALES = Table(
    "scales",
    "How pain is measured. A scale that scores refer to is never changed; a change is a new version.",
    (
        Column("code", Kind.CODE, "Code, unique in the trial together with its version.", required=True),
        Column("version", Kind.CODE, "Version.", default="1"),
        Column("label", Kind.TEXT, "What people see.", default_doc="the code", longest=120),
        Column("kind", Kind.WORD, "What it measures.", words=ScaleKind, default=ScaleKind.INTENSITY),
        Column("minimum", Kind.DECIMAL, "Lowest value.", default="0", unit="points"),
        Column("maximum", Kind.DECIMAL, "Highest value, at most 1000.", required=True, unit="points"),
        Column("step", Kind.DECIMAL, "Distance between two values; none where values are as published.", unit="points"),
        Column("zero_means_none", Kind.YES_NO, "Whether 0 is no pain; percent change needs it.", default="yes"),
    ),
    key=("code", "version"),
)

PROTOCOL = Table(
    "protocol",
    "One version of the protocol; several as [[protocol]]. A version on record is never changed.",
    (
        Column("version", Kind.CODE, "Version.", required=True),
        Column("effective_from", Kind.DATE, "First day it holds."),
        Column("summary", Kind.TEXT, "What it says or changes.", longest=2000),
    ),
    key=("version",),
)

EPOCHS = Table(
    "protocol.epochs",
    "The stretches of the schedule, in days from the anchor.",
    (
        Column("kind", Kind.WORD, "Kind.", required=True, words=EpochKind),
        Column("period", Kind.INTEGER, "Period of a crossover trial.", default="1", least=1, most=9),
        Column("first_day", Kind.INTEGER, "First day.", required=True, unit="day", least=-9999, most=9999),
        Column("last_day", Kind.INTEGER, "Last day; none while it is open.", unit="day", least=-9999, most=9999),
    ),
)

PLAN = Table(
    "plan",
    "One version of how response is decided; several as [[plan]], the last one counts. A version on record is never changed.",
    (
        Column("version", Kind.CODE, "Version.", default="1"),
        Column("scale", Kind.CODE, "Code of the scale.", default_doc="the trial's only scale"),
        Column("scale_version", Kind.CODE, "Version of the scale.", default_doc="the scale's only version"),
        Column("recall", Kind.WORD, "Recall period of the scores that count.", words=RecallPeriod, default=RecallPeriod.NOT_STATED),
        Column("pain", Kind.WORD, "Which pain.", words=PlanPain, default=PlanPain.OVERALL),
        Column(
            "contexts",
            Kind.WORD,
            "Contexts whose scores count.",
            words=ScoreContext,
            default_doc="`diary` where days of a diary count, `visit` where visits do",
            many=True,
        ),
        Column(
            "sources",
            Kind.WORD,
            "Sources, the one that counts before the others first.",
            words=ScoreSource,
            default_doc="diary, phone, clinic",
            many=True,
        ),
        Column("anchor", Kind.WORD, "What day 0 is.", words=Anchor, default=Anchor.ALLOCATION),
        Column("population", Kind.WORD, "Who is counted.", words=Population, default_doc="`allocated`; `enrolled` in a cohort"),
        Column("strategy", Kind.WORD, "What stopping stimulation means.", words=Strategy, default=Strategy.TREATMENT_POLICY),
        Column(
            "composite_reasons",
            Kind.WORD,
            "Reasons for stopping that are non-response under strategy composite.",
            words=DispositionReason,
            default_doc="lack_of_effect, adverse_event, rescue under `composite`; else none",
            many=True,
        ),
        Column(
            "thresholds",
            Kind.DECIMAL,
            "A responder's reduction is at least this.",
            default_doc="30, 50",
            unit="percent, one decimal",
            many=True,
        ),
        Column("day0_pre", Kind.YES_NO, "Whether day 0 before the first session is baseline.", default_doc="yes under rule `last`"),
        Column("accept_late", Kind.YES_NO, "Whether late diary answers count.", default="no"),
        Column("grace_days", Kind.INTEGER, "Days after a window before it is due.", default="2", unit="days", least=0, most=365),
        Column("small_cell_minimum", Kind.INTEGER, "Smaller subgroups are hidden in open documents.", default="5", least=0, most=999),
        Column("comparator", Kind.CODE, "Code of the arm the others are compared with."),
        Column("post_hoc", Kind.YES_NO, "Whether it was written after a look at unmasked outcomes.", default="no"),
    ),
    key=("version",),
)

BASELINE = Table(
    "plan.baseline",
    "Where the baseline comes from: days before day 0, or a visit.",
    (
        Column("visit", Kind.CODE, "Code of the visit; no date is needed then."),
        Column("first_day", Kind.INTEGER, "First day.", default_doc="-7 without a visit", unit="day", least=-9999, most=9999),
        Column("last_day", Kind.INTEGER, "Last day.", default_doc="-1 without a visit", unit="day", least=-9999, most=9999),
        Column("rule", Kind.WORD, "Which values count.", words=ValueRule, default=ValueRule.MEAN),
        Column("min_n", Kind.INTEGER, "Fewer values are no value.", default_doc="4 days, 1 at a visit", least=1, most=999),
    ),
)

TIME_POINTS = Table(
    "plan.time_points",
    "The time points, in their order in time.",
    (
        Column("code", Kind.CODE, "Code, unique in the plan.", required=True),
        Column("label", Kind.TEXT, "What people see.", default_doc="the visit's label, else the code", longest=120),
        Column("kind", Kind.WORD, "What kind.", words=TimePointKind, default_doc="`visit_code` where a visit is named, else `diary`"),
        Column("visit", Kind.CODE, "Code of the visit whose values count."),
        Column("target_day", Kind.INTEGER, "The day it is about.", default_doc="the visit's", unit="day", least=-9999, most=9999),
        Column(
            "days_before", Kind.INTEGER, "Window before it.", default_doc="6 for a diary, else the visit's", unit="days", least=0, most=999
        ),
        Column(
            "days_after", Kind.INTEGER, "Window after it.", default_doc="0 for a diary, else the visit's", unit="days", least=0, most=999
        ),
        Column("rule", Kind.WORD, "Which values count.", words=ValueRule, default_doc="`nearest` for kind visit, else `mean`"),
        Column("min_n", Kind.INTEGER, "Fewer values are no value.", default_doc="4 for a diary, else 1", least=1, most=999),
        Column("primary", Kind.YES_NO, "Whether it is the primary time point.", default_doc="the last one, where none is named"),
    ),
    key=("code",),
)

CONTRASTS = Table(
    "plan.contrasts",
    "Which arms are compared; none is all arms against the comparator.",
    (
        Column("arm", Kind.CODE, "Code of the arm.", required=True),
        Column("against", Kind.CODE, "Code of the arm it is compared with.", default_doc="the comparator"),
    ),
    key=("arm", "against"),
)

LOOKS = Table(
    "looks",
    "The looks at efficacy by arm that the charter of the safety board plans. With any of them closed documents hold efficacy by arm "
    "only in the report of the first week that ends on or after the day of a look; without any they hold it every week. A look is never "
    "removed: one that will not be is called off. A change of an existing trial's looks needs a reason.",
    (
        Column("code", Kind.CODE, "Code, unique in the trial.", required=True),
        Column("label", Kind.TEXT, "Short name, such as `interim 1, 50 % of patients`.", default_doc="the code", longest=120),
        Column("planned_on", Kind.DATE, "Day of the look; the first week whose cut-off is that day or later holds it.", required=True),
        Column("called_off", Kind.YES_NO, "Whether there will be no such look.", default="no"),
    ),
    key=("code",),
)

SECTIONS = (
    *(TRIAL, SITES, TREATMENTS, *DEVICE_SECTIONS, VISIT_TYPES, SCALES),
    *(PROTOCOL, EPOCHS, *PRESCRIPTION_SECTIONS, PLAN, BASELINE, TIME_POINTS, CONTRASTS, LOOKS),
)
