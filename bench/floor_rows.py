"""The floors of writing a session: bare INSERTs with history by PostgreSQL's own load program, of one row and of all the rows there are."""

from __future__ import annotations

from typing import Any

FLAT = """CREATE TABLE floor_session (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, patient_id bigint REFERENCES peer_patient,
    number smallint, status text, started_at timestamptz, ended_at timestamptz, threshold_percent smallint, stimulator text, kit_code text,
    frequency_hz numeric, pulses integer, intensity_percent smallint, pain_before numeric, pain_after numeric, note text)"""
ONE_ROW = """
INSERT INTO floor_session (patient_id, number, status, started_at, ended_at, threshold_percent, stimulator, kit_code, frequency_hz, pulses,
    intensity_percent, pain_before, pain_after, note)
VALUES (1 + (random() * 99)::integer, 3, 'given', now(), now(), 52, 'ST-N', 'K-3127', 10, 3000, 80, 6, 4, '');
"""
HISTORY = """CREATE TABLE {table}_event AS SELECT now() AS at, 'insert'::text AS label, * FROM {table};
CREATE FUNCTION {table}_history() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO {table}_event SELECT now(), ''insert'', * FROM new_values; RETURN NULL; END';
CREATE TRIGGER history AFTER INSERT ON {table} REFERENCING NEW TABLE AS new_values FOR EACH STATEMENT EXECUTE FUNCTION {table}_history()"""

# What the product writes of one session, column by column: one session, one block, two pains, one side effect. The tables are the
# product's own with columns, checks and indexes, without foreign keys and without its other triggers.
RECORD = {"record": "gen_random_uuid()", "version": "1", "recorded_at": "now()", "row_id": "''", "ended_at": "NULL", "voided": "false"}
SESSION = {
    **RECORD, "recorded_by_id": "1", "enrolment_id": ":patient", "number": "3", "period": "1", "prescription_id": "1", "status": "'given'",
    "reason": "''", "reason_text": "''", "for_date": "current_date", "started_at": "now()", "finished_at": "now()",
    "zone": "'Europe/Berlin'", "threshold_id": "1", "threshold_percent_mso": "52", "stimulator_id": "1", "kit_code": "''",
    "coil_matches_threshold": "true", "hearing_protection": "true", "pulse_counter": "3000", "pulses_planned": "3000",
    "pulses_delivered": "3000",
    "pain_before_record": "gen_random_uuid()", "pain_before_no_answer": "''", "pain_after_record": "gen_random_uuid()",
    "pain_after_no_answer": "''", "new_since_last": "'{}'", "new_since_last_text": "''", "side_effects_asked": "true", "as_planned": "true",
    "note": "''",
}  # fmt: skip
BLOCK = {
    "session_id": ":id", "position": "1", "target": "'m1_hand'", "target_text": "''", "hemisphere": "'left'", "frequency_hz": "10",
    "pulses_per_burst": "1", "bursts_per_train": "100", "trains": "30", "gap_s": "20", "intensity_percent": "80",
    "intensity_reference": "'rmt'", "setting_percent_mso": "42",
}  # fmt: skip
PAIN = {
    **RECORD, "enrolment_id": ":patient", "scale_id": "1", "context": "'pre_session'", "recall": "'now'", "source": "'clinic'",
    "rater": "'patient'", "answer_state": "'on_time'", "scheduled": "true", "for_date": "current_date", "observed_at": "now()",
    "submitted_at": "now()", "zone": "'Europe/Berlin'", "value": "6", "value_units": "6000000",
}  # fmt: skip
EFFECT = {
    **RECORD, "recorded_by_id": "1", "enrolment_id": ":patient", "session_record": "gen_random_uuid()", "solicited": "true",
    "term": "'headache'", "term_text": "''", "onset_on": "current_date", "onset_at": "now()", "grade": "1", "serious": "false",
    "serious_criteria": "'{}'", "relatedness": "'possible'", "action": "'none'", "outcome": "'unknown'", "aware_at": "now()",
    "needs_report": "false", "note": "''",
}  # fmt: skip
ROWS = {"stimulationsession": (SESSION,), "stimulationblock": (BLOCK,), "painscore": (PAIN, PAIN), "adverseevent": (EFFECT,)}


def make_floors(connection: Any) -> None:
    """Make the tables that both scripts write, in a database with the product's and the flat peer's."""
    connection.execute(FLAT)
    for table in ROWS:
        connection.execute(f"CREATE TABLE equal_{table} (LIKE registry_{table} INCLUDING ALL)")
    for table in ("floor_session", *(f"equal_{table}" for table in ROWS)):
        for statement in HISTORY.format(table=table).split(";\n"):
            connection.execute(statement)


def whole_session() -> str:
    """Return the script that writes all the rows of one session in one transaction, one statement a table."""
    # So wide that no two sessions of a run have the same patient: numbers of sessions are unique.
    lines = ["\\set patient random(1, 9000000000000000000)", "BEGIN;"]
    for table, rows in ROWS.items():
        values = ", ".join(f"({', '.join(row.values())})" for row in rows)
        end = " RETURNING id \\gset" if table == "stimulationsession" else ";"
        lines.append(f"INSERT INTO equal_{table} ({', '.join(rows[0])}) VALUES {values}{end}")
    return "\n".join([*lines, "COMMIT;", ""])
