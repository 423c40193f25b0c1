"""The content security policy, the same on every answer: put together once, not for each request."""

from __future__ import annotations

from collections.abc import Callable

from csp.constants import HEADER
from csp.utils import build_policy
from django.http import HttpRequest, HttpResponseBase


class SamePolicy:
    """Send the policy of CONTENT_SECURITY_POLICY. No page holds a script or style of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response, self.policy = get_response, str(build_policy())

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault(HEADER, self.policy)  # a kept report brings a stricter one
        return response
