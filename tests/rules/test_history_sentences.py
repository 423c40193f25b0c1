"""What the history says, word by word."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

import pytest

from registry.rules.history_sentences import RowVersion, ScoreVersion, in_one_line, row_sentences, score_sentences

FIRST, SECOND, THIRD, FOURTH = (UUID(int=number) for number in range(1, 5))
RECORD = UUID(int=77)


def told(noun, *versions, named_by=""):
    return list(row_sentences(noun, named_by, versions))


def test_added_row_is_told_with_what_was_given():
    row = RowVersion(FIRST, 1, "insert", {"condition": "Low back pain", "onset": "", "icd10": "M54.5"})
    assert told("a diagnosis", row) == [(FIRST, "Added a diagnosis: condition Low back pain, ICD-10 M54.5.")]


def test_added_row_without_values_is_told_bare():
    assert told("the identity", RowVersion(FIRST, 1, "insert", {})) == [(FIRST, "Added the identity.")]


def test_changed_row_tells_old_and_new_and_which_row():
    old = RowVersion(FIRST, 1, "insert", {"condition": "Low back pain", "certainty": "Possible", "onset": ""})
    new = RowVersion(SECOND, 1, "update", {"condition": "Low back pain", "certainty": "Definite", "onset": "2020"})
    assert told("a diagnosis", old, new, named_by="condition")[1:] == [
        (SECOND, "Changed in the diagnosis (Low back pain): certainty from Possible to Definite; onset from nothing to 2020.")
    ]


def test_rows_of_one_table_are_kept_apart():
    versions = [RowVersion(FIRST, 1, "insert", {"side": "Left"}), RowVersion(FIRST, 2, "insert", {"side": "Right"})]
    changed = RowVersion(SECOND, 1, "update", {"side": "Both sides"})
    assert told("a pain", *versions, changed)[-1] == (SECOND, "Changed in the pain: side from Left to Both sides.")


def test_change_of_nothing_told_is_silent():
    values = {"side": "Left"}
    assert told("a pain", RowVersion(FIRST, 1, "insert", values), RowVersion(SECOND, 1, "update", values))[1:] == []


def test_voided_and_restored_row_say_so():
    given = {"kind": "Death", "voided_at": ""}
    voided = given | {"voided_at": "2026-11-19"}
    versions = [RowVersion(FIRST, 1, "insert", given), RowVersion(SECOND, 1, "update", voided), RowVersion(THIRD, 1, "update", given)]
    assert told("a disposition", *versions, named_by="kind")[1:] == [
        (SECOND, "Voided the disposition (Death)."),
        (THIRD, "Restored the disposition (Death), which had been voided."),
    ]


def test_deleted_row_is_told():
    versions = [RowVersion(FIRST, 1, "insert", {"rank": "2"}), RowVersion(SECOND, 1, "delete", {"rank": "2"})]
    assert told("a pain", *versions, named_by="rank")[-1] == (SECOND, "Deleted the pain (2).")


def test_row_whose_beginning_is_unknown_is_still_told():
    assert told("the enrolment", RowVersion(FIRST, 1, "update", {"site": "N"})) == [(FIRST, "Changed the enrolment.")]


def score(change, version, value, *, inserted=True, record=RECORD, when="2026-11-19"):
    return ScoreVersion(change, record, version, inserted, Decimal(value), when)


def test_score_is_recorded_corrected_voided_and_restored_in_words():
    versions = [score(FIRST, 1, "5.000000"), score(SECOND, 2, "6"), score(THIRD, 2, "6", inserted=False), score(FOURTH, 3, "6")]
    assert score_sentences(versions) == {
        FIRST: ["Recorded a pain score of 5 for 2026-11-19."],
        SECOND: ["Corrected the pain score for 2026-11-19 from 5 to 6."],
        THIRD: ["Voided the pain score of 6 for 2026-11-19."],
        FOURTH: ["Restored the voided pain score of 6 for 2026-11-19."],
    }


def test_correction_of_a_score_whose_first_version_is_hidden_tells_the_new_value_only():
    assert score_sentences([score(SECOND, 2, "6.5")]) == {SECOND: ["Corrected the pain score for 2026-11-19 to 6.5."]}


@pytest.mark.parametrize(("count", "sentences"), [(3, 3), (4, 1)])
def test_many_new_scores_are_one_sentence(count, sentences):
    versions = [score(FIRST, 1, "5", record=UUID(int=day), when=f"2026-11-{day:02d}") for day in range(1, count + 1)]
    [(change, lines)] = score_sentences(versions).items()
    assert (change, len(lines)) == (FIRST, sentences)
    if sentences == 1:
        assert lines == ["Recorded 4 pain scores, from 2026-11-01 to 2026-11-04."]


def test_one_line_names_author_and_reason():
    assert in_one_line("Ana Rivera", "Corrected the pain score for 2026-11-19 from 5 to 6.", "Typing error") == (
        "Ana Rivera corrected the pain score for 2026-11-19 from 5 to 6: Typing error."
    )
    assert in_one_line("Scheduler", "Added a pain.", "") == "Scheduler added a pain."
