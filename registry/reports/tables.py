"""The tables of a report. Every number is the snapshot's own; nothing is worked out here but its writing."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from registry.reports.drawings import forest_axis, forest_mark
from registry.reports.parts import Cell, Row, Section, Table
from registry.selectors.figures.completeness import Matrix
from registry.selectors.figures.diagnoses import Forest
from registry.selectors.figures.figure import (
    Figure,
    Line,
    exact,
    interval,
    limits_needed,
    lines_of,
    percent,
    points,
    score,
    threshold,
    whole,
)
from registry.selectors.outcome_payload import Contrast, Counts, Mean, Payload, Rate, TimePoint
from registry.selectors.report_payload import Events, ReportPayload, Sessions
from registry.vocabulary import EndpointStatus, MissingReason

DASH = "\u2013"
# How a low share and a very low one are marked.
MARKS = {"": "", "lo": " *", "vlo": " **"}
_ALWAYS_TOLD = (EndpointStatus.OBSERVED, EndpointStatus.MISSING)


def plain(figure: Figure, caption: str) -> Table:
    """Return a figure's own table."""
    return Table(caption, figure.columns, [Row(row[0], [Cell(text) for text in row[1:]]) for row in figure.rows])


def forest(figure: Figure, caption: str, cut: int, cuts: list[int]) -> Table:
    """Return the table by diagnosis at one of the thresholds, a drawing in each row; one that is not printed has a name only."""
    drawn = figure.plot
    if not isinstance(drawn, Forest):
        raise TypeError(f"{figure.key} has no forest")
    lines = len(drawn.counts) // len(cuts)
    own = slice(cuts.index(cut) * lines, (cuts.index(cut) + 1) * lines)
    names = [*drawn.counts[own], *([_("Compared")] if drawn.several else []), drawn.estimate]
    rows = []
    for row in drawn.rows:
        if row.suppressed:
            rows.append(Row(row.label, [Cell(_("too few")), *[Cell("")] * (len(names) - 1)], ""))
            continue
        compared = [Cell(row.comparison)] if drawn.several else []
        rows.append(Row(row.label, [*map(Cell, row.counts[own]), *compared, Cell(row.text)], forest_mark(drawn, row)))
    return Table(caption, [_("Diagnosis"), *names], rows, axis=forest_axis(drawn), axis_label=_("95 % interval"))


def observed_means(payload: Payload) -> Table:
    """Return the observed means at each time point, of everybody or of each arm."""
    rows = [
        Row(_of(point, line), [*_mean(line.mean("baseline"))[1:2], *_mean(line.mean("value"))])
        for point in payload["time_points"]
        for line in lines_of(whole(point))
    ]
    return Table(_("Observed means"), [_("Time point"), _("Baseline"), _("n"), _("Mean"), _("95 % CI"), _("SD")], rows)


def _mean(found: Mean) -> list[Cell]:
    told = DASH
    if found["low"] is not None and found["high"] is not None:
        told = _("%(low)s to %(high)s") % {"low": score(found["low"]), "high": score(found["high"])}
    return [
        _whole(found["n"]),
        Cell(score(found["mean"]), exact(found["mean"])),
        Cell(told, _pair(found["low"], found["high"])),
        Cell(score(found["sd"]), exact(found["sd"])),
    ]


def matrix(figure: Figure, caption: str) -> Table:
    """Return the completeness of each time point, of all and by site (in closed documents: by arm)."""
    drawn = figure.plot
    if not isinstance(drawn, Matrix):
        raise TypeError(f"{figure.key} has no matrix")
    rows = [
        Row(label, [Cell(_("too few") if cell.suppressed else f"{cell.share} ({cell.counts}){MARKS[cell.tone]}") for cell in cells])
        for label, cells in drawn.rows
    ]
    return Table(caption, [_("Time point"), *drawn.columns], rows)


def flow(payload: Payload) -> Table:
    """Return who is where at each time point: not due, due, observed, and why there is no value."""
    told = [(point, line) for point in payload["time_points"] for line in lines_of(whole(point))]
    statuses: list[EndpointStatus] = [
        status
        for status in EndpointStatus
        if status in _ALWAYS_TOLD
        or (status != EndpointStatus.NOT_DUE and any(line.counts["statuses"].get(status) for _point, line in told))
    ]
    rows = [Row(_of(point, line), [*map(_whole, _where(line.counts, statuses)), Cell(_reasons(line.counts))]) for point, line in told]
    columns = [_("Time point"), _("Everybody"), _("Not due"), _("Due"), *(status.label for status in statuses), _("Why missing")]
    return Table(_("Who is where, and why a value is missing"), columns, rows, left=(len(columns) - 1,))


def _where(counts: Counts, statuses: list[EndpointStatus]) -> list[int]:
    return [counts["population"], counts["not_due"], counts["due"], *(counts["statuses"].get(status, 0) for status in statuses)]


