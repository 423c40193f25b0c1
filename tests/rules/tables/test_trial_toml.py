"""trial.toml: defaults, problems with their line, and a canonical text that reads back to the same trial."""

from __future__ import annotations

from decimal import Decimal

import pytest

from registry.rules.tables.trial_facts import TrialDefinition
from registry.rules.tables.trial_toml import read_trial, write_trial

SMALL = """[trial]
slug = "small-1"
name = "Small"
conduct = "retrospective"

[[sites]]
code = "N"

[[visit_types]]
code = "BL"
[[visit_types]]
code = "W4"
label = "Week 4"
target_day = 28
days_before = 3
days_after = 3

[[scales]]
code = "nrs"
maximum = 10

[plan]
thresholds = [50, 30, 33.5]
comparator = "sham"

[plan.baseline]
visit = "BL"

[[plan.time_points]]
code = "T4"
visit = "W4"

[[plan.contrasts]]
arm = "active"
"""

DIARY = """[trial]
slug = "diary-1"
name = "Diary"
conduct = "prospective"
design = "cohort"
[[sites]]
code = "N"
[[scales]]
code = "nrs"
maximum = 10
step = 1
[protocol]
version = "1.0"
effective_from = 2026-01-01
[[protocol.epochs]]
kind = "baseline"
first_day = -7
last_day = -1
[[protocol.epochs]]
kind = "induction"
first_day = 0
[plan]
strategy = "composite"
[[plan.time_points]]
code = "W4"
target_day = 28
[[plan.time_points]]
code = "V12"
kind = "visit"
target_day = 84
days_before = 3
days_after = 7
"""


def good(text: str) -> TrialDefinition:
    definition, problems = read_trial(text)
    assert not problems, [problem.sentence for problem in problems]
    assert definition is not None
    return definition


def sentences(text: str) -> list[str]:
    definition, problems = read_trial(text)
    assert definition is None
    return [problem.sentence for problem in problems]


def test_a_named_visit_brings_its_label_and_days_to_the_time_point() -> None:
    (point,) = good(SMALL).plans[0].time_points
    assert (point.label, point.kind, point.first_day, point.last_day) == ("Week 4", "visit_code", 25, 31)
    assert (point.rule, point.min_n, point.primary) == ("mean", 1, True)


def test_thresholds_are_exact_tenths_of_a_percent_in_order() -> None:
    plan = good(SMALL).plans[0]
    assert plan.thresholds == (Decimal(30), Decimal("33.5"), Decimal(50))
    assert plan.thresholds_tenths == [300, 335, 500]


def test_a_plan_of_visits_counts_visits_and_one_of_diaries_diaries() -> None:
    assert good(SMALL).plans[0].contexts == ("visit",)
    assert good(DIARY).plans[0].contexts == ("diary", "visit")


def test_a_contrast_is_against_the_comparator() -> None:
    (contrast,) = good(SMALL).plans[0].contrasts
    assert (contrast.arm, contrast.against) == ("active", "sham")


def test_defaults_of_a_diary_plan() -> None:
    plan = good(DIARY).plans[0]
    week, visit = plan.time_points
    assert (week.first_day, week.last_day, week.min_n, week.rule, week.primary) == (22, 28, 4, "mean", False)
    assert (visit.first_day, visit.last_day, visit.min_n, visit.rule, visit.primary) == (81, 91, 1, "nearest", True)
    assert (plan.baseline.first_day, plan.baseline.last_day, plan.baseline.min_n) == (-7, -1, 4)
    assert plan.population == "enrolled"
    assert plan.composite_reasons == ("lack_of_effect", "adverse_event", "rescue")


@pytest.mark.parametrize("text", [SMALL, DIARY])
def test_the_canonical_text_reads_back_to_the_same_trial(text: str) -> None:
    definition = good(text)
    canonical = write_trial(definition)
    assert good(canonical) == definition
    assert write_trial(good(canonical)) == canonical


