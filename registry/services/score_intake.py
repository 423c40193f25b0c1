"""A table of scores on its way in: staged by COPY, laid beside what is on record, written by statements over all rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connections

from registry.models import PainScore, Trial, User
from registry.roles import Permission
from registry.services.row_sets import RowChecks, Tally, check_open, create_staging
from registry.services.score_cells import ScoreCells
from registry.services.score_references import ScoreReferences
from registry.services.score_rows import ScoreRows, TextRows

# Sorting and grouping millions of rows; the setting ends with the transaction.
WORK_MEMORY = "256MB"
NAMED_REPEATS = 1000

STAGED = {
    "line": "bigint",
    "enrolment_id": "bigint",
    "scale_id": "bigint",
    "pain_id": "bigint",
    "visit_type_id": "bigint",
    "context": "varchar(40)",
    "recall": "varchar(40)",
    "source": "varchar(40)",
    "rater": "varchar(40)",
    "answer_state": "varchar(40)",
    "scheduled": "boolean",
    "for_date": "date",
    "observed_at": "timestamptz",
    "submitted_at": "timestamptz",
    "zone": "varchar(60) DEFAULT ''",
    "value": "numeric(12,6)",
    "value_units": "bigint",
    "row_id": "varchar(80) DEFAULT ''",
}
# Written as staged; record, version and the times of writing come on top.
WRITTEN = tuple(name for name in STAGED if name not in ("line", "submitted_at"))
# Which score a row is, where it has no row_id; what else a row says may be corrected.
KEY = ("enrolment_id", "scale_id", "pain_id", "visit_type_id", "context", "recall", "source", "for_date", "observed_at", "submitted_at")
CORRECTABLE = ("rater", "answer_state", "scheduled", "value_units")
# The order of entry decides between two answers for a day that say no time (R6). The order of a file must not: it may be
# sorted by what is concealed, and would change with every export.
ENTRY_ORDER = "s.enrolment_id, s.for_date NULLS FIRST, s.visit_type_id NULLS FIRST, s.context, s.row_id"


class ScoreIntake:
    """To be used inside `audited`. `write` leaves out rows with a problem: whoever wants all or nothing rolls back."""

    def __init__(self, *, trial: Trial, by: User, now: datetime, using: str = "default") -> None:
        check_open(trial)
        self.trial, self.by, self.now, self.using = trial, by, now, using
        self.checks = RowChecks(kept=NAMED_REPEATS)
        self.references = ScoreReferences(trial=trial, by=by, using=using)
        self.rows = self.without_value = 0
        self._is_first = not PainScore.objects.using(using).filter(enrolment__trial_id=trial.pk).exists()

    def stage(self, header: Sequence[str], rows: TextRows, *, unread: set[str] | None = None) -> None:
        """Read all rows under a header; `unread` are study numbers whose own row could not be read."""
        reading = ScoreRows(ScoreCells(self.references, self.now), header, checks=self.checks, unread=unread or set())
        with self._cursor() as cursor:
            # Compiling a statement that runs once costs more than it saves.
            cursor.execute(f"SET LOCAL work_mem = '{WORK_MEMORY}'; SET LOCAL jit = off")
            create_staging(cursor, "staged_scores", _with_defaults(reading.defaults))
            with cursor.copy(f"COPY pg_temp.staged_scores ({', '.join(reading.copied)}) FROM STDIN") as copy:
                for block in reading.blocks(rows):
                    copy.write(block)
            cursor.execute("ANALYZE pg_temp.staged_scores")
            self._note_repeats(cursor)
            self._match(cursor)
        self.rows, self.without_value = reading.rows, reading.without_value

    def _cursor(self) -> Any:
        return connections[self.using].cursor()

    def _note_repeats(self, cursor: Any) -> None:
        """Note rows that say the same score twice; nearly always a look at three columns shows that there are none."""
        cursor.execute(_MAY_REPEAT)
        if not cursor.fetchone()[0]:
            return
        cursor.execute(_REPEATED)
        for line, first, patient, row_id in cursor.fetchall():
            wrong = f"is the score of line {first} again"
            right = "Give each its own row_id" if row_id else "Keep one of them, or give each its own row_id if both were answered"
            self.checks.note(line, "row_id" if row_id else "patient", row_id or patient, wrong, right)

    def _match(self, cursor: Any) -> None:
        """Find the scores on record that rows are about; nothing to find in a trial without any."""
        create_staging(cursor, "score_matches", {"line": "bigint", "target_id": "bigint", "state": "varchar(9)"})
        if not self._is_first:
            scope = self.references.scope()
            cursor.execute(_MATCH_BY_KEY.format(scope=scope))
            cursor.execute(_MATCH_BY_ROW_ID.format(scope=scope))
            cursor.execute("ANALYZE pg_temp.score_matches")
            cursor.execute(_MATCH_VOIDED.format(scope=scope))

    def tally(self) -> Tally:
        """Count the rows; absent are scores on record of visible patients that the table does not hold."""
        with self._cursor() as cursor:
            cursor.execute(_TALLY)
            staged, unchanged, corrected, voided = cursor.fetchone()
            absent = 0
            if not self._is_first:
                cursor.execute(_ON_RECORD.format(scope=self.references.scope()))
                absent = max(0, int(cursor.fetchone()[0]) - unchanged - corrected)
        return Tally(new=staged - unchanged - corrected - voided, unchanged=unchanged, corrected=corrected, absent=absent, voided=voided)

    def may_correct(self) -> bool:
        """Tell whether the person may correct scores at every site of the patients whose scores would change."""
        with self._cursor() as cursor:
            cursor.execute(_CORRECTED_SITES)
            corrected = {site_id for (site_id,) in cursor.fetchall()}
        sites = self.trial.sites.using(self.using).filter(pk__in=corrected)
        return all(self.by.can(Permission.SCORE_CORRECT, trial=self.trial, site=site) for site in sites)

    def write(self) -> None:
        """Add new scores, and for corrected ones the next version."""
        with self._cursor() as cursor:
            if not self._is_first:
                cursor.execute(_END_CORRECTED, [self.now])
                cursor.execute(_ADD_VERSIONS, [self.now])
            cursor.execute(_ADD_NEW, [self.now, self.now])


def _with_defaults(defaults: dict[str, str]) -> dict[str, str]:
    """Return the staged columns with the constants of a file as their defaults; they are words of vocabularies and numbers."""
    return {name: f"{sql_type} DEFAULT '{defaults[name]}'" if name in defaults else sql_type for name, sql_type in STAGED.items()}


# When the answer was given, as far as a file would say it: not where it is the time of the visit, or was never known.
_SAID_SUBMITTED = "CASE WHEN t.zone <> '' AND t.submitted_at IS DISTINCT FROM t.observed_at THEN t.submitted_at END"
_EMPTY = {
    "pain_id": "0",
    "visit_type_id": "0",
    "for_date": "'-infinity'::date",
    "observed_at": "'-infinity'::timestamptz",
    "submitted_at": "'-infinity'::timestamptz",
}


def _same(name: str) -> str:
    """Return the condition that a column agrees, in a form that a hash join can use: IS NOT DISTINCT FROM is not one."""
    theirs = _SAID_SUBMITTED if name == "submitted_at" else f"t.{name}"
    if name not in _EMPTY:
        return f"{theirs} = s.{name}"
    return f"coalesce({theirs}, {_EMPTY[name]}) = coalesce(s.{name}, {_EMPTY[name]})"


def _differ(names: Iterable[str]) -> str:
    return " OR ".join(f"NOT ({_same(name)})" for name in names)


_SAME_KEY = " AND ".join(map(_same, KEY))
_SAME_ROW_ID = "t.enrolment_id = s.enrolment_id AND t.row_id = s.row_id"
_STANDING = "t.ended_at IS NULL AND t.enrolment_id IN ({scope})"

_MAY_REPEAT = """
    SELECT EXISTS (SELECT FROM pg_temp.staged_scores GROUP BY enrolment_id, for_date, visit_type_id HAVING count(*) > 1)
        OR EXISTS (SELECT FROM pg_temp.staged_scores WHERE row_id <> '')
