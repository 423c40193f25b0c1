"""What makes a plan unusable (R3, R4 and the scale rule), each as the field and the remedy."""

from collections import Counter
from collections.abc import Collection, Iterator
from itertools import combinations, pairwise

from registry.exceptions import InvalidInput, Problem
from registry.rules.response.plan import Baseline, Plan, TimePoint
from registry.vocabulary import ScaleKind, ScoreContext, Strategy, TimePointKind, ValueRule
from registry.wording import _

MAX_THRESHOLD = 1000


def check_plan(plan: Plan, visit_codes: Collection[str]) -> None:
    """Raise InvalidInput with a sentence for each thing that makes the plan unusable."""
    problems = plan_problems(plan, visit_codes)
    if problems:
        raise InvalidInput(problems)


def plan_problems(plan: Plan, visit_codes: Collection[str]) -> list[Problem]:
    """Return what makes the plan unusable; an empty list is a usable plan.

    One value is picked under rule nearest or last, so these ask for min_n = 1. Nearest has no meaning at a named visit.
    """
    return [
        *_scale_problems(plan),
        *_threshold_problems(plan),
        *_list_problems(plan),
        *_baseline_problems(plan, visit_codes),
        *(problem for time_point in plan.time_points for problem in _time_point_problems(plan, time_point, visit_codes)),
        *_order_problems(plan),
        *_overlap_problems(plan),
    ]


def _scale_problems(plan: Plan) -> Iterator[Problem]:
    if plan.scale.kind != ScaleKind.INTENSITY:
        yield Problem(
            "scale", _("scale %(code)s measures relief, where higher is better: name an intensity scale.") % {"code": plan.scale.code}
        )
    if plan.scale.minimum_units != 0 or not plan.scale.zero_means_none:
        yield Problem(
            "scale",
            _("scale %(code)s does not start at 0 = no pain, so percent change has no meaning: name a scale that does.")
            % {"code": plan.scale.code},
        )


def _threshold_problems(plan: Plan) -> Iterator[Problem]:
    if not plan.thresholds:
        yield Problem("thresholds", _("thresholds is empty: name at least one, in tenths of a percent (300 is 30 %)."))
    if len(set(plan.thresholds)) < len(plan.thresholds):
        yield Problem("thresholds", _("thresholds names a value twice: keep one of them."))
    for threshold in plan.thresholds:
        if type(threshold) is not int or not 1 <= threshold <= MAX_THRESHOLD:
            yield Problem(
                "thresholds",
                _("threshold %(value)s is not a whole number of tenths of a percent from 1 to %(max_threshold)s.")
                % {"value": f"{threshold!r}", "max_threshold": MAX_THRESHOLD},
            )


def _list_problems(plan: Plan) -> Iterator[Problem]:
    if not plan.contexts:
        yield Problem("contexts", _("contexts is empty, so no score could count: name at least one."))
    if not plan.sources or len(set(plan.sources)) < len(plan.sources):
        yield Problem("sources", _("sources must rank at least one source and each only once."))
    if plan.strategy == Strategy.COMPOSITE and not plan.composite_reasons:
        yield Problem("composite_reasons", _("strategy composite needs the reasons for stopping that count as non-response: name them."))
    if plan.grace_days < 0:
        yield Problem("grace_days", _("grace_days is %(grace_days)s: give 0 or more.") % {"grace_days": plan.grace_days})
    if not plan.time_points:
        yield Problem("time_points", _("time_points is empty: name at least one."))


def _baseline_problems(plan: Plan, visit_codes: Collection[str]) -> Iterator[Problem]:
    baseline = plan.baseline
    yield from _value_problems("baseline", baseline, visit_codes)
    if baseline.visit_code is None and (baseline.first_day is None or baseline.last_day is None):
        yield Problem("baseline", _("baseline has neither a window nor a visit code: give first_day and last_day, or visit_code."))
    latest = 0 if plan.counts_day0 else -1
    if baseline.visit_code is None and baseline.last_day is not None and baseline.last_day > latest:
        remedy = "end it on day 0 or before" if plan.counts_day0 else "end it on day -1 or before, or set day0_pre"
        yield Problem("baseline", _("baseline reaches day %(last_day)s: %(remedy)s.") % {"last_day": baseline.last_day, "remedy": remedy})
    if baseline.visit_code is not None and plan.day0_pre:
        yield Problem("day0_pre", _("day0_pre has no effect on a baseline from a named visit: leave it out."))