def test_two_versions_of_a_plan_stand_side_by_side() -> None:
    text = SMALL.replace("[plan]", "[[plan]]") + '[[plan]]\nversion = "2"\n[[plan.time_points]]\ncode = "W8"\ntarget_day = 56\n'
    definition = good(text)
    assert [plan.version for plan in definition.plans] == ["1", "2"]
    assert good(write_trial(definition)) == definition


def test_no_plan_is_a_trial_too() -> None:
    assert good(SMALL.partition("[plan]")[0]).plans == ()


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('name = "Small"', 'nam = "Small"', "trial.toml, line 3, trial.nam: there is no key 'nam' in [trial]. Perhaps you mean 'name'"),
        ('conduct = "retrospective"', 'conduct = "retro"', "trial.toml, line 4, trial.conduct: 'retro' is no allowed word."),
        ("maximum = 10", 'maximum = "ten"', "trial.toml, line 20, scales.maximum: 'ten' is no number."),
        (
            "maximum = 10",
            "maximum = 10\nminimum = 10",
            "trial.toml, line 20, scales.maximum: '10' does not lie above the minimum, 10. Swap them.",
        ),
        ("maximum = 10", "maximum = 5000", "trial.toml, line 20, scales.maximum: '5000' makes a range too wide for exact sums."),
        ("maximum = 10", "maximum = 10\nstep = 0", "trial.toml, line 21, scales.step: '0' is not above 0."),
        ('visit = "W4"', 'visit = "W5"', "trial.toml, line 22, plan.time_points[T4]: time_points[T4] names the unknown visit W5."),
        ("33.5", "33.55", "trial.toml, line 23, plan.thresholds: '33.55' is no percentage above 0 and up to 100 in whole tenths."),
        ("[50, 30, 33.5]", "50", "trial.toml, line 23, plan.thresholds: '50' is no list. Write it in brackets: thresholds = [50]."),
        ('code = "BL"', 'code = "W4"', "trial.toml, line 12, visit_types.code: 'W4' stands twice. Give each its own code."),
        ("[[sites]]", "[[site]]", "trial.toml, line 6, site: there is no section 'site'. Perhaps you mean 'sites'"),
        ("[[sites]]", "[sites]", "trial.toml, line 6, sites: is no list of sections. Write each as [[sites]] with keys below it."),
        ('slug = "small-1"', "slug = 5", None),
        (
            'slug = "small-1"',
            "masked = 1",
            "trial.toml, line 2, trial.masked: '1' is of the wrong type. Write true or false, without quotes.",
        ),
        ('slug = "small-1"', 'slug = "Small"', "trial.toml, line 2, trial.slug: 'Small' is no short name."),
        ("[plan]", '[plan]\nscale = "vas"', "trial.toml, line 23, plan.scale: 'vas' names no single scale."),
        ('visit = "BL"', 'visit = "BL"\nrule = "nearest"', "which has no day to be near to. Use rule mean or last."),
    ],
)
def test_a_mistake_is_named_with_its_line_and_remedy(old: str, new: str, sentence: str | None) -> None:
    assert SMALL.count(old) == 1
    if sentence is None:
        good(SMALL.replace(old, new))
    else:
        assert any(sentence in one for one in sentences(SMALL.replace(old, new))), sentences(SMALL.replace(old, new))


def test_what_is_no_toml_is_said_with_its_line() -> None:
    assert sentences('[trial]\nslug = "x\n') == [
        "trial.toml, line 2: this is no TOML: Illegal character '\\n'. See docs/reference/trial-folder.md for an example."
    ]


def test_a_trial_without_site_is_told_how_to_add_one() -> None:
    text = '[trial]\nslug = "x"\nname = "X"\nconduct = "prospective"\n'
    assert sentences(text) == ['trial.toml, sites: the trial has no site. Add at least one [[sites]] with code = "...".']


