"""Words of a trial: conduct, schedule, how response is decided and why a value is missing."""

from __future__ import annotations

from registry.vocabulary.word import Word


class Conduct(Word):
    PROSPECTIVE = "prospective", "Prospective"
    RETROSPECTIVE = "retrospective", "Retrospective (finished trial)"


class TrialDesign(Word):
    PARALLEL = "parallel", "Parallel groups"
    CROSSOVER = "crossover", "Crossover"
    COHORT = "cohort", "Cohort without comparison"


class EpochKind(Word):
    SCREENING = "screening", "Screening"
    BASELINE = "baseline", "Baseline"
    INDUCTION = "induction", "Induction"
    MAINTENANCE = "maintenance", "Maintenance"
    FOLLOW_UP = "follow_up", "Follow-up"
    OPEN_EXTENSION = "open_extension", "Open extension"
    WASHOUT = "washout", "Washout"


class Anchor(Word):
    ALLOCATION = "allocation", "Day of allocation"
    FIRST_STIMULATION = "first_stimulation", "Day of the first stimulation"


class ValueRule(Word):
    MEAN = "mean", "Mean of all days"
    NEAREST = "nearest", "Day nearest to the target"
    LAST = "last", "Last day"


class TimePointKind(Word):
    DIARY = "diary", "Diary interval (study days)"
    VISIT = "visit", "Visit value (study days)"
    VISIT_CODE = "visit_code", "Named visit (no date needed)"


class PlanPain(Word):
    OVERALL = "overall", "Overall pain"
    PRIMARY = "primary", "Primary pain"


class Strategy(Word):
    TREATMENT_POLICY = "treatment_policy", "Treatment policy"
    COMPOSITE = "composite", "Composite (stop for a listed reason is non-response)"


class Population(Word):
    ALLOCATED = "allocated", "All allocated"
    TREATED = "treated", "Stimulated at least once"
    ENROLLED = "enrolled", "All enrolled (cohort)"


class MissingRule(Word):
    NRI = "NRI", "Incomplete counts as non-response"
    OC = "OC", "Observed cases"
    LOCF = "LOCF", "Last observation carried forward"
    BOCF = "BOCF", "Baseline observation carried forward"


class EndpointStatus(Word):
    NOT_DUE = "not_due", "Not due yet"
    DIED = "died", "Died"
    NO_BASELINE = "no_baseline", "No baseline"
    BASELINE_ZERO = "baseline_zero", "Baseline of zero"
    COMPOSITE_STOP = "composite_stop", "Stopped for a listed reason"
    OBSERVED = "observed", "Observed"
    MISSING = "missing", "Missing"


class MissingReason(Word):
    TOO_FEW = "too_few", "Too few values in the window"
    WITHDRAWN = "withdrawn", "Consent withdrawn"
    LOST = "lost", "Lost to follow-up"
    ENDED = "ended", "Follow-up ended before the window"
    NONE = "none", "No value in the window"


class ReportDay(Word):
    NONE = "none", "Only when asked for"
    MONDAY = "monday", "Monday"
    TUESDAY = "tuesday", "Tuesday"
    WEDNESDAY = "wednesday", "Wednesday"
    THURSDAY = "thursday", "Thursday"
    FRIDAY = "friday", "Friday"
    SATURDAY = "saturday", "Saturday"
    SUNDAY = "sunday", "Sunday"


class AllocationListKind(Word):
    IMPORTED = "imported", "Imported list"
    GENERATED = "generated", "Generated stratified permuted blocks"