def _time_point_problems(plan: Plan, time_point: TimePoint, visit_codes: Collection[str]) -> Iterator[Problem]:
    field = f"time_points[{time_point.code}]"
    yield from _value_problems(field, time_point, visit_codes)
    days = (time_point.first_day, time_point.target_day, time_point.last_day)
    if time_point.kind == TimePointKind.VISIT_CODE and time_point.visit_code is None:
        yield Problem(field, _("%(field)s is of kind visit_code but names no visit: give visit_code.") % {"field": field})
    if time_point.kind != TimePointKind.VISIT_CODE and (time_point.visit_code is not None or None in days):
        yield Problem(
            field, _("%(field)s needs first_day, target_day and last_day and no visit_code, or the kind visit_code.") % {"field": field}
        )
    if time_point.first_day is not None and time_point.first_day <= 0:
        yield Problem(
            field,
            _("%(field)s reaches day %(first_day)s, but day 0 and before are baseline: begin on day 1 or later.")
            % {"field": field, "first_day": time_point.first_day},
        )
    known = [day for day in days if day is not None]
    if known != sorted(known):
        yield Problem(field, _("%(field)s has its target outside its window: keep first_day <= target_day <= last_day.") % {"field": field})
    if time_point.kind == TimePointKind.DIARY and ScoreContext.DIARY not in plan.contexts:
        yield Problem(
            field, _("%(field)s is a diary interval but contexts does not list diary: add it, or use another kind.") % {"field": field}
        )


def _value_problems(field: str, source: Baseline | TimePoint, visit_codes: Collection[str]) -> Iterator[Problem]:
    """Yield what is wrong alike in a baseline and in a time point."""
    if source.visit_code is not None and source.visit_code not in visit_codes:
        known = ", ".join(sorted(visit_codes)) or "none"
        yield Problem(
            field,
            _("%(field)s names the unknown visit %(visit_code)s: name one of %(known)s, or add the visit.")
            % {"field": field, "visit_code": source.visit_code, "known": known},
        )
    if source.visit_code is not None and source.rule == ValueRule.NEAREST:
        yield Problem(field, _("%(field)s takes a named visit, which has no day to be near to: use rule mean or last.") % {"field": field})
    if source.min_n < 1:
        yield Problem(field, _("%(field)s has min_n %(min_n)s: give 1 or more.") % {"field": field, "min_n": source.min_n})
    if source.rule != ValueRule.MEAN and source.min_n > 1:
        yield Problem(
            field,
            _("%(field)s picks one value by rule %(rule)s, so min_n %(min_n)s is never met: set it to 1 or use mean.")
            % {"field": field, "rule": source.rule, "min_n": source.min_n},
        )
    if source.visit_code is None and source.first_day is not None and source.last_day is not None:
        yield from _length_problems(field, source, source.last_day - source.first_day + 1)


def _length_problems(field: str, source: Baseline | TimePoint, length: int) -> Iterator[Problem]:
    if length < 1:
        yield Problem(
            field,
            _("%(field)s ends on day %(last_day)s, before it begins on day %(first_day)s: swap them.")
            % {"field": field, "last_day": source.last_day, "first_day": source.first_day},
        )
    elif source.min_n > length:
        yield Problem(
            field,
            _("%(field)s asks for %(min_n)s values but has %(length)s days: lower min_n or widen the window.")
            % {"field": field, "min_n": source.min_n, "length": length},
        )


def _order_problems(plan: Plan) -> Iterator[Problem]:
    """Yield what keeps the order of time points, which LOCF follows, from being their order in time."""
    for code, count in Counter(time_point.code for time_point in plan.time_points).items():
        if count > 1:
            yield Problem(
                "time_points", _("time_points names %(code)s %(count)s times: give each its own code.") % {"code": code, "count": count}
            )
    dated = [time_point for time_point in plan.time_points if time_point.target_day is not None]
    for earlier, later in pairwise(dated):
        if (earlier.target_day or 0) > (later.target_day or 0):
            yield Problem(
                "time_points",
                _("time_points lists %(code)s before %(code_2)s, which is earlier: put them in order of time.")
                % {"code": earlier.code, "code_2": later.code},
            )


def _overlap_problems(plan: Plan) -> Iterator[Problem]:
    sources: list[tuple[str, Baseline | TimePoint]] = [("baseline", plan.baseline)]
    sources += [(f"time_points[{time_point.code}]", time_point) for time_point in plan.time_points]
    for (name, one), (other_name, other) in combinations(sources, 2):
        if one.visit_code is not None and one.visit_code == other.visit_code:
            yield Problem(
                other_name,
                _("%(other_name)s and %(name)s both take visit %(visit_code)s: a value may serve only one.")
                % {"other_name": other_name, "name": name, "visit_code": one.visit_code},
            )
        if _windows_overlap(one, other):
            yield Problem(
                other_name,
                _(
                    "%(other_name)s (days %(first_day)s to %(last_day)s) overlaps %(name)s (days %(first_day_2)s to "
                    "%(last_day_2)s): move or shorten one."
                )
                % {
                    "other_name": other_name,
                    "first_day": other.first_day,
                    "last_day": other.last_day,
                    "name": name,
                    "first_day_2": one.first_day,
                    "last_day_2": one.last_day,
                },
            )


def _windows_overlap(one: Baseline | TimePoint, other: Baseline | TimePoint) -> bool:
    """Tell whether two windows share a day; the days of a named visit are no window."""
    if one.visit_code is not None or other.visit_code is not None:
        return False
    if one.first_day is None or one.last_day is None or other.first_day is None or other.last_day is None:
        return False
    return one.first_day <= other.last_day and other.first_day <= one.last_day
