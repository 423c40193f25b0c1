"""The sections of trial.toml about devices and prescriptions, described like tables."""

from __future__ import annotations

from registry.rules.tables.columns import Column, Kind, Table
from registry.vocabulary import CoilShape, HemisphereRule, IntensityReference, StimulationTarget, Waveform

_SITE = Column("site", Kind.CODE, "Code of the site that has it.", default_doc="all sites")
_MAKER = Column("maker", Kind.TEXT, "Maker.", longest=120)
_MODEL = Column("model", Kind.TEXT, "Model.", required=True, longest=120)
_SERIAL = Column("serial_number", Kind.TEXT, "Serial number.", longest=80)
_RETIRED = Column("retired_on", Kind.DATE, "Day from which it is no longer used.")

STIMULATORS = Table(
    "stimulators",
    "The stimulators of the trial.",
    (
        Column("code", Kind.CODE, "Code, unique in the trial.", required=True),
        _SITE,
        _MAKER,
        _MODEL,
        _SERIAL,
        Column("software_version", Kind.TEXT, "Version of its software.", longest=80),
        Column("waveform", Kind.WORD, "Waveform.", words=Waveform, default=Waveform.NOT_RECORDED),
        Column("pulse_width_us", Kind.INTEGER, "Width of a pulse.", unit="µs", least=1, most=10_000),
        _RETIRED,
    ),
    key=("code",),
)

COILS = Table(
    "coils",
    "Coils that may be named: those of thresholds, and those of sessions where nothing is concealed. A coil that tells the arm has no "
    "place here.",
    (
        Column("code", Kind.CODE, "Code, unique in the trial; never the code of a kit.", required=True),
        _SITE,
        _MAKER,
        _MODEL,
        _SERIAL,
        Column("shape", Kind.WORD, "Shape.", required=True, words=CoilShape),
        Column("cooled", Kind.YES_NO, "Whether it is cooled.", default="no"),
        _RETIRED,
    ),
    key=("code",),
)

COIL_CONVERSIONS = Table(
    "coil_conversions",
    "By which factor a threshold of one coil model becomes that of another. Without one, a threshold holds for its own model alone.",
    (
        Column("from_model", Kind.TEXT, "Model the threshold was measured with.", required=True, longest=120),
        Column("to_model", Kind.TEXT, "Model it is carried over to.", required=True, longest=120),
        Column("factor", Kind.DECIMAL, "What the threshold is multiplied by: 0.1 to 10, four decimals at most.", required=True),
        Column("source", Kind.TEXT, "Where the factor is from.", required=True),
    ),
    key=("from_model", "to_model"),
)

PRESCRIPTIONS = Table(
    "protocol.prescriptions",
    "What this version prescribes for a treatment; its blocks stand in [[protocol.blocks]].",
    (
        Column("treatment", Kind.CODE, "Code of the visible treatment.", default_doc="all treatments"),
        Column(
            "session_days", Kind.INTEGER, "Planned days of the sessions; the anchor is day 0.", unit="day", least=0, most=9999, many=True
        ),
        Column(
            "threshold_max_age_days",
            Kind.INTEGER,
            "How old a motor threshold may be; 0 asks for one at every session.",
            default="7",
            unit="days",
            least=0,
            most=999,
        ),
        Column(
            "received_percent",
            Kind.INTEGER,
            "From which share of the planned pulses a session counts as received.",
            default="80",
            unit="percent",
            least=1,
            most=100,
        ),
        Column("source", Kind.TEXT, "Where the protocol is from, and how each value came to be known.", longest=300),
    ),
    key=("treatment",),
)

PATTERN_COLUMNS = (
    Column("frequency_hz", Kind.DECIMAL, "Rate of pulses; of bursts, where a burst has several pulses.", required=True, unit="Hz"),
    Column("pulses_per_train", Kind.INTEGER, "Pulses of a train.", default_doc="`bursts_per_train` or `train_s` says it", least=1),
    Column("bursts_per_train", Kind.INTEGER, "Bursts of a train.", default_doc="`pulses_per_train` or `train_s` says it", least=1),
    Column("train_s", Kind.DECIMAL, "Length of a train, a whole number of pulses.", default_doc="the pulses or bursts say it", unit="s"),
    Column("trains", Kind.INTEGER, "Number of trains.", default="1", least=1),
    Column("gap_s", Kind.DECIMAL, "Silence from the end of one train to the next.", default="0", unit="s"),
    Column("pulses_per_burst", Kind.INTEGER, "Pulses of a burst; 3 in theta burst.", default="1", least=1),
    Column("intra_burst_hz", Kind.DECIMAL, "Rate of pulses inside a burst.", default_doc="single pulses have none", unit="Hz"),
    Column("intensity_percent", Kind.DECIMAL, "Intensity, with one decimal at most.", required=True, unit="percent"),
    Column("intensity_reference", Kind.WORD, "Of what.", words=IntensityReference, default=IntensityReference.RMT),
)

BLOCKS = Table(
    "protocol.blocks",
    "The blocks of a prescription in their order: one pattern at one target each.",
    (
        Column(
            "treatment", Kind.CODE, "The treatment of the prescription it belongs to.", default_doc="the prescription for all treatments"
        ),
        Column("target", Kind.WORD, "Target.", required=True, words=StimulationTarget),
        Column("target_text", Kind.TEXT, "The target in words, where it is `other`.", longest=120),
        Column("hemisphere", Kind.WORD, "Side of the head, outright or by the side of the pain.", required=True, words=HemisphereRule),
        *PATTERN_COLUMNS,
    ),
)

DEVICE_SECTIONS = (STIMULATORS, COILS, COIL_CONVERSIONS)
PRESCRIPTION_SECTIONS = (PRESCRIPTIONS, BLOCKS)