def _reasons(counts: Counts) -> str:
    found = [f"{MissingReason(reason).label.lower()} {number}" for reason, number in counts["reasons"].items() if number]
    return ", ".join(found) or DASH


def _of(point: TimePoint, line: Line) -> str:
    return f"{point['label']}, {line.name}" if line.key else point["label"]


def _whole(number: int) -> Cell:
    return Cell(str(number), str(number))


def all_rates(payload: Payload) -> Section:
    """Return every response rate of the whole: time point, threshold, rule for missing values, arm."""
    rows = [
        Row(_of(point, line), _rate(rate)) for point in payload["time_points"] for line in lines_of(whole(point)) for rate in line.rates
    ]
    columns = [_("Time point"), _("Less pain by"), _("Rule"), _("Responders"), _("n"), _("Rate"), _("95 % CI")]
    return Section("all-rates", _("All response rates"), tables=[Table(_("Response rates"), columns, rows)])


def _rate(rate: Rate) -> list[Cell]:
    return [
        Cell(f"\u2265 {threshold(rate['threshold_tenths'])}"),
        Cell(rate["rule"]),
        _whole(rate["responders"]),
        _whole(rate["n"]),
        Cell(percent(rate["rate"]), exact(rate["rate"])),
        Cell(interval(rate), _pair(rate["low"], rate["high"])),
    ]


def all_differences(payload: Payload) -> Section | None:
    """Return every difference between arms; None where no arms are compared."""
    rows = [
        Row(f"{point['label']}, {row['first']} \u2212 {row['second']}", _difference(row))
        for point in payload["time_points"]
        for row in whole(point).get("contrasts", [])
    ]
    if not rows:
        return None
    columns = [
        _("Compared"),
        _("Less pain by"),
        _("Rule"),
        _("First"),
        _("Second"),
        _("Points"),
        _("95 % CI"),
        _("Number needed, 95 % limits"),
    ]
    return Section("all-differences", _("All differences"), tables=[Table(_("Differences between arms"), columns, rows, left=(7,))])


def _difference(row: Contrast) -> list[Cell]:
    return [
        Cell(f"\u2265 {threshold(row['threshold_tenths'])}"),
        Cell(row["rule"]),
        Cell(f"{row['first_responders']}/{row['first_n']}"),
        Cell(f"{row['second_responders']}/{row['second_n']}"),
        Cell(DASH if row["difference"] is None else points(row["difference"]), exact(row["difference"])),
        Cell(limits(row), _pair(row["low"], row["high"])),
        Cell(limits_needed(row["nnt_text"]) or DASH, row["nnt_text"] or ""),
    ]


def limits(row: Contrast) -> str:
    """Write the interval of a difference in points."""
    if row["low"] is None or row["high"] is None:
        return DASH
    return _("%(low)s to %(high)s") % {"low": points(row["low"]), "high": points(row["high"])}


