"""Words about work and acts of the registry itself."""

from __future__ import annotations

from registry.vocabulary.word import Word


class JobKind(Word):
    REFRESH = "refresh", "Refresh endpoints and snapshot"


class JobState(Word):
    QUEUED = "queued", "Waiting"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


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
    EXPORT = "export", "Exported a trial"
    IMPORT = "import", "Imported a trial"
    TOKEN_MADE = "token_made", "Made an API token"
    TOKEN_REVOKED = "token_revoked", "Revoked an API token"