def test_recruitment_ends_after_it_starts() -> None:
    planned = "planned_participants = 160\nrecruitment_starts_on = 2026-01-05\nrecruitment_ends_on = {}\n\n[[sites]]"
    [sentence] = sentences(SMALL.replace("[[sites]]", planned.format("2026-01-05"), 1))
    assert "trial.recruitment_ends_on: '2026-01-05' is not after the first day of recruitment, 2026-01-05. Enter a later day." in sentence
    assert good(SMALL.replace("[[sites]]", planned.format("2026-12-31"), 1)).trial.planned_participants == 160


def test_epochs_end_after_they_begin() -> None:
    assert sentences(DIARY.replace("first_day = -7", "first_day = 7")) == [
        "trial.toml, line 18, protocol.epochs.last_day: '-1' lies before the first day. Swap them."
    ]


STIMULATION = """
[[treatments]]
code = "m1"
[[stimulators]]
code = "ST"
model = "Super"
site = "N"
[[coils]]
code = "C"
model = "Eight"
shape = "figure_8"
[[coil_conversions]]
from_model = "Eight"
to_model = "Deep"
factor = 0.8
source = "Bench"
[protocol]
version = "1"
[[protocol.prescriptions]]
treatment = "m1"
session_days = [0, 1, 28]
[[protocol.blocks]]
treatment = "m1"
target = "m1_hand"
hemisphere = "contralateral"
frequency_hz = 10
train_s = 10
trains = 30
gap_s = 20
intensity_percent = 80
"""


def with_stimulation(old: str = "", new: str = "") -> str:
    return '[trial]\nslug = "x"\nname = "X"\nconduct = "prospective"\n[[sites]]\ncode = "N"\n' + STIMULATION.replace(old, new)


def test_seconds_of_a_train_are_kept_as_pulses() -> None:
    definition, problems = read_trial(with_stimulation())
    assert (problems, definition is None) == ([], False)
    [protocol] = definition.protocols
    [block] = protocol.blocks_of("m1")
    assert (block.pulses_per_train, block.bursts_per_train, block.pattern.pulses) == (100, None, 3000)
    assert protocol.prescriptions[0].session_days == (0, 1, 28)
    assert read_trial(write_trial(definition)) == (definition, [])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "train_s = 10",
            "train_s = 0.15",
            "protocol.blocks.train_s: 10 Hz for 0.15 s is no whole number of pulses. Enter 0.1 s or 0.2 s, or",
        ),
        ("trains = 30", "trains = 1", "protocol.blocks.gap_s: one train has no pause after it. Enter 0 seconds, or more trains."),
        ("_hz = 10", "_hz = 900", "protocol.blocks.frequency_hz: '900' is not possible. Enter a value from 0.1 to 100 Hz."),
        ("percent = 80", "percent = 80.25", "protocol.blocks.intensity_percent: '80.25' has more than one decimal. Round it to"),
        ("factor = 0.8", "factor = 0", "coil_conversions.factor: '0' is no factor. Enter a number from 0.1 to 10 with"),
        ('model = "Deep"', 'model = "Eight"', "coil_conversions.to_model: 'Eight' is the same model. Name another model;"),
        ('site = "N"', 'site = "Q"', "stimulators.site: 'Q' is no site of the trial. Use one of: N."),
        ("[0, 1, 28]", "[1, 0]", "protocol.prescriptions.session_days: '1, 0' are not in their order. Sort them by day."),
        ('"m1_hand"', '"other"', "protocol.blocks.target_text: is empty. Say which target it is."),
        ('code = "m1"', 'code = "m2"', "protocol.prescriptions.treatment: 'm1' is no treatment of the trial. Use one of: m2."),
        ('treatment = "m1"\ntarget', "target", "protocol.prescriptions.treatment: 'm1' has no block. Add [[protocol.blocks]] with"),
    ],
)
def test_what_is_wrong_with_devices_and_prescriptions_is_told_with_its_line(old: str, new: str, said: str) -> None:
    text = with_stimulation(old, new)
    definition, problems = read_trial(text)
    assert definition is None
    assert said in problems[0].sentence
    assert problems[0].line > 0
