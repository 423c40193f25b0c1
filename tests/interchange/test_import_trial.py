"""Bringing a trial folder in: what is written, what is refused, and what a second import does."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from registry.exceptions import ImportRefused, NotAllowed
from registry.interchange import importer
from registry.interchange.import_report import ImportReport
from registry.models import ActLog, Allocation, Change, Enrolment, Job, Membership, PainScore, Patient, StaleMark, Trial
from registry.services import accounts
from registry.services.auditing import audited
from tests.interchange.folders import ALLOCATIONS, ARMS, PATIENTS, SCORES, TRIAL, write_folder, write_table

Bring = Callable[..., ImportReport]

DIAGNOSES = [
    {"patient": "P-01", "condition": "phantom_limb", "onset": "2020-05", "icd10": "G54.6"},
    {"patient": "P-02", "condition": "crps_1", "onset": "", "icd10": ""},
]
PAINS = [{"patient": "P-01", "side": "left"}, {"patient": "P-02", "side": "both"}]
DISPOSITIONS = [{"patient": "P-02", "kind": "lost", "happened_on": "2026-03-01", "reason": "no_contact"}]
PROSPECTIVE = TRIAL.replace('conduct = "retrospective"', 'conduct = "prospective"')
WHOLE: dict[str, Any] = {
    "arms": ARMS,
    "patients": PATIENTS,
    "diagnoses": DIAGNOSES,
    "pains": PAINS,
    "allocations": ALLOCATIONS,
    "dispositions": DISPOSITIONS,
    "pain_scores": SCORES,
}


def tallies(report: ImportReport) -> dict[str, tuple[int, int, int, int]]:
    """Return new, unchanged, corrected and absent of each table."""
    return {
        table.file.removesuffix(".csv"): (table.tally.new, table.tally.unchanged, table.tally.corrected, table.tally.absent)
        for table in report.tables
    }


def test_a_whole_folder_is_written(bring: Bring, tmp_path: Path, now: datetime) -> None:
    report = bring(write_folder(tmp_path / "f", **WHOLE))
    assert report.imported
    assert report.created
    assert report.problem_count == 0
    score = PainScore.objects.select_related("visit_type").get(enrolment__patient_code="P-01", visit_type__code="W4")
    assert (score.value, score.value_units, score.context, score.source, score.recall) == (
        Decimal("3.5"), 3_500_000, "visit", "clinic", "not_stated",
    )  # fmt: skip
    assert (score.recorded_at, score.submitted_at, score.zone) == (now, now, "")
    enrolment = Enrolment.objects.get(patient_code="P-02")
    assert enrolment.pains.get().diagnosis.condition == "crps_1"
    assert enrolment.dispositions.get().reason == "no_contact"
    assert enrolment.allocations.get().treatment.code == "m1"
    with connections["closed"].cursor() as cursor:
        cursor.execute("SELECT e.patient_code, a.part FROM closed.allocation c JOIN closed.arm a ON a.id = c.arm_id"
                       " JOIN registry_enrolment e ON e.id = c.enrolment_id ORDER BY 1")  # fmt: skip
        assert cursor.fetchall() == [("P-01", "sham"), ("P-02", "active")]


def test_everything_is_one_change_with_one_author(bring: Bring, tmp_path: Path, admin: Any) -> None:
    before = Change.objects.count()
    bring(write_folder(tmp_path / "f", **WHOLE), reason="first import of the trial")
    (change,) = Change.objects.order_by("at")[before:]
    assert (change.actor_id, change.reason, change.database_role) == (admin.pk, "first import of the trial", "rtms_unmasked")
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*), count(DISTINCT change_id) FROM registry_painscorechangeevent")
        assert cursor.fetchone() == (3, 1)


def test_outcomes_are_asked_for_in_the_same_transaction(bring: Bring, tmp_path: Path) -> None:
    bring(write_folder(tmp_path / "f", **WHOLE))
    assert StaleMark.objects.get().enrolment_id is None
    assert Job.objects.get().state == "queued"
    act = ActLog.objects.get(act="import")
    assert (act.target, act.trial.slug) == ("calm-m1", "calm-m1")


def test_who_makes_a_trial_becomes_its_data_manager(bring: Bring, tmp_path: Path, admin: Any) -> None:
    bring(write_folder(tmp_path / "f", patients=PATIENTS))
    assert list(Membership.objects.filter(user=admin, trial__isnull=False).values_list("role", flat=True)) == ["data_manager"]


def test_who_brings_allocations_is_unmasked_and_on_record_as_that(bring: Bring, tmp_path: Path, admin: Any) -> None:
    bring(write_folder(tmp_path / "f", **WHOLE))
    roles = Membership.objects.filter(user=admin, trial__isnull=False).values_list("role", flat=True)
    assert sorted(roles) == ["data_manager", "unmasked_statistician"]


def test_a_dry_run_counts_everything_and_writes_nothing(bring: Bring, tmp_path: Path, admin: Any) -> None:
    report = bring(write_folder(tmp_path / "f", **WHOLE), dry_run=True)
    assert not report.imported
    assert tallies(report)["pain_scores"] == (3, 0, 0, 0)
    assert tallies(report)["allocations"] == (2, 0, 0, 0)
    assert not Trial.objects.exists()
    assert not Membership.objects.filter(user=admin, trial__isnull=False).exists()
    assert not Job.objects.exists()


def test_the_same_folder_again_touches_nothing(bring: Bring, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", **WHOLE)
    bring(folder)
    Job.objects.all().delete()
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT sum(n_tup_ins + n_tup_upd) FROM pg_stat_xact_user_tables")
        report = bring(folder)
    assert report.imported
    assert tallies(report) == {
        "trial.toml": (0, 8, 0, 0),
        "arms": (0, 2, 0, 0),
        "patients": (0, 2, 0, 0),
        "diagnoses": (0, 2, 0, 0),
        "pains": (0, 2, 0, 0),
        "allocations": (0, 2, 0, 0),
        "dispositions": (0, 1, 0, 0),
        "pain_scores": (0, 3, 0, 0),
    }
    assert not Job.objects.exists()
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM registry_painscorechangeevent UNION ALL SELECT count(*) FROM registry_patientchangeevent")
        assert cursor.fetchall() == [(3,), (2,)]


def test_rows_that_are_gone_from_the_folder_stay_on_record_and_are_counted(bring: Bring, tmp_path: Path) -> None:
    bring(write_folder(tmp_path / "f", **WHOLE))
    report = bring(write_folder(tmp_path / "f", patients=PATIENTS[:1], pain_scores=SCORES[:1]))
    assert tallies(report)["patients"] == (0, 1, 0, 1)
    assert tallies(report)["pain_scores"] == (0, 1, 0, 2)
    assert PainScore.objects.count() == 3


def test_a_correction_needs_a_reason(bring: Bring, problems: Callable[..., list[str]], tmp_path: Path) -> None:
    bring(write_folder(tmp_path / "f", **WHOLE))
    changed = write_folder(tmp_path / "f", patients=PATIENTS, pain_scores=[{**SCORES[0], "value": "8"}, *SCORES[1:]])
    assert problems(changed) == [
        'f: 1 rows differ from what is on record. Say why they change with --reason "..." (10 characters or more), or take the rows out.'
    ]
    assert bring(changed, dry_run=True).problem_count == 0


def test_a_corrected_score_is_its_next_version(bring: Bring, tmp_path: Path, now: datetime) -> None:
    bring(write_folder(tmp_path / "f", **WHOLE))
    first = PainScore.objects.get(enrolment__patient_code="P-01", visit_type__code="BL")
    report = bring(
        write_folder(tmp_path / "f", pain_scores=[{**SCORES[0], "value": "8"}, *SCORES[1:]]), reason="read again from the paper form"
    )
    assert tallies(report)["pain_scores"] == (0, 2, 1, 0)
    old, new = PainScore.objects.filter(record=first.record).order_by("version")
    assert (old.pk, old.value, old.ended_at, old.voided) == (first.pk, 7, now, False)
    assert (new.version, new.value, new.ended_at, new.submitted_at) == (2, 8, None, first.submitted_at)
    assert Change.objects.order_by("-at")[0].reason == "read again from the paper form"


def test_other_corrections_change_the_row_and_keep_its_history(bring: Bring, tmp_path: Path) -> None:
    bring(write_folder(tmp_path / "f", **WHOLE))
    changed = {
        "patients": [{**PATIENTS[0], "birth_year": "1961"}, {**PATIENTS[1], "birth_year": ""}],
        "dispositions": [{**DISPOSITIONS[0], "note": "moved away"}],
    }
    report = bring(write_folder(tmp_path / "f", **changed), reason="completed from the paper file")
    assert tallies(report)["patients"] == (0, 1, 1, 0)
    assert tallies(report)["dispositions"] == (0, 0, 1, 0)
    patient = Patient.objects.get(birth_year=1961)
    assert patient.history.count() == 2


def test_a_row_with_a_row_id_is_the_same_row_whatever_else_it_says(bring: Bring, tmp_path: Path) -> None:
    rows = [{**SCORES[0], "row_id": "a"}, {**SCORES[0], "row_id": "b", "value": "4"}]
    bring(write_folder(tmp_path / "f", patients=PATIENTS, pain_scores=rows))
    moved = [{**rows[0], "visit": "W4"}, rows[1]]
    report = bring(write_folder(tmp_path / "f", patients=PATIENTS, pain_scores=moved), reason="wrong visit in the first file")
    assert tallies(report)["pain_scores"] == (0, 1, 1, 0)
    assert PainScore.objects.get(row_id="a", ended_at=None).visit_type.code == "W4"


def test_what_was_voided_is_not_brought_back(bring: Bring, tmp_path: Path, admin: Any, now: datetime) -> None:
    folder = write_folder(tmp_path / "f", patients=PATIENTS, pain_scores=SCORES)
    bring(folder)
    with audited(by=admin, reason="entered for the wrong patient"):
        PainScore.objects.filter(enrolment__patient_code="P-02").update(ended_at=now, voided=True)
    report = bring(folder)
    table = report.tables[-1]
    assert (table.tally.new, table.tally.unchanged, table.tally.voided) == (0, 2, 1)
    assert PainScore.objects.filter(ended_at=None).count() == 2
    again = bring(write_folder(tmp_path / "f", patients=PATIENTS, pain_scores=[*SCORES[:2], {**SCORES[2], "value": "5"}]))
    assert again.tables[-1].tally.new == 1


def test_an_allocation_is_never_changed(bring: Bring, problems: Callable[..., list[str]], tmp_path: Path) -> None:
    bring(write_folder(tmp_path / "f", **WHOLE))
    swapped = [{"patient": "P-01", "arm": "active"}, ALLOCATIONS[1]]
    assert problems(write_folder(tmp_path / "f", arms=ARMS, allocations=swapped), reason="we were told otherwise") == [
        "allocations.csv, line 2, patient: 'P-01' is allocated already, and otherwise. Keep the row as it was; document errors apart."
    ]


def test_the_primary_pain_is_frozen_at_allocation(bring: Bring, problems: Callable[..., list[str]], tmp_path: Path) -> None:
    bring(write_folder(tmp_path / "f", **WHOLE))
    tables = {
        "diagnoses": [{"patient": "P-01", "diagnosis": "D2", "condition": "low_back"}],
        "pains": [{"patient": "P-01", "diagnosis": "D2"}],
    }
    (sentence,) = problems(write_folder(tmp_path / "f", **tables), reason="second thoughts about it")
    assert "differs from the primary pain, which is frozen at allocation" in sentence


def test_published_values_without_dates_may_have_several_columns_left_out(bring: Bring, tmp_path: Path) -> None:
    trial = TRIAL.replace('[[sites]]\ncode = "S"\n', "")
    bring(write_folder(tmp_path / "f", trial, patients=[{"patient": "P-01"}], pain_scores=SCORES[:2]))
    assert PainScore.objects.count() == 2


def test_diary_times_give_the_day_the_state_and_the_zone(bring: Bring, tmp_path: Path) -> None:
    rows = [
        {"patient": "P-01", "value": "5", "for_date": "", "recorded_at": "2026-03-02T02:30:00+01:00"},
        {"patient": "P-01", "value": "4", "for_date": "2026-03-05", "recorded_at": "2026-03-06T11:00:00Z"},
        {"patient": "P-02", "value": "3", "for_date": "2026-03-05", "recorded_at": "2026-03-06T11:00:01Z"},
        {"patient": "P-02", "value": "2", "for_date": "2026-03-07", "recorded_at": ""},
    ]
    bring(write_folder(tmp_path / "f", patients=PATIENTS, pain_scores=rows))
    found = PainScore.objects.order_by("enrolment__patient_code", "for_date")
    assert [(score.for_date, score.answer_state, score.zone) for score in found] == [
        (date(2026, 3, 1), "on_time", "Europe/Berlin"),
        (date(2026, 3, 5), "on_time", "Europe/Berlin"),
        (date(2026, 3, 5), "late", "Europe/Berlin"),
        (date(2026, 3, 7), "on_time", ""),
    ]
    assert found[0].submitted_at == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)


def test_a_row_without_a_value_is_no_answer(bring: Bring, tmp_path: Path) -> None:
    report = bring(write_folder(tmp_path / "f", patients=PATIENTS, pain_scores=[*SCORES, {**SCORES[2], "visit": "W4", "value": " "}]))
    assert (report.tables[-1].rows, report.tables[-1].without_value, report.tables[-1].tally.new) == (4, 1, 3)


def test_semicolons_and_decimal_commas_of_a_spreadsheet_are_read(bring: Bring, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", patients=PATIENTS)
    write_table(folder / "pain_scores.csv", SCORES, delimiter=";")
    text = "\ufeff" + (folder / "pain_scores.csv").read_text().replace("\n", "\r\n")
    (folder / "pain_scores.csv").write_text(text, newline="")
    bring(folder)
    assert PainScore.objects.get(visit_type__code="W4").value == Decimal("3.5")


def test_numbers_handed_out_follow_study_numbers_and_not_the_file(bring: Bring, tmp_path: Path) -> None:
    """A file may be sorted by arm; identifiers that grow with time would tell its order to everybody."""
    codes = ["P-09", "P-03", "P-07", "P-01"]
    rows = [{"patient": code, "visit": visit, "value": "5"} for code in codes for visit in ("W4", "BL")]
    patients = [{"patient": code, "site": "N"} for code in codes]
    bring(
        write_folder(
            tmp_path / "f", arms=ARMS, patients=patients, pain_scores=rows, allocations=[{"patient": code, "arm": "sham"} for code in codes]
        )
    )
    for order in ("uuid", "pk", "patient__uuid", "patient__pk"):
        assert list(Enrolment.objects.order_by(order).values_list("patient_code", flat=True)) == sorted(codes)
    for order in ("record", "pk"):
        found = PainScore.objects.order_by(order).values_list("enrolment__patient_code", "visit_type__code")
        assert list(found) == [(code, visit) for code in sorted(codes) for visit in ("BL", "W4")]
    assert list(Allocation.objects.order_by("pk").values_list("enrolment__patient_code", flat=True)) == sorted(codes)


def test_a_masked_trial_cannot_be_opened_by_an_import(bring: Bring, problems: Callable[..., list[str]], tmp_path: Path) -> None:
    bring(write_folder(tmp_path / "f", **WHOLE))
    opened = TRIAL.replace('conduct = "retrospective"', 'conduct = "retrospective"\nmasked = false')
    assert problems(write_folder(tmp_path / "f", opened), reason="we want to look at it") == [
        "trial.toml, line 5, trial.masked: differs from the trial on record, whose patients are allocated. Keep True."
    ]


def test_a_version_on_record_is_followed_never_edited(bring: Bring, problems: Callable[..., list[str]], tmp_path: Path) -> None:
    bring(write_folder(tmp_path / "f"))
    edited = TRIAL.replace("[plan]", "[plan]\nthresholds = [40]")
    assert problems(write_folder(tmp_path / "f", edited), reason="another threshold, please") == [
        "trial.toml, line 25, plan.version: differs from this version on record, which may be in use. Give the change a new version."
    ]
    report = bring(write_folder(tmp_path / "f", edited.replace("[plan]", '[plan]\nversion = "2"')), reason="another threshold, please")
    assert tallies(report)["trial.toml"] == (1, 7, 0, 1)
    assert [plan.thresholds_tenths for plan in Trial.objects.get().plans.order_by("pk")] == [[300, 500], [400]]
    assert Trial.objects.get().plans.get(version="2").post_hoc


def test_a_plan_that_comes_with_allocations_is_post_hoc_as_one_that_comes_after_them(bring: Bring, tmp_path: Path) -> None:
    bring(write_folder(tmp_path / "f", PROSPECTIVE, patients=WHOLE["patients"], arms=WHOLE["arms"]))
    later = PROSPECTIVE.replace("[plan]", '[plan]\nversion = "2"\nthresholds = [40]')
    report = bring(write_folder(tmp_path / "g", later, **WHOLE), reason="the allocations, and a plan")
    assert tallies(report)["allocations"][0] == len(WHOLE["allocations"])
    assert {plan.version: plan.post_hoc for plan in Trial.objects.get().plans.all()} == {"1": False, "2": True}


def test_a_plan_without_allocations_beside_it_is_not_post_hoc(bring: Bring, tmp_path: Path) -> None:
    bring(write_folder(tmp_path / "f", PROSPECTIVE, patients=WHOLE["patients"], arms=WHOLE["arms"]))
    later = PROSPECTIVE.replace("[plan]", '[plan]\nversion = "2"\nthresholds = [40]')
    bring(write_folder(tmp_path / "g", later, patients=WHOLE["patients"], arms=WHOLE["arms"]), reason="another plan")
    assert not Trial.objects.get().plans.get(version="2").post_hoc


def test_a_trial_made_with_its_allocations_keeps_the_word_of_its_folder(bring: Bring, tmp_path: Path) -> None:
    bring(write_folder(tmp_path / "f", TRIAL.replace("[plan]", "[plan]\npost_hoc = true"), **WHOLE))
    assert Trial.objects.get().plans.get().post_hoc
    bring(write_folder(tmp_path / "g", TRIAL.replace("calm-m1", "calm-m2"), **WHOLE))
    assert not Trial.objects.get(slug="calm-m2").plans.get().post_hoc


def test_python_looks_for_cycles_as_often_as_before_once_an_import_ended(bring: Bring, tmp_path: Path) -> None:
    before, during = gc.get_threshold(), list[int]()

    def settle(_: ImportReport) -> bool:
        during.append(gc.get_threshold()[0])
        return True

    bring(write_folder(tmp_path / "f", **WHOLE), settle=settle)
    assert during == [importer.OBJECTS_BETWEEN_LOOKS]
    with pytest.raises(ImportRefused), importer.collecting_seldom():
        raise ImportRefused("The zip is damaged.")
    assert gc.get_threshold() == before


def test_names_of_a_trial_may_be_corrected_with_a_reason(bring: Bring, tmp_path: Path) -> None:
    bring(write_folder(tmp_path / "f"))
    renamed = TRIAL.replace('code = "N"', 'code = "N"\nname = "Northfield"').replace('name = "Calm M1"', 'name = "Calm"')
    report = bring(write_folder(tmp_path / "f", renamed), reason="names as they are now")
    assert tallies(report)["trial.toml"] == (0, 6, 2, 0)
    trial = Trial.objects.get()
    assert (trial.name, trial.sites.get(code="N").name) == ("Calm", "Northfield")


class TestRights:
    """Who may import what."""

    @pytest.fixture
    def imported(self, bring: Bring, tmp_path: Path) -> Trial:
        bring(write_folder(tmp_path / "f", **WHOLE))
        return Trial.objects.get()

    @pytest.fixture
    def person(self, imported: Trial, setup_actor: Any) -> Callable[..., Any]:
        def make(role: str, site: str = "") -> Any:
            user = accounts.create_user(email=f"{role}@example.org", name=role, password="correct horse battery", by=setup_actor)
            at = imported.sites.get(code=site) if site else None
            accounts.add_membership(user=user, role=role, trial=imported, site=at, by=setup_actor, valid_from=date(2026, 1, 1))
            return user

        return make

    def test_a_stranger_cannot_make_a_trial(self, bring: Bring, person: Callable[..., Any], tmp_path: Path) -> None:
        with pytest.raises(NotAllowed, match=r"trial\.create"):
            bring(write_folder(tmp_path / "g", TRIAL.replace("calm-m1", "other")), by=person("data_manager"))

    def test_a_person_of_no_trial_learns_only_that_the_name_is_taken(
        self, bring: Bring, imported: Trial, setup_actor: Any, tmp_path: Path
    ) -> None:
        eve = accounts.create_user(email="eve@example.org", name="Eve", password="correct horse battery", by=setup_actor)
        with pytest.raises(NotAllowed, match="taken by a trial you are no member of"):
            bring(write_folder(tmp_path / "g", patients=PATIENTS), by=eve)

    def test_a_coordinator_may_not_import(self, bring: Bring, person: Callable[..., Any], tmp_path: Path) -> None:
        with pytest.raises(NotAllowed, match=r"data\.import"):
            bring(write_folder(tmp_path / "g", patients=PATIENTS), by=person("coordinator"))

    def test_a_data_manager_may_not_bring_allocations(self, bring: Bring, person: Callable[..., Any], tmp_path: Path) -> None:
        with pytest.raises(NotAllowed, match=r"allocation\.manage"):
            bring(write_folder(tmp_path / "g", **WHOLE), by=person("data_manager"))

    def test_another_sites_patient_is_no_patient(
        self, problems: Callable[..., list[str]], person: Callable[..., Any], tmp_path: Path
    ) -> None:
        folder = write_folder(
            tmp_path / "g", pain_scores=[{"patient": "P-02", "visit": "W4", "value": "1"}, {"patient": "P-77", "visit": "W4", "value": "1"}]
        )
        assert problems(folder, by=person("data_manager", site="N")) == [
            f"pain_scores.csv, line {line}, patient: '{code}' is no patient you can see in this trial."
            " Check the study number, or add it to patients.csv."
            for line, code in ((2, "P-02"), (3, "P-77"))
        ]

    def test_a_data_manager_of_one_site_brings_that_sites_rows(self, bring: Bring, person: Callable[..., Any], tmp_path: Path) -> None:
        folder = write_folder(
            tmp_path / "g", patients=[{"patient": "P-03", "site": "N"}], pain_scores=[{"patient": "P-03", "visit": "BL", "value": "1"}]
        )
        report = bring(folder, by=person("data_manager", site="N"))
        assert tallies(report)["patients"] == (1, 0, 0, 1)
        assert tallies(report)["pain_scores"] == (1, 0, 0, 2)

    def test_a_study_number_taken_elsewhere_is_refused(
        self, problems: Callable[..., list[str]], person: Callable[..., Any], tmp_path: Path
    ) -> None:
        folder = write_folder(tmp_path / "g", patients=[{"patient": "P-02", "site": "N"}])
        assert problems(folder, by=person("data_manager", site="N")) == [
            "patients.csv, line 2, patient: 'P-02' is taken in this trial. Use another study number."
        ]

    def test_a_data_manager_may_not_change_the_trial(self, bring: Bring, person: Callable[..., Any], tmp_path: Path) -> None:
        with pytest.raises(NotAllowed, match=r"trial\.manage"):
            bring(write_folder(tmp_path / "g", TRIAL.replace("Calm M1", "Mine")), by=person("data_manager"), reason="I like it better so")


LOOK = '\n[[looks]]\ncode = "interim1"\nplanned_on = {day}\n'


def test_a_look_new_or_moved_needs_a_reason_and_an_absent_one_stays(bring: Bring, tmp_path: Path) -> None:
    assert bring(write_folder(tmp_path / "none", **WHOLE)).imported
    first = write_folder(tmp_path / "first", trial=TRIAL + LOOK.format(day="2026-12-01"), **WHOLE)
    refused = bring(first)
    assert [(problem.column, problem.line > 0, problem.wrong) for problem in refused.problems] == [
        ("looks.code", True, "is new or changed")
    ]
    tried = bring(first, dry_run=True)
    assert (tried.problem_count, Trial.objects.get().looks.count()) == (0, 0)
    assert bring(first, reason="the charter was signed").imported
    later = write_folder(tmp_path / "later", trial=TRIAL + LOOK.format(day="2027-01-01"), **WHOLE)
    assert not bring(later).imported
    assert bring(later, reason="the board moved it").imported
    assert bring(later).imported
    assert bring(write_folder(tmp_path / "absent", **WHOLE), reason="without the look").imported
    look: Any = Trial.objects.get().looks.get()
    assert (str(look.planned_on), look.label, look.called_off) == ("2027-01-01", "interim1", False)
    assert [event.change.reason for event in look.history.order_by("pgh_id")] == ["the charter was signed", "the board moved it"]


def test_a_trial_comes_with_its_looks(bring: Bring, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "f", trial=TRIAL + LOOK.format(day="2026-12-01"), **WHOLE)
    assert bring(folder).created
    assert Trial.objects.get().looks.count() == 1


def test_a_look_without_a_day_is_named(bring: Bring, tmp_path: Path) -> None:
    report = bring(write_folder(tmp_path / "f", trial=TRIAL + '\n[[looks]]\ncode = "interim1"\n', **WHOLE))
    assert [problem.column for problem in report.problems] == ["looks.planned_on"]
