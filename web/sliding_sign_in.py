"""A sign-in lasts while it is used: its end moves on, at most once a minute, so that reading a page costs no write."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponseBase

RENEWED_EVERY_S = 60
RENEWED_AT = "renewed_at"


class SlidingSignIn:
    """Let the session be stored again where a signed-in person's request comes a minute or more after the last time."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        session = request.session
        # A request that never asked who it is, such as a health check, must not make the database look now.
        if session.accessed and SESSION_KEY in session and time.time() - session.get(RENEWED_AT, 0) >= RENEWED_EVERY_S:
            session[RENEWED_AT] = int(time.time())
        return response
