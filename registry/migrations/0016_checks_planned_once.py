"""What new rows refer to is looked up by key in a plan made once for a connection: planning at each row took longer than looking up."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

import registry.models.history

# Triggers of 0007, by the two words they pass.
REFERRED = (("enrolment", "enrolment_id"), ("paindiagnosis", "diagnosis_id"), ("enrolmentpain", "pain_id"))


def standing(target, column):
    """Return the case of one kind of reference: its rows are held in the order of their keys. Sorting by a sum keeps grouping by hash."""
    return f"""
    WHEN 'registry_{target} {column}' THEN
        refers_to_voided := (SELECT bool_or(held.voided_at IS NOT NULL) FROM (
            SELECT t.voided_at FROM (SELECT {column} AS id FROM new_rows GROUP BY 1) n JOIN registry_{target} t ON t.id = n.id
            ORDER BY t.id + 0 FOR KEY SHARE OF t) held);"""


GUARD = f"""
CREATE OR REPLACE FUNCTION registry_refuse_voided()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
    SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_sort = off AS $$
DECLARE refers_to_voided boolean;
BEGIN
    CASE TG_ARGV[0] || ' ' || TG_ARGV[1]{"".join(standing(*one) for one in REFERRED)}
    END CASE;
    IF refers_to_voided THEN
        RAISE EXCEPTION 'a row of % refers to a voided row of %', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'RT006';
    END IF;
    RETURN NULL;
END $$;
"""

STRAY = """
        DECLARE stray text;
        BEGIN
            stray := (
    SELECT CASE WHEN e.id IS NULL THEN 'enrolment' WHEN s.id IS NULL THEN 'scale'
                WHEN n.visit_type_id IS NOT NULL AND v.id IS NULL THEN 'visit type' ELSE 'pain' END
    FROM (SELECT DISTINCT enrolment_id, scale_id, visit_type_id, pain_id FROM new_values) n
    LEFT JOIN registry_enrolment e ON e.id = n.enrolment_id
    LEFT JOIN registry_scale s ON s.id = n.scale_id AND s.trial_id = e.trial_id
    LEFT JOIN registry_visittype v ON v.id = n.visit_type_id AND v.trial_id = e.trial_id
    LEFT JOIN registry_enrolmentpain p ON p.id = n.pain_id AND p.enrolment_id = n.enrolment_id
    WHERE e.id IS NULL OR s.id IS NULL
       OR n.visit_type_id IS NOT NULL AND v.id IS NULL
       OR n.pain_id IS NOT NULL AND p.id IS NULL
    LIMIT 1
);
            IF stray IS NOT NULL THEN
                RAISE EXCEPTION 'a pain score refers to a missing or foreign %', stray USING ERRCODE = 'foreign_key_violation';
            END IF;
        END;
        RETURN NULL;
    """
# Name, statement, the name of function and trigger in the database, and the digest of both.
CHECKED = (
    ("references_of_new", "INSERT", "pgtrigger_references_of_new_861a2", "2b762499eac848cc8a475d74df46c1bfacb1f656"),
    ("references_of_changed", "UPDATE", "pgtrigger_references_of_changed_4050d", "d963a2f2822f10f7b3e0e315e6b879ad218a72e1"),
)


def checked(name, operation, pgid, digest):
    """Return the trigger that checks what pain scores refer to."""
    sql = registry.models.history.PlannedOnceSql(
        func=STRAY,
        hash=digest,
        level="STATEMENT",
        operation=operation,
        pgid=pgid,
        referencing="REFERENCING NEW TABLE AS new_values ",
        table="registry_painscore",
        when="AFTER",
    )
    return pgtrigger.compiler.Trigger(name=name, sql=sql)


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0015_session_duration"),
    ]

    operations = [
        *(pgtrigger.migrations.RemoveTrigger(model_name="painscore", name=name) for name, *_ in CHECKED),
        *(pgtrigger.migrations.AddTrigger(model_name="painscore", trigger=checked(*one)) for one in CHECKED),
        migrations.RunSQL(GUARD, migrations.RunSQL.noop),
    ]
