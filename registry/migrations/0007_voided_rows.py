"""Diagnoses, pains and patients entered by mistake can be taken out of use and brought back (docs/decisions/0008)."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import registry.models.history
from registry.migrations._at_once import Together

OF_ENROLMENT = (
    "painscore",
    "stimulationsession",
    "motorthreshold",
    "adverseevent",
    "sessiondraft",
    "enrolmentpain",
    "disposition",
    "allocation",
    "screeningattempt",
    "sitetransfer",
)


def refused_where_voided(table, operation, target, column):
    """Return the statement that makes new rows of a table refuse to refer to a voided row."""
    return f"""
CREATE TRIGGER of_standing_{target}_{operation.lower()} AFTER {operation} ON registry_{table} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION registry_refuse_voided('registry_{target}', '{column}');"""


GUARDED = (
    *((table, "INSERT", "enrolment", "enrolment_id") for table in OF_ENROLMENT),
    ("enrolmentpain", "INSERT", "paindiagnosis", "diagnosis_id"),
    ("enrolmentpain", "UPDATE", "paindiagnosis", "diagnosis_id"),
    ("painscore", "INSERT", "enrolmentpain", "pain_id"),
)

GUARD = """
-- Whoever adds a row holds a key on what it refers to from that moment (the foreign keys would take it only at commit), and whoever
-- voids that waits for the row below. So of the two the later one sees the earlier one.
CREATE FUNCTION registry_refuse_voided()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE refers_to_voided boolean;
BEGIN
    -- EXECUTE plans anew: a plan made for one row is wrong for millions, and the reverse.
    EXECUTE format(
        'SELECT bool_or(held.voided_at IS NOT NULL) FROM ('
        'SELECT t.voided_at FROM %I t WHERE t.id IN (SELECT n.%I FROM new_rows n) ORDER BY t.id FOR KEY SHARE) held',
        TG_ARGV[0], TG_ARGV[1]
    ) INTO refers_to_voided;
    IF refers_to_voided THEN
        RAISE EXCEPTION 'a row of % refers to a voided row of %', TG_TABLE_NAME, TG_ARGV[0] USING ERRCODE = 'RT006';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION registry_void_enrolment()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM registry_enrolment WHERE id = OLD.id FOR UPDATE;
    IF EXISTS (SELECT 1 FROM registry_allocation WHERE enrolment_id = OLD.id)
        OR EXISTS (SELECT 1 FROM registry_painscore WHERE enrolment_id = OLD.id AND ended_at IS NULL)
        OR EXISTS (SELECT 1 FROM registry_stimulationsession WHERE enrolment_id = OLD.id AND ended_at IS NULL)
        OR EXISTS (SELECT 1 FROM registry_motorthreshold WHERE enrolment_id = OLD.id AND ended_at IS NULL)
        OR EXISTS (SELECT 1 FROM registry_adverseevent WHERE enrolment_id = OLD.id AND ended_at IS NULL)
    THEN
        RAISE EXCEPTION 'a patient with an allocation or standing records cannot be voided' USING ERRCODE = 'RT007';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION registry_void_diagnosis()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM registry_paindiagnosis WHERE id = OLD.id FOR UPDATE;
    IF EXISTS (SELECT 1 FROM registry_enrolmentpain WHERE diagnosis_id = OLD.id AND voided_at IS NULL) THEN
        RAISE EXCEPTION 'a diagnosis of a standing pain cannot be voided' USING ERRCODE = 'RT007';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION registry_void_pain()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM 1 FROM registry_enrolmentpain WHERE id = OLD.id FOR UPDATE;
    IF EXISTS (SELECT 1 FROM registry_painscore WHERE enrolment_id = OLD.enrolment_id AND pain_id = OLD.id AND ended_at IS NULL) THEN
        RAISE EXCEPTION 'a pain with standing scores cannot be voided' USING ERRCODE = 'RT007';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER void_is_allowed BEFORE UPDATE ON registry_enrolment FOR EACH ROW
    WHEN (OLD.voided_at IS NULL AND NEW.voided_at IS NOT NULL) EXECUTE FUNCTION registry_void_enrolment();
CREATE TRIGGER void_is_allowed BEFORE UPDATE ON registry_paindiagnosis FOR EACH ROW
    WHEN (OLD.voided_at IS NULL AND NEW.voided_at IS NOT NULL) EXECUTE FUNCTION registry_void_diagnosis();