"""
_REPEATED = f"""
    SELECT s.line, first.line, e.patient_code, s.row_id
    FROM (
        SELECT array_agg(line ORDER BY line) AS lines, min(line) AS line FROM pg_temp.staged_scores WHERE row_id = ''
        GROUP BY {", ".join(KEY)} HAVING count(*) > 1
        UNION ALL
        SELECT array_agg(line ORDER BY line), min(line) FROM pg_temp.staged_scores WHERE row_id <> ''
        GROUP BY enrolment_id, row_id HAVING count(*) > 1
    ) first
    JOIN pg_temp.staged_scores s ON s.line = ANY(first.lines[2:])
    JOIN registry_enrolment e ON e.id = s.enrolment_id
    ORDER BY s.line LIMIT {NAMED_REPEATS}
"""
_MATCH_BY_KEY = f"""
    INSERT INTO score_matches (line, target_id, state)
    SELECT s.line, min(t.id), CASE WHEN bool_or({_differ(CORRECTABLE)}) THEN 'corrected' ELSE 'unchanged' END
    FROM pg_temp.staged_scores s JOIN registry_painscore t ON {_SAME_KEY} AND t.row_id = '' AND {_STANDING}
    WHERE s.row_id = '' GROUP BY s.line
"""
_MATCH_BY_ROW_ID = f"""
    INSERT INTO score_matches (line, target_id, state)
    SELECT s.line, t.id, CASE WHEN {_differ((*KEY[1:], *CORRECTABLE))} THEN 'corrected' ELSE 'unchanged' END
    FROM pg_temp.staged_scores s JOIN registry_painscore t ON {_SAME_ROW_ID} AND {_STANDING}
    WHERE s.row_id <> ''
