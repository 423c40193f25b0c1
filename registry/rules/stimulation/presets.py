"""Published protocols to start a prescription from. Advice with its sources marked, never a rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from registry.rules.stimulation.timing import Pattern
from registry.vocabulary import HemisphereRule, IntensityReference, StimulationTarget

# How each value came to be known; shown beside it wherever a preset is offered.
SOURCE_MARKS: Mapping[str, str] = {
    "R": "Read in the publication or its registration",
    "R2": "Read in a review of the publication",
    "C": "Computed from other published values",
    "M": "From memory: check it against the publication before use",
    "": "Not marked in our source",
}


@dataclass(frozen=True, slots=True)
class Marks:
    """The mark of each value of a preset."""

    frequency: str = ""
    intensity: str = ""
    train: str = ""
    gap: str = ""
    pulses: str = ""
    sessions: str = ""


@dataclass(frozen=True, slots=True)
class Preset:
    """One published protocol. What its source leaves open is None: nothing is guessed."""

    code: str
    label: str
    region: str
    frequency_hz: Decimal
    intensity_percent: Decimal
    pulses: int
    sessions: str
    marks: Marks
    target: StimulationTarget | None = None
    hemisphere_rule: HemisphereRule | None = None
    intensity_reference: IntensityReference = IntensityReference.RMT
    bursts_per_train: int | None = None
    trains: int | None = None
    gap_s: Decimal | None = None
    pulses_per_burst: int = 1
    intra_burst_hz: Decimal | None = None
    note: str = ""

    @property
    def pattern(self) -> Pattern | None:
        """Return the pattern, or None where the source leaves trains or gap open."""
        if self.bursts_per_train is None or self.trains is None or self.gap_s is None:
            return None
        return Pattern(self.frequency_hz, self.bursts_per_train, self.trains, self.gap_s, self.pulses_per_burst, self.intra_burst_hz)


def preset(code: str) -> Preset | None:
    """Return the preset of a code, or None."""
    return next((one for one in PRESETS if one.code == code), None)


_D = Decimal
_CONTRALATERAL, _LEFT, _RIGHT = HemisphereRule.CONTRALATERAL, HemisphereRule.LEFT, HemisphereRule.RIGHT
_THRESHOLD_KIND_OPEN = "The source says motor threshold without saying which; resting is assumed."

PRESETS: tuple[Preset, ...] = (
    Preset(
        "attal_2021",
        "Attal 2021, peripheral neuropathic pain",
        "M1 opposite to the pain (a second arm: left DLPFC)",
        _D(10),
        _D(80),
        3000,
        "15 over 22 weeks",
        Marks(intensity="M", train="M", gap="M", pulses="R", sessions="R"),
        hemisphere_rule=_CONTRALATERAL,
        bursts_per_train=100,
        trains=30,
        gap_s=_D(20),
        note="The site of the second arm is from memory.",
    ),
    Preset(
        "hosomi_2013",
        "Hosomi 2013, neuropathic pain",
        "M1 of the painful part",
        _D(5),
        _D(90),
        500,
        "10, daily",
        Marks(intensity="R2", train="R2", gap="R2", pulses="R", sessions="R"),
        bursts_per_train=50,
        trains=10,
        gap_s=_D(50),
    ),
    Preset(
        "hosomi_2020",
        "Hosomi 2020, neuropathic pain",
        "M1",
        _D(5),
        _D(90),
        500,
        "5, daily; then 4 weekly open ones for those who responded",
        Marks(intensity="M", train="M", gap="M", pulses="R", sessions="R"),
        bursts_per_train=50,
        trains=10,
        gap_s=_D(50),
    ),
    Preset(
        "khedr_2005",
        "Khedr 2005, central post-stroke pain and trigeminal neuralgia",
        "M1, hand area",
        _D(20),
        _D(80),
        2000,
        "5, daily",
        Marks(intensity="R", train="R", gap="C", pulses="R", sessions="R"),
        target=StimulationTarget.M1_HAND,
        bursts_per_train=200,
        trains=10,
        gap_s=_D(50),
        note=_THRESHOLD_KIND_OPEN,
    ),
    Preset(
        "ahmed_2011",
        "Ahmed 2011, phantom limb pain",
        "M1, hand area",
        _D(20),
        _D(80),
        2000,
        "5, daily",
        Marks(intensity="R", train="R", gap="C", pulses="R", sessions="R"),
        target=StimulationTarget.M1_HAND,
        bursts_per_train=200,
        trains=10,
        gap_s=_D(50),
        note=_THRESHOLD_KIND_OPEN,
    ),
    Preset(
        "malavera_2016",
        "Malavera 2016, phantom limb pain",
        "M1 opposite to the amputated leg",
        _D(10),
        _D(90),
        1200,
        "10",
        Marks(frequency="R", intensity="R", train="R", gap="R", pulses="C", sessions="R"),
        hemisphere_rule=_CONTRALATERAL,
        bursts_per_train=60,
        trains=20,
        gap_s=_D(54),
        note=_THRESHOLD_KIND_OPEN,
    ),
    Preset(
        "picarelli_2010",
        "Picarelli 2010, CRPS type I",
        "M1",
        _D(10),
        _D(100),
        2500,
        "10, daily",
        Marks(intensity="M", train="M", gap="M", pulses="M", sessions="R"),
        bursts_per_train=100,
        trains=25,
        gap_s=_D(60),
    ),
    Preset(
        "crps_rehabilitation",
        "CRPS with rehabilitation, trial listing",
        "M1",
        _D(10),
        _D(80),
        2000,
        "10 in 4 weeks, then graded motor imagery and rehabilitation",
        Marks(train="R", gap="R", pulses="C", sessions="R"),
        bursts_per_train=100,
        trains=20,
        gap_s=_D(30),
        note=f"The listing says about 20 min, its pattern takes 13.3 min. {_THRESHOLD_KIND_OPEN}",
    ),
    Preset(
        "passard_2007",
        "Passard 2007, fibromyalgia",
        "Left M1",
        _D(10),
        _D(80),
        2000,
        "10, daily, in 2 weeks",
        Marks(train="R", gap="R", pulses="C", sessions="R"),
        hemisphere_rule=_LEFT,
        bursts_per_train=80,
        trains=25,
        gap_s=_D(52),
    ),
    Preset(
        "mhalla_2011",
        "Mhalla 2011, fibromyalgia",
        "Left M1",
        _D(10),
        _D(80),
        1500,
        "14: 5 daily, 3 weekly, 3 fortnightly, 3 monthly",
        Marks(intensity="M", train="M", gap="M", pulses="M", sessions="R"),
        hemisphere_rule=_LEFT,
        bursts_per_train=100,
        trains=15,
        gap_s=_D(50),
    ),
    Preset(
        "quesada_2020",
        "Quesada 2020, central neuropathic pain",
        "M1 opposite to the pain, coil held by a robot",
        _D(20),
        _D(80),
        1600,
        "4, one every 3 weeks",
        Marks(intensity="M", train="M", gap="M", pulses="M", sessions="R"),
        hemisphere_rule=_CONTRALATERAL,
        bursts_per_train=80,
        trains=20,
        gap_s=_D(84),
    ),
    Preset(
        "zhao_2021",
        "Zhao 2021, acute central post-stroke pain",
        "M1 of the upper limb, navigated",
        _D(10),
        _D(80),
        2000,
        "daily for 3 weeks",
        Marks(intensity="M", pulses="R"),
        note="Trains and pause are not known.",
    ),
    Preset(
        "ohn_2012",
        "Ohn 2012, central post-stroke pain",
        "Hot spot of the first dorsal interosseous muscle",
        _D(10),
        _D(90),
        1000,
        "5, daily",
        Marks(intensity="R2", train="M", gap="R2", pulses="R", sessions="R"),
        target=StimulationTarget.M1_HAND,
        bursts_per_train=50,
        trains=20,
        gap_s=_D(55),
    ),
    Preset(
        "kim_2020",
        "Kim 2020, central neuropathic pain (intermittent theta burst)",
        "M1",
        _D(5),
        _D(80),
        600,
        "5, daily",
        Marks(intensity="R", train="M", gap="M", pulses="M", sessions="R"),
        intensity_reference=IntensityReference.AMT,
        bursts_per_train=10,
        trains=20,
        gap_s=_D(8),
        pulses_per_burst=3,
        intra_burst_hz=_D(50),
    ),
    Preset(
        "tanwar_2020",
        "Tanwar 2020, fibromyalgia",
        "Right DLPFC",
        _D(1),
        _D(90),
        1200,
        "20: 5 a week for 4 weeks",
        Marks(intensity="R", train="R", pulses="R", sessions="R"),
        target=StimulationTarget.DLPFC,
        hemisphere_rule=_RIGHT,
        bursts_per_train=150,
        trains=8,
        note="The pause between trains is not known.",
    ),
    Preset(
        "shimizu_2017",
        "Shimizu 2017, neuropathic pain of the leg",
        "M1, leg area; H-coil or figure-of-eight",
        _D(5),
        _D(90),
        500,
        "5, daily; 17 days of follow-up; crossover of three",
        Marks(intensity="M", train="M", gap="M", pulses="M", sessions="R"),
        target=StimulationTarget.M1_LEG,
        bursts_per_train=50,
        trains=10,
        gap_s=_D(50),
    ),
    Preset(
        "onesti_2013",
        "Onesti 2013, painful diabetic neuropathy",
        "M1, leg area; H-coil",
        _D(20),
        _D(100),
        1500,
        "5, daily; crossover with 5 weeks of wash-out",
        Marks(frequency="M", intensity="M", train="M", gap="M", pulses="M", sessions="R"),
        target=StimulationTarget.M1_LEG,
        bursts_per_train=50,
        trains=30,
        gap_s=_D(30),
    ),
    Preset(
        "de_oliveira_2014",
        "de Oliveira 2014, central post-stroke pain",
        "Premotor cortex and DLPFC",
        _D(10),
        _D(120),
        1250,
        "10",
        Marks(frequency="R2", intensity="R2", train="C", gap="R2", pulses="R2", sessions="R2"),
        bursts_per_train=50,
        trains=25,
        gap_s=_D(25),
    ),
    Preset(
        "depression_reference",
        "Depression, for reference",
        "Left DLPFC",
        _D(10),
        _D(120),
        3000,
        "",
        Marks(train="R", gap="R", pulses="C"),
        target=StimulationTarget.DLPFC,
        hemisphere_rule=_LEFT,
        bursts_per_train=40,
        trains=75,
        gap_s=_D(26),
        note="No pain protocol; published schedules last 37.5 min.",
    ),
)
