"""Demonstration accounts end where a real trial begins: also for those who are signed in when it is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect

from registry.models import User
from registry.services.accounts import may_sign_in


class DemonstrationEnds:
    """Sign a demonstration account out at its next request once it may not sign in any more."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:
        """Answer with the page that says why, instead of the view; before the sign-in check looks at the person."""
        user = getattr(request, "user", None)
        # A request without a session is nobody's: health checks must not ask the database who it is.
        if user is None or not request.session.session_key or not isinstance(user, User) or not user.is_demonstration:
            return None
        if may_sign_in(user):
            return None
        logout(request)
        return redirect("account_inactive")
