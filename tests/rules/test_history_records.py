"""What the history says of versioned records, word by word."""

from __future__ import annotations

from uuid import UUID

from registry.rules.history_records import Noun, RecordVersion, record_sentences

FIRST, SECOND, THIRD = (UUID(int=number) for number in range(1, 4))
SESSION, OTHER = UUID(int=77), UUID(int=78)
NOUN = Noun("session", "sessions", named_by="number")


def version(change, nth=1, *, inserted=True, record=SESSION, when="2026-11-12", **values):
    return RecordVersion(change, record, nth, inserted, when, {"number": "3", "status": "Given"} | values)


def test_a_new_record_is_told_with_what_was_given():
    assert record_sentences(NOUN, [version(FIRST, dose="10 Hz")]) == {
        FIRST: ["Recorded the session 3 of 2026-11-12: status Given, dose 10 Hz."]
    }


def test_many_new_ones_of_a_change_are_one_sentence():
    rows = [version(FIRST, record=UUID(int=number), when=f"2026-11-{number:02}") for number in range(10, 15)]
    assert record_sentences(NOUN, rows) == {FIRST: ["Recorded 5 sessions, from 2026-11-10 to 2026-11-14."]}


def test_a_correction_tells_old_and_new_of_what_changed_alone():
    rows = [version(FIRST, dose="10 Hz"), version(SECOND, 2, dose="20 Hz"), version(SECOND, record=OTHER)]
    assert record_sentences(NOUN, rows)[SECOND] == [
        "Recorded the session 3 of 2026-11-12: status Given.",
        "Corrected the session 3 of 2026-11-12: dose from 10 Hz to 20 Hz.",
    ]


def test_a_corrected_number_names_the_session_by_its_old_one():
    rows = [version(FIRST), version(SECOND, 2, number="4")]
    assert record_sentences(NOUN, rows)[SECOND] == ["Corrected the session 3 of 2026-11-12: number from 3 to 4."]


def test_voided_and_restored_records_say_so():
    rows = [version(FIRST), version(SECOND, inserted=False), version(THIRD, 2)]
    told = record_sentences(NOUN, rows)
    assert told[SECOND] == ["Voided the session 3 of 2026-11-12."]
    assert told[THIRD] == ["Restored the session 3 of 2026-11-12, which had been voided."]
