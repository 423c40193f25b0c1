"""Routes of the pages. Of allauth's routes only those are here that the registry uses: nobody signs up, nobody adds an address."""

from allauth.account import views as account_views
from django.urls import path, re_path, register_converter

from web import adverse_events as events
from web import (
    allocations,
    dashboard,
    data,
    history,
    members,
    my_account,
    new_patient,
    outcomes,
    patient_file,
    patient_voids,
    patients,
    reports,
    scores,
    sessions,
    sessions_changes,
    sessions_form,
    status,
    thresholds,
    today,
    tokens,
    trials,
    uploads,
)
from web.trial_settings import calibrations, facts, new_trial, overview, parts, plan, protocol


class PatientCode:
    """A study number as an address carries it."""

    regex = "[A-Z0-9-]{1,20}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class WeekOfReport:
    """An ISO week as an address carries it, for example 2026-W47."""

    regex = "[0-9]{4}-W[0-9]{2}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: object) -> str:
        return str(value)


register_converter(PatientCode, "patient_code")
register_converter(WeekOfReport, "report_week")

SETTINGS = "t/<slug:trial>/settings/"
PATIENT = "t/<slug:trial>/patients/<patient_code:patient_code>/"

FILE_ACTS = (("add", "add/"), *((act, f"<uuid:record>/{act}/") for act in ("correct", "void", "restore")))

