"""The looks at efficacy by arm that a trial's charter plans, and which reports hold it (docs/decisions/0014)."""

import django.core.validators
import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

import registry.models.columns
import registry.models.history


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0013_export_made_under"),
    ]

    operations = [
        migrations.AddField(
            model_name="reportdocument",
            name="efficacy_by_arm",
            field=models.BooleanField(default=True),
        ),
        migrations.CreateModel(
            name="CharterLook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uuid", models.UUIDField(db_default=registry.models.columns.NewUuid(), editable=False, unique=True)),
                (
                    "code",
                    models.CharField(
                        max_length=40,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9_.-]{1,40}\\Z", "Use 1 to 40 letters, digits, dots, dashes or underscores."
                            )
                        ],
                    ),
                ),
                ("label", models.CharField(max_length=120)),
                ("planned_on", models.DateField()),
                ("called_off", models.BooleanField(default=False)),
                ("trial", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="looks", to="registry.trial")),
            ],
            options={
                "ordering": ["planned_on", "code"],
            },
        ),
        migrations.CreateModel(
            name="CharterLookChangeevent",
            fields=[
                ("pgh_label", models.TextField(help_text="The event label.")),
                ("pgh_id", models.BigAutoField(primary_key=True, serialize=False)),
                ("pgh_created_at", models.DateTimeField()),
                ("id", models.BigIntegerField()),
                ("uuid", models.UUIDField(db_default=registry.models.columns.NewUuid(), editable=False)),
                (
                    "code",
                    models.CharField(
                        max_length=40,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9_.-]{1,40}\\Z", "Use 1 to 40 letters, digits, dots, dashes or underscores."
                            )
                        ],
                    ),
                ),
                ("label", models.CharField(max_length=120)),
                ("planned_on", models.DateField()),
                ("called_off", models.BooleanField(default=False)),
                (
                    "change",
                    models.ForeignKey(
                        db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name="+", to="registry.change"
                    ),
                ),
                (
                    "pgh_obj",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="history",
                        to="registry.charterlook",
                    ),
                ),
                (
                    "trial",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        related_query_name="+",
                        to="registry.trial",
                    ),
                ),
            ],
            options={
                "abstract": False,
            },
        ),
        migrations.AddConstraint(
            model_name="charterlook",
            constraint=models.UniqueConstraint(fields=("trial", "code"), name="charter_look_code_unique"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="charterlook",
            trigger=pgtrigger.compiler.Trigger(
                name="audit_gate",
                sql=registry.models.history.UnswitchableSql(
                    func="PERFORM registry_require_change(); RETURN NULL;",
                    hash="b8aed87cc44fc5fdd78caeecdfc1edf880c8820f",
                    level="STATEMENT",
                    operation="INSERT OR UPDATE OR DELETE",
                    pgid="pgtrigger_audit_gate_5133a",
                    table="registry_charterlook",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="charterlook",
            trigger=pgtrigger.compiler.Trigger(
                name="insert_insert",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_charterlookchangeevent" ("id", "uuid", "trial_id", "code", "label", "planned_on", "called_off", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT new_values."id", new_values."uuid", new_values."trial_id", new_values."code", new_values."label", new_values."planned_on", new_values."called_off", now(), \'insert\', new_values."id", (SELECT registry_current_change()) FROM new_values ; RETURN NULL;',
                    hash="bdb1297963b28274ae010d5f0e4266cb8d57fa6a",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_insert_insert_47a2b",
                    referencing="REFERENCING NEW TABLE AS new_values ",
                    table="registry_charterlook",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="charterlook",
            trigger=pgtrigger.compiler.Trigger(
                name="update_update",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_charterlookchangeevent" ("id", "uuid", "trial_id", "code", "label", "planned_on", "called_off", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT new_values."id", new_values."uuid", new_values."trial_id", new_values."code", new_values."label", new_values."planned_on", new_values."called_off", now(), \'update\', new_values."id", (SELECT registry_current_change()) FROM old_values JOIN new_values ON (old_values."id") = (new_values."id") WHERE (old_values.* IS DISTINCT FROM new_values.*); RETURN NULL;',
                    hash="3184825d5b017b8ad74329ee86b70720208df20c",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_update_update_d4b24",
                    referencing="REFERENCING OLD TABLE AS old_values  NEW TABLE AS new_values ",
                    table="registry_charterlook",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="charterlook",
            trigger=pgtrigger.compiler.Trigger(
                name="delete_delete",
                sql=registry.models.history.UnswitchableSql(
                    func='INSERT INTO "registry_charterlookchangeevent" ("id", "uuid", "trial_id", "code", "label", "planned_on", "called_off", "pgh_created_at", "pgh_label", "pgh_obj_id", "change_id") SELECT old_values."id", old_values."uuid", old_values."trial_id", old_values."code", old_values."label", old_values."planned_on", old_values."called_off", now(), \'delete\', old_values."id", (SELECT registry_current_change()) FROM old_values ; RETURN NULL;',
                    hash="1b6e4cf58ac4815f7102917e518538a1f63750f3",
                    level="STATEMENT",
                    operation="DELETE",
                    pgid="pgtrigger_delete_delete_da9d8",
                    referencing="REFERENCING OLD TABLE AS old_values ",
                    table="registry_charterlook",
                    when="AFTER",
                ),
            ),
        ),
    ]