CREATE TRIGGER void_is_allowed BEFORE UPDATE ON registry_enrolmentpain FOR EACH ROW
    WHEN (OLD.voided_at IS NULL AND NEW.voided_at IS NOT NULL) EXECUTE FUNCTION registry_void_pain();

-- The freeze of 0006, which voiding and restoring the primary pain would get around.
CREATE OR REPLACE TRIGGER frozen_at_allocation BEFORE UPDATE ON registry_enrolmentpain FOR EACH ROW
    WHEN ((OLD.rank = 1 OR NEW.rank = 1) AND (
        (OLD.enrolment_id, OLD.rank, OLD.diagnosis_id) IS DISTINCT FROM (NEW.enrolment_id, NEW.rank, NEW.diagnosis_id)
        OR (OLD.side <> NEW.side AND OLD.side <> 'not_recorded')
        OR (OLD.voided_at IS NULL) <> (NEW.voided_at IS NULL)
    ))
    EXECUTE FUNCTION registry_freeze_pain();
CREATE OR REPLACE FUNCTION registry_freeze_diagnosis()
RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    PERFORM registry_refuse_if_allocated(
        ARRAY(SELECT enrolment_id FROM registry_enrolmentpain WHERE diagnosis_id = OLD.id AND rank = 1 AND voided_at IS NULL)
    );
    RETURN NEW;