"""
# What was taken out of use is not brought back by importing the same file again.
_MATCH_VOIDED = f"""
    INSERT INTO score_matches (line, target_id, state)
    SELECT s.line, min(t.id), 'voided'
    FROM pg_temp.staged_scores s
    JOIN registry_painscore t ON {_SAME_KEY} AND t.row_id = s.row_id AND t.voided AND t.enrolment_id IN ({{scope}})
        AND NOT ({_differ(CORRECTABLE)})
    WHERE NOT EXISTS (SELECT FROM pg_temp.score_matches m WHERE m.line = s.line)
      AND NOT EXISTS (SELECT FROM registry_painscore later WHERE later.record = t.record AND later.version > t.version)
    GROUP BY s.line
"""
_TALLY = """
    SELECT (SELECT count(*) FROM pg_temp.staged_scores), count(*) FILTER (WHERE state = 'unchanged'),
           count(*) FILTER (WHERE state = 'corrected'), count(*) FILTER (WHERE state = 'voided')
    FROM pg_temp.score_matches
"""
# The pains of a session, which its own row in sessions.csv tells.
OF_A_SESSION = """(t.context IN ('pre_session', 'post_session') AND EXISTS (
    SELECT FROM registry_stimulationsession s WHERE s.enrolment_id = t.enrolment_id AND s.ended_at IS NULL
    AND t.record IN (s.pain_before_record, s.pain_after_record)))"""
_ON_RECORD = f"SELECT count(*) FROM registry_painscore t WHERE {_STANDING} AND NOT {OF_A_SESSION}"
_CORRECTED_SITES = """
    SELECT DISTINCT e.site_id FROM pg_temp.score_matches m
    JOIN pg_temp.staged_scores s ON s.line = m.line JOIN registry_enrolment e ON e.id = s.enrolment_id WHERE m.state = 'corrected'
"""
_END_CORRECTED = """
    UPDATE registry_painscore t SET ended_at = %s FROM pg_temp.score_matches m WHERE m.state = 'corrected' AND m.target_id = t.id
"""
_ADD_VERSIONS = f"""
    INSERT INTO registry_painscore (record, version, {", ".join(WRITTEN)}, submitted_at, recorded_at, voided)
    SELECT t.record, t.version + 1, {", ".join(f"s.{name}" for name in WRITTEN)},
           coalesce(s.submitted_at, s.observed_at, t.submitted_at), %s, false
    FROM pg_temp.score_matches m JOIN pg_temp.staged_scores s ON s.line = m.line JOIN registry_painscore t ON t.id = m.target_id
    WHERE m.state = 'corrected' ORDER BY t.id
"""
# One uuidv7 makes the head of all identifiers, and the place in the order of entry the tail: drawing each anew took a
# quarter of the time.
_ADD_NEW = f"""
    INSERT INTO registry_painscore (record, version, {", ".join(WRITTEN)}, submitted_at, recorded_at, voided)
    SELECT (head.uuid || lpad(to_hex(row_number() OVER (ORDER BY {ENTRY_ORDER})), 12, '0'))::uuid, 1,
           {", ".join(f"s.{name}" for name in WRITTEN)}, coalesce(s.submitted_at, s.observed_at, %s), %s, false
    FROM pg_temp.staged_scores s, (SELECT left(uuidv7()::text, 24) AS uuid) head
    WHERE NOT EXISTS (SELECT FROM pg_temp.score_matches m WHERE m.line = s.line)
    ORDER BY {ENTRY_ORDER}
"""
