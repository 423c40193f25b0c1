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
from registry.selectors.reports import wants_report_mail
from registry.services.accounts import choose_theme
from registry.services.report_mail import choose_report_mail
from web.requests import SignedInRequest


class ThemeForm(forms.Form):
    """Light, dark, or as the device has it."""

    theme = forms.ChoiceField(
        label=gettext_lazy("Appearance"),
        required=False,
        widget=forms.RadioSelect,
        choices=[("", gettext_lazy("As the device")), ("light", gettext_lazy("Light")), ("dark", gettext_lazy("Dark"))],
    )


class MailForm(forms.Form):
    """Mail about weekly reports, or none."""

    report_mail = forms.ChoiceField(
        label=gettext_lazy("When a weekly report of a trial of yours is made"),
        help_text=gettext_lazy("The mail says the week and holds a link. It says nothing of what is in the report."),
        widget=forms.RadioSelect,
        choices=[("yes", gettext_lazy("Send me a mail")), ("no", gettext_lazy("Send me none"))],
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
    """Show the person's account; store the choice of appearance or of mail, whichever form was sent."""
    about_mail = request.method == "POST" and "report_mail" in request.POST
    form = ThemeForm(None if about_mail or request.method != "POST" else request.POST, initial={"theme": request.user.theme})
    wanted = "yes" if wants_report_mail(request.user) else "no"
    mail_form = MailForm(request.POST if about_mail else None, initial={"report_mail": wanted})
    if request.method == "POST" and stored(request, form, mail_form):
        return redirect("my_account")
    context = {
        "form": form,
        "mail_form": mail_form,
        "memberships": [membership_words(row) for row in request.user.current_memberships()],
        "account": account(request.user),
        "may_operate": request.user.can(Permission.REGISTRY_OPERATE),
    }
    return render(request, "account/my_account.html", context, status=400 if form.errors or mail_form.errors else 200)


def stored(request: SignedInRequest, form: ThemeForm, mail_form: MailForm) -> bool:
    """Store what the form that was sent says; tell whether it could be."""
    if form.is_bound and form.is_valid():
        choose_theme(request.user, form.cleaned_data["theme"])
        messages.success(request, _("Appearance saved."))
        return True
    if mail_form.is_bound and mail_form.is_valid():
        choose_report_mail(request.user, wanted=mail_form.cleaned_data["report_mail"] == "yes")
        messages.success(request, _("Choice of mail saved."))
        return True
    return False


def account(user: User) -> dict[str, str]:
    """Return what the page tells of the account."""
    return {"name": user.name, "email": user.email}


def membership_words(row: Membership) -> MembershipWords:
    """Return one membership in words."""
    role = ROLES[row.role]
    trial = str(row.trial) if row.trial else _("All trials")
    site = str(row.site) if row.site else _("all sites")
    return MembershipWords(role.label, role.sentence, f"{trial}, {site}", row.valid_until, role.masked)
