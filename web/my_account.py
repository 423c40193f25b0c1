"""The person's own page: who they are here, what they may do where, and how pages look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from registry.models import Membership, User
from registry.roles import ROLES, Permission
from registry.services.accounts import choose_theme
from web.requests import SignedInRequest


class ThemeForm(forms.Form):
    """Light, dark, or as the device has it."""

    theme = forms.ChoiceField(
        label=gettext_lazy("Appearance"),
        required=False,
        widget=forms.RadioSelect,
        choices=[("", gettext_lazy("As the device")), ("light", gettext_lazy("Light")), ("dark", gettext_lazy("Dark"))],
    )


@dataclass(frozen=True)
class MembershipWords:
    """One membership as a person reads it."""

    role: str
    sentence: str
    where: str
    until: date | None
    masked: bool


@require_http_methods(["GET", "HEAD", "POST"])
def my_account(request: SignedInRequest) -> HttpResponse:
    """Show the person's account; store the choice of appearance."""
    form = ThemeForm(request.POST or None, initial={"theme": request.user.theme})
    if request.method == "POST":
        form = ThemeForm(request.POST)
        if form.is_valid():
            choose_theme(request.user, form.cleaned_data["theme"])
            messages.success(request, _("Appearance saved."))
            return redirect("my_account")
    context = {
        "form": form,
        "memberships": [membership_words(row) for row in request.user.current_memberships()],
        "account": account(request.user),
        "may_operate": request.user.can(Permission.REGISTRY_OPERATE),
    }
    return render(request, "account/my_account.html", context, status=400 if form.errors else 200)


def account(user: User) -> dict[str, str]:
    """Return what the page tells of the account."""
    return {"name": user.name, "email": user.email}


def membership_words(row: Membership) -> MembershipWords:
    """Return one membership in words."""
    role = ROLES[row.role]
    trial = str(row.trial) if row.trial else _("All trials")
    site = str(row.site) if row.site else _("all sites")
    return MembershipWords(role.label, role.sentence, f"{trial}, {site}", row.valid_until, role.masked)
