"""Makes the nested peer's tables, its trial with a hundred patients, and somebody who may write; prints that person's token."""

from __future__ import annotations

import uuid

PATIENTS = 100


def code_of(number: int) -> str:
    """Return the study number of a patient."""
    return f"P-{number:04}"


def threshold_of(number: int) -> uuid.UUID:
    """Return the identifier of a patient's threshold."""
    return uuid.uuid5(uuid.NAMESPACE_URL, code_of(number))


def prepare() -> str:
    """Fill the empty database of the settings and return the token."""
    import django
    from django.core.management import call_command

    django.setup()
    # The accounts first: the peer's own tables, which have no migrations, refer to them.
    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)
    make_trial()
    return make_writer()


def make_trial() -> None:
    """Make a trial with one planned block, a device, and patients with thresholds."""
    from bench.peer_nested.models import Patient, PlannedBlock, Stimulator, Threshold, Trial

    trial = Trial.objects.create(slug="bench")
    pattern = {"frequency_hz": 10, "bursts_per_train": 100, "trains": 30, "gap_s": 20, "intensity_percent": 80}
    PlannedBlock.objects.create(trial=trial, position=1, target="m1_hand", hemisphere="left", **pattern)
    Stimulator.objects.create(code="ST-N")
    for number in range(1, PATIENTS + 1):
        patient = Patient.objects.create(trial=trial, code=code_of(number))
        Threshold.objects.create(record=threshold_of(number), patient=patient, percent_mso=52)


def make_writer() -> str:
    """Make an account that may add sessions and what belongs to them; return its token."""
    from django.contrib.auth.models import Permission, User
    from rest_framework.authtoken.models import Token

    user = User.objects.create_user("writer")
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="peer_nested"))
    return str(Token.objects.create(user=user).key)


if __name__ == "__main__":
    print(prepare())
