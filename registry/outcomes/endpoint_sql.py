"""The one statement that makes endpoint rows (R1 to R8), put together from a plan; its values are always parameters.

How it stays near the cost of counting the scores: one pass over the scores sorts nothing. Each score falls into at most
one *place* (0 the baseline, 1.. the time points) and is added up by enrolment and place. A set of day bits, taken along,
tells where two scores may share a day (fewer bits than scores); only those places are measured again, by the order of R6.
Days 64 apart share a bit, which costs a second measurement and never changes a result.
"""

from __future__ import annotations

from dataclasses import dataclass

from registry.outcomes.plans import CheckedPlan
from registry.rules import response
from registry.vocabulary import Anchor, PlanPain, Population, ValueRule

# Dates of named visits are counted from this day; undated values stand before all dated ones.
_UNDATED = -500_000
_VISIT_DAY = f"coalesce(s.for_date - DATE '2000-01-01', {_UNDATED})"
# A picked value rides in the low half of a number whose high half says how good the pick is; the smallest wins.
_BEFORE_THE_FIRST_PULSE = """(t.stimulated_on IS NULL OR s.for_date < t.stimulated_on
    OR (s.for_date = t.stimulated_on AND s.observed_at < t.stimulated_at))"""
_POPULATIONS = {
    Population.ALLOCATED: "AND a.id IS NOT NULL",
    Population.TREATED: "AND first.enrolment_id IS NOT NULL",
    Population.ENROLLED: "",
}
_LOW_HALF, _OFFSET = 4_294_967_295, 2_147_483_648


@dataclass(frozen=True)
class _Place:
    """The baseline (number 0) or a time point, with the visit it takes its values from, if it names one."""

    number: int
    source: response.Baseline | response.TimePoint
    visit_type_id: int | None

    @property
    def target_day(self) -> int:
        return self.source.target_day or 0 if isinstance(self.source, response.TimePoint) else 0


def endpoint_statement(plan: CheckedPlan, *, only_some: bool) -> str:
    """Return the statement; `only_some` limits it to the enrolments named by parameter `enrolments`."""
    places = _places(plan)
    return f"""
        WITH target AS MATERIALIZED ({_target(plan, only_some)}),
        fast AS MATERIALIZED (
            SELECT enrolment_id, place, {_sum_and_count(places)}, bit_or(1::bigint << (day & 63)) AS days, count(*) AS scores
            FROM ({_placed(plan, places, "target t, registry_painscore s")}) placed GROUP BY enrolment_id, place
        ),
        measured AS MATERIALIZED (
            SELECT enrolment_id, place, n, total FROM fast WHERE bit_count(days::bit(64)) = scores
            UNION ALL
            SELECT t.enrolment_id, f.place, exact.n, exact.total
            FROM fast f JOIN target t USING (enrolment_id) CROSS JOIN LATERAL (
                SELECT {_sum_and_count(places)} FROM (
                    SELECT DISTINCT ON (day) f.place, day, value_units, scheduled
                    FROM ({_placed(plan, places, "registry_painscore s", ranked=True)}) placed WHERE placed.place = f.place
                    ORDER BY day, source_rank, submitted_at, observed_at NULLS LAST, record
                ) one_a_day
            ) exact
            WHERE bit_count(f.days::bit(64)) < f.scores
        ),
        gone AS (
            DELETE FROM registry_endpoint old USING registry_plantimepoint tp
            WHERE tp.id = old.time_point_id AND tp.plan_id = %(plan)s {"AND old.enrolment_id = ANY(%(enrolments)s)" if only_some else ""}
            AND NOT EXISTS (SELECT 1 FROM target t WHERE t.enrolment_id = old.enrolment_id)
        )
        INSERT INTO registry_endpoint AS old (
            enrolment_id, period, time_point_id, condition, anchor_on, anchor_is_fallback,
            baseline_sum_units, baseline_n, value_sum_units, value_n
        )
        SELECT t.enrolment_id, 1, point.id, t.condition, t.anchor_on, t.anchor_is_fallback,
               coalesce(b.total, 0), coalesce(b.n, 0), coalesce(v.total, 0), coalesce(v.n, 0)
        FROM target t
        CROSS JOIN (SELECT id, row_number() OVER (ORDER BY position) AS place FROM registry_plantimepoint WHERE plan_id = %(plan)s) point
        LEFT JOIN measured b ON b.enrolment_id = t.enrolment_id AND b.place = 0
        LEFT JOIN measured v ON v.enrolment_id = t.enrolment_id AND v.place = point.place
        ON CONFLICT (time_point_id, enrolment_id, period) DO UPDATE SET
            condition = excluded.condition, anchor_on = excluded.anchor_on, anchor_is_fallback = excluded.anchor_is_fallback,
            baseline_sum_units = excluded.baseline_sum_units, baseline_n = excluded.baseline_n,
            value_sum_units = excluded.value_sum_units, value_n = excluded.value_n
        WHERE (old.condition, old.anchor_on, old.anchor_is_fallback,
               old.baseline_sum_units, old.baseline_n, old.value_sum_units, old.value_n)
            IS DISTINCT FROM (excluded.condition, excluded.anchor_on, excluded.anchor_is_fallback,
                              excluded.baseline_sum_units, excluded.baseline_n, excluded.value_sum_units, excluded.value_n)
    """


