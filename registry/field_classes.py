"""What each column tells about a person, one table for all models. A field that is not listed here fails the test run.

Exports, logs, pages and the erasure of a patient go by these classes: identifying values are encrypted or belong to staff,
quasi-identifying ones point to a person together with others, free text may hold anything somebody typed, allocation is the
visible half (the concealed half has no model). Clinical is what was measured or decided about a patient, technical the rest.
"""

from __future__ import annotations

from enum import StrEnum


class FieldClass(StrEnum):
    """How much care a column needs."""

    IDENTIFYING = "identifying"
    QUASI_IDENTIFYING = "quasi_identifying"
    CLINICAL = "clinical"
    FREE_TEXT = "free_text"
    TECHNICAL = "technical"
    ALLOCATION = "allocation"


IDENTIFYING, QUASI, CLINICAL, FREE_TEXT, TECHNICAL, ALLOCATION = FieldClass

# Model -> class -> names of its fields.
FIELD_CLASSES: dict[str, dict[FieldClass, str]] = {
    "User": {IDENTIFYING: "email name", TECHNICAL: "id password is_active is_system is_demonstration theme created_at"},
    "Membership": {TECHNICAL: "id user trial site role valid_from valid_until"},
    "Trial": {
        IDENTIFYING: "contact",
        FREE_TEXT: "title",
        TECHNICAL: "id uuid slug name conduct design time_zone masked pooled_efficacy registry_number sponsor synthetic"
        " grading_scheme planned_participants recruitment_starts_on recruitment_ends_on"
        " report_day report_hour decoded_at locked_at created_at",
    },
    "Site": {TECHNICAL: "id uuid trial code name time_zone"},
    "Treatment": {TECHNICAL: "id trial code label"},
    "ProtocolVersion": {FREE_TEXT: "summary", TECHNICAL: "id trial version effective_from"},
    "ProtocolApproval": {TECHNICAL: "id protocol_version site approved_on"},
    "Epoch": {TECHNICAL: "id protocol_version position kind period first_day last_day"},
    "VisitType": {TECHNICAL: "id trial code label position target_day days_before days_after"},
    "CharterLook": {TECHNICAL: "id uuid trial code label planned_on called_off"},
    "Scale": {TECHNICAL: "id trial code version label kind minimum maximum step zero_means_none"},
    "AnalysisPlan": {
        TECHNICAL: "id trial version created_at scale recall pain contexts sources anchor population strategy composite_reasons"
        " baseline_kind baseline_first_day baseline_last_day baseline_visit_type baseline_rule baseline_min_n day0_pre thresholds_tenths"
        " accept_late grace_days small_cell_minimum comparator contrasts post_hoc"
    },
    "PlanTimePoint": {TECHNICAL: "id plan code label position kind target_day first_day last_day visit_type rule min_n primary"},
    "Patient": {QUASI: "birth_year sex time_zone", CLINICAL: "handedness", TECHNICAL: "id uuid created_at"},
    "PatientKey": {IDENTIFYING: "wrapped_key", TECHNICAL: "patient destroyed_at"},
    "PatientIdentity": {IDENTIFYING: "ciphertext", TECHNICAL: "patient"},
    "Enrolment": {
        QUASI: "patient_code site enrolled_on",
        CLINICAL: "cohort",
        TECHNICAL: "id uuid trial patient protocol_version voided_at",
    },
    "SiteTransfer": {QUASI: "from_site to_site transferred_on", TECHNICAL: "id enrolment"},
    "EnrolmentProtocol": {TECHNICAL: "id enrolment protocol_version valid_from"},
    "ScreeningAttempt": {QUASI: "screened_on", CLINICAL: "result", FREE_TEXT: "reason", TECHNICAL: "id enrolment number"},
    "Disposition": {QUASI: "happened_on", CLINICAL: "kind reason", FREE_TEXT: "note", TECHNICAL: "id uuid enrolment voided_at"},
    "PainDiagnosis": {
        QUASI: "onset",
        CLINICAL: "condition certainty mechanism icd10 icd11",
        FREE_TEXT: "condition_text",
        TECHNICAL: "id uuid patient code voided_at",
    },
    "EnrolmentPain": {CLINICAL: "side", FREE_TEXT: "body_region", TECHNICAL: "id uuid enrolment diagnosis rank voided_at"},
    "PainScore": {
        QUASI: "for_date observed_at zone",
        CLINICAL: "context recall source rater answer_state scheduled value value_units",
        TECHNICAL: "id record version enrolment scale pain visit_type submitted_at recorded_at row_id ended_at voided",
    },
    "Stimulator": {TECHNICAL: "id uuid trial site code maker model serial_number software_version waveform pulse_width_us retired_on"},
    "Coil": {TECHNICAL: "id uuid trial site code maker model serial_number shape cooled retired_on"},
    "Calibration": {FREE_TEXT: "result", TECHNICAL: "id uuid stimulator coil calibrated_on valid_until"},
    "CoilConversion": {TECHNICAL: "id trial from_model to_model factor source"},
    "Prescription": {
        TECHNICAL: "id uuid protocol_version treatment session_days threshold_max_age_days received_percent source",
    },
    "PrescribedBlock": {
        TECHNICAL: "id prescription position target target_text hemisphere frequency_hz pulses_per_burst intra_burst_hz bursts_per_train"
        " trains gap_s intensity_percent intensity_reference",
    },
    "MotorThreshold": {
        QUASI: "measured_on measured_at zone",
        CLINICAL: "kind percent_mso coil stimulator waveform muscle hemisphere method criterion_uv",
        TECHNICAL: "id record version enrolment recorded_at recorded_by row_id ended_at voided",
    },
    "StimulationSession": {
        QUASI: "for_date started_at finished_at zone",
        CLINICAL: "status reason threshold threshold_percent_mso threshold_factor stimulator coil kit_matches coil_matches_threshold"
        " hearing_protection pulse_counter pulses_planned pulses_delivered pain_before_no_answer pain_after_no_answer new_since_last"
        " side_effects_asked as_planned",
        FREE_TEXT: "reason_text new_since_last_text note",
        ALLOCATION: "kit_code",
        TECHNICAL: "id record version enrolment number period visit_type prescription operator pain_before_record pain_after_record"
        " recorded_at recorded_by row_id ended_at voided",
    },
    "StimulationBlock": {
        CLINICAL: "target hemisphere frequency_hz pulses_per_burst intra_burst_hz bursts_per_train trains gap_s intensity_percent"
        " intensity_reference setting_percent_mso",
        FREE_TEXT: "target_text",
        TECHNICAL: "id session position",
    },
    "SessionDeviation": {CLINICAL: "kind prescribed delivered reason", FREE_TEXT: "reason_text", TECHNICAL: "id session position"},
    "MaskingGuess": {CLINICAL: "guess certainty", TECHNICAL: "id enrolment session_record recorded_at"},
    "SessionDraft": {
        FREE_TEXT: "answers",
        TECHNICAL: "id uuid enrolment number opened_by opened_at updated_at updated_by version submitted_at discarded_at",
    },
    "AdverseEvent": {
        QUASI: "onset_on onset_at resolved_on aware_at",
        CLINICAL: "solicited term grade serious serious_criteria expected relatedness action outcome needs_report",
        FREE_TEXT: "term_text note",
        TECHNICAL: "id record version enrolment session_record recorded_at recorded_by row_id ended_at voided",
    },
    "Allocation": {
        ALLOCATION: "treatment stratum kit_code",
        QUASI: "allocated_on allocated_at analysis_site",
        TECHNICAL: "id enrolment stage",
    },
    "Endpoint": {
        QUASI: "anchor_on",
        CLINICAL: "condition baseline_sum_units baseline_n value_sum_units value_n",
        TECHNICAL: "id enrolment period time_point anchor_is_fallback",
    },
    "Snapshot": {CLINICAL: "payload", TECHNICAL: "id trial plan number cutoff made_at seal code_version sha256"},
    "StaleMark": {TECHNICAL: "id trial enrolment"},
    "DesignVersion": {TECHNICAL: "trial token"},
    "Job": {FREE_TEXT: "failure", TECHNICAL: "id kind trial state requested_by request_id created_at started_at finished_at attempts"},
    "TrialUpload": {
        FREE_TEXT: "file_name reason failure",
        TECHNICAL: "id uuid uploaded_by uploaded_at trial slug concealed size_bytes sha256 state counts job finished_at",
    },
    "TrialExport": {
        FREE_TEXT: "failure",
        TECHNICAL: "id uuid trial requested_by requested_at concealed made_under state files job finished_at",
    },
    "WeeklyReport": {
        FREE_TEXT: "reason failure",
        TECHNICAL: "id trial week version cutoff by_schedule requested_by requested_at state attempts started_at made_at",
    },
    "ReportDocument": {
        CLINICAL: "payload html pdf",
        TECHNICAL: "id report payload_sha256 html_sha256 pdf_sha256 shows_efficacy efficacy_by_arm code_version renderer made_at",
    },
    "ReportMail": {TECHNICAL: "id report user news attempts sent_at failure"},
    "NoReportMail": {TECHNICAL: "user"},
    "WorkerHeartbeat": {TECHNICAL: "worker beat_at worked_at"},
    "Change": {FREE_TEXT: "reason", TECHNICAL: "id at actor request_id job_id outside database_role transaction_id"},
    "Seal": {TECHNICAL: "number sealed_at changes events columns previous_hash hash"},
    "SealedChange": {TECHNICAL: "change seal"},
    "ApiToken": {IDENTIFYING: "digest", FREE_TEXT: "name", TECHNICAL: "id uuid user trial scope created_at expires_at revoked_at"},
    "ApiTokenUse": {TECHNICAL: "token last_used_on"},
    "IdempotentAnswer": {CLINICAL: "body", TECHNICAL: "id user key fingerprint status headers expires_at"},
    "ActLog": {QUASI: "target", TECHNICAL: "id at actor act trial detail request_id"},
}