END $$;
""" + "".join(refused_where_voided(*one) for one in GUARDED)


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0006_frozen_pain"),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrolment",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrolment",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrolment",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrolmentpain",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrolmentpain",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="enrolmentpain",
            name="delete_delete",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="paindiagnosis",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="paindiagnosis",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="paindiagnosis",
            name="delete_delete",
        ),
        migrations.RemoveConstraint(
            model_name="enrolmentpain",
            name="enrolment_pain_rank_unique",
        ),
        migrations.RemoveConstraint(
            model_name="paindiagnosis",
            name="diagnosis_code_unique",
        ),
        migrations.AddField(
            model_name="enrolment",
            name="voided_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="enrolmentchangeevent",
            name="voided_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="enrolmentpain",
            name="voided_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="enrolmentpainchangeevent",
            name="voided_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="paindiagnosis",
            name="voided_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="paindiagnosischangeevent",
            name="voided_at",
            field=models.DateTimeField(null=True),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrolment",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_enrolmentchangeevent" ("id", "uuid", "trial_id", "patient_id", "patient_code", "site_id", "cohort", "enrolled_on", "protocol_version_id", "voided_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT new_values."id", new_values."uuid", new_values."trial_id", new_values."patient_id", new_values."patient_code", new_values."site_id", new_values."cohort", new_values."enrolled_on", new_values."protocol_version_id", new_values."voided_at", now(), \'insert\', new_values."id", (SELECT registry_current_change()) FROM new_values ; RETURN NULL;',
                    hash="601e7d260478f63d4769e47855e8039b735e75cd",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_cdc6f",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="registry_enrolment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrolment",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_enrolmentchangeevent" ("id", "uuid", "trial_id", "patient_id", "patient_code", "site_id", "cohort", "enrolled_on", "protocol_version_id", "voided_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT new_values."id", new_values."uuid", new_values."trial_id", new_values."patient_id", new_values."patient_code", new_values."site_id", new_values."cohort", new_values."enrolled_on", new_values."protocol_version_id", new_values."voided_at", now(), \'update\', new_values."id", (SELECT registry_current_change()) FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*); RETURN NULL;',
                    hash="661d6b7f3431f3dab58f40b345aa823c2d3cb8f8",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_e3060",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="registry_enrolment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrolment",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_enrolmentchangeevent" ("id", "uuid", "trial_id", "patient_id", "patient_code", "site_id", "cohort", "enrolled_on", "protocol_version_id", "voided_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT old_values."id", old_values."uuid", old_values."trial_id", old_values."patient_id", old_values."patient_code", old_values."site_id", old_values."cohort", old_values."enrolled_on", old_values."protocol_version_id", old_values."voided_at", now(), \'delete\', old_values."id", (SELECT registry_current_change()) FROM old_values ; RETURN NULL;',
                    hash="c1b1f55cb984c34d4ed3994e762c9125309f60b1",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_9f55a",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="registry_enrolment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrolmentpain",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_enrolmentpainchangeevent" ("id", "uuid", "enrolment_id", "diagnosis_id", "rank", "body_region", "side", "voided_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT new_values."id", new_values."uuid", new_values."enrolment_id", new_values."diagnosis_id", new_values."rank", new_values."body_region", new_values."side", new_values."voided_at", now(), \'insert\', new_values."id", (SELECT registry_current_change()) FROM new_values ; RETURN NULL;',
                    hash="fbebb1e15ad35efd24106b6d2f735179409af32e",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_f7666",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="registry_enrolmentpain",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrolmentpain",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_enrolmentpainchangeevent" ("id", "uuid", "enrolment_id", "diagnosis_id", "rank", "body_region", "side", "voided_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT new_values."id", new_values."uuid", new_values."enrolment_id", new_values."diagnosis_id", new_values."rank", new_values."body_region", new_values."side", new_values."voided_at", now(), \'update\', new_values."id", (SELECT registry_current_change()) FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*); RETURN NULL;',
                    hash="832e32982cda38c4b95514c7d184d31c448e40fc",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_dd15c",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="registry_enrolmentpain",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="enrolmentpain",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_enrolmentpainchangeevent" ("id", "uuid", "enrolment_id", "diagnosis_id", "rank", "body_region", "side", "voided_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT old_values."id", old_values."uuid", old_values."enrolment_id", old_values."diagnosis_id", old_values."rank", old_values."body_region", old_values."side", old_values."voided_at", now(), \'delete\', old_values."id", (SELECT registry_current_change()) FROM old_values ; RETURN NULL;',
                    hash="a9dfe1f4aa6e604c127a1b99b43b3dbc91a0147f",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_9dcd1",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="registry_enrolmentpain",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="paindiagnosis",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_paindiagnosischangeevent" ("id", "uuid", "patient_id", "code", "condition", "condition_text", "certainty", "mechanism", "onset", "icd10", "icd11", "voided_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT new_values."id", new_values."uuid", new_values."patient_id", new_values."code", new_values."condition", new_values."condition_text", new_values."certainty", new_values."mechanism", new_values."onset", new_values."icd10", new_values."icd11", new_values."voided_at", now(), \'insert\', new_values."id", (SELECT registry_current_change()) FROM new_values ; RETURN NULL;',
                    hash="03f8795a33f4a8ed151f485e1e6b24c32e8ba000",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_6d338",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="registry_paindiagnosis",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="paindiagnosis",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_paindiagnosischangeevent" ("id", "uuid", "patient_id", "code", "condition", "condition_text", "certainty", "mechanism", "onset", "icd10", "icd11", "voided_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT new_values."id", new_values."uuid", new_values."patient_id", new_values."code", new_values."condition", new_values."condition_text", new_values."certainty", new_values."mechanism", new_values."onset", new_values."icd10", new_values."icd11", new_values."voided_at", now(), \'update\', new_values."id", (SELECT registry_current_change()) FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*); RETURN NULL;',
                    hash="71b7dee2ca138e44831424d8241de7ba231e5c1c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_20881",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="registry_paindiagnosis",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="paindiagnosis",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_paindiagnosischangeevent" ("id", "uuid", "patient_id", "code", "condition", "condition_text", "certainty", "mechanism", "onset", "icd10", "icd11", "voided_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT old_values."id", old_values."uuid", old_values."patient_id", old_values."code", old_values."condition", old_values."condition_text", old_values."certainty", old_values."mechanism", old_values."onset", old_values."icd10", old_values."icd11", old_values."voided_at", now(), \'delete\', old_values."id", (SELECT registry_current_change()) FROM old_values ; RETURN NULL;',
                    hash="78b98b5218d42b8fb640f4d9d74912737d875ab8",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_49837",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="registry_paindiagnosis",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="enrolmentpain",
            constraint=models.UniqueConstraint(
                condition=models.Q(("voided_at__isnull", True)), fields=("enrolment", "rank"), name="enrolment_pain_rank_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="paindiagnosis",
            constraint=models.UniqueConstraint(
                condition=models.Q(("voided_at__isnull", True)), fields=("patient", "code"), name="diagnosis_code_unique"
            ),
        ),
        # Going back would lose which rows do not count.
        migrations.RunSQL(GUARD),
    ]
    operations = [Together(operations)]
