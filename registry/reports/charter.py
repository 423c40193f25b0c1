"""What a closed report says of the charter's looks: whether this week's holds one, when the next is, and what was changed late."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.utils import formats
from django.utils.translation import gettext as _

from registry.models import Trial, WeeklyReport
from registry.reports.parts import Cell, Row, Section, Table
from registry.rules.charter import CharterState, Look, looks_in, next_look
from registry.rules.report_weeks import ReportWeek
from registry.selectors.charter import LookChange, charter_of
from registry.selectors.report_payload import Charter, CharterChange, CharterLook, ReportPayload

DASH = "\u2013"


def charter_of_week(report: WeeklyReport, trial: Trial, state: CharterState, known_before: datetime | None) -> Charter:
    """Return the charter as a report of that week holds it; one of a week that is not over holds no look."""
    found, week = charter_of(trial, known_before=known_before), ReportWeek.read(report.week)
    in_force, is_over = state == CharterState.IN_FORCE, report.cutoff >= week.ends_at(trial.zone)
    ahead = next_look(found.looks, week.next if is_over else week) if in_force else None
    return {
        "state": state.value,
        "looks": [_look(look) for look in found.looks],
        "shown": [look.code for look in looks_in(found.looks, week)] if in_force and is_over else [],
        "next": ahead.code if ahead else None,
        "changes": [_change(change) for change in found.late_changes],
    }


def _look(look: Look) -> CharterLook:
    return {
        "code": look.code,
        "label": look.label,
        "planned_on": look.planned_on.isoformat(),
        "called_off": look.called_off,
        "week": str(look.week),
    }


def _change(change: LookChange) -> CharterChange:
    was, became = change.was, change.became
    return {
        "at": change.at.astimezone(UTC).isoformat(),
        "label": became.label,
        "label_before": was.label if was else None,
        "planned_on": became.planned_on.isoformat(),
        "planned_before": was.planned_on.isoformat() if was else None,
        "called_off": became.called_off,
        "called_off_before": was.called_off if was else None,
        "reason": change.reason,
    }


def charter_notices(payload: ReportPayload) -> Iterator[str]:
    """Yield why efficacy by arm stands in the document or does not, and each change made after it had been shown."""
    charter = payload.get("charter")
    if charter is None:
        return
    if charter["state"] == CharterState.NO_DATES:
        yield _("No dates of the board's charter are on record: efficacy by arm stands in this document every week.")
    elif charter["state"] == CharterState.IN_FORCE:
        yield f"{_this_week(charter)} {_next(charter)}"
    elif charter["looks"]:
        yield _("The trial has ended or was decoded: the dates of the board's charter hold no more, and efficacy by arm stands here.")
    for change in charter["changes"]:
        yield _("Changed after efficacy by arm had been shown: %(what)s") % {"what": _told(change, payload)}


def _this_week(charter: Charter) -> str:
    shown = [_named(look) for look in charter["looks"] if look["code"] in charter["shown"]]
    if shown:
        return _("This report holds efficacy by arm, for the look: %(looks)s.") % {"looks": "; ".join(shown)}
    return _(
        "Efficacy by arm is looked at on the dates of the board's charter, and this week has none of them: "
        "this document holds safety, conduct, recruitment and completeness."
    )


def _next(charter: Charter) -> str:
    look = next((look for look in charter["looks"] if look["code"] == charter["next"]), None)
    if look is None:
        return _("No further look is planned.")
    return _("The next look is %(look)s; it will be in the report of %(week)s.") % {"look": _named(look), "week": look["week"]}


def _named(look: CharterLook) -> str:
    return _("%(label)s, planned for %(day)s") % {"label": look["label"], "day": _day(look["planned_on"])}


def _told(change: CharterChange, payload: ReportPayload) -> str:
    """Say what was changed of a look, when and why."""
    zone = ZoneInfo(str(payload["trial"]["time_zone"]))
    at = formats.date_format(datetime.fromisoformat(change["at"]).astimezone(zone), "D j M Y, H:i")
    about = {"label": change["label"], "what": ", ".join(_parts(change)), "at": at, "reason": change["reason"]}
    return _("%(label)s %(what)s, on %(at)s. Reason: %(reason)s") % about


def _parts(change: CharterChange) -> Iterator[str]:
    if change["planned_before"] is None:
        yield _("was set for %(day)s") % {"day": _day(change["planned_on"])}
    elif change["planned_before"] != change["planned_on"]:
        yield _("was moved from %(was)s to %(day)s") % {"was": _day(change["planned_before"]), "day": _day(change["planned_on"])}
    if change["label_before"] not in (None, change["label"]):
        yield _("was named %(was)s before") % {"was": change["label_before"]}
    if change["called_off"] != bool(change["called_off_before"]):
        yield _("was called off") if change["called_off"] else _("was put back")


def charter_sections(payload: ReportPayload) -> Iterator[Section]:
    """Yield the table of the charter's looks, where it has any."""
    charter = payload.get("charter")
    if charter is None or not charter["looks"]:
        return
    rows = [
        Row(look["label"], [Cell(_day(look["planned_on"])), Cell(look["week"]), Cell(_state(look, charter))]) for look in charter["looks"]
    ]
    table = Table(_("Looks at efficacy by arm"), [_("Look"), _("Planned for"), _("In the report of"), _("In this report")], rows)
    note = _("The report of the first week whose cut-off is the planned day or later holds a look; its later versions hold it too.")
    yield Section("charter", _("Looks planned by the board's charter: %(n)s") % {"n": len(rows)}, note, tables=[table])


def _state(look: CharterLook, charter: Charter) -> str:
    if look["called_off"]:
        return _("called off")
    return _("yes") if look["code"] in charter["shown"] else DASH


def _day(iso: str) -> str:
    return formats.date_format(date.fromisoformat(iso), "D j M Y")
