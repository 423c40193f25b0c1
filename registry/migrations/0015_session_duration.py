"""A session whose start and end are closer than its pulses take differs from its prescription, and somebody says why."""

from django.db import migrations

from registry.models.columns import WordField

BEFORE = [
    ("frequency", "Frequency"),
    ("pulses_per_train", "Pulses per train"),
    ("trains", "Number of trains"),
    ("gap", "Pause between trains"),
    ("intensity", "Intensity"),
    ("target", "Target"),
    ("hemisphere", "Hemisphere"),
    ("blocks", "Number or order of blocks"),
    ("burst", "Burst pattern"),
    ("kit", "Another kit"),
    ("coil_model", "Coil of another model than the threshold's"),
    ("pulse_counter", "Stimulator counted another number of pulses"),
    ("hearing_protection", "No hearing protection"),
    ("threshold", "Threshold older than the protocol allows"),
    ("not_completed", "Session not completed"),
]
KINDS = [*BEFORE, ("duration", "Start and end closer than the pulses take")]


def allowed(kinds):
    """Return the statements that let the table hold these kinds and no other."""
    words = ", ".join(f"'{kind}'" for kind, _label in kinds)
    return f"""
ALTER TABLE registry_sessiondeviation DROP CONSTRAINT registry_sessiondeviation_kind_check;
ALTER TABLE registry_sessiondeviation ADD CONSTRAINT registry_sessiondeviation_kind_check CHECK (kind IN ({words}));"""


class Migration(migrations.Migration):
    dependencies = [("registry", "0014_charter_looks")]

    operations = [
        *(
            migrations.AlterField(model, "kind", WordField(choices=KINDS, max_length=40))
            for model in ("sessiondeviation", "sessiondeviationchangeevent")
        ),
        migrations.RunSQL(allowed(KINDS), allowed(BEFORE)),
    ]
