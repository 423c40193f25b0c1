"""Responder tables by plain SQL: what the registry would do without endpoint rows and snapshots.

All three give, by diagnosis and arm, how many have baseline and week 4 and how many of them have 30 and 50 % less pain. The first
reads the records as they are; the second is the best found, two probes a patient of a covering index on a table that holds
nothing else; the third groups the registry's own endpoint rows.
"""

_TABLE = """
SELECT condition, arm, count(*), count(*) FILTER (WHERE 10 * sw * nb <= 7 * sb * nw), count(*) FILTER (WHERE 2 * sw * nb <= sb * nw)
FROM ({patients}) one WHERE sb > 0 AND nb >= 4 AND nw >= 4 GROUP BY 1, 2 ORDER BY 1, 2
"""
_WHO = """
registry_allocation a JOIN closed.allocation given ON given.enrolment_id = a.enrolment_id AND given.stage = 1
JOIN closed.arm arm ON arm.id = given.arm_id JOIN registry_enrolmentpain pain ON pain.enrolment_id = a.enrolment_id AND pain.rank = 1
JOIN registry_paindiagnosis d ON d.id = pain.diagnosis_id
"""
_BEFORE, _AFTER = "s.for_date - a.allocated_on BETWEEN -7 AND -1", "s.for_date - a.allocated_on BETWEEN 22 AND 28"

FROM_RECORDS = _TABLE.format(
    patients=f"""
    SELECT d.condition, arm.code AS arm, sum(value_units) FILTER (WHERE {_BEFORE}) AS sb, count(*) FILTER (WHERE {_BEFORE}) AS nb,
           sum(value_units) FILTER (WHERE {_AFTER}) AS sw, count(*) FILTER (WHERE {_AFTER}) AS nw
    FROM {_WHO} JOIN registry_painscore s ON s.enrolment_id = a.enrolment_id AND s.ended_at IS NULL AND s.context = 'diary'
        AND s.for_date BETWEEN a.allocated_on - 7 AND a.allocated_on + 28
    GROUP BY a.enrolment_id, d.condition, arm.code"""
)

MAKE_PROBED = """
CREATE TABLE live_score AS SELECT enrolment_id, for_date, value_units FROM registry_painscore WHERE context = 'diary' AND ended_at IS NULL;
CREATE INDEX ON live_score (enrolment_id, for_date) INCLUDE (value_units);
GRANT SELECT ON live_score TO rtms_owner
"""
_PROBE = """
CROSS JOIN LATERAL (SELECT sum(value_units) AS s{name}, count(*) AS n{name} FROM live_score s
    WHERE s.enrolment_id = a.enrolment_id AND s.for_date BETWEEN a.allocated_on + ({first}) AND a.allocated_on + ({last})) {name}
"""
BY_PROBES = _TABLE.format(
    patients="SELECT d.condition, arm.code AS arm, sb, nb, sw, nw FROM "
    + _WHO
    + _PROBE.format(name="b", first=-7, last=-1)
    + _PROBE.format(name="w", first=22, last=28)
)

# What a closed table needs beside the endpoint rows is the arm alone, which is in the closed room and nowhere else.
FROM_ENDPOINTS = """
SELECT condition, arm.code, n, n_30, n_50 FROM (
    SELECT condition, arm_id, count(*) AS n,
           count(*) FILTER (WHERE 10 * value_sum_units * baseline_n <= 7 * baseline_sum_units * value_n) AS n_30,
           count(*) FILTER (WHERE 2 * value_sum_units * baseline_n <= baseline_sum_units * value_n) AS n_50
    FROM registry_endpoint e JOIN closed.allocation given ON given.enrolment_id = e.enrolment_id AND given.stage = 1
    WHERE time_point_id = (SELECT id FROM registry_plantimepoint WHERE code = 'W4')
    AND baseline_sum_units > 0 AND baseline_n >= 4 AND value_n >= 4 GROUP BY condition, arm_id
) counted JOIN closed.arm arm ON arm.id = counted.arm_id ORDER BY 1, 2
"""
