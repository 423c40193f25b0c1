"""Recording sessions: what is written, once, with its dose, deviations, pains, side effects; what is refused, and from whom."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from registry.exceptions import Conflict, InvalidInput, NotAllowed, NotFound
from registry.models import AdverseEvent, CoilConversion, Job, MaskingGuess, PainScore, StaleMark, StimulationSession, Trial
from registry.rules.stimulation import NewSession, NewSideEffect
from registry.services import row_adding, rows_together
from registry.services.auditing import audited
from registry.services.stimulation import record_sessions
from registry.vocabulary import (
    AdverseEventTerm,
    DeviationReason,
    NewSinceLast,
    NoAnswer,
    SessionReason,
    SessionStatus,
    Severity,
    TreatmentGuess,
)
from tests.registry.services.stimulation_scene import STARTED, add_coil, allocate, block, given, measure, prescribe
from tests.trials import make_enrolment

D = Decimal


@pytest.fixture
def threshold(trial: Any, enrolment: Any, setup_actor: Any) -> Any:
    """A patient of a prescribing trial, with a threshold of 54 % MSO."""
    prescribe(trial, setup_actor)
    return measure(enrolment, setup_actor)


def record(trial: Trial, by: Any, now: datetime, *rows: NewSession, complete: bool = True) -> list[StimulationSession]:
    return record_sessions(trial=trial, rows=rows, by=by, now=now, complete=complete).sessions


def refused(trial: Trial, by: Any, now: datetime, *rows: NewSession, complete: bool = False) -> list[tuple[str, str]]:
    """Return field and code of what is wrong."""
    with pytest.raises(InvalidInput) as caught:
        record(trial, by, now, *rows, complete=complete)
    return [(problem.field, problem.code) for problem in caught.value.problems]


def test_a_session_given_as_planned_has_the_dose_of_its_prescription(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    (session,) = record(trial, oscar, now, given(threshold))
    stored = StimulationSession.objects.get(record=session.record)
    (dose,) = stored.blocks.all()
    assert (stored.pulses_planned, stored.pulses_delivered) == (3000, 3000)
    assert (dose.pattern.pulses, dose.setting_percent_mso, dose.hemisphere, dose.target) == (3000, 43, "right", "m1_hand")
    assert (stored.threshold, stored.threshold_percent_mso, stored.threshold_factor) == (threshold, 54, None)
    assert (stored.for_date, stored.zone, stored.operator, stored.recorded_by) == (date(2026, 11, 19), "Europe/Berlin", oscar, oscar)
    assert (stored.new_since_last, stored.side_effects_asked, stored.version) == ([], True, 1)
    assert not stored.deviations.exists()


def test_a_session_shorter_than_its_pulses_needs_a_reason(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    short = given(threshold, ended_at=STARTED + timedelta(minutes=2))
    for complete in (True, False):
        assert refused(trial, oscar, now, short, complete=complete) == [("deviation_reason", "required")]
    (session,) = record(trial, oscar, now, replace(short, deviation_reason=DeviationReason.TECHNICAL))
    kept = session.deviations.get()
    assert (kept.kind, kept.prescribed, kept.delivered, kept.reason) == ("duration", "14 min 40 s", "2 min", "technical")


def test_half_a_percent_of_the_setting_is_rounded_up(trial: Any, enrolment: Any, setup_actor: Any, oscar: Any, now: datetime) -> None:
    prescribe(trial, setup_actor, intensity_percent=90)
    (session,) = record(trial, oscar, now, given(measure(enrolment, setup_actor, 45)))
    assert session.blocks.get().setting_percent_mso == 41


def test_pains_are_scores_of_their_contexts(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    (session,) = record(trial, oscar, now, given(threshold))
    before, after = (PainScore.objects.get(record=one) for one in (session.pain_before_record, session.pain_after_record))
    assert (before.value, before.context, before.recall, before.source) == (6, "pre_session", "now", "clinic")
    assert (after.value, after.context, after.for_date) == (4, "post_session", date(2026, 11, 19))
    # A pain before the first session counts for a baseline only if it was asked before the first pulse.
    assert before.observed_at is not None
    assert before.observed_at < STARTED
    assert after.observed_at == STARTED + timedelta(minutes=20)


def test_the_time_a_pain_was_asked_is_kept_where_it_is_known(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    asked = STARTED - timedelta(minutes=7)
    (session,) = record(trial, oscar, now, given(threshold, pain_before_at=asked))
    assert PainScore.objects.get(record=session.pain_before_record).observed_at == asked


def test_no_answer_is_no_score(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    (session,) = record(trial, oscar, now, given(threshold, pain_after=None, pain_after_no_answer=NoAnswer.ASLEEP))
    assert session.pain_after_record is None
    assert session.pain_after_no_answer == "asleep"
    assert PainScore.objects.count() == 1


def test_side_effects_are_solicited_events_of_the_session(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    effects = (
        NewSideEffect(AdverseEventTerm.HEADACHE, Severity.MILD),
        NewSideEffect(AdverseEventTerm.SYNCOPE, Severity.MILD),
        NewSideEffect(AdverseEventTerm.OTHER, Severity.MILD, text="Itching"),
        NewSideEffect(AdverseEventTerm.OTHER, Severity.MILD, text="Yawning"),
    )
    (session,) = record(trial, oscar, now, given(threshold, side_effects=effects))
    events = AdverseEvent.objects.filter(session_record=session.record).order_by("term", "term_text")
    assert [(one.term, one.grade, one.solicited, one.needs_report, one.term_text) for one in events] == [
        ("headache", 1, True, False, ""),
        ("other", 1, True, False, "Itching"),
        ("other", 1, True, False, "Yawning"),
        # A faint is reported whatever its grade.
        ("syncope", 1, True, True, ""),
    ]
    assert {one.onset_on for one in events} == {date(2026, 11, 19)}


def test_not_asked_differs_from_none(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    row = given(threshold, side_effects=None, anything_new=None)
    (session,) = record(trial, oscar, now, row, complete=False)
    assert (session.side_effects_asked, session.new_since_last, session.operator_id) == (False, None, None)
    assert refused(trial, oscar, now, row, complete=True) == [("anything_new", "required"), ("side_effects", "required")]


def test_the_guess_is_kept_apart(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    (session,) = record(trial, oscar, now, given(threshold, guess=TreatmentGuess.SHAM, guess_certainty=3))
    kept = MaskingGuess.objects.get(session_record=session.record)
    assert (kept.guess, kept.certainty, kept.enrolment_id) == ("sham", 3, session.enrolment_id)


def test_outcomes_are_refreshed(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    (session,) = record(trial, oscar, now, given(threshold, pain_before=None, pain_after=None), complete=False)
    assert StaleMark.objects.filter(enrolment_id=session.enrolment_id).exists()
    assert Job.objects.filter(trial=trial, state="queued").count() == 1


CHANGED = {"as_planned": False, "deviation_reason": DeviationReason.TOLERABILITY, "deviation_text": "Could not bear more"}


def test_a_difference_is_a_deviation_with_its_reason(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    weaker = given(threshold, **{**CHANGED, "blocks": (block(intensity_percent=D(70), trains=20),)})
    (session,) = record(trial, oscar, now, weaker)
    assert session.pulses_delivered == 2000
    assert session.blocks.get().setting_percent_mso == 38  # 37.8
    assert [(one.kind, one.position, one.prescribed, one.delivered, one.reason) for one in session.deviations.order_by("kind")] == [
        ("intensity", 1, "80 % RMT", "70 % RMT", "tolerability"),
        ("trains", 1, "30", "20", "tolerability"),
    ]
    assert refused(trial, oscar, now, replace(weaker, number=2, deviation_reason=None)) == [("deviation_reason", "required")]


def test_what_was_entered_and_equals_the_plan_is_no_deviation(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    (session,) = record(trial, oscar, now, given(threshold, as_planned=False, blocks=(block(),), pulse_counter=3000))
    assert not session.deviations.exists()
    assert session.blocks.get().hemisphere == "right"


def test_stopped_early_needs_no_second_reason(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    pieces = (block(trains=11), block(trains=1, bursts_per_train=40, gap_s=D(0)))
    stop = {"status": SessionStatus.PARTIAL, "reason": SessionReason.COIL_OVERHEATED, "as_planned": False, "blocks": pieces}
    (session,) = record(trial, oscar, now, given(threshold, **stop))
    assert (session.pulses_planned, session.pulses_delivered) == (3000, 1140)
    (deviation,) = session.deviations.all()
    assert (deviation.kind, deviation.delivered, deviation.reason) == ("not_completed", "1\u2009140 pulses", "technical")


NOTHING = {"as_planned": False, "pain_before": None, "pain_after": None, "anything_new": None, "side_effects": None, "started_at": None,
           "ended_at": None, "hearing_protection": None, "coil_matches_threshold": None}  # fmt: skip


def test_a_missed_session_has_a_day_and_a_reason(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    missed = {**NOTHING, "status": SessionStatus.MISSED, "reason": SessionReason.NO_SHOW, "for_date": date(2026, 11, 18)}
    (session,) = record(trial, oscar, now, given(None, **missed))
    assert (session.pulses_planned, session.pulses_delivered, session.reason) == (3000, 0, "no_show")
    assert not session.blocks.exists()
    assert not session.deviations.exists()


def test_above_full_output_is_refused_as_planned_or_entered(
    trial: Any, enrolment: Any, setup_actor: Any, oscar: Any, now: datetime
) -> None:
    prescribe(trial, setup_actor, intensity_percent=120)
    high = measure(enrolment, setup_actor, 84)
    assert refused(trial, oscar, now, given(high)) == [("as_planned", "above_output")]
    entered = given(high, as_planned=False, blocks=(block(intensity_percent=D(120)),))
    assert refused(trial, oscar, now, entered) == [("blocks[0].intensity_percent", "above_output")]


def test_thresholds_that_cannot_be_used(trial: Any, threshold: Any, setup_actor: Any, alice: Any, now: datetime) -> None:
    other = make_enrolment(trial, "P-0002", site="S", by=setup_actor)
    someone_elses = measure(other, setup_actor)
    later = measure(threshold.enrolment, setup_actor, measured_on=date(2026, 11, 20))
    active = measure(threshold.enrolment, setup_actor, kind="active")
    assert refused(trial, alice, now, given(someone_elses)) == [("threshold", "unknown")]
    assert refused(trial, alice, now, replace(given(threshold), threshold=uuid.uuid4())) == [("threshold", "unknown")]
    assert refused(trial, alice, now, given(later)) == [("threshold", "order")]
    assert refused(trial, alice, now, given(active)) == [("threshold", "other_kind")]


def test_an_old_threshold_is_a_deviation(trial: Any, threshold: Any, setup_actor: Any, oscar: Any, now: datetime) -> None:
    old = measure(threshold.enrolment, setup_actor, measured_on=date(2026, 11, 11))
    assert refused(trial, oscar, now, given(old)) == [("deviation_reason", "required")]
    (session,) = record(trial, oscar, now, given(old, deviation_reason=DeviationReason.CLINICAL_DECISION))
    (deviation,) = session.deviations.all()
    assert (deviation.kind, deviation.prescribed, deviation.delivered) == ("threshold", "at most 7 days", "8 days")


def test_the_kit_is_compared_with_the_one_allocated(trial: Any, threshold: Any, setup_actor: Any, oscar: Any, now: datetime) -> None:
    allocate(threshold.enrolment, setup_actor, "K-3127")
    (right, wrong) = record(
        trial, oscar, now,
        given(threshold, kit_code="K-3127"),
        given(threshold, number=2, kit_code="K-9999", deviation_reason=DeviationReason.KIT_REPLACED),
    )  # fmt: skip
    assert (right.kit_matches, wrong.kit_matches) == (True, False)
    (deviation,) = wrong.deviations.all()
    assert (deviation.kind, deviation.prescribed, deviation.delivered) == ("kit", "K-3127", "K-9999")


def test_a_masked_trial_names_no_coil(trial: Any, threshold: Any, setup_actor: Any, oscar: Any, now: datetime) -> None:
    add_coil(trial, setup_actor, "C1", "Figure 70")
    assert refused(trial, oscar, now, given(threshold, coil="C1")) == [("coil", "masked")]


@pytest.fixture
def open_trial(trial: Any, setup_actor: Any) -> Any:
    """The same trial, concealing nothing."""
    with audited(by=setup_actor, reason="open"):
        trial.masked = False
        trial.save()
    return trial


def test_the_form_of_an_open_trial_asks_for_the_coil_used(
    open_trial: Any, enrolment: Any, setup_actor: Any, oscar: Any, now: datetime
) -> None:
    prescribe(open_trial, setup_actor)
    threshold = measure(enrolment, setup_actor)
    record(open_trial, oscar, now, given(threshold))  # no coil is on the trial's list yet
    add_coil(open_trial, setup_actor, "C1", "Figure 70")
    second = given(threshold, number=2)
    assert refused(open_trial, oscar, now, second, complete=True) == [("coil", "required")]
    assert record(open_trial, oscar, now, replace(second, coil="C1"))[0].coil.code == "C1"
    record(open_trial, oscar, now, given(threshold, number=3), complete=False)


def test_a_threshold_of_another_coil_is_converted_by_the_trials_rule_or_refused(
    open_trial: Any, enrolment: Any, setup_actor: Any, oscar: Any, now: datetime
) -> None:
    prescribe(open_trial, setup_actor)
    first, _ = add_coil(open_trial, setup_actor, "C1", "Figure 70"), add_coil(open_trial, setup_actor, "C2", "H-coil")
    row = given(measure(enrolment, setup_actor, 54, coil=first), coil="C2", coil_matches_threshold=None)
    assert refused(open_trial, oscar, now, row) == [("threshold", "other_coil")]
    with audited(by=setup_actor, reason="rule"):
        CoilConversion.objects.create(trial=open_trial, from_model="Figure 70", to_model="H-coil", factor=D("1.05"), source="Bench, 2026")
    (session,) = record(open_trial, oscar, now, row, complete=False)
    # 54 * 1.05 = 56.7; 80 % of it is 45.36.
    assert (session.blocks.get().setting_percent_mso, session.threshold_factor, session.coil_matches_threshold) == (45, D("1.05"), False)
    assert not session.deviations.exists()
    (same,) = record(open_trial, oscar, now, replace(row, number=2, coil="C1"), complete=False)
    assert (same.blocks.get().setting_percent_mso, same.threshold_factor, same.coil_matches_threshold) == (43, None, True)


def test_the_prescription_is_that_of_the_patients_version_and_treatment(
    trial: Any, enrolment: Any, setup_actor: Any, oscar: Any, now: datetime
) -> None:
    prescribe(trial, setup_actor)
    prescribe(trial, setup_actor, treatment=trial.treatments.get(code="dlpfc"), target="dlpfc", hemisphere="left", trains=10)
    (for_all,) = record(trial, oscar, now, given(measure(enrolment, setup_actor)))
    allocate(enrolment, setup_actor, kit_code="", treatment="dlpfc")
    (own,) = record(trial, oscar, now, given(measure(enrolment, setup_actor), number=2))
    assert [(one.pulses_delivered, one.blocks.get().target) for one in (for_all, own)] == [(3000, "m1_hand"), (1000, "dlpfc")]


def test_without_a_prescription_only_what_was_given_can_be_recorded(
    trial: Any, enrolment: Any, setup_actor: Any, oscar: Any, now: datetime
) -> None:
    threshold = measure(enrolment, setup_actor)
    assert refused(trial, oscar, now, given(threshold)) == [("as_planned", "no_prescription")]
    incomplete = given(threshold, as_planned=False, blocks=(block(),))
    assert refused(trial, oscar, now, incomplete) == [("blocks[0].target", "required"), ("blocks[0].hemisphere", "required")]
    (session,) = record(trial, oscar, now, replace(incomplete, blocks=(block(target="m1_leg", hemisphere="left"),)))
    assert (session.pulses_planned, session.pulses_delivered) == (None, 3000)
    assert not session.deviations.exists()


def test_an_open_hemisphere_must_be_said(trial: Any, threshold: Any, setup_actor: Any, oscar: Any, now: datetime) -> None:
    with audited(by=setup_actor, reason="both sides"):
        threshold.enrolment.pains.update(side="both")
    assert refused(trial, oscar, now, given(threshold)) == [("as_planned", "hemisphere_open")]
    (session,) = record(trial, oscar, now, given(threshold, as_planned=False, blocks=(block(hemisphere="left"),)))
    assert not session.deviations.exists()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"pain_before": D(11)}, ("pain_before", "out_of_range")),
        ({"pain_after": D("4.5")}, ("pain_after", "off_step")),
        ({"visit": "W99"}, ("visit", "unknown")),
        ({"stimulator": "S9"}, ("stimulator", "unknown")),
        ({"protocol_version": "9.9"}, ("protocol_version", "unknown")),
        ({"started_at": datetime(2026, 11, 19, 23, tzinfo=UTC), "ended_at": None}, ("started_at", "future")),
    ],
    ids=str,
)
def test_wrong_fields_are_named(
    trial: Any, threshold: Any, oscar: Any, now: datetime, change: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert refused(trial, oscar, now, given(threshold, **change)) == [expected]
    assert not StimulationSession.objects.exists()


def test_a_set_is_all_or_nothing_and_names_its_rows(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    rows = [given(threshold), given(threshold, number=2, pain_before=D(12)), given(threshold, number=1)]
    assert refused(trial, oscar, now, *rows) == [("rows[1].pain_before", "out_of_range"), ("rows[2].number", "twice")]
    assert not StimulationSession.objects.exists()


def test_a_number_belongs_to_one_standing_session(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    record(trial, oscar, now, given(threshold))
    with pytest.raises(Conflict, match="session 1 of P-0001"):
        record(trial, oscar, now, given(threshold))
    record(trial, oscar, now, given(threshold, period=2), given(threshold, number=None), given(threshold, number=None), complete=False)
    assert StimulationSession.objects.count() == 4


def test_a_repeat_changes_nothing_and_another_content_conflicts(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    effect = NewSideEffect(AdverseEventTerm.HEADACHE, Severity.MILD)
    row = given(threshold, record=uuid.uuid4(), side_effects=(effect,))
    record(trial, oscar, now, row)
    counts = [model.objects.count() for model in (StimulationSession, PainScore, AdverseEvent)]
    later = now + timedelta(minutes=1)
    again = record_sessions(trial=trial, rows=[replace(row, ended_at=later)], by=oscar, now=later, complete=True)
    assert (again.sessions, again.repeated) == ([], 1)
    for change in (
        {"pain_before": D(7)},
        {"number": 2},
        {"side_effects": ()},
        {"side_effects": (replace(effect, severity=Severity.SEVERE),)},
        {"threshold": None},
        {"as_planned": False, "blocks": (block(),)},
        {"started_at": STARTED - timedelta(hours=1)},
    ):
        with pytest.raises(Conflict, match="another one"):
            record(trial, oscar, later, replace(row, **change), complete=False)
    assert [model.objects.count() for model in (StimulationSession, PainScore, AdverseEvent)] == counts


def test_a_row_id_belongs_to_one_session(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    record(trial, oscar, now, given(threshold, row_id="r1"))
    with pytest.raises(Conflict, match="row_id"):
        record(trial, oscar, now, given(threshold, number=2, row_id="r1"))


@pytest.mark.parametrize("copied_from", [1, 10_000], ids=["copied", "inserted"])
def test_statements_do_not_grow_with_the_rows(
    trial: Any, threshold: Any, setup_actor: Any, oscar: Any, now: datetime, monkeypatch: pytest.MonkeyPatch, copied_from: int
) -> None:
    monkeypatch.setattr(row_adding, "COPIED_FROM", copied_from)
    # Few rows are written all at once (test_rows_together.py); here they are written as many are.
    monkeypatch.setattr(rows_together, "MOST_TOGETHER", 0)
    oscar.current_memberships()
    effects = (NewSideEffect(AdverseEventTerm.HEADACHE, Severity.MILD), NewSideEffect(AdverseEventTerm.TWITCHING, Severity.MILD))
    differing = {"as_planned": False, "blocks": (block(trains=20), block()), "deviation_reason": DeviationReason.TECHNICAL}
    patients = [make_enrolment(trial, f"P-1{number:03}", site="N", by=setup_actor) for number in range(20)]
    thresholds = {one.patient_code: measure(one, setup_actor) for one in patients}
    counts = []
    for first, per_patient in ((1, 0), (2, 0), (3, 10)):
        rows = [
            given(thresholds[code], patient=code, number=number, side_effects=effects, guess=TreatmentGuess.REAL, **differing)
            for code in thresholds
            for number in range(first, first + per_patient)
        ] or [given(threshold, number=first, side_effects=effects, guess=TreatmentGuess.REAL, **differing)]
        with CaptureQueriesContext(connection) as statements:
            record(trial, oscar, now, *rows)
        counts.append((len(rows), len(statements)))
    assert [rows for rows, _ in counts] == [1, 1, 200]
    # The first reads the design of the trial, which is kept.
    assert counts[1][1] == counts[2][1] < 20


def test_another_sites_operator_finds_no_patient(trial: Any, threshold: Any, charlie: Any, eve: Any, now: datetime) -> None:
    with pytest.raises(NotFound):
        record(trial, charlie, now, given(threshold))
    with pytest.raises(NotAllowed):
        record(trial, eve, now, given(threshold))
    assert not StimulationSession.objects.exists()


def test_locked_records_stay_as_they_are(trial: Any, threshold: Any, oscar: Any, now: datetime, setup_actor: Any) -> None:
    with audited(by=setup_actor, reason="lock"):
        Trial.objects.filter(pk=trial.pk).update(locked_at=now)
    trial.refresh_from_db()
    with pytest.raises(Conflict, match="locked"):
        record(trial, oscar, now, given(threshold))


def test_finished_trials_are_asked_for_no_completeness(trial: Any, threshold: Any, oscar: Any, now: datetime, setup_actor: Any) -> None:
    with audited(by=setup_actor, reason="finished"):
        trial.conduct = "retrospective"
        trial.save()
    bare = NewSession(patient="P-0001", status=SessionStatus.GIVEN, for_date=date(2026, 11, 2), as_planned=True)
    (session,) = record(trial, oscar, now, bare, complete=True)
    assert (session.pulses_delivered, session.blocks.get().setting_percent_mso) == (3000, None)


def test_what_is_new_is_kept_in_order(trial: Any, threshold: Any, oscar: Any, now: datetime) -> None:
    new = frozenset({NewSinceLast.SHORT_SLEEP, NewSinceLast.MEDICINE, NewSinceLast.OTHER})
    (session,) = record(trial, oscar, now, given(threshold, anything_new=new, anything_new_text="New glasses"))
    assert (session.new_since_last, session.new_since_last_text) == (["medicine", "other", "short_sleep"], "New glasses")


def test_for_who_sees_no_patient_there_is_none(trial: Any, threshold: Any, now: datetime, setup_actor: Any) -> None:
    from registry.services import accounts

    nobody = accounts.create_user(email="n@example.org", name="No Body", password="correct horse battery", by=setup_actor)
    with pytest.raises((NotAllowed, NotFound)):
        record(trial, nobody, now, given(threshold))
