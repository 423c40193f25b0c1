"""API tokens under the person's own account: make one, see it once, revoke it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from registry.exceptions import InvalidInput
from registry.models import User
from registry.selectors.patients import trials_visible_to
from registry.selectors.tokens import token_of, tokens_of
from registry.services.tokens import LONGEST_DAYS, NAME_LENGTH, MadeToken, NewToken, make_token, revoke_token
from registry.vocabulary import TokenScope
from web.requests import SignedInRequest
from web.score_forms import take_over

USUAL_DAYS = 90


class TokenForm(forms.Form):
    """What the token is for, how far it reaches, and until when."""

    name = forms.CharField(
        label=gettext_lazy("What it is for"),
        help_text=gettext_lazy("For example: weekly pull for the analysis."),
        max_length=NAME_LENGTH,
        error_messages={"required": gettext_lazy("Name what the token is for.")},
    )
    trial = forms.ChoiceField(label=gettext_lazy("Trial"), required=False)
    scope = forms.ChoiceField(
        label=gettext_lazy("It may"),
        widget=forms.RadioSelect,
        initial=TokenScope.READ,
        choices=[(TokenScope.READ, gettext_lazy("Read only")), (TokenScope.WRITE, gettext_lazy("Read and write"))],
        error_messages={"required": gettext_lazy("Choose whether it may write.")},
    )
    expires_on = forms.DateField(
        label=gettext_lazy("Last day"),
        help_text=gettext_lazy("At most a year from now. It ends with your own rights in any case."),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"required": gettext_lazy("Choose its last day."), "invalid": gettext_lazy("Enter a day such as 2026-11-19.")},
    )
    # Comes back with the form, so that a second press makes no second token.
    record = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, user: User, data: Any = None) -> None:
        today = timezone.now().date()
        super().__init__(data, initial={"expires_on": today + timedelta(days=USUAL_DAYS), "record": uuid.uuid4()})
        self.trials = {trial.slug: trial for trial in trials_visible_to(user)}
        names = [(slug, trial.name) for slug, trial in self.trials.items()]
        self.fields["trial"].choices = [("", _("All of your trials")), *names]  # type: ignore[attr-defined]
        bounds = {"min": today.isoformat(), "max": (today + timedelta(days=LONGEST_DAYS)).isoformat()}
        self.fields["expires_on"].widget.attrs.update(bounds)

    def wanted(self) -> NewToken:
        """Return the wish of a valid form."""
        data = self.cleaned_data
        trial = self.trials.get(data["trial"])
        return NewToken(data["name"], TokenScope(data["scope"]), data["expires_on"], data["record"], trial)


@require_http_methods(["GET", "HEAD", "POST"])
def tokens(request: SignedInRequest) -> HttpResponse:
    """List the person's tokens and make one; the answer to making shows it, this once."""
    form = TokenForm(request.user, request.POST or None)
    made = saved_token(request, form) if request.method == "POST" and form.is_valid() else None
    context = {
        "form": TokenForm(request.user) if made else form,
        "made": made,
        "tokens": tokens_of(request.user, now=timezone.now()),
    }
    return render(request, "account/tokens.html", context, status=400 if form.errors else 200)


def saved_token(request: SignedInRequest, form: TokenForm) -> MadeToken | None:
    """Make the token, or put the refusals into the form."""
    try:
        return make_token(form.wanted(), by=request.user, now=timezone.now())
    except InvalidInput as refusal:
        take_over(form, refusal.problems)
        return None


@require_http_methods(["GET", "HEAD", "POST"])
def token_revoke(request: SignedInRequest, record: uuid.UUID) -> HttpResponse:
    """Ask whether to end a token, and end it; ending it again changes nothing."""
    if request.method == "POST":
        revoked = revoke_token(record, by=request.user, now=timezone.now())
        messages.success(request, _("Token “%(name)s” revoked. It opens nothing any more.") % {"name": revoked.name})
        return redirect("tokens")
    return render(request, "account/token_revoke.html", {"token": token_of(request.user, record, now=timezone.now())})
