"""Identities: encrypted under a key per patient, read by right and noted, gone for ever once the key is destroyed."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidTag
from django.test import override_settings

from registry.exceptions import NotAllowed, NotFound
from registry.models import ActLog, Patient, PatientIdentity, PatientKey
from registry.services.auditing import audited
from registry.services.identity import Identity, erase_identity, read_identity, store_identity
from tests.contracts.logins import connect

pytestmark = pytest.mark.usefixtures("committed_db")

ANNA = Identity(name="Anna Muster", initials="AM", birth_date="1961-04-05", record_number="77-12", contact="+49 30 123")


@pytest.fixture
def named(enrolment, alice):
    store_identity(enrolment, ANNA, by=alice)
    return enrolment


def everything_stored() -> str:
    """Return every row of every public table as text, history included."""
    with connect("owner") as owner:
        tables = [name for (name,) in owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()]
        return "\n".join(str(row) for table in tables for row in owner.execute(f'SELECT t::text FROM "{table}" t').fetchall())


def test_identity_comes_back_as_it_was_stored(named, alice):
    assert read_identity(named, by=alice) == ANNA


def test_nothing_that_names_the_person_is_stored_readable(named):
    stored = everything_stored()
    assert "P-0001" in stored
    for part in ("Anna", "Muster", "1961-04-05", "77-12", "+49"):
        assert part not in stored
        assert part.encode().hex() not in stored


def test_same_identity_stored_twice_gives_different_ciphertexts(named, alice):
    first = bytes(PatientIdentity.objects.get().ciphertext)
    store_identity(named, ANNA, by=alice)
    assert bytes(PatientIdentity.objects.get().ciphertext) != first
    assert PatientKey.objects.count() == 1


def test_reading_is_noted_with_the_pseudonym_only(named, alice):
    read_identity(named, by=alice)
    act = ActLog.objects.get(act="identity_read")
    assert (act.actor, act.trial, act.target, act.detail) == (alice, named.trial, "P-0001", {})


def test_reading_needs_the_right_at_the_patients_site(named, oscar, charlie, uma, admin, eve):
    for stranger in (oscar, charlie, uma, admin, eve):
        with pytest.raises(NotAllowed):
            read_identity(named, by=stranger)
        with pytest.raises(NotAllowed):
            store_identity(named, ANNA, by=stranger)
        with pytest.raises(NotAllowed):
            erase_identity(named, by=stranger, reason="asked", now=named.trial.created_at)
    assert not ActLog.objects.filter(act="identity_read").exists()


def test_patient_without_identity_is_not_found(enrolment, alice):
    with pytest.raises(NotFound):
        read_identity(enrolment, by=alice)


def test_ciphertext_cannot_be_moved_to_another_patient(named, other_site_enrolment, alice, setup_actor):
    store_identity(other_site_enrolment, Identity(name="Berta"), by=alice)
    with audited(by=setup_actor, reason="swap"):
        PatientIdentity.objects.filter(patient=other_site_enrolment.patient).update(
            ciphertext=bytes(PatientIdentity.objects.get(patient=named.patient).ciphertext)
        )
    with pytest.raises(InvalidTag):
        read_identity(other_site_enrolment, by=alice)


def test_identity_cannot_be_read_under_another_identity_key(named, alice):
    with override_settings(IDENTITY_KEY="OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk="), pytest.raises(InvalidTag):
        read_identity(named, by=alice)


def test_erasure_destroys_the_key_and_keeps_ciphertext_in_history(named, alice, now):
    wrapped = bytes(PatientKey.objects.get().wrapped_key)
    erase_identity(named, by=alice, reason="the patient asked for it", now=now)
    key = PatientKey.objects.get()
    assert (key.wrapped_key, key.destroyed_at) == (None, now)
    assert wrapped.hex() not in everything_stored()
    assert PatientIdentity.history.rel.related_model.objects.count() == 1
    with pytest.raises(NotFound, match="erased"):
        read_identity(named, by=alice)
    with pytest.raises(NotFound, match="erased"):
        store_identity(named, ANNA, by=alice)


def test_key_is_destroyed_or_there_never_both(named, alice, setup_actor, now):
    from django.db import IntegrityError

    with pytest.raises(IntegrityError), audited(by=setup_actor):
        PatientKey.objects.update(destroyed_at=now)
    assert Patient.objects.count() == 1
