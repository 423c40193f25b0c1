"""The condition of the primary pain on endpoint rows; those there are get theirs here, so that no refresh counts rows without one."""

from django.db import migrations, models

FILL = """
UPDATE registry_endpoint endpoint SET condition = diagnosis.condition
FROM registry_enrolmentpain pain JOIN registry_paindiagnosis diagnosis ON diagnosis.id = pain.diagnosis_id
WHERE pain.enrolment_id = endpoint.enrolment_id AND pain.rank = 1 AND pain.voided_at IS NULL;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0011_report_mail"),
    ]

    operations = [
        migrations.AddField(
            model_name="endpoint",
            name="condition",
            field=models.CharField(blank=True, default="", max_length=40),
            preserve_default=False,
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
