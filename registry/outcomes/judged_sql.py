"""Endpoint rows judged at a cut-off: due, status, why there is none, responder at each threshold (R9 to R16), as one query.

Whole numbers decide. A sum is at most 10^9 steps times the days in a window, so 1000 * sum * count stays inside bigint
up to windows of some thousand days; beyond that PostgreSQL raises an error and never wraps.
"""

from __future__ import annotations

from registry.outcomes.endpoint_sql import switch_days
from registry.outcomes.plans import CheckedPlan
from registry.vocabulary import DispositionKind, Strategy

_KINDS = (
    DispositionKind.DEATH,
    DispositionKind.STOP_OF_STIMULATION,
    DispositionKind.WITHDRAWAL_OF_CONSENT,
    DispositionKind.LOST,
    DispositionKind.END_OF_FOLLOW_UP,
    DispositionKind.OPEN_LABEL_SWITCH,
)

# The row LOCF and BOCF look at where there is no value; 'observed' rows are themselves under every rule.
OBSERVED, CARRIED, BASELINE = "observed", "carried", "baseline"

JUDGED_COLUMNS = {
    "enrolment_id": "bigint",
    "place": "smallint",
    "condition": "text",
    "site_id": "bigint",
    "status": "text",
    "reason": "text",
    "source": "text",
    "baseline_sum": "bigint",
    "baseline_n": "integer",
    "used_sum": "bigint",
    "used_n": "integer",
}


def judged_query(plan: CheckedPlan) -> str:
    """Return one row per endpoint: where it belongs, what it counts as, and the value that stands for it.

    `used_*` is the value of the time point, else the one carried forward, else the baseline; `source` says which.
    `source` is null where nothing enters a mean: not due, died, no baseline.
    """
    return f"""
        SELECT enrolment_id, place, condition, site_id, status,
               CASE WHEN status IN ('missing', 'composite_stop') AND NOT enough THEN
                   CASE WHEN value_n > 0 THEN 'too_few'
                        WHEN {_happened(DispositionKind.WITHDRAWAL_OF_CONSENT)} THEN 'withdrawn'
                        WHEN {_happened(DispositionKind.LOST)} THEN 'lost'
                        WHEN {_happened(DispositionKind.END_OF_FOLLOW_UP)} THEN 'ended'
                        ELSE 'none' END END AS reason,
               CASE WHEN status IN ('not_due', 'died', 'no_baseline') THEN NULL
                    WHEN enough THEN '{OBSERVED}' WHEN {_carries()} THEN '{CARRIED}' ELSE '{BASELINE}' END AS source,
               baseline_sum, baseline_n,
               CASE WHEN enough THEN value_sum WHEN {_carries()} THEN carried[2] ELSE baseline_sum END AS used_sum,
               (CASE WHEN enough THEN value_n WHEN {_carries()} THEN carried[3] ELSE baseline_n END)::integer AS used_n
        FROM (SELECT *, {_status(plan)} AS status FROM ({_placed()}) placed) judged
    """


def reaches(threshold: str) -> str:
    """Return the condition that the value in use lies at or above a threshold in tenths of a percent below the baseline (R9)."""
    return f"1000 * (baseline_sum * used_n - used_sum * baseline_n) >= {threshold} * baseline_sum * used_n"


def _status(plan: CheckedPlan) -> str:
    """Return the case that takes the first of R11 that matches."""
    stop = ""
    if plan.rules.strategy == Strategy.COMPOSITE:
        stopped = _happened(DispositionKind.STOP_OF_STIMULATION)
        stop = f"WHEN stop_reason = ANY(%(composite_reasons)s) AND {stopped} THEN 'composite_stop'"
    return f"""
        CASE WHEN NOT (%(all_due)s OR coalesce(window_end + %(grace)s < %(cutoff_date)s, false)) THEN 'not_due'
             WHEN {_happened(DispositionKind.DEATH)} THEN 'died'
             WHEN NOT has_baseline THEN 'no_baseline'
             WHEN baseline_sum = 0 THEN 'baseline_zero'
             {stop}
             WHEN enough THEN 'observed' ELSE 'missing' END
    """


def _happened(kind: DispositionKind) -> str:
    """Return the condition that a disposition lies at or before the window's end; undated, after the last time point with a value."""
    return f"coalesce({kind}_on <= window_end, has_{kind} AND NOT value_from_here)"


def _carries() -> str:
    """Return the condition that an earlier value may be carried: there is one, and no switch lies between (R16)."""
    switched = _happened(DispositionKind.OPEN_LABEL_SWITCH)
    period_over = "coalesce(next_period_on <= window_end, next_period_on IS NOT NULL AND NOT value_from_here)"
    return f"(carried IS NOT NULL AND NOT {switched} AND NOT {period_over})"


def _placed() -> str:
    """Return the query for endpoint rows with their window's end, their neighbours and the enrolment's dispositions."""
    dispositions = ", ".join(f"d.{kind}_on, coalesce(d.has_{kind}, false) AS has_{kind}" for kind in _KINDS)
    return f"""
        SELECT ep.*, {dispositions}, d.stop_reason,
               coalesce(a.analysis_site_id, e.site_id) AS site_id,
               ep.anchor_on + epoch.switch_day AS next_period_on,
               coalesce(max(ep.place) FILTER (WHERE ep.enough) OVER (PARTITION BY ep.enrolment_id) >= ep.place, false) AS value_from_here,
               max(CASE WHEN ep.enough THEN ARRAY[ep.place, ep.value_sum, ep.value_n] END)
                   OVER (PARTITION BY ep.enrolment_id ORDER BY ep.place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS carried
        FROM ({_values()}) ep
        JOIN registry_enrolment e ON e.id = ep.enrolment_id
        LEFT JOIN registry_allocation a ON a.enrolment_id = e.id AND a.stage = 1
        LEFT JOIN ({switch_days()}) epoch ON epoch.protocol_version_id = e.protocol_version_id
        LEFT JOIN ({_dispositions()}) d ON d.enrolment_id = e.id
    """


def _values() -> str:
    return """
        SELECT old.enrolment_id, point.place, old.condition, old.anchor_on, old.anchor_on + point.last_day AS window_end,
               old.baseline_sum_units AS baseline_sum, old.baseline_n, old.value_sum_units AS value_sum, old.value_n,
               old.baseline_n > 0 AND old.baseline_n >= %(baseline_min_n)s AS has_baseline,
               old.value_n > 0 AND old.value_n >= point.min_n AS enough
        FROM registry_endpoint old
        JOIN (SELECT id, last_day, min_n, row_number() OVER (ORDER BY position)::smallint AS place
              FROM registry_plantimepoint WHERE plan_id = %(plan)s) point ON point.id = old.time_point_id
    """


def _dispositions() -> str:
    """Return the query with one row per enrolment: a date and a yes for each kind of disposition that stands."""
    columns = ", ".join(
        f"min(happened_on) FILTER (WHERE kind = '{kind}') AS {kind}_on, bool_or(kind = '{kind}') AS has_{kind}" for kind in _KINDS
    )
    return f"""
        SELECT turn.enrolment_id, {columns}, min(turn.reason) FILTER (WHERE kind = 'stop_of_stimulation') AS stop_reason
        FROM registry_disposition turn JOIN registry_enrolment whose ON whose.id = turn.enrolment_id AND whose.trial_id = %(trial)s
        WHERE turn.voided_at IS NULL GROUP BY turn.enrolment_id
    """
