"""How sign-in works here: nobody signs up, ten wrong passwords lock an account, every sign-in is in the act log."""

from __future__ import annotations

import math
import time
from typing import Any, ClassVar, cast

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.utils import user_email
from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from registry.models import User
from registry.services import accounts
from registry.services.acts import log_act
from registry.vocabulary import Act
from web.trials import landing


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Our answers to allauth's questions."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("The e-mail address or the password is wrong. Check both, then try again."),
        "enter_current_password": _("This is not your current password."),
        "invalid_login": _("The e-mail address or the password is wrong. Check both, then try again."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Answer no: accounts are made by an administrator."""
        return False

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        """Return where signing in leads where no page was asked for."""
        return landing(cast(User, request.user))

    def format_email_subject(self, subject: str) -> str:
        """Return the subject as its template has it, without the host name allauth puts before it."""
        return subject

    def get_login_attempts_cache_key(self, login: str) -> str:
        """Return the name under which wrong passwords of one account are counted."""
        return f"account:{login.strip().lower()}"

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # allauth adds the host name, which would give a guesser a new count for each name the site answers to.
        return self.get_login_attempts_cache_key(str(credentials.get("email", "")))

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Count the attempt; raise with the waiting time once there were too many wrong ones."""
        try:
            super().pre_authenticate(request, **credentials)
        except ValidationError as error:
            minutes = waiting_minutes(request, self._get_login_attempts_cache_key(request, **credentials))
            raise ValidationError(lockout_sentence(minutes), code="too_many_login_attempts") from error

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Note the refusal; whose account it was about is kept only where there is one."""
        user = User.objects.filter(email=str(credentials.get("email", "")).strip().lower()).first()
        log_act(Act.SIGN_IN_FAILED, by=user)

    def pre_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse | None:
        """Send accounts that may not sign in to a page that says why."""
        if not accounts.may_sign_in(user):
            refused: HttpResponse = self.respond_user_inactive(request, user)
            return refused
        answer: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return answer

    def login(self, request: HttpRequest, user: User) -> None:
        """Open the signed-in session and note it."""
        super().login(request, user)
        log_act(Act.SIGN_IN, by=user)

    def logout(self, request: HttpRequest) -> None:
        """Note the sign-out and close the session."""
        if isinstance(request.user, User):
            log_act(Act.SIGN_OUT, by=request.user)
        super().logout(request)

    def set_password(self, user: User, password: str) -> None:
        """Store a new password by the audited way and lift the account's lockout: the person has proved who they are."""
        accounts.change_password(user, password, by=user)
        key = self.get_login_attempts_cache_key(user_email(user) or "")
        ratelimit.clear(self.request, app="allauth.account", action="login_failed", key=key)


def waiting_minutes(request: HttpRequest, key: str) -> int:
    """Return after how many whole minutes the next try is allowed, at least 1."""
    waits = [1.0]
    for rate in ratelimit.get_rates(app="allauth.account", action="login_failed"):
        cache_key = ratelimit.get_cache_key(request, app="allauth.account", action="login_failed", rate=rate, key=key)
        tries: list[float] = cache.get(cache_key, [])
        if len(tries) >= rate.amount:
            # Newest first: the try that must grow old before there is room again.
            waits.append((tries[rate.amount - 1] + rate.duration - time.time()) / 60)
    return max(1, math.ceil(max(waits)))


def lockout_sentence(minutes: int) -> str:
    """Say how long to wait and what else helps."""
    sentence = ngettext(
        "Too many wrong passwords. Try again in %(minutes)d minute, or set a new password with “Forgot your password?”.",
        "Too many wrong passwords. Try again in %(minutes)d minutes, or set a new password with “Forgot your password?”.",
        minutes,
    )
    return sentence % {"minutes": minutes}
