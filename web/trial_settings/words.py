"""What the set-up asks, in the words of the people who set trials up: label and hint of each field, by section and column."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = dict[str, tuple[Promise, Promise | str]]

TRIAL: Words = {
    "slug": (_("Short name"), _("Stands in addresses and file names and never changes, for example calm-m1.")),
    "name": (_("Name"), _("What people call the trial; it heads every page.")),
    "title": (_("Full title"), ""),
    "conduct": (
        _("Conduct"),
        _("A prospective trial is running or about to; in a finished one every time point is due and arms may be named."),
    ),
    "design": (_("Design"), ""),
    "time_zone": (_("Time zone"), _("Report weeks begin on Monday 00:00 there; a site may have its own.")),
    "masked": (_("Is part of the treatment concealed?"), _("If yes, nobody in care or rating can see who got active or sham stimulation.")),
    "pooled_efficacy": (
        _("May masked roles see pooled outcomes?"),
        _("No until the charter allows it: outcomes of all arms together can give away that something works."),
    ),
    "registry_number": (_("Number in a public register"), _("For example NCT01234567.")),
    "sponsor": (_("Sponsor"), ""),
    "contact": (_("Contact"), _("Whom participants of the trial's team ask.")),
    "planned_participants": (_("Planned number of patients"), _("How many are to be recruited in all, in every arm and site together.")),
    "recruitment_starts_on": (_("Recruitment starts on"), _("The planned first day.")),
    "recruitment_ends_on": (_("Recruitment ends on"), _("The planned last day; the dashboard compares with an even rise up to it.")),
    "report_day": (_("Weekly report on"), _("The report of a week is made after that week has ended on Sunday night.")),
    "report_hour": (_("Hour of the weekly report"), _("0 to 23, in the trial's time zone.")),
    "synthetic": (_("Are the data made up?"), _("Yes for training: every page says so, and demonstration accounts keep working.")),
}
SITES: Words = {
    "code": (_("Code"), _("Short and unique in the trial, for example N or berlin.")),
    "name": (_("Name"), ""),
    "time_zone": (_("Time zone"), _("Decides which day a diary answer belongs to.")),
}
TREATMENTS: Words = {
    "code": (_("Code"), _("Short and unique in the trial, for example m1.")),
    "label": (_("Label"), _("What everybody may see: target and protocol. Never whether it is active or sham.")),
}
VISIT_TYPES: Words = {
    "code": (_("Code"), _("Short and unique in the trial, for example W4.")),
    "label": (_("Label"), _("For example Week 4.")),
    "target_day": (_("Day"), _("The day it is planned for, counted from day 0.")),
    "days_before": (_("Days earlier"), _("How much earlier it may be.")),
    "days_after": (_("Days later"), _("How much later it may be.")),
}
LOOKS: Words = {
    "code": (_("Code"), _("Short and unique in the trial, for example interim1.")),
    "label": (_("Short name"), _("For example interim 1, 50 % of patients.")),
    "planned_on": (_("Planned for"), _("The report of the first week whose end, Monday 00:00, is that day or later holds the look.")),
    "called_off": (_("Is it called off?"), _("A look is never removed: the board can see that it was planned.")),
}
SCALES: Words = {
    "code": (_("Code"), _("Short, for example NRS.")),
    "version": (_("Version"), _("A changed scale is a new version; scores keep theirs.")),
    "label": (_("Label"), _("For example Pain intensity, 0 to 10.")),
    "kind": (_("What it measures"), _("Response is decided on intensity, where lower is better.")),
    "minimum": (_("Lowest value"), ""),
    "maximum": (_("Highest value"), ""),
    "step": (_("Step"), _("Distance between two answers, for example 1; leave it empty where any number may be given.")),
    "zero_means_none": (_("Is 0 no pain at all?"), _("A percent reduction has a meaning only then.")),
}
PROTOCOL: Words = {
    "version": (_("Version"), _("For example 1.0. A version is never edited, only followed by a new one.")),
    "effective_from": (_("Holds from"), ""),
    "summary": (_("What it says or changes"), ""),
}
EPOCHS: Words = {
    "kind": (_("Stretch"), ""),
    "period": (_("Period"), _("1 unless the trial is a crossover.")),
    "first_day": (_("First day"), _("Day 0 is the anchor.")),
    "last_day": (_("Last day"), _("Empty while open.")),
}
PLAN: Words = {
    "version": (_("Version"), _("For example 1. A plan is never edited, only followed by a new version.")),
    "scale": (_("Scale"), _("Response is decided on this scale alone; scores on others are kept beside it.")),
    "recall": (_("Asked about"), _("Two scores are compared only when they ask about the same stretch of time.")),
    "pain": (_("Which pain"), _("Overall pain, or the primary pain that is frozen at allocation.")),
    "contexts": (
        _("Occasions that count"),
        _("Scores from other occasions are kept and never decide; none: as the time points need."),
    ),
    "sources": (_("Which answer counts when a day has several"), _("The first source that answered wins; others are kept.")),
    "anchor": (
        _("Day 0"),
        _("All days are counted from it: the day of allocation, or the day of the first stimulation, active or sham."),
    ),
    "population": (_("Who is counted"), _("The denominator of every rate; leave it open for all allocated, or all enrolled in a cohort.")),
    "strategy": (
        _("When stimulation stops"),
        _("Treatment policy uses the scores given afterwards; composite counts a stop for a listed reason as no response."),
    ),
    "composite_reasons": (
        _("Reasons that count as no response"),
        _("Only under composite; none ticked: lack of effect, adverse event, rescue."),
    ),
    "thresholds": (
        _("Responder: pain reduced by at least, in percent"),
        _("Decided exactly, in whole numbers; separate them by a blank, for example 30 50."),
    ),
    "day0_pre": (_("May day 0, before the first session, be baseline?"), _("Usual only where the baseline is the last value.")),
    "accept_late": (_("Do late diary answers count?"), _("Late is after 12:00 of the next day and up to 48 hours.")),
    "grace_days": (
        _("Days of grace"),
        _("A time point is due only so many days after its window, so that nothing counts as missing too soon."),
    ),
    "small_cell_minimum": (
        _("Smallest subgroup shown"),
        _("Smaller subgroups are hidden from masked readers, so that nobody can be recognised."),
    ),
    "comparator": (
        _("Comparator"),
        _("Code of the arm that others are compared with, as the unmasked statistician names it; none in a cohort."),
    ),
}
BASELINE: Words = {
    "visit": (_("Visit"), _("Choose one only where the baseline is a visit's value and not a diary.")),
    "first_day": (_("First day"), _("Empty: day −7.")),
    "last_day": (_("Last day"), _("Empty: day −1. Day 0 is never baseline by itself.")),
    "rule": (_("Which values count"), _("The mean of all days, or the last one.")),
    "min_n": (
        _("At least so many values"),
        _("With fewer there is no baseline, and the patient cannot be a responder. Empty: 4 days, or 1."),
    ),
}
TIME_POINTS: Words = {
    "code": (_("Code"), ""),
    "label": (_("Label"), ""),
    "kind": (_("Kind"), ""),
    "visit": (_("Visit"), ""),
    "target_day": (_("Day"), ""),
    "days_before": (_("Days before"), ""),
    "days_after": (_("Days after"), ""),
    "rule": (_("Values"), ""),
    "min_n": (_("At least"), ""),
    "primary": (_("Primary"), ""),
}
