"""Who asks: a script with a personal token, or a signed-in browser with its CSRF token. And what a token's scope lets through."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.utils import timezone
from knox.auth import TokenAuthentication
from rest_framework.authentication import SessionAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from api.limits import check_refusals, count_refusal
from registry.models import ApiToken, User
from registry.services.accounts import may_sign_in
from registry.services.tokens import TokenRefused, bearer_of
from registry.vocabulary import TokenScope

if TYPE_CHECKING:
    # Imported while APIView itself is being made.
    from rest_framework.views import APIView

SECRET = re.compile(rb"[0-9a-f]{32}")


class PersonalToken(TokenAuthentication):  # type: ignore[misc]  # knox has no types
    """`Authorization: Bearer …`: knox reads the header, the token is ours."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the person and the token, None without such a header; refuse addresses that try too many wrong ones."""
        if "Authorization" in request.headers:
            check_refusals(request)
        try:
            found: tuple[User, ApiToken] | None = super().authenticate(request)
        except AuthenticationFailed:
            count_refusal(request)
            raise
        if found is not None:
            # The request's log line names who asked.
            setattr(request._request, "_cached_user", found[0])  # noqa: B010
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[User, ApiToken]:
        """Return whose token it is; raise AuthenticationFailed for one that opens nothing."""
        if not SECRET.fullmatch(token):
            raise AuthenticationFailed("A token is 32 hexadecimal characters.")
        try:
            return bearer_of(token.decode(), now=timezone.now())
        except TokenRefused as refused:
            raise AuthenticationFailed(refused.sentence) from refused


class BrowserSession(SessionAuthentication):
    """The sign-in of the pages, for scripts on them; a write needs the CSRF token."""

    def authenticate(self, request: Request) -> tuple[User, None] | None:
        """Return the signed-in person, None where there is none or the account may no longer sign in."""
        found = super().authenticate(request)
        user = found[0] if found else None
        return (user, None) if isinstance(user, User) and may_sign_in(user) else None


class WithinScope(BasePermission):
    """A token made for reading changes nothing."""

    message = "This token was made for reading. Make one for reading and writing under Your account, API tokens."

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the request's method is within the scope of its token."""
        token = request.auth
        return request.method in SAFE_METHODS or not isinstance(token, ApiToken) or token.scope == TokenScope.WRITE
