"""Exports say under which memberships they were made."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("registry", "0012_endpoint_condition"),
    ]

    operations = [
        migrations.AddField(model_name="trialexport", name="made_under", field=models.CharField(blank=True, max_length=64)),
    ]
