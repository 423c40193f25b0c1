"""What every answer of the REST door has in common."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView


class Door(APIView):
    """Reads the body whole before anything else does, and keeps answers out of shared caches."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Read the body, which a key's fingerprint needs too, then ask who comes."""
        _ = request._request.body
        super().initial(request, *args, **kwargs)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        """Add the headers of all answers."""
        done = super().finalize_response(request, response, *args, **kwargs)
        done.headers["Cache-Control"] = "private, no-store"
        window = getattr(request, "api_window", None)
        for name, value in (window.headers if window else {}).items():
            done.headers[name] = value
        return done
