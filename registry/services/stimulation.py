"""Stimulation sessions: record a set, each once, with its dose, deviations, pains and side effects; correct, void, restore."""

from registry.services.stimulation_corrections import (
    correct_session,
    correct_sessions,
    preview_correction,
    restore_session,
    void_session,
)
from registry.services.stimulation_recording import RecordedSessions, record_sessions

__all__ = [
    "RecordedSessions",
    "correct_session",
    "correct_sessions",
    "preview_correction",
    "record_sessions",
    "restore_session",
    "void_session",
]
