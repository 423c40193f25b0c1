"""The canonical text of every cell of a trial folder, as SQL: what import would read back to the same record.

A cell without content is NULL, which COPY writes as nothing. The session's time zone is UTC and its date style ISO.
"""

from __future__ import annotations

from registry.interchange.export_query import BY_PATIENT, ExportQuery, free_text, instant, text, yes_no
from registry.interchange.record_queries import RECORD_QUERIES
from registry.rules.tables import definitions as tables
from registry.services.score_intake import OF_A_SESSION

ARMS = ExportQuery(
    tables.ARMS,
    "closed.arm a JOIN registry_treatment t ON t.id = a.treatment_id WHERE a.trial_id = {trial}",
    'a.code COLLATE "C"',
    {"arm": "a.code", "label": "a.label", "treatment": "t.code", "part": "a.part", "position": "a.position"},
)

PATIENTS = ExportQuery(
    tables.PATIENTS,
    """registry_enrolment e JOIN registry_patient p ON p.id = e.patient_id JOIN registry_site s ON s.id = e.site_id
       LEFT JOIN registry_protocolversion v ON v.id = e.protocol_version_id WHERE e.id IN ({enrolments})""",
    BY_PATIENT,
    {
        "patient": "e.patient_code",
        "site": "s.code",
        "cohort": "e.cohort",
        "enrolled_on": "e.enrolled_on",
        "protocol": "v.version",
        "birth_year": "p.birth_year",
        "sex": "p.sex",
        "handedness": "p.handedness",
        "time_zone": text("p.time_zone"),
    },
)

DIAGNOSES = ExportQuery(
    tables.DIAGNOSES,
    """registry_paindiagnosis d JOIN registry_enrolment e ON e.patient_id = d.patient_id
       WHERE d.voided_at IS NULL AND e.id IN ({enrolments})""",
    f'{BY_PATIENT}, d.code COLLATE "C"',
    {
        "patient": "e.patient_code",
        "diagnosis": "d.code",
        "condition": "d.condition",
        "condition_text": free_text("d.condition_text"),
        "certainty": "d.certainty",
        "mechanism": "d.mechanism",
        "onset": text("d.onset"),
        "icd10": text("d.icd10"),
        "icd11": text("d.icd11"),
    },
)

PAINS = ExportQuery(
    tables.PAINS,
    """registry_enrolmentpain p JOIN registry_enrolment e ON e.id = p.enrolment_id
       JOIN registry_paindiagnosis d ON d.id = p.diagnosis_id WHERE p.voided_at IS NULL AND e.id IN ({enrolments})""",
    f"{BY_PATIENT}, p.rank",
    {
        "patient": "e.patient_code",
        "rank": "p.rank",
        "diagnosis": "d.code",
        "body_region": free_text("p.body_region"),
        "side": "p.side",
    },
)

ALLOCATIONS = ExportQuery(
    tables.ALLOCATIONS,
    """registry_allocation a JOIN registry_enrolment e ON e.id = a.enrolment_id JOIN registry_site s ON s.id = a.analysis_site_id
       JOIN closed.allocation c ON c.enrolment_id = a.enrolment_id AND c.stage = a.stage JOIN closed.arm arm ON arm.id = c.arm_id
       WHERE e.id IN ({enrolments})""",
    f"{BY_PATIENT}, a.stage",
    {
        "patient": "e.patient_code",
        "stage": "a.stage",
        "arm": "arm.code",
        "analysis_site": "s.code",
        "stratum": text("a.stratum"),
        "kit_code": text("a.kit_code"),
        "allocated_on": "a.allocated_on",
        "allocated_at": instant("a.allocated_at"),
    },
)

DISPOSITIONS = ExportQuery(
    tables.DISPOSITIONS,
    """registry_disposition d JOIN registry_enrolment e ON e.id = d.enrolment_id
       WHERE d.voided_at IS NULL AND e.id IN ({enrolments})""",
    f'{BY_PATIENT}, d.kind COLLATE "C"',
    {
        "patient": "e.patient_code",
        "kind": "d.kind",
        "happened_on": "d.happened_on",
        "reason": "d.reason",
        "note": free_text("d.note"),
    },
)

# A time of answer is known where a zone is on record, and said where it is not that of the visit (score_intake).
_ANSWERED_AT = "CASE WHEN t.zone <> '' AND t.submitted_at IS DISTINCT FROM t.observed_at THEN t.submitted_at END"

# The pains of a session stand in its own row.
PAIN_SCORES = ExportQuery(
    tables.PAIN_SCORES,
    f"""({{scores}}) t JOIN registry_enrolment e ON e.id = t.enrolment_id JOIN registry_scale c ON c.id = t.scale_id
       LEFT JOIN registry_visittype v ON v.id = t.visit_type_id LEFT JOIN registry_enrolmentpain p ON p.id = t.pain_id
       WHERE NOT {OF_A_SESSION}""",
    f"""{BY_PATIENT}, t.for_date NULLS FIRST, v.code COLLATE "C" NULLS FIRST, t.context COLLATE "C", t.source COLLATE "C",
        c.code COLLATE "C", c.version COLLATE "C", t.recall COLLATE "C", p.rank NULLS FIRST, t.observed_at NULLS FIRST,
        {_ANSWERED_AT} NULLS FIRST, t.row_id COLLATE "C\"""",
    {
        "patient": "e.patient_code",
        "for_date": "t.for_date",
        "visit": "v.code",
        "value": "trim_scale(t.value)",
        "scale": "c.code",
        "scale_version": "c.version",
        "recall": "t.recall",
        "context": "t.context",
        "source": "t.source",
        "rater": "t.rater",
        "pain": "coalesce(p.rank::text, 'overall')",
        "observed_at": instant("t.observed_at"),
        "recorded_at": instant(_ANSWERED_AT),
        "answer_state": "t.answer_state",
        "scheduled": yes_no("t.scheduled"),
        "row_id": text("t.row_id"),
    },
)

QUERIES = (ARMS, PATIENTS, DIAGNOSES, PAINS, ALLOCATIONS, DISPOSITIONS, PAIN_SCORES, *RECORD_QUERIES)
