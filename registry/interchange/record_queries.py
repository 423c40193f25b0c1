"""The canonical text of thresholds, sessions, blocks and adverse events, as SQL; see export_queries.

A record is named in another table by its `_reference`: what an import finds it by.
"""

from __future__ import annotations

from registry.interchange.export_query import BY_PATIENT, ExportQuery, free_text, instant, text, yes_no
from registry.rules.tables import stimulation_tables as tables
from registry.vocabulary import NewSinceLast, SeriousCriterion

THRESHOLD_REFERENCE = """coalesce(nullif({0}.row_id, ''), concat_ws(' ', {0}.kind, {0}.hemisphere,
    coalesce({1}, {0}.measured_on::text), {2}.code))"""
SESSION_REFERENCE = """coalesce(CASE WHEN {0}.period = 1 THEN {0}.number::text ELSE {0}.period || '.' || {0}.number END,
    nullif({0}.row_id, ''), {1}, {0}.for_date::text)"""


def threshold_reference(alias: str, coil: str) -> str:
    """Return the SQL of a threshold's name."""
    return THRESHOLD_REFERENCE.format(alias, instant(f"{alias}.measured_at"), coil)


def session_reference(alias: str) -> str:
    """Return the SQL of a session's name."""
    return SESSION_REFERENCE.format(alias, instant(f"{alias}.started_at"))


MOTOR_THRESHOLDS = ExportQuery(
    tables.MOTOR_THRESHOLDS,
    """registry_motorthreshold t JOIN registry_enrolment e ON e.id = t.enrolment_id LEFT JOIN registry_coil c ON c.id = t.coil_id
       LEFT JOIN registry_stimulator m ON m.id = t.stimulator_id WHERE t.id IN ({thresholds})""",
    f"""{BY_PATIENT}, t.measured_on, t.measured_at NULLS FIRST, t.kind COLLATE "C", t.hemisphere COLLATE "C",
        c.code COLLATE "C" NULLS FIRST, t.row_id COLLATE "C\"""",
    {
        "patient": "e.patient_code",
        "measured_on": "t.measured_on",
        "measured_at": instant("t.measured_at"),
        "kind": "t.kind",
        "hemisphere": "t.hemisphere",
        "percent_mso": "t.percent_mso",
        "coil": "c.code",
        "stimulator": "m.code",
        "waveform": "t.waveform",
        "muscle": text("t.muscle"),
        "method": "t.method",
        "criterion_uv": "t.criterion_uv",
        "row_id": text("t.row_id"),
    },
)

# Words are stored in no order of their own; the vocabulary's is that of a file.
_NEW_SINCE = f"""CASE WHEN t.new_since_last = '{{{{}}}}' THEN 'none' ELSE (SELECT string_agg(word, ' ' ORDER BY place)
    FROM unnest(ARRAY{[word.value for word in NewSinceLast]}) WITH ORDINALITY known(word, place)
    WHERE word = ANY(t.new_since_last)) END"""
_CRITERIA = f"""(SELECT string_agg(word, ' ' ORDER BY place)
    FROM unnest(ARRAY{[word.value for word in SeriousCriterion]}) WITH ORDINALITY known(word, place)
    WHERE word = ANY(t.serious_criteria))"""

# One reason stands for all deviations of a session; that of being stopped early is the session's own.
_DEVIATION = """(SELECT d.{0} FROM registry_sessiondeviation d WHERE d.session_id = t.id AND d.kind <> 'not_completed'
    ORDER BY d.position NULLS LAST, d.id LIMIT 1)"""

