"""What the queue, the status page and the removal of old jobs look for."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("registry", "0016_checks_planned_once")]

    operations = [
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["kind", "trial", "id"], name="job_of_kind"),
        ),
        migrations.AddIndex(
            model_name="job",
            index=models.Index(fields=["finished_at"], condition=models.Q(state__in=["done", "failed"]), name="job_ended"),
        ),
    ]
