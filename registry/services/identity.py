"""Names and contacts, encrypted with a key per patient; destroying the key erases them from rows and history.

A backup made before still holds the key and has to be kept apart and let expire."""

from __future__ import annotations

import json
import os
from base64 import urlsafe_b64decode
from dataclasses import asdict, dataclass
from datetime import datetime

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from registry.exceptions import NotFound
from registry.models import Enrolment, Patient, PatientIdentity, PatientKey, User
from registry.roles import Permission
from registry.services.acts import log_act
from registry.services.auditing import audited
from registry.vocabulary import Act

NONCE_BYTES = 12


@dataclass(frozen=True)
class Identity:
    """What names a person. Kept whole, for each part alone would let the others be guessed."""

    name: str = ""
    initials: str = ""
    birth_date: str = ""
    record_number: str = ""
    contact: str = ""


def _seal(key: bytes, plain: bytes, bound_to: str) -> bytes:
    """Encrypt with AES-256-GCM; the ciphertext is bound to its patient and cannot be moved to another."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plain, bound_to.encode())


def _open(key: bytes, sealed: bytes, bound_to: str) -> bytes:
    """Decrypt what `_seal` made; raise cryptography's InvalidTag when it was altered or moved."""
    return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to.encode())


def _identity_key() -> bytes:
    """Return the registry's wrapping key, 32 bytes."""
    return urlsafe_b64decode(settings.IDENTITY_KEY)


def _patient_key(patient: Patient) -> bytes:
    """Return the patient's data key, made and stored at first use; raise NotFound after erasure."""
    row = PatientKey.objects.filter(patient=patient).first()
    if row is None:
        key = AESGCM.generate_key(bit_length=256)
        PatientKey.objects.create(patient=patient, wrapped_key=_seal(_identity_key(), key, str(patient.uuid)))
        return key
    if row.wrapped_key is None:
        raise NotFound("The identity of this patient was erased and cannot be read again.")
    return _open(_identity_key(), bytes(row.wrapped_key), str(patient.uuid))


def store_identity(enrolment: Enrolment, identity: Identity, *, by: User, reason: str = "") -> None:
    """Encrypt and store a patient's identity."""
    by.check_can(Permission.IDENTITY_EDIT, trial=enrolment.trial, site=enrolment.site)
    with audited(by=by, reason=reason or "identity recorded"):
        patient = Patient.objects.select_for_update().get(pk=enrolment.patient_id)
        sealed = _seal(_patient_key(patient), json.dumps(asdict(identity)).encode(), str(patient.uuid))
        PatientIdentity.objects.update_or_create(patient=patient, defaults={"ciphertext": sealed})


def read_identity(enrolment: Enrolment, *, by: User) -> Identity:
    """Return a patient's identity and note the reading; raise NotFound when none is stored or it was erased."""
    by.check_can(Permission.IDENTITY_VIEW, trial=enrolment.trial, site=enrolment.site)
    row = PatientIdentity.objects.filter(patient_id=enrolment.patient_id).first()
    if row is None:
        raise NotFound("No identity is stored for this patient.")
    log_act(Act.IDENTITY_READ, by=by, trial=enrolment.trial, target=enrolment.patient_code)
    plain = _open(_patient_key(enrolment.patient), bytes(row.ciphertext), str(enrolment.patient.uuid))
    return Identity(**json.loads(plain))


def erase_identity(enrolment: Enrolment, *, by: User, reason: str, now: datetime) -> None:
    """Destroy the patient's key: row, history and every copy of the ciphertext become unreadable for ever."""
    by.check_can(Permission.IDENTITY_EDIT, trial=enrolment.trial, site=enrolment.site)
    with audited(by=by, reason=reason):
        PatientKey.objects.filter(patient_id=enrolment.patient_id).update(wrapped_key=None, destroyed_at=now)
