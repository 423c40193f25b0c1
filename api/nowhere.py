"""Addresses under /api/ that lead nowhere: the same answer as for a record nobody may see."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api.door import Door
from registry.exceptions import NotFound


class Nowhere(Door):
    """Answers every method with 404, after asking who comes."""

    schema = None

    def refuse(self, request: Request, **kwargs: Any) -> Response:
        """Say that there is nothing."""
        raise NotFound("There is nothing at this address. Addresses end with a slash.")

    get = post = put = patch = delete = refuse
