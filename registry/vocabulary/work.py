"""Words about work and acts of the registry itself."""

from __future__ import annotations

from registry.vocabulary.word import Word


class JobKind(Word):
    REFRESH = "refresh", "Refresh endpoints and snapshot"
    REPORT = "report", "Make weekly reports"
    CHECK_UPLOAD = "check_upload", "Check an uploaded trial folder"
    IMPORT_UPLOAD = "import_upload", "Import an uploaded trial folder"
    EXPORT = "export", "Make a trial folder to take away"
    REPORT_MAIL = "report_mail", "Send mail about weekly reports"


class ReportState(Word):
    DUE = "due", "Waits to be made"
    MAKING = "making", "Being made"
    MADE = "made", "Made"
    FAILED = "failed", "Could not be made"


class ReportNews(Word):
    MADE = "made", "Was made"
    FAILED = "failed", "Could not be made"


class JobState(Word):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class UploadState(Word):
    CHECKING = "checking", "Being checked"
    CHECKED = "checked", "Waits for your confirmation"
    REFUSED = "refused", "Has problems, nothing imported"
    IMPORTING = "importing", "Being imported"
    IMPORTED = "imported", "Imported"
    FAILED = "failed", "Could not be read, nothing imported"
    DISCARDED = "discarded", "Discarded, nothing imported"
    EXPIRED = "expired", "Not confirmed in time, nothing imported"


class ExportState(Word):
    MAKING = "making", "Being made"
    READY = "ready", "Ready"
    FAILED = "failed", "Could not be made"
    EXPIRED = "expired", "Removed"


class TokenScope(Word):
    READ = "read", "Read"
    WRITE = "write", "Read and write"


class Act(Word):
    SIGN_IN = "sign_in", "Signed in"
    SIGN_IN_FAILED = "sign_in_failed", "Sign-in refused"
    SIGN_OUT = "sign_out", "Signed out"
    PASSWORD_CHANGED = "password_changed", "Changed the password"
    IDENTITY_READ = "identity_read", "Read an identity"
    ALLOCATION_READ = "allocation_read", "Read allocations"
    CLOSED_OUTCOMES_READ = "closed_outcomes_read", "Read closed outcomes"
    OUTCOMES_READ = "outcomes_read", "Read open outcomes"
    REPORT_READ = "report_read", "Read an open weekly report"
    CLOSED_REPORT_READ = "closed_report_read", "Read a closed weekly report"
    REPORT_ASKED = "report_asked", "Asked for a weekly report"
    EXPORT = "export", "Exported a trial"
    IMPORT = "import", "Imported a trial"
    TOKEN_MADE = "token_made", "Made an API token"
    TOKEN_REVOKED = "token_revoked", "Revoked an API token"
