"""What the views share about a request: who asks, in which trial, with which right; and the manners of every answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone

from registry.models import Trial, User
from registry.roles import Permission
from registry.selectors.patients import trial_visible_to
from registry.services.auditing import current_request_id
from web.errors import registry_error_page

Rest = ParamSpec("Rest")


class SignedInRequest(HttpRequest):
    """A request of a signed-in person; LoginRequiredMiddleware lets no other reach a view."""

    user: User


class TrialRequest(SignedInRequest):
    """A request inside a trial the person may see."""

    trial: Trial
    section: str


View = Callable[Concatenate[TrialRequest, Rest], HttpResponse]


def in_trial(section: str, right: Permission) -> Callable[[View[Rest]], Callable[..., HttpResponse]]:
    """Return a decorator that finds the trial of the address, checks the right and sets the trial's clock.

    A trial that is not the person's is not found (404); a right that none of their memberships holds is refused (403).
    """

    def decorate(view: View[Rest]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def inner(request: TrialRequest, trial: str, *args: Rest.args, **kwargs: Rest.kwargs) -> HttpResponse:
            request.trial, request.section = trial_visible_to(request.user, trial), section
            request.user.check_can(right, trial=request.trial)
            with timezone.override(request.trial.zone):
                return view(request, *args, **kwargs)

        inner.right = right  # type: ignore[attr-defined]  # read by the permission table
        return inner

    return decorate


def see_other(url: str) -> HttpResponse:
    """Lead on after a POST, so that reloading sends nothing twice."""
    response = redirect(url)
    response.status_code = HTTPStatus.SEE_OTHER.value
    return response


class RequestManners:
    """Give the audit its request id, turn registry errors into pages, and keep pages out of shared caches."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = current_request_id.set(getattr(request, "request_id", ""))
        try:
            response = self.get_response(request)
        finally:
            current_request_id.reset(token)
        if response.get("Content-Type", "").startswith("text/html"):
            # A tablet is handed on: what one person saw must not come back with the browser's back button.
            response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Return the page for a registry error; leave everything else, and every error of the API, to others."""
        return None if request.path_info.startswith("/api/") else registry_error_page(request, exception)
