"""Mail about weekly reports, and a heartbeat of each worker."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import registry.models.columns

# Django compares columns without their words, so it would leave the check of the kinds as it was.
KINDS = """
ALTER TABLE registry_job DROP CONSTRAINT registry_job_kind_check;
ALTER TABLE registry_job ADD CONSTRAINT registry_job_kind_check CHECK (kind IN ({kinds}));
"""
BEFORE = "'refresh', 'check_upload', 'import_upload', 'export', 'report'"


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0010_design_version"),
    ]

    operations = [
        migrations.CreateModel(
            name="NoReportMail",
            fields=[
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="no_report_mail",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="ReportMail",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "news",
                    registry.models.columns.WordField(choices=[("made", "Was made"), ("failed", "Could not be made")], max_length=40),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("sent_at", models.DateTimeField(null=True)),
                ("failure", models.CharField(blank=True, max_length=120)),
                (
                    "report",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="mails", to="registry.weeklyreport"),
                ),
                ("user", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("report", "user", "news"), name="report_mail_once")],
            },
        ),
        # One row of all workers together becomes one row of each; a living worker writes its own within seconds.
        migrations.DeleteModel(name="WorkerHeartbeat"),
        migrations.CreateModel(
            name="WorkerHeartbeat",
            fields=[
                ("worker", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("beat_at", models.DateTimeField()),
                ("worked_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.AlterField(
            model_name="job",
            name="kind",
            field=registry.models.columns.WordField(
                choices=[
                    ("refresh", "Refresh endpoints and snapshot"),
                    ("report", "Make weekly reports"),
                    ("check_upload", "Check an uploaded trial folder"),
                    ("import_upload", "Import an uploaded trial folder"),
                    ("export", "Make a trial folder to take away"),
                    ("report_mail", "Send mail about weekly reports"),
                ],
                max_length=40,
            ),
        ),
        migrations.RunSQL(KINDS.format(kinds=f"{BEFORE}, 'report_mail'"), KINDS.format(kinds=BEFORE)),
    ]