def switch_days() -> str:
    """Return the query for the first day, by protocol version, that belongs to a later period or to open label."""
    return """
        SELECT protocol_version_id, min(first_day) AS switch_day FROM registry_epoch
        WHERE period > 1 OR (kind = 'open_extension' AND %(masked)s) GROUP BY protocol_version_id
    """


def _places(plan: CheckedPlan) -> list[_Place]:
    baseline = _Place(0, plan.rules.baseline, plan.row.baseline_visit_type_id)
    rows = zip(plan.rules.time_points, plan.time_points, strict=True)
    return [baseline, *(_Place(number, rule, row.visit_type_id) for number, (rule, row) in enumerate(rows, start=1))]


def _target(plan: CheckedPlan, only_some: bool) -> str:
    """Return the query for the population with its anchors (R1, R11) and the date from which nothing counts (R5)."""
    by_stimulation = plan.rules.anchor == Anchor.FIRST_STIMULATION
    anchor_on = f"coalesce({'first.stimulated_on, ' if by_stimulation else ''}a.allocated_on, e.enrolled_on)"
    some = "AND e.id = ANY(%(enrolments)s)" if only_some else ""
    return f"""
        SELECT e.id AS enrolment_id, {anchor_on} AS anchor_on,
               {"first.stimulated_on" if by_stimulation else "a.allocated_on"} IS NULL AS anchor_is_fallback, pain.id AS pain_id,
               coalesce(diagnosis.condition, '') AS condition,
               least(turn.switch_on, {anchor_on} + epoch.switch_day) AS switch_on, first.stimulated_on, first.stimulated_at
        FROM registry_enrolment e
        LEFT JOIN ({_first_stimulations(plan, only_some)}) first ON first.enrolment_id = e.id
        LEFT JOIN registry_allocation a
            ON a.enrolment_id = e.id AND a.stage = 1 AND (a.allocated_on IS NULL OR a.allocated_on <= %(last_day)s)
        LEFT JOIN registry_enrolmentpain pain ON pain.enrolment_id = e.id AND pain.rank = 1 AND pain.voided_at IS NULL
        LEFT JOIN registry_paindiagnosis diagnosis ON diagnosis.id = pain.diagnosis_id
        LEFT JOIN ({switch_days()}) epoch ON epoch.protocol_version_id = e.protocol_version_id
        LEFT JOIN (
            SELECT enrolment_id, min(happened_on) AS switch_on FROM registry_disposition
            WHERE kind IN ('withdrawal_of_consent', 'open_label_switch') AND voided_at IS NULL GROUP BY enrolment_id
        ) turn ON turn.enrolment_id = e.id
        WHERE e.trial_id = %(trial)s AND e.voided_at IS NULL AND e.cohort = 'patients'
        AND (e.enrolled_on IS NULL OR e.enrolled_on <= %(last_day)s)
        {_POPULATIONS[plan.rules.population]} {some}
    """


def _first_stimulations(plan: CheckedPlan, only_some: bool) -> str:
    """Return the query for who was stimulated by the cut-off: the day of the first pulse, and when it was where that is known.

    A session of that day whose start nobody noted may have been the first. Plans that ask for none of it read no session.
    """
    asked = plan.rules.anchor == Anchor.FIRST_STIMULATION or plan.rules.population == Population.TREATED or plan.rules.counts_day0
    some = "AND s.enrolment_id = ANY(%(enrolments)s)" if only_some else ""
    return f"""
        SELECT enrolment_id, for_date AS stimulated_on, CASE WHEN bool_and(started_at IS NOT NULL) THEN min(started_at) END AS stimulated_at
        FROM (
            SELECT s.enrolment_id, s.for_date, s.started_at, min(s.for_date) OVER (PARTITION BY s.enrolment_id) AS first_on
            FROM registry_stimulationsession s JOIN registry_enrolment whose ON whose.id = s.enrolment_id AND whose.trial_id = %(trial)s
            WHERE {asked} AND s.period = 1 AND s.pulses_delivered > 0 AND s.for_date <= %(last_day)s
            AND s.recorded_at < %(cutoff)s AND (s.ended_at IS NULL OR s.ended_at >= %(cutoff)s) {some}
        ) given WHERE for_date = first_on GROUP BY enrolment_id, for_date
    """