SESSIONS = ExportQuery(
    tables.SESSIONS,
    """registry_stimulationsession t JOIN registry_enrolment e ON e.id = t.enrolment_id
       LEFT JOIN registry_visittype v ON v.id = t.visit_type_id LEFT JOIN registry_prescription r ON r.id = t.prescription_id
       LEFT JOIN registry_protocolversion p ON p.id = r.protocol_version_id LEFT JOIN registry_stimulator m ON m.id = t.stimulator_id
       LEFT JOIN registry_coil c ON c.id = t.coil_id LEFT JOIN registry_maskingguess g ON g.session_record = t.record
       LEFT JOIN registry_motorthreshold used ON used.id = t.threshold_id
       LEFT JOIN registry_motorthreshold h ON h.record = used.record AND h.id IN ({thresholds})
       LEFT JOIN registry_coil hc ON hc.id = h.coil_id
       LEFT JOIN registry_painscore b ON b.record = t.pain_before_record AND b.ended_at IS NULL AND b.id IN ({score_ids})
       LEFT JOIN registry_painscore a ON a.record = t.pain_after_record AND a.ended_at IS NULL AND a.id IN ({score_ids})
       WHERE t.id IN ({sessions})""",
    f'{BY_PATIENT}, t.period, t.number NULLS LAST, t.for_date, t.started_at NULLS FIRST, t.row_id COLLATE "C"',
    {
        "patient": "e.patient_code",
        "number": "t.number",
        "period": "t.period",
        "status": "t.status",
        "reason": text("t.reason"),
        "reason_text": free_text("t.reason_text"),
        "for_date": "t.for_date",
        "started_at": instant("t.started_at"),
        "ended_at": instant("t.finished_at"),
        "visit": "v.code",
        "protocol": "p.version",
        "as_planned": yes_no("t.as_planned"),
        "threshold": f"CASE WHEN h.id IS NOT NULL THEN {threshold_reference('h', 'hc')} END",
        "threshold_percent_mso": "t.threshold_percent_mso",
        "stimulator": "m.code",
        "coil": "c.code",
        "kit_code": text("t.kit_code"),
        "hearing_protection": yes_no("t.hearing_protection"),
        "coil_matches_threshold": yes_no("t.coil_matches_threshold"),
        "pulse_counter": "t.pulse_counter",
        "pain_before": "trim_scale(b.value)",
        "pain_before_at": instant("b.observed_at"),
        "pain_before_no_answer": text("t.pain_before_no_answer"),
        "pain_after": "trim_scale(a.value)",
        "pain_after_at": instant("a.observed_at"),
        "pain_after_no_answer": text("t.pain_after_no_answer"),
        "new_since_last": _NEW_SINCE,
        "new_since_last_text": free_text("t.new_since_last_text"),
        "side_effects_asked": yes_no("t.side_effects_asked"),
        "guess": "g.guess",
        "guess_certainty": "g.certainty",
        "deviation_reason": _DEVIATION.format("reason"),
        "deviation_text": free_text(_DEVIATION.format("reason_text")),
        "note": free_text("t.note"),
        "row_id": text("t.row_id"),
    },
)

SESSION_BLOCKS = ExportQuery(
    tables.SESSION_BLOCKS,
    """registry_stimulationblock k JOIN registry_stimulationsession t ON t.id = k.session_id
       JOIN registry_enrolment e ON e.id = t.enrolment_id WHERE NOT t.as_planned AND t.id IN ({sessions})""",
    f'{BY_PATIENT}, t.period, t.number NULLS LAST, t.for_date, t.started_at NULLS FIRST, t.row_id COLLATE "C", k.position',
    {
        "patient": "e.patient_code",
        "session": session_reference("t"),
        "position": "k.position",
        "target": "k.target",
        "target_text": free_text("k.target_text"),
        "hemisphere": "k.hemisphere",
        "frequency_hz": "trim_scale(k.frequency_hz)",
        "pulses_per_train": "CASE WHEN k.pulses_per_burst = 1 THEN k.bursts_per_train END",
        "bursts_per_train": "CASE WHEN k.pulses_per_burst > 1 THEN k.bursts_per_train END",
        "train_s": "NULL",
        "trains": "k.trains",
        "gap_s": "trim_scale(k.gap_s)",
        "pulses_per_burst": "k.pulses_per_burst",
        "intra_burst_hz": "trim_scale(k.intra_burst_hz)",
        "intensity_percent": "trim_scale(k.intensity_percent)",
        "intensity_reference": "k.intensity_reference",
    },
)

ADVERSE_EVENTS = ExportQuery(
    tables.ADVERSE_EVENTS,
    """registry_adverseevent t JOIN registry_enrolment e ON e.id = t.enrolment_id
       LEFT JOIN registry_stimulationsession s ON s.record = t.session_record AND s.id IN ({sessions})
       WHERE t.id IN ({events})""",
    f"""{BY_PATIENT}, t.onset_on, t.onset_at NULLS FIRST, t.term COLLATE "C", t.term_text COLLATE "C",
        ({session_reference("s")}) COLLATE "C" NULLS FIRST, t.row_id COLLATE "C\"""",
    {
        "patient": "e.patient_code",
        "term": "t.term",
        "term_text": free_text("t.term_text"),
        "onset_on": "t.onset_on",
        "onset_at": instant("t.onset_at"),
        "resolved_on": "t.resolved_on",
        "session": f"CASE WHEN s.id IS NOT NULL THEN {session_reference('s')} END",
        "solicited": yes_no("t.solicited"),
        "grade": "t.grade",
        "serious_criteria": _CRITERIA,
        "expected": yes_no("t.expected"),
        "relatedness": "t.relatedness",
        "action": "t.action",
        "outcome": "t.outcome",
        "aware_at": instant("t.aware_at"),
        "needs_report": yes_no("t.needs_report"),
        "note": free_text("t.note"),
        "row_id": text("t.row_id"),
    },
)

RECORD_QUERIES = (MOTOR_THRESHOLDS, SESSIONS, SESSION_BLOCKS, ADVERSE_EVENTS)
