"""Rows that can be taken out of use and brought back: `voided_at` says since when one does not count."""

from __future__ import annotations

from typing import TypeVar

from django.db import models

Row = TypeVar("Row", bound=models.Model)


class StandingManager(models.Manager[Row]):
    """Finds the rows that count, through relations too; a model's `with_voided` finds all."""

    def get_queryset(self) -> models.QuerySet[Row]:
        """Return the rows nobody took out of use."""
        return super().get_queryset().filter(voided_at__isnull=True)