def _placed(plan: CheckedPlan, places: list[_Place], tables: str, *, ranked: bool = False) -> str:
    """Return the query for the scores that count, each with its place and day: by window, by named visit, or both."""
    dated = [place for place in places if place.visit_type_id is None]
    named = [place for place in places if place.visit_type_id is not None]
    branches = []
    if dated:
        branches.append(_branch(plan, tables, "s.for_date - t.anchor_on", _windows(plan, dated), ranked))
    if named:
        whens = " ".join(f"WHEN {place.visit_type_id} THEN {place.number}" for place in named)
        branches.append(_branch(plan, tables, _VISIT_DAY, f"CASE s.visit_type_id {whens} END", ranked))
    return " UNION ALL ".join(branches)


def _branch(plan: CheckedPlan, tables: str, day: str, place: str, ranked: bool) -> str:
    rank = ", array_position(%(sources)s::text[], s.source::text) AS source_rank, s.submitted_at, s.observed_at, s.record"
    pain = "s.pain_id IS NULL" if plan.rules.pain == PlanPain.OVERALL else "s.pain_id = t.pain_id"
    on_time = "" if plan.rules.accept_late else "AND s.answer_state = 'on_time'"
    return f"""
        SELECT t.enrolment_id, {place} AS place, {day} AS day, s.value_units, s.scheduled {rank if ranked else ""}
        FROM {tables}
        WHERE s.enrolment_id = t.enrolment_id AND ({place}) IS NOT NULL
        AND s.recorded_at < %(cutoff)s AND (s.ended_at IS NULL OR s.ended_at >= %(cutoff)s)
        AND (t.switch_on IS NULL OR s.for_date IS NULL OR s.for_date < t.switch_on)
        AND s.scale_id = %(scale)s AND {pain} AND s.recall = %(recall)s AND s.context = ANY(%(contexts)s) {on_time}
    """


def _windows(plan: CheckedPlan, places: list[_Place]) -> str:
    """Return the case that finds the place of a day; day 0 is baseline only where the plan lets values before a session count (R3)."""
    day = "(s.for_date - t.anchor_on)"
    whens = []
    for place in places:
        first, last = place.source.first_day, place.source.last_day
        if place.number == 0 and last is not None:
            if plan.rules.counts_day0:
                whens.append(f"WHEN {day} = 0 AND s.context IN ('pre_session', 'visit') AND {_BEFORE_THE_FIRST_PULSE} THEN 0")
            last = min(last, -1)
        whens.append(f"WHEN {day} BETWEEN {first} AND {last} THEN {place.number}")
    return f"CASE {' '.join(whens)} END"


def _sum_and_count(places: list[_Place]) -> str:
    """Return the aggregates of one place: sum and count, or, under rule nearest or last, the one value picked (R6)."""
    picked = [place for place in places if place.source.rule != ValueRule.MEAN]
    if not picked:
        return "count(*)::integer AS n, sum(value_units)::bigint AS total"
    numbers = ", ".join(str(place.number) for place in picked)
    whens = " ".join(f"WHEN {place.number} THEN {_badness(place)}" for place in picked)
    best = f"min((CASE place {whens} END::bigint << 32) + value_units + {_OFFSET}) FILTER (WHERE place IN ({numbers}))"
    return f"""
        CASE WHEN min(place) IN ({numbers}) THEN 1 ELSE count(*)::integer END AS n,
        CASE WHEN min(place) IN ({numbers}) THEN ({best} & {_LOW_HALF}) - {_OFFSET} ELSE sum(value_units)::bigint END AS total
    """


def _badness(place: _Place) -> str:
    """Return how far a value is from being the one picked; days are unique within a place."""
    if place.source.rule == ValueRule.LAST:
        return f"({-_UNDATED} - day)"
    return f"(abs(day - {place.target_day}) * 4 + (NOT scheduled)::integer * 2 + (day < {place.target_day})::integer)"