urlpatterns = [
    path("", trials.home, name="home"),
    path("login/", account_views.login, name="account_login"),
    path("logout/", account_views.logout, name="account_logout"),
    path("login/refused/", account_views.account_inactive, name="account_inactive"),
    path("password/change/", account_views.password_change, name="account_change_password"),
    path("password/reset/", account_views.password_reset, name="account_reset_password"),
    path("password/reset/sent/", account_views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^password/reset/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        account_views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("password/reset/done/", account_views.password_reset_from_key_done, name="account_reset_password_from_key_done"),
    path("account/", my_account.my_account, name="my_account"),
    path("account/tokens/", tokens.tokens, name="tokens"),
    path("account/tokens/<uuid:record>/revoke/", tokens.token_revoke, name="token_revoke"),
    path("status/", status.status, name="status"),
    path("status/jobs/<int:number>/retry/", status.job_retry, name="job_retry"),
    path("t/", trials.trial_choice, name="trial_choice"),
    path("t/new/", new_trial.trial_new, name="trial_new"),
    path("t/upload/", uploads.upload_new, name="upload_new"),
    path("uploads/<uuid:record>/", uploads.upload, name="upload"),
    path("uploads/<uuid:record>/problems.csv", uploads.upload_problems, name="upload_problems"),
    path("uploads/<uuid:record>/confirm/", uploads.upload_confirm, name="upload_confirm"),
    path("uploads/<uuid:record>/discard/", uploads.upload_discard, name="upload_discard"),
    path("exports/<uuid:record>/folder.zip", data.export_download, name="export_download"),
    path("t/<slug:trial>/data/", data.trial_data, name="trial_data"),
    path("t/<slug:trial>/data/exports/", data.export_make, name="export_make"),
    path(SETTINGS, overview.trial_settings, name="trial_settings"),
    path(SETTINGS + "trial/", facts.trial_facts, name="trial_facts"),
    path(SETTINGS + "sites/", parts.sites, name="trial_sites"),
    path(SETTINGS + "sites/<str:code>/", parts.site, name="trial_site"),
    path(SETTINGS + "treatments/", parts.treatments, name="trial_treatments"),
    path(SETTINGS + "treatments/<str:code>/", parts.treatment, name="trial_treatment"),
    path(SETTINGS + "scales/", parts.scales, name="trial_scales"),
    path(SETTINGS + "scales/<str:code>/<str:version>/", parts.scale, name="trial_scale"),
    path(SETTINGS + "visits/", parts.visits, name="trial_visits"),
    path(SETTINGS + "visits/<str:code>/", parts.visit, name="trial_visit"),
    path(SETTINGS + "stimulators/", parts.stimulators, name="trial_stimulators"),
    path(SETTINGS + "stimulators/<str:code>/", parts.stimulator, name="trial_stimulator"),
    path(SETTINGS + "coils/", parts.coils, name="trial_coils"),
    path(SETTINGS + "coils/<str:code>/", parts.coil, name="trial_coil"),
    path(SETTINGS + "conversions/", parts.conversions, name="trial_conversions"),
    path(SETTINGS + "conversions/<path:code>/to/<path:version>/", parts.conversion, name="trial_conversion"),
    path(SETTINGS + "calibrations/<str:kind>/<str:code>/", calibrations.calibrations, name="device_calibrations"),
    path(SETTINGS + "protocol/", protocol.protocol, name="trial_protocol"),
    path(SETTINGS + "protocol/new/", protocol.protocol_new, name="trial_protocol_new"),
    path(SETTINGS + "plan/", plan.plan, name="trial_plan"),
    path(SETTINGS + "plan/new/", plan.plan_new, name="trial_plan_new"),
    path(SETTINGS + "looks/", parts.looks, name="trial_looks"),
    path(SETTINGS + "looks/<str:code>/", parts.look, name="trial_look"),
    path(SETTINGS + "members/", members.members, name="members"),
    path(SETTINGS + "members/<int:number>/end/", members.member_end, name="member_end"),
    path(SETTINGS + "allocation/", allocations.allocation_list, name="allocation_list"),
    path("t/<slug:trial>/patients/new/", new_patient.patient_new, name="patient_new"),
    path(PATIENT + "randomise/", allocations.randomise, name="randomise"),
    path("t/<slug:trial>/patients/", patients.patients, name="patients"),
    path("t/<slug:trial>/dashboard/", dashboard.dashboard, name="dashboard"),
    path("t/<slug:trial>/dashboard/<slug:figure>.csv", dashboard.dashboard_csv, name="dashboard_csv"),
    path("t/<slug:trial>/dashboard/closed/", dashboard.dashboard_closed, name="dashboard_closed"),
    path("t/<slug:trial>/dashboard/closed/<slug:figure>.csv", dashboard.dashboard_closed_csv, name="dashboard_closed_csv"),
    path("t/<slug:trial>/outcomes/", outcomes.outcomes, name="outcomes"),
    path("t/<slug:trial>/outcomes/closed/", outcomes.outcomes_closed, name="outcomes_closed"),
    path("t/<slug:trial>/reports/", reports.reports, name="reports"),
    path("t/<slug:trial>/reports/<report_week:week>/<int:version>/", reports.report, name="report"),
    path("t/<slug:trial>/reports/<report_week:week>/<int:version>/report.pdf", reports.report_pdf, name="report_pdf"),
    path("t/<slug:trial>/reports/<report_week:week>/<int:version>/closed/", reports.report_closed, name="report_closed"),
    path("t/<slug:trial>/reports/<report_week:week>/<int:version>/closed/report.pdf", reports.report_closed_pdf, name="report_closed_pdf"),
    path("t/<slug:trial>/patients/voided/", patient_voids.patients_voided, name="patients_voided"),
    path(PATIENT, patients.patient, name="patient"),
    path(PATIENT + "void/", patient_voids.patient_void, name="patient_void"),
    path(PATIENT + "restore/", patient_voids.patient_restore, name="patient_restore"),
    *(
        path(f"{PATIENT}{folder}/{tail}", getattr(patient_file, f"{noun}_{act}"), name=f"{noun}_{act}")
        for noun, folder in (("diagnosis", "diagnoses"), ("pain", "pains"))
        for act, tail in FILE_ACTS
    ),
    path(PATIENT + "scores/", scores.scores, name="scores"),
    path(PATIENT + "scores/add/", scores.score_add, name="score_add"),
    path(PATIENT + "scores/<uuid:record>/", scores.score, name="score"),
    path(PATIENT + "scores/<uuid:record>/correct/", scores.score_correct, name="score_correct"),
    path(PATIENT + "scores/<uuid:record>/void/", scores.score_void, name="score_void"),
    path(PATIENT + "scores/<uuid:record>/restore/", scores.score_restore, name="score_restore"),
    path(PATIENT + "history/", history.history, name="history"),
    path("t/<slug:trial>/today/", today.today, name="today"),
    path(PATIENT + "sessions/", sessions.sessions, name="sessions"),
    path(PATIENT + "sessions/open/", sessions.session_open, name="session_open"),
    path(PATIENT + "sessions/missed/<int:number>/", sessions.session_missed, name="session_missed"),
    path(PATIENT + "sessions/<uuid:record>/", sessions.session, name="session"),
    path(PATIENT + "sessions/<uuid:record>/draft/", sessions_form.session_draft, name="session_draft"),
    path(PATIENT + "sessions/<uuid:record>/discard/", sessions.session_discard, name="session_discard"),
    path(PATIENT + "sessions/<uuid:record>/correct/", sessions_changes.session_correct, name="session_correct"),
    path(PATIENT + "sessions/<uuid:record>/void/", sessions_changes.session_void, name="session_void"),
    path(PATIENT + "sessions/<uuid:record>/restore/", sessions_changes.session_restore, name="session_restore"),
    path(PATIENT + "sessions/<uuid:record>/reenter/", sessions_changes.session_reenter, name="session_reenter"),
    path(PATIENT + "thresholds/", thresholds.thresholds, name="thresholds"),
    path(PATIENT + "thresholds/add/", thresholds.threshold_add, name="threshold_add"),
    path(PATIENT + "thresholds/<uuid:record>/", thresholds.threshold, name="threshold"),
    path(PATIENT + "thresholds/<uuid:record>/correct/", thresholds.threshold_correct, name="threshold_correct"),
    path(PATIENT + "thresholds/<uuid:record>/void/", thresholds.threshold_void, name="threshold_void"),
    path(PATIENT + "thresholds/<uuid:record>/restore/", thresholds.threshold_restore, name="threshold_restore"),
    path(PATIENT + "events/", events.adverse_events, name="adverse_events"),
    path(PATIENT + "events/add/", events.adverse_event_add, name="adverse_event_add"),
    path(PATIENT + "events/<uuid:record>/", events.adverse_event, name="adverse_event"),
    path(PATIENT + "events/<uuid:record>/correct/", events.adverse_event_correct, name="adverse_event_correct"),
    path(PATIENT + "events/<uuid:record>/void/", events.adverse_event_void, name="adverse_event_void"),
    path(PATIENT + "events/<uuid:record>/restore/", events.adverse_event_restore, name="adverse_event_restore"),
]
