"""Response, rule by rule: the plain definition that every faster way of computing endpoints is tested against.

`endpoints(plan, record, cutoff)` gives one `Endpoint` per time point of the plan for one enrolment in one period, or
nothing when the enrolment is outside the plan's population. `verdict(endpoint, rule, threshold)` says whether it is in
the denominator and whether it responds; `population_counts` and `rule_counts` add up a group at one time point.

Meaning of the fields
    day            whole days from the anchor, anchor day = 0; a window is a closed set of days
    *_units        integer in 10^-6 units of the scale; threshold: integer in tenths of a percent (300 = 30 %)
    n              number of values in a sum; 0 with sum 0 where there is none
    for_date       the civil date a score stands for, already decided when it was written; None in undated data
    record         a score's number in order of entry, the same for all its versions
    recorded_at    when this version was written; ended_at when a correction or voiding ended it
    on, started_at of a session: its local date and, where known, the instant stimulation began
    period         is fixed by the caller: anchor dates, dispositions, scores and sessions given are those of the period
    dispositions   those on record at the cut-off, voided ones left out, at most one of each kind

Decisions where the specification leaves room stand in the docstring of the function that makes them.
"""

from registry.rules.response.candidates import Measurement
from registry.rules.response.counts import Counts, RuleCounts, cumulative_curve, population_counts, rule_counts
from registry.rules.response.diary import answer_state, diary_day, score_day
from registry.rules.response.endpoint import Endpoint, endpoints
from registry.rules.response.plan import Baseline, Plan, Scale, TimePoint
from registry.rules.response.plan_check import check_plan, plan_problems
from registry.rules.response.record import Cutoff, Disposition, PatientRecord, Score, Session
from registry.rules.response.verdict import (
    Verdict,
    measured,
    percent_floor_tenth,
    percent_text,
    reaches,
    reduction,
    verdict,
    verdicts,
)
from registry.rules.response.windows import AnchorDay, anchor_day, in_population

__all__ = [
    "AnchorDay",
    "Baseline",
    "Counts",
    "Cutoff",
    "Disposition",
    "Endpoint",
    "Measurement",
    "PatientRecord",
    "Plan",
    "RuleCounts",
    "Scale",
    "Score",
    "Session",
    "TimePoint",
    "Verdict",
    "anchor_day",
    "answer_state",
    "check_plan",
    "cumulative_curve",
    "diary_day",
    "endpoints",
    "in_population",
    "measured",
    "percent_floor_tenth",
    "percent_text",
    "plan_problems",
    "population_counts",
    "reaches",
    "reduction",
    "rule_counts",
    "score_day",
    "verdict",
    "verdicts",
]