def _pair(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{exact(low)} {exact(high)}"


def all_groups(payload: Payload) -> Section:
    """Return the rates of subgroups where missing counts as no response: by diagnosis and by site."""
    rows = []
    for point in payload["time_points"]:
        for group in point["groups"]:
            if group["kind"] == "overall":
                continue
            if group["suppressed"]:
                rows.append(Row(f"{point['label']}, {group['label']}", [Cell(_("too few")), *[Cell("")] * 4]))
                continue
            rows += [
                Row(f"{point['label']}, {group['label']}{f', {line.name}' if line.key else ''}", _rate(rate)[:1] + _rate(rate)[2:])
                for line in lines_of(group)
                for rate in line.rates
                if rate["rule"] == "NRI"
            ]
    columns = [_("Time point and group"), _("Less pain by"), _("Responders"), _("n"), _("Rate"), _("95 % CI")]
    return Section("all-groups", _("Subgroups, incomplete counted as no response"), tables=[Table(_("Subgroups"), columns, rows)])


Told = list[tuple[str, Sessions, Events]]


def conduct(payload: ReportPayload) -> Told:
    """Return sessions and events of everybody, line by line."""
    return [(line["label"], line["sessions"], line["events"]) for line in payload["conduct"]["lines"]]


def sessions(told: Told) -> Table:
    """Return sessions by status, the share of planned pulses and, where they may be told, pulses given against planned."""
    with_pulses = any(found["pulses_planned"] is not None for _name, found, _events in told)
    columns = [
        _("Group"),
        _("Stimulated"),
        _("Given in full"),
        _("In part"),
        _("Not given"),
        _("Missed"),
        _("Received"),
        _("Of planned pulses"),
        *([_("Pulses given"), _("Planned")] if with_pulses else []),
    ]
    rows = []
    for name, found, _events in told:
        received = f"{found['received']}/{found['with_plan']}"
        counts = [_whole(found[key]) for key in ("patients", "given", "partial", "not_given", "missed")]
        share = found["percent_of_planned"]
        of_planned = Cell(DASH if share is None else f"{share} %", "" if share is None else str(share))
        numbers = [number for number in (found["pulses_delivered"], found["pulses_planned"]) if number is not None]
        rows.append(Row(name, [*counts, Cell(received), of_planned, *(Cell(spaced(number), str(number)) for number in numbers)]))
    return Table(_("Sessions and pulses, given against planned"), columns, rows)


def spaced(number: int) -> str:
    """Write a large number in groups of three."""
    return f"{number:,}".replace(",", "\u202f")


def adverse_events(told: Told) -> Table:
    """Return patients with events by kind, of those treated."""
    labels = {term["term"]: term["label"] for _name, _found, events in told for term in events["terms"]}
    # Not in the headings: with a line for everybody who has none of the arms these would be too wide for a page.
    rows = [Row(_("Stimulated"), [_whole(events["treated"]) for _name, _found, events in told])]
    rows += [Row(_("Any event"), [_of_treated(events["with_any"], events["with_any_share"]) for _name, _found, events in told])]
    for code, label in labels.items():
        rows.append(Row(label, [_of_treated(*_patients(events, code)) for _name, _found, events in told]))
    rows.append(Row(_("Serious events"), [_whole(events["serious_events"]) for _name, _found, events in told]))
    rows.append(Row(_("Patients with a serious event"), [_whole(events["serious_patients"]) for _name, _found, events in told]))
    severe = [_of_treated(events["severe_patients"], None) for _name, _found, events in told]
    rows.append(Row(_("Patients with a severe event (grade 3 or more)"), severe))
    rows.append(Row(_("Died"), [_whole(events["deaths"]) for _name, _found, events in told]))
    columns = [_("Event"), *(name for name, _found, _events in told)]
    return Table(_("Patients with at least one event, of those stimulated"), columns, rows)


def _patients(events: Events, code: str) -> tuple[int | None, float | None]:
    """Return patients and share of a kind of event; where few were treated no number is told."""
    if events["suppressed"]:
        return None, None
    nobody = 0.0 if events["treated"] else None
    return next(((term["patients"], term["share"]) for term in events["terms"] if term["term"] == code), (0, nobody))


def _of_treated(count: int | None, share: float | None) -> Cell:
    if count is None:
        return Cell(_("too few"))
    return Cell(f"{count} ({percent(share)})" if share is not None else str(count), str(count))


def change_rows(now: ReportPayload, before: ReportPayload) -> Iterator[Row]:
    """Yield what changed since the report before: recruitment, who is due, responders, sessions, events."""
    yield _change(_recruited(now), now["recruitment"]["total"], before["recruitment"]["total"])
    old = {point["code"]: point for point in before["time_points"]}
    for point in now["time_points"]:
        if point["code"] in old:
            yield from _changes_at(point, old[point["code"]])
    earlier = {name: (sessions_then, events_then) for name, sessions_then, events_then in conduct(before)}
    for name, found, events in conduct(now):
        if name not in earlier:
            continue
        its_sessions, its_events = earlier[name]
        who = "" if len(now["conduct"]["lines"]) == 1 else f", {name}"
        yield _change(_("Sessions given, in full or in part") + who, _held(found), _held(its_sessions))
        yield _change(_("Serious events") + who, events["serious_events"], its_events["serious_events"])


def _recruited(payload: ReportPayload) -> str:
    return _("Enrolled") if payload["recruitment"]["measure"] == "enrolled" else _("Allocated")


def _held(found: Sessions) -> int:
    return found["given"] + found["partial"]


def _changes_at(point: TimePoint, old: TimePoint) -> Iterator[Row]:
    earlier = {line.key: line for line in lines_of(whole(old))}
    for line in lines_of(whole(point)):
        if line.key not in earlier:
            continue
        then, name = earlier[line.key], _of(point, line)
        yield _change(_("%(who)s: due") % {"who": name}, line.counts["due"], then.counts["due"])
        complete = line.counts["completeness"]["complete"], then.counts["completeness"]["complete"]
        yield _change(_("%(who)s: complete") % {"who": name}, *complete)
        rates = {(rate["threshold_tenths"], rate["rule"]): rate for rate in then.rates}
        for rate in line.rates:
            cut = rate["threshold_tenths"]
            if rate["rule"] == "NRI" and (cut, "NRI") in rates:
                words = _("%(who)s: responders at %(cut)s") % {"who": name, "cut": threshold(cut)}
                yield _change(words, rate["responders"], rates[cut, "NRI"]["responders"])


def _change(label: str, now: int, before: int) -> Row:
    step = f"{now - before:+d}".replace("-", "\u2212") if now != before else "0"
    return Row(label, [_whole(before), _whole(now), Cell(step, str(now - before))])