# Tables of schema `closed`: every column of theirs is allocation.
CLOSED_TABLES = ("allocation", "allocation_list", "arm", "change_event", "kit", "report_document", "seal", "slot", "snapshot", "upload")

# Tables without a history of their own, and why that loses nothing.
WITHOUT_HISTORY: dict[str, str] = {
    "registry_change": "is the history: one row for each audited transaction, append-only",
    "registry_seal": "seals the history, append-only",
    "registry_sealedchange": "seals the history, append-only",
    "registry_unsealed": "which changes wait for the next seal",
    "registry_actlog": "is a log itself, append-only",
    "registry_endpoint": "derived from scores, made again at any time",
    "registry_snapshot": "derived, append-only, its bytes under a hash",
    "registry_sessiondraft": "answers not saved yet; what is saved from them has its history",
    "registry_stalemark": "a note that something derived must be made again",
    "registry_designversion": "which state of a trial's design stands, written by triggers; the design itself is tracked",
    "registry_job": "work to be done; what it writes is in the history under the job's number",
    "registry_weeklyreport": "which reports were asked for, by whom and why, and how far they are; who asks is in the act log",
    "registry_reportdocument": "append-only documents with their SHA-256",
    "registry_apitokenuse": "the last day a token was used; the token itself is tracked",
    "registry_idempotentanswer": "answers kept for a day, so that a request sent twice is done once; what it wrote has its history",
    "registry_trialupload": "who brought which file, and how far it is; what its import writes has its history",
    "registry_trialexport": "who asked for which file, and how far it is; each export and download is in the act log",
    "registry_reportmail": "whom to tell of which report, and whether that was done",
    "registry_noreportmail": "who wants no mail about weekly reports",
    "registry_workerheartbeat": "one row a worker that says it lives",
    "account_emailaddress": "the sign-in package's copy of an account's address, which is tracked",
    "account_emailconfirmation": "unused: addresses are not confirmed by mail",
    "auth_permission": "made by Django's migrations, unused: rights are in registry.roles",
    "auth_group": "made by Django's migrations, unused",
    "auth_group_permissions": "made by Django's migrations, unused",
    "django_content_type": "made by Django's migrations",
    "django_migrations": "Django's own record of what was migrated",
    "django_session": "who is signed in; signing in and out is in the act log",
    "pghistory_context": "made by the history package, unused: registry_change stands in its place",
}


def fields_of(model_name: str) -> dict[str, FieldClass]:
    """Return each listed field of a model with its class."""
    return {name: kind for kind, names in FIELD_CLASSES[model_name].items() for name in names.split()}
