"""Trial folders brought and taken by the browser, and how many participants a trial plans to recruit until when."""

import django.db.models.deletion
import django.db.models.functions.datetime
import pgtrigger.compiler
import pgtrigger.migrations
from django.conf import settings
from django.db import migrations, models

import registry.models.columns
import registry.models.history
import registry.vocabulary.work
from registry.migrations._at_once import Together

# Django compares columns without their words, so it would leave the check of the kinds as it was.
KINDS = """
ALTER TABLE registry_job DROP CONSTRAINT registry_job_kind_check;
ALTER TABLE registry_job ADD CONSTRAINT registry_job_kind_check CHECK (kind IN ({kinds}));
"""
# What a size or a digest could tell of concealed tables.
CLOSED = """
CREATE TABLE closed.upload (
    upload_id bigint PRIMARY KEY REFERENCES public.registry_trialupload,
    size_bytes bigint NOT NULL CHECK (size_bytes >= 0),
    sha256 char(64) NOT NULL
);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0007_voided_rows"),
    ]

    operations = [
        migrations.CreateModel(
            name="TrialExport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(db_default=registry.models.columns.NewUuid(), editable=False, unique=True)),
                ("requested_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("concealed", models.BooleanField(default=False)),
                (
                    "state",
                    registry.models.columns.WordField(
                        choices=[("making", "Being made"), ("ready", "Ready"), ("failed", "Could not be made"), ("expired", "Removed")],
                        default=registry.vocabulary.work.ExportState["MAKING"],
                        max_length=40,
                    ),
                ),
                ("files", models.JSONField(default=list)),
                ("failure", models.TextField(blank=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="TrialUpload",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(db_default=registry.models.columns.NewUuid(), editable=False, unique=True)),
                ("uploaded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("slug", models.CharField(blank=True, max_length=40)),
                ("file_name", models.CharField(max_length=200)),
                ("concealed", models.BooleanField(default=False)),
                ("size_bytes", models.BigIntegerField(null=True)),
                ("sha256", models.CharField(blank=True, max_length=64)),
                (
                    "state",
                    registry.models.columns.WordField(
                        choices=[
                            ("checking", "Being checked"),
                            ("checked", "Waits for your confirmation"),
                            ("refused", "Has problems, nothing imported"),
                            ("importing", "Being imported"),
                            ("imported", "Imported"),
                            ("failed", "Could not be read, nothing imported"),
                            ("discarded", "Discarded, nothing imported"),
                            ("expired", "Not confirmed in time, nothing imported"),
                        ],
                        default=registry.vocabulary.work.UploadState["CHECKING"],
                        max_length=40,
                    ),
                ),
                ("counts", models.JSONField(default=list)),
                ("reason", models.CharField(blank=True, max_length=500)),
                ("failure", models.TextField(blank=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="trial",
            name="insert_insert",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="trial",
            name="update_update",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="trial",
            name="delete_delete",
        ),
        migrations.AddField(
            model_name="trial",
            name="planned_participants",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="trial",
            name="recruitment_ends_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="trial",
            name="recruitment_starts_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="trialchangeevent",
            name="planned_participants",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="trialchangeevent",
            name="recruitment_ends_on",
            field=models.DateField(null=True),
        ),
        migrations.AddField(
            model_name="trialchangeevent",
            name="recruitment_starts_on",
            field=models.DateField(null=True),
        ),
        migrations.AlterField(
            model_name="job",
            name="kind",
            field=registry.models.columns.WordField(
                choices=[
                    ("refresh", "Refresh endpoints and snapshot"),
                    ("check_upload", "Check an uploaded trial folder"),
                    ("import_upload", "Import an uploaded trial folder"),
                    ("export", "Make a trial folder to take away"),
                ],
                max_length=40,
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trial",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_trialchangeevent" ("id", "uuid", "slug", "name", "title", "conduct", "design", "time_zone", "masked", "pooled_efficacy", "registry_number", "sponsor", "contact", "synthetic", "grading_scheme", "planned_participants", "recruitment_starts_on", "recruitment_ends_on", "decoded_at", "locked_at", "created_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT new_values."id", new_values."uuid", new_values."slug", new_values."name", new_values."title", new_values."conduct", new_values."design", new_values."time_zone", new_values."masked", new_values."pooled_efficacy", new_values."registry_number", new_values."sponsor", new_values."contact", new_values."synthetic", new_values."grading_scheme", new_values."planned_participants", new_values."recruitment_starts_on", new_values."recruitment_ends_on", new_values."decoded_at", new_values."locked_at", new_values."created_at", now(), \'insert\', new_values."id", (SELECT registry_current_change()) FROM new_values ; RETURN NULL;',
                    hash="0dfb807aa080cac1e0e070a79d2aa00f2a55d7c9",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_c9a52",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="registry_trial",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trial",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_trialchangeevent" ("id", "uuid", "slug", "name", "title", "conduct", "design", "time_zone", "masked", "pooled_efficacy", "registry_number", "sponsor", "contact", "synthetic", "grading_scheme", "planned_participants", "recruitment_starts_on", "recruitment_ends_on", "decoded_at", "locked_at", "created_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT new_values."id", new_values."uuid", new_values."slug", new_values."name", new_values."title", new_values."conduct", new_values."design", new_values."time_zone", new_values."masked", new_values."pooled_efficacy", new_values."registry_number", new_values."sponsor", new_values."contact", new_values."synthetic", new_values."grading_scheme", new_values."planned_participants", new_values."recruitment_starts_on", new_values."recruitment_ends_on", new_values."decoded_at", new_values."locked_at", new_values."created_at", now(), \'update\', new_values."id", (SELECT registry_current_change()) FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*); RETURN NULL;',
                    hash="184d3d46afef9786567ec4da94c452017bbaccb6",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_3f224",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="registry_trial",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="trial",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_trialchangeevent" ("id", "uuid", "slug", "name", "title", "conduct", "design", "time_zone", "masked", "pooled_efficacy", "registry_number", "sponsor", "contact", "synthetic", "grading_scheme", "planned_participants", "recruitment_starts_on", "recruitment_ends_on", "decoded_at", "locked_at", "created_at", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT old_values."id", old_values."uuid", old_values."slug", old_values."name", old_values."title", old_values."conduct", old_values."design", old_values."time_zone", old_values."masked", old_values."pooled_efficacy", old_values."registry_number", old_values."sponsor", old_values."contact", old_values."synthetic", old_values."grading_scheme", old_values."planned_participants", old_values."recruitment_starts_on", old_values."recruitment_ends_on", old_values."decoded_at", old_values."locked_at", old_values."created_at", now(), \'delete\', old_values."id", (SELECT registry_current_change()) FROM old_values ; RETURN NULL;',
                    hash="76ee9f442d8c3f0951a526945b751f303cc5a5d8",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_10f12",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="registry_trial",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddConstraint(
            model_name="trial",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("recruitment_starts_on__isnull", True),
                    ("recruitment_ends_on__isnull", True),
                    ("recruitment_ends_on__gt", models.F("recruitment_starts_on")),
                    _connector="OR",
                ),
                name="trial_recruitment_ends_after_it_starts",
            ),
        ),
        migrations.AddField(
            model_name="trialexport",
            name="job",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="registry.job"),
        ),
        migrations.AddField(
            model_name="trialexport",
            name="requested_by",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="trialexport",
            name="trial",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="registry.trial"),
        ),
        migrations.AddField(
            model_name="trialupload",
            name="job",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="registry.job"),
        ),
        migrations.AddField(
            model_name="trialupload",
            name="trial",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="uploads", to="registry.trial"),
        ),
        migrations.AddField(
            model_name="trialupload",
            name="uploaded_by",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name="trialexport",
            index=models.Index(fields=["trial", "-requested_at"], name="export_of_trial"),
        ),
        migrations.AddIndex(
            model_name="trialupload",
            index=models.Index(fields=["trial", "-uploaded_at"], name="upload_of_trial"),
        ),
        migrations.AddConstraint(
            model_name="trialupload",
            constraint=models.CheckConstraint(
                condition=models.Q(("concealed", False), models.Q(("sha256", ""), ("size_bytes__isnull", True)), _connector="OR"),
                name="upload_concealed_has_no_digest",
            ),
        ),
        migrations.RunSQL(
            KINDS.format(kinds="'refresh', 'check_upload', 'import_upload', 'export'"),
            KINDS.format(kinds="'refresh'"),
        ),
        migrations.RunSQL(CLOSED, "DROP TABLE closed.upload"),
    ]
    operations = [Together(operations)]
