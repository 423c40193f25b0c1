"""Change history written by the database itself (docs/decisions/0002).

pghistory makes the event tables; three things differ from its defaults, each because its own way was seen to fail:
the context is one append-only Change row per transaction (its context table is upserted), triggers cannot be switched
off by a session variable (its `ignore` can), and a missing context is refused instead of stored as NULL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pghistory
import pghistory.models
import pghistory.trigger
import pgtrigger
from django.db import models
from pgtrigger import compiler

ModelType = TypeVar("ModelType", bound=type[models.Model])


class UnswitchableSql(compiler.UpsertTriggerSql):
    """The trigger function without pgtrigger's ignore switch: history has no off position."""

    def get_template(self) -> str:
        return """
            CREATE OR REPLACE FUNCTION {pgid}()
            RETURNS TRIGGER AS $$
                {declare}
                BEGIN
                    {func}
                END;
            $$ LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp;

            DROP TRIGGER IF EXISTS {pgid} ON {table};
            CREATE {constraint} TRIGGER {pgid}
                {when} {operation} ON {table}
                {timing}
                {referencing}
                FOR EACH {level} {condition}
                EXECUTE PROCEDURE {execute};

            COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
        """


class PlannedOnceSql(UnswitchableSql):
    """The same for a function that is planned once for a connection, and so for one new row and for millions: rows looked up by key.

    Any other plan depends on how many rows there were when it was made.
    """

    def get_template(self) -> str:
        path = "search_path = public, pg_temp"
        once = "SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off"
        return super().get_template().replace(f"{path};", f"{path} {once};")


def without_switch(
    trigger: pgtrigger.Trigger, model: type[models.Model], template: type[UnswitchableSql] = UnswitchableSql
) -> compiler.Trigger:
    """Compile a trigger as pgtrigger would, but by a template above."""
    return compiler.Trigger(
        name=trigger.name,
        sql=template(
            pgid=trigger.get_pgid(model),
            func=trigger.render_func(model),
            table=model._meta.db_table,
            when=trigger.when,
            operation=trigger.operation,
            referencing=trigger.referencing or "",
            level=trigger.level,
            execute=trigger.render_execute(model),
        ),
    )


class EventTrigger(pghistory.trigger.Event):
    """Copy changed rows into the event table, with the transaction's change id."""

    def get_func(self, model: type[models.Model]) -> pgtrigger.Func:
        alias = "old_values" if self.row == "OLD" else "new_values"
        event = self.event_model
        tracked = {field.name for field in model._meta.fields}
        columns = {field.column: f'{alias}."{field.column}"' for field in event._meta.fields if field.name in tracked}
        columns |= {
            "pgh_created_at": "now()",
            "pgh_label": f"'{self.label}'",
            "pgh_obj_id": f'{alias}."{model._meta.pk.column}"',
            # A scalar subquery runs once a statement; the bare call would run once a row.
            "change_id": "(SELECT registry_current_change())",
        }
        into = ", ".join(f'"{name}"' for name in columns)
        return pgtrigger.Func(
            f'INSERT INTO "{event._meta.db_table}" ({into}) SELECT {", ".join(columns.values())} FROM {{cond_{alias}}}; RETURN NULL;'
        )

    def compile(self, model: type[models.Model]) -> compiler.Trigger:
        return without_switch(self, model)


class Gate(pgtrigger.Trigger):
    """Before the first write of a statement: refuse an application role without context, note an outside one."""

    name = "audit_gate"
    when = pgtrigger.Before
    operation = pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete
    level = pgtrigger.Statement
    func = "PERFORM registry_require_change(); RETURN NULL;"

    def compile(self, model: type[models.Model]) -> compiler.Trigger:
        return without_switch(self, model)


class _Tracked:
    """Mixin for pghistory's trackers that installs the trigger above."""

    def add_event_trigger(self, event_model: Any) -> None:
        pgtrigger.register(
            EventTrigger(
                event_model=event_model,
                label=self.label,  # type: ignore[attr-defined]
                name=self.trigger_name,  # type: ignore[attr-defined]
                row=self.row,  # type: ignore[attr-defined]
                operation=self.operation,  # type: ignore[attr-defined]
                condition=self.condition,  # type: ignore[attr-defined]
                level=pgtrigger.Statement,
            )
        )(event_model.pgh_tracked_model)


class Inserted(_Tracked, pghistory.InsertEvent):
    label = "insert"


class Updated(_Tracked, pghistory.UpdateEvent):
    label = "update"


class Deleted(_Tracked, pghistory.DeleteEvent):
    label = "delete"


class ChangeEvent(pghistory.models.Event):
    """One version of one row: what it became (or was, when deleted), and in which change."""

    pgh_id = models.BigAutoField(primary_key=True)
    pgh_created_at = models.DateTimeField()
    # No constraint: the function that hands out the id proves it, and four million checks would prove it again.
    change = models.ForeignKey("registry.Change", models.DO_NOTHING, related_name="+", db_constraint=False)

    class Meta:
        abstract = True


TRACKED_MODELS: list[type[models.Model]] = []


def tracked(*, exclude: tuple[str, ...] = ()) -> Callable[[ModelType], ModelType]:
    """Return a class decorator that gives a model its event table, its triggers and its gate."""

    def decorate(model: ModelType) -> ModelType:
        pgtrigger.register(Gate())(model)
        pghistory.track(
            Inserted(),
            Updated(),
            Deleted(),
            exclude=list(exclude),
            base_model=ChangeEvent,
            context_field=None,  # None switches pghistory's own context off
            obj_field=pghistory.ObjForeignKey(related_name="history", db_index=True),
            level=pgtrigger.Statement,
        )(model)
        TRACKED_MODELS.append(model)
        return model

    return decorate
