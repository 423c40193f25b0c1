-- A synthetic trial of :patients patients with 40 scores each, stored in time order, so that one patient's rows are scattered.
-- Another :seed gives other values and arms. Every fortieth patient is planted on a threshold or one point beside it: baseline sums
-- of seven values that a seventh does not divide, so that any rounding of means misjudges some of them.
-- The design (bench/design.py) is on record: :trial, :treatment, :scale and the first of ten sites, :site.
-- Runs as a superuser with triggers off: it is not history that is measured here.
SET session_replication_role = replica;
SET synchronous_commit = off;
SELECT setseed((:seed % 1000003) / 1000003.0);

INSERT INTO registry_patient (id, sex, handedness, time_zone) SELECT i, 'unknown', 'unknown', '' FROM generate_series(1, :patients) i;
INSERT INTO registry_enrolment (id, trial_id, patient_id, patient_code, site_id, cohort, enrolled_on)
SELECT i, :trial, i, 'P' || i, :site + i % 10, 'patients', DATE '2021-01-04' + (i * 1500::bigint / :patients)::integer FROM generate_series(1, :patients) i;
INSERT INTO registry_paindiagnosis (id, patient_id, code, condition, condition_text, certainty, mechanism, onset, icd10, icd11)
SELECT i, i, 'D1', (ARRAY['crps_1', 'fibromyalgia', 'phantom_limb', 'low_back'])[1 + i % 4], '', 'definite', 'mixed', '', '', ''
FROM generate_series(1, :patients) i;
INSERT INTO registry_enrolmentpain (id, enrolment_id, diagnosis_id, rank, body_region, side)
SELECT i, i, i, 1, '', 'left' FROM generate_series(1, :patients) i;
INSERT INTO registry_allocation (id, enrolment_id, stage, treatment_id, analysis_site_id, stratum, kit_code, allocated_on)
SELECT id, id, 1, :treatment, site_id, '', '', enrolled_on FROM registry_enrolment;
INSERT INTO closed.arm (id, trial_id, code, label, treatment_id, part, letter, position)
VALUES (1, :trial, 'active', 'Active', :treatment, 'active', 'A', 1), (2, :trial, 'sham', 'Sham', :treatment, 'sham', 'B', 2);
INSERT INTO closed.allocation (enrolment_id, stage, arm_id) SELECT id, 1, 1 + (random() < 0.5)::integer FROM registry_enrolment;
INSERT INTO registry_painscore (
    record, version, enrolment_id, scale_id, context, recall, source, rater, answer_state, scheduled, for_date, submitted_at, recorded_at,
    zone, value, value_units, row_id, voided
)
SELECT gen_random_uuid(), 1, e.id, :scale, d.context, 'average_24h', d.source, 'patient', 'on_time', true, e.enrolled_on + d.day,
       (e.enrolled_on + d.day)::timestamptz + interval '19 hours', (e.enrolled_on + d.day)::timestamptz + interval '19 hours',
       'Europe/Berlin', v.value, v.value * 1000000, '', false
FROM registry_enrolment e
CROSS JOIN (
    SELECT -day AS day, 'diary' AS context, 'diary' AS source FROM generate_series(1, 7) day
    UNION ALL SELECT day, 'diary', 'diary' FROM generate_series(22, 28) day
    UNION ALL SELECT day / 5 * 7 + day % 5, 'pre_session', 'clinic' FROM generate_series(0, 19) day
    UNION ALL SELECT day, 'visit', 'clinic' FROM unnest(ARRAY[35, 42, 56, 84, 112, 168]) day
) d
CROSS JOIN LATERAL (
    SELECT e.id % 40 = 0 AND d.context = 'diary' AS planted, e.id / 40 % 4 AS kind, 20 + 10 * ((e.id / 160 + :seed) % 5) AS before,
           CASE WHEN d.day < 0 THEN -d.day - 1 ELSE d.day - 22 END AS place
) p
CROSS JOIN LATERAL (
    -- 30 % less, one point short of it, 50 % less, one point short of it.
    SELECT CASE WHEN d.day < 0 THEN p.before ELSE (ARRAY[7, 7, 5, 5])[p.kind + 1] * p.before / 10 + p.kind % 2 END AS total
) t
CROSS JOIN LATERAL (
    SELECT CASE WHEN p.planted THEN t.total * (p.place + 1) / 7 - t.total * p.place / 7
                ELSE greatest(0, least(10, round(6 - greatest(d.day, 0) / 14.0 + (random() + e.id * 0 - 0.5) * 4)))::integer END AS value
) v
ORDER BY e.enrolled_on + d.day, e.id;
SELECT setval(pg_get_serial_sequence(name, 'id'), 1000000000) FROM unnest(ARRAY[
    'registry_patient', 'registry_enrolment', 'registry_paindiagnosis', 'registry_enrolmentpain', 'registry_allocation',
    'registry_painscore', 'closed.arm'
]) name;
VACUUM ANALYZE;
