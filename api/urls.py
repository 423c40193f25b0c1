"""Routes of the REST door. Collections are flat: what belongs to what is said by filters."""

from typing import Any

from django.urls import path, re_path

from api import (
    adverse_events,
    diagnoses,
    documentation,
    health,
    metrics,
    nowhere,
    outcomes,
    patients,
    reports,
    scores,
    sessions,
    thresholds,
    trial_setup,
    trials,
)
from api.schema import Schema

Methods = dict[str, Any]
LIST: Methods = {"get": "list"}
READ: Methods = {"get": "retrieve"}
ADD: Methods = {"get": "list", "post": "create"}
MANY: Methods = {"post": "create_many"}
CORRECT: Methods = {"get": "retrieve", "patch": "partial_update"}
VOID: Methods = {"post": "void"}
RESTORE: Methods = {"post": "restore"}
V1 = "api/v1/"
REPORT = f"{V1}reports/<slug:trial>/<str:week>/<int:version>"

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path(f"{V1}schema/", Schema.as_view(), name="api_schema"),
    path(f"{V1}docs/", documentation.documentation, name="api_documentation"),
    path(f"{V1}problems/<slug:code>/", documentation.problem, name="api_problem"),
    path(f"{V1}trials/", trial_setup.Trials.as_view(ADD), name="api_trials"),
    path(f"{V1}trials/<slug:id>/", trial_setup.Trials.as_view(CORRECT), name="api_trial"),
    path(f"{V1}sites/", trial_setup.Sites.as_view(ADD), name="api_sites"),
    path(f"{V1}sites/<uuid:id>/", trial_setup.Sites.as_view(CORRECT), name="api_site"),
    path(f"{V1}looks/", trial_setup.Looks.as_view(ADD), name="api_looks"),
    path(f"{V1}looks/<uuid:id>/", trial_setup.Looks.as_view(CORRECT), name="api_look"),
    path(f"{V1}treatments/", trials.Treatments.as_view(LIST), name="api_treatments"),
    path(f"{V1}visit-types/", trials.VisitTypes.as_view(LIST), name="api_visit_types"),
    path(f"{V1}scales/", trials.Scales.as_view(LIST), name="api_scales"),
    path(f"{V1}plans/", trials.Plans.as_view(LIST), name="api_plans"),
    path(f"{V1}patients/", patients.Patients.as_view(ADD), name="api_patients"),
    path(f"{V1}patients/<uuid:id>/", patients.Patients.as_view(CORRECT), name="api_patient"),
    path(f"{V1}patients/<uuid:id>/void/", patients.Patients.as_view(VOID), name="api_patient_void"),
    path(f"{V1}patients/<uuid:id>/restore/", patients.Patients.as_view(RESTORE), name="api_patient_restore"),
    path(f"{V1}enrolments/", patients.Enrolments.as_view(LIST), name="api_enrolments"),
    path(f"{V1}enrolments/<uuid:id>/", patients.Enrolments.as_view(READ), name="api_enrolment"),
    path(f"{V1}diagnoses/", diagnoses.Diagnoses.as_view(ADD), name="api_diagnoses"),
    path(f"{V1}diagnoses/<uuid:id>/", diagnoses.Diagnoses.as_view(CORRECT), name="api_diagnosis"),
    path(f"{V1}diagnoses/<uuid:id>/void/", diagnoses.Diagnoses.as_view(VOID), name="api_diagnosis_void"),
    path(f"{V1}diagnoses/<uuid:id>/restore/", diagnoses.Diagnoses.as_view(RESTORE), name="api_diagnosis_restore"),
    path(f"{V1}pains/", diagnoses.Pains.as_view(ADD), name="api_pains"),
    path(f"{V1}pains/<uuid:id>/", diagnoses.Pains.as_view(CORRECT), name="api_pain"),
    path(f"{V1}pains/<uuid:id>/void/", diagnoses.Pains.as_view(VOID), name="api_pain_void"),
    path(f"{V1}pains/<uuid:id>/restore/", diagnoses.Pains.as_view(RESTORE), name="api_pain_restore"),
    path(f"{V1}dispositions/", diagnoses.Dispositions.as_view(ADD), name="api_dispositions"),
    path(f"{V1}dispositions/<uuid:id>/", diagnoses.Dispositions.as_view(CORRECT), name="api_disposition"),
    path(f"{V1}dispositions/<uuid:id>/void/", diagnoses.Dispositions.as_view(VOID), name="api_disposition_void"),
    path(f"{V1}dispositions/<uuid:id>/restore/", diagnoses.Dispositions.as_view(RESTORE), name="api_disposition_restore"),
    path(f"{V1}scores/", scores.Scores.as_view(ADD), name="api_scores"),
    path(f"{V1}scores/batch/", scores.Scores.as_view(MANY), name="api_scores_batch"),
    path(f"{V1}scores/<uuid:id>/", scores.Scores.as_view(CORRECT), name="api_score"),
    path(f"{V1}scores/<uuid:id>/void/", scores.Scores.as_view(VOID), name="api_score_void"),
    path(f"{V1}scores/<uuid:id>/restore/", scores.Scores.as_view(RESTORE), name="api_score_restore"),
    path(f"{V1}thresholds/", thresholds.Thresholds.as_view(ADD), name="api_thresholds"),
    path(f"{V1}thresholds/batch/", thresholds.Thresholds.as_view(MANY), name="api_thresholds_batch"),
    path(f"{V1}thresholds/<uuid:id>/", thresholds.Thresholds.as_view(CORRECT), name="api_threshold"),
    path(f"{V1}thresholds/<uuid:id>/void/", thresholds.Thresholds.as_view(VOID), name="api_threshold_void"),
    path(f"{V1}thresholds/<uuid:id>/restore/", thresholds.Thresholds.as_view(RESTORE), name="api_threshold_restore"),
    path(f"{V1}sessions/", sessions.Sessions.as_view(ADD), name="api_sessions"),
    path(f"{V1}sessions/batch/", sessions.Sessions.as_view(MANY), name="api_sessions_batch"),
    path(f"{V1}sessions/<uuid:id>/", sessions.Sessions.as_view(CORRECT), name="api_session"),
    path(f"{V1}sessions/<uuid:id>/void/", sessions.Sessions.as_view(VOID), name="api_session_void"),
    path(f"{V1}sessions/<uuid:id>/restore/", sessions.Sessions.as_view(RESTORE), name="api_session_restore"),
    path(f"{V1}adverse-events/", adverse_events.AdverseEvents.as_view(ADD), name="api_adverse_events"),
    path(f"{V1}adverse-events/batch/", adverse_events.AdverseEvents.as_view(MANY), name="api_adverse_events_batch"),
    path(f"{V1}adverse-events/<uuid:id>/", adverse_events.AdverseEvents.as_view(CORRECT), name="api_adverse_event"),
    path(f"{V1}adverse-events/<uuid:id>/void/", adverse_events.AdverseEvents.as_view(VOID), name="api_adverse_event_void"),
    path(f"{V1}adverse-events/<uuid:id>/restore/", adverse_events.AdverseEvents.as_view(RESTORE), name="api_adverse_event_restore"),
    path(f"{V1}outcomes/<slug:trial>/", outcomes.OpenOutcomes.as_view(), name="api_outcomes"),
    path(f"{V1}outcomes/<slug:trial>/closed/", outcomes.ClosedOutcomes.as_view(), name="api_outcomes_closed"),
    path(f"{V1}reports/<slug:trial>/", reports.Reports.as_view(ADD), name="api_reports"),
    path(f"{V1}reports/<slug:trial>/closed/", reports.ClosedReports.as_view(LIST), name="api_reports_closed"),
    path(f"{REPORT}/", reports.Reports.as_view(READ), name="api_report"),
    path(f"{REPORT}/closed/", reports.ClosedReports.as_view(READ), name="api_report_closed"),
    path(f"{REPORT}/<str:form>", reports.Documents.as_view(), name="api_report_document"),
    path(f"{REPORT}/closed/<str:form>", reports.ClosedDocuments.as_view(), name="api_report_closed_document"),
    re_path(r"^api/", nowhere.Nowhere.as_view(), name="api_nowhere"),
]
