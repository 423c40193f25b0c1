"""The peer's tables are its owner's."""

from __future__ import annotations

from typing import Any

from django.db.models import Model


class PeerRouter:
    """Send the peer's models through the alias of the owner, and nothing else."""

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return "peer" if model._meta.app_label == "peer" else None

    db_for_write = db_for_read
