"""A report's contents from its snapshot alone: headings that state the finding, figures, tables, definitions, provenance."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import formats, translation
from django.utils.translation import gettext as _

from registry.models import WeeklyReport
from registry.reports import drawings, tables
from registry.reports.charter import charter_notices, charter_sections
from registry.reports.looking_back import name_at
from registry.reports.parts import Block, Cell, Contents, Drawing, Section, Table, Value
from registry.reports.renderer import renderer
from registry.reports.serious import serious_listing
from registry.selectors.figures.completeness import completeness
from registry.selectors.figures.diagnoses import diagnoses
from registry.selectors.figures.figure import (
    at_least,
    exact,
    interval,
    leading,
    lines_of,
    percent,
    points,
    threshold,
    whole,
)
from registry.selectors.figures.means import means
from registry.selectors.figures.recruitment import recruitment
from registry.selectors.figures.responders import difference_at, over_time, responders
from registry.selectors.outcome_payload import TimePoint
from registry.selectors.report_payload import ReportPayload

# A report asked for so long after its time is late, and says so.
LATE_AFTER = timedelta(hours=1)


def contents_of(report: WeeklyReport, payload: ReportPayload, sha256: str, before: ReportPayload | None) -> Contents:
    """Return what the document says; the report before it, if any, gives what changed since."""
    with translation.override(settings.LANGUAGE_CODE):
        return _contents(report, payload, sha256, before)


def _contents(report: WeeklyReport, payload: ReportPayload, sha256: str, before: ReportPayload | None) -> Contents:
    lead = leading(payload) if payload["efficacy"] == "shown" else None
    outcomes = _outcome_sections(payload, lead) if lead else ()
    sections = [*outcomes, *_conduct_sections(payload), *charter_sections(payload), _changes(payload, before)]
    is_open = payload["document"] == "open"
    week = _week(payload)
    return Contents(
        language=settings.LANGUAGE_CODE,
        document=payload["document"],
        trial=str(payload["trial"]["name"]),
        title=_("Weekly outcome report, %(week)s") % {"week": week},
        subtitle=_subtitle(report, payload),
        finding=_finding(payload, lead),
        band=_band(payload),
        foot=_("%(trial)s, %(week)s, version %(version)s, %(kind)s, records before %(cutoff)s")
        % {
            "trial": payload["trial"]["name"],
            "week": payload["week"]["iso"],
            "version": report.version,
            "kind": _("OPEN") if is_open else _("CLOSED"),
            "cutoff": _moment(report.cutoff, payload),
        },
        cutoff=payload["cutoff"],
        notices=[*_notices(report, payload), *charter_notices(payload), *payload["notes"]],
        blocks=list(_blocks(payload, lead)),
        brief=_brief(payload, lead),
        sections=sections,
        appendix=[one for one in (tables.all_rates(payload), tables.all_differences(payload), tables.all_groups(payload)) if one]
        if lead
        else [],
        definitions=[(one["term"], one["text"]) for one in payload["definitions"]] + list(_conduct_definitions(payload)),
        provenance=list(_provenance(report, payload, sha256)),
        checks=list(_checks(report, payload)),
        synthetic=bool(payload["trial"]["synthetic"]),
    )


def _outcome_sections(payload: ReportPayload, lead: TimePoint) -> Iterator[Section]:
    """Yield who responded by size of effect, over time at each threshold, by diagnosis, and mean pain."""
    cuts = payload["thresholds_tenths"]
    curve = responders(payload, lead)
    drawing = None if curve.few else Drawing(drawings.cumulative(curve.data), curve.spoken)
    shares = [tables.plain(curve, _("Share with at least that much less pain"))] if curve.rows else []
    yield Section("responders", curve.heading, curve.definition, drawing, shares, [curve.few] if curve.few else [])
    course = over_time(payload, cuts[0])
    by_cut = [tables.plain(over_time(payload, cut), _("At least %(cut)s less pain") % {"cut": threshold(cut)}) for cut in cuts]
    yield Section("over-time", course.heading, course.definition, Drawing(drawings.over_time(course.data), course.spoken), by_cut)
    forests = [diagnoses(payload, lead, cut) for cut in cuts]
    drawn = [tables.forest(one, _captioned(cut), cut, cuts) for one, cut in zip(forests, cuts, strict=True)]
    yield Section("diagnoses", forests[0].heading, forests[0].definition, tables=drawn, after=[forests[0].caption])
    mean = means(payload, lead)
    drawn_means = Drawing(drawings.means(mean.data), mean.spoken)
    yield Section("means", mean.heading, mean.definition, drawn_means, [tables.observed_means(payload)])


def _captioned(cut: int) -> str:
    return _("By diagnosis, %(cut)s") % {"cut": at_least(cut)}


def _conduct_sections(payload: ReportPayload) -> Iterator[Section]:
    """Yield recruitment, completeness and reasons, sessions and dose, adverse events."""
    taken_in = recruitment(payload)
    drawing = Drawing(drawings.recruitment(taken_in.data), taken_in.spoken) if taken_in.chart else None
    lines = [text for text in (taken_in.caption, taken_in.few) if text]
    months = [tables.plain(taken_in, _("By month"))] if taken_in.rows else []
    yield Section("recruitment", taken_in.heading, taken_in.definition, drawing, months, after=lines)
    complete = completeness(payload)
    shares = [tables.matrix(complete, _("Complete, of those due")), tables.flow(payload)]
    note = " ".join((complete.definition, _("The marks are * and **."))) if complete.plot else complete.definition
    yield Section("completeness", complete.heading, note, tables=shares)
    told = tables.conduct(payload)
    yield Section("sessions", _sessions_heading(told), _sessions_note(), tables=[tables.sessions(told)])
    yield Section(
        "events",
        _events_heading(told),
        _events_note(by_arm=payload["conduct"]["by_arm"]),
        tables=[tables.adverse_events(told), *serious_listing(payload)],
        after=[*_events_lines(told), *_why_unlisted(payload)],
    )


def _sessions_note() -> str:
    return _(
        "Stimulated: patients with at least one session that delivered pulses; the sessions beside it are those of everybody in the line. "
        "Received: of sessions with planned pulses that took place, missed ones left out, those that reached the prescribed share of them. "
        "Of planned pulses: their mean share, rounded down. Pulses are of these sessions."
    )


def _events_note(*, by_arm: bool) -> str:
    counted = _(
        "Who was stimulated at least once and had the event at least once. Kinds of events are told, not persons. "
        "Serious and severe events and deaths count whoever they befell; died: by an event or by the way through the trial."
    )
    return f"{counted} {_('By arm as received: see the definitions.')}" if by_arm else counted


def _sessions_heading(told: tables.Told) -> str:
    given = sum(found["given"] for _name, found, _events in told)
    partial = sum(found["partial"] for _name, found, _events in told)
    missed = sum(found["missed"] + found["not_given"] for _name, found, _events in told)
    if not given + partial + missed:
        return _("Sessions: none on record")
    numbers = {"given": given, "partial": partial, "missed": missed}
    return _("Sessions: %(given)s given in full, %(partial)s in part, %(missed)s missed or not given") % numbers


def _events_heading(told: tables.Told) -> str:
    treated = sum(events["treated"] for _name, _found, events in told if not events["suppressed"])
    serious = sum(events["serious_events"] for _name, _found, events in told)
    told_any = [events["with_any"] for _name, _found, events in told]
    if not any(events["treated"] for _name, _found, events in told) and not serious:
        return _("Adverse events: nobody was stimulated yet")
    if None in told_any and not treated:
        return _("Adverse events: %(serious)s serious; others not printed, too few patients") % {"serious": serious}
    numbers = {"any": sum(count or 0 for count in told_any), "treated": treated, "serious": serious}
    found = _("Adverse events: %(any)s of %(treated)s stimulated had one, %(serious)s serious") % numbers
    deaths = sum(events["deaths"] for _name, _found, events in told)
    return _("%(found)s; %(n)s died") % {"found": found, "n": deaths} if deaths else found


def _events_lines(told: tables.Told) -> Iterator[str]:
    before = sum(events["before_treatment"] for _name, _found, events in told)
    if before:
        yield _("%(n)s more had an event without having been stimulated.") % {"n": before}


def _why_unlisted(payload: ReportPayload) -> Iterator[str]:
    """Say where serious events are listed one by one, where they are not here."""
    any_serious = any(line["events"]["serious_events"] for line in payload["conduct"]["lines"])
    if payload["conduct"]["serious"] is None and any_serious:
        yield _("Serious events are counted here and listed one by one in the closed report: masked roles see no single rows of others.")


def _changes(payload: ReportPayload, before: ReportPayload | None) -> Section:
    """Return what changed since the report of an earlier week."""
    if before is None:
        return Section("changes", _("Since last week: there is no earlier report to compare with"))
    when = before["week"]["iso"]
    rows = list(tables.change_rows(payload, before))
    moved = [row for row in rows if row.cells[2].exact != "0"]
    heading = _("Since %(week)s: %(n)s of %(all)s numbers changed") % {"week": when, "n": len(moved), "all": len(rows)}
    # What one of the two withholds is in neither column.
    alike = before["efficacy"] == payload["efficacy"]
    note = "" if alike else _("Response stands in one of the two only and is not compared.")
    columns = [_("Number"), when, payload["week"]["iso"], _("Change")]
    table = Table(_("Compared with the report before; what stayed the same is left out"), columns, moved)
    return Section("changes", heading, note, tables=[table] if moved else [])


def _finding(payload: ReportPayload, lead: TimePoint | None) -> str:
    return responders(payload, lead).heading if lead else recruitment(payload).heading


def _blocks(payload: ReportPayload, lead: TimePoint | None) -> Iterator[Block]:
    """Yield what is told in a minute: response at each threshold, or where it is withheld how the trial goes; and safety."""
    if lead:
        for cut in payload["thresholds_tenths"]:
            yield _response(lead, cut)
    else:
        taken_in, complete = payload["recruitment"]["total"], completeness(payload)
        yield Block(_("Recruitment"), [Value(Cell(str(taken_in), str(taken_in)), recruitment(payload).heading)])
        yield Block(_("Completeness"), [], [complete.heading])
    yield _safety(payload)


def _response(lead: TimePoint, cut: int) -> Block:
    lines = lines_of(whole(lead))
    values = []
    for place, line in enumerate(lines):
        rate = line.rate(cut)
        caption = _("%(who)s%(k)s of %(n)s, 95 %% CI %(ci)s") % {
            "who": f"{line.name}, " if line.key else "",
            "k": rate["responders"],
            "n": rate["n"],
            "ci": interval(rate),
        }
        tone = f"arm-{'abcd'[place % 4]}" if line.key else ""
        values.append(Value(Cell(percent(rate["rate"]), exact(rate["rate"])), caption, tone))
    compared = difference_at(lead, cut)
    told = []
    if compared is not None and compared["difference"] is not None:
        pair = f"{compared['first']} \u2212 {compared['second']}"
        numbers = {"pair": pair, "d": points(compared["difference"]), "ci": tables.limits(compared)}
        told = [_("Difference %(pair)s: %(d)s points, 95 %% CI %(ci)s") % numbers]
    return Block(_("Pain reduced by %(cut)s or more") % {"cut": threshold(cut)}, values, told)


def _safety(payload: ReportPayload) -> Block:
    told = tables.conduct(payload)
    serious = sum(events["serious_events"] for _name, _found, events in told)
    return Block(_("Safety"), [Value(Cell(str(serious), str(serious)), _("serious adverse events"))], [_events_heading(told)])


def _brief(payload: ReportPayload, lead: TimePoint | None) -> str:
    if lead is None and payload["document"] == "closed":
        return _("Efficacy by arm is not shown in this report: the dates of the board's charter say when it is looked at.")
    if lead is None:
        return _("Response is not shown here: in this trial the masked team sees how complete the records are, not how they turned out.")
    at = _("%(when)s, incomplete counted as no response.") % {"when": lead["label"]}
    return f"{at} {_('Descriptive only: no test is made on weekly data.')} {_('Intervals are pointwise, not adjusted for repeated looks.')}"


def _band(payload: ReportPayload) -> str:
    if payload["document"] == "open":
        return _("Open report: everybody together, never by treatment")
    if payload.get("coded"):
        return _("Closed report, coded arms: for unmasked roles only. Opening it is recorded. Do not pass it on.")
    return _("Closed report, by arm: for unmasked roles only. Opening it is recorded. Do not pass it on.")


def _week(payload: ReportPayload) -> str:
    year, number, _day = date.fromisoformat(payload["week"]["first_day"]).isocalendar()
    return _("week %(number)s of %(year)s") % {"number": number, "year": year}


def _subtitle(report: WeeklyReport, payload: ReportPayload) -> str:
    numbers = {
        "first": _day(payload["week"]["first_day"]),
        "last": _day(payload["week"]["last_day"]),
        "cutoff": _moment(report.cutoff, payload),
        "plan": payload["plan"]["version"],
    }
    return _("%(first)s to %(last)s. Records before %(cutoff)s, analysis plan version %(plan)s.") % numbers


def _notices(report: WeeklyReport, payload: ReportPayload) -> Iterator[str]:
    """Yield what the reader has to know about this version."""
    asked = _moment(report.requested_at, payload)
    if not payload["week"]["over"]:
        yield _("The week is not over: these are the records until the report was asked for, on %(asked)s.") % {"asked": asked}
    due = datetime.fromisoformat(payload["week"]["due"]) if payload["week"]["due"] else None
    if report.by_schedule and due is not None and report.requested_at > due + LATE_AFTER:
        yield _(
            "This report is late: it was due on %(due)s and asked for on %(asked)s. It shows the records as they stood at its cut-off."
        ) % {
            "due": _moment(due, payload),
            "asked": asked,
        }
    if report.reason:
        yield _("Version %(version)s, made again: %(reason)s") % {"version": report.version, "reason": report.reason}


def _conduct_definitions(payload: ReportPayload) -> Iterator[tuple[str, str]]:
    yield _("Report week"), _("Monday 00:00 to the next Monday 00:00 in the trial's time zone; what was recorded later is not in it.")
    yield _("Session given in part"), _("Fewer pulses than planned were given; missed and not given had none.")
    yield _("Adverse event"), _("Any event on record, solicited after a session or reported at any time, related or not.")
    if payload["conduct"]["by_arm"]:
        yield (
            _("Sessions and events by arm"),
            _(
                "As received: the parts of the kits of the sessions given decide; without any on record, the arm allocated before the "
                "cut-off. Patients who received several arms (or a part that several have), those not allocated and comparison "
                "groups have lines of their own, so that the lines add up to everybody. Outcomes are counted as allocated."
            ),
        )


def _provenance(report: WeeklyReport, payload: ReportPayload, sha256: str) -> Iterator[tuple[str, str]]:
    by = _("on schedule") if report.by_schedule else name_at(report.requested_by, report.requested_at)
    yield _("Report"), f"{report.week}, {_('version')} {report.version}"
    yield _("Asked for"), f"{_moment(report.requested_at, payload)}, {by}"
    yield _("Records before"), f"{_moment(report.cutoff, payload)} ({payload['cutoff']})"
    yield _("Snapshot, SHA-256"), sha256
    if "open_sha256" in payload:
        yield _("Open snapshot, SHA-256"), payload["open_sha256"]
    yield _("Changes sealed"), f"{payload['seal'] or tables.DASH} {payload['seal_hash']}"
    yield _("Analysis plan"), str(payload["plan"]["version"])
    yield _("Scale"), str(payload["plan"]["scale_label"])
    yield _("Computed by"), payload["code_version"]
    yield _("Laid out by"), renderer()


def _checks(report: WeeklyReport, payload: ReportPayload) -> Iterator[tuple[str, str]]:
    """Yield the commands that check the document and every number in it."""
    closed = " --closed" if payload["document"] == "closed" else ""
    name = f"python3 run.py report {payload['trial']['slug']} --week {report.week} --number {report.version} --as YOUR@ADDRESS"
    yield _("That these are the bytes as issued"), f"{name} --verify"
    yield _("Every number, as the snapshot holds it"), f"{name}{closed} --format json"
    yield _("The same, computed anew from the records as they stood"), f"{name}{closed} --recompute"


def _moment(moment: datetime, payload: ReportPayload) -> str:
    zone = str(payload["trial"]["time_zone"])
    return f"{formats.date_format(moment.astimezone(ZoneInfo(zone)), 'D j M Y, H:i')} ({zone})"


def _day(iso: str) -> str:
    return formats.date_format(date.fromisoformat(iso), "D j M Y")


def creation_time(contents: Contents) -> datetime:
    """Return the time a document carries: its cut-off, so that the same snapshot gives the same bytes."""
    return datetime.fromisoformat(contents.cutoff).astimezone(UTC)
