"""The people of a trial: who is in it, adding somebody with a first password or a link, ending a membership."""

from __future__ import annotations

from datetime import date
from typing import cast

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django import forms
from django.contrib import messages
from django.core.mail import send_mail
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from registry.exceptions import InvalidInput
from registry.models import Site, Trial, User
from registry.roles import ROLES, Permission
from registry.selectors.members import members_of, membership_in
from registry.services.accounts import end_membership
from registry.services.members import ROLES_OF_A_TRIAL, AddedMember, NewMember, add_member
from web.requests import TrialRequest, in_trial
from web.score_forms import take_over
from web.trial_settings.forms import sent
from web.trial_settings.frame import settings_frame

SHOW, LINK = "show", "link"


def day_field(label: object, hint: object = "") -> forms.DateField:
    """Return a field for a civil date."""
    return forms.DateField(
        label=str(label),
        help_text=str(hint),
        required=False,
        widget=forms.DateInput(attrs={"type": "date", "class": "short"}, format="%Y-%m-%d"),
        error_messages={"invalid": gettext_lazy("Enter the day as 2026-11-19 or 19/11/2026.")},
    )


class MemberForm(forms.Form):
    """Somebody to add to the trial."""

    use_required_attribute = False
    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        help_text=gettext_lazy("They sign in with it. Somebody who has an account here keeps it and their password."),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        error_messages={
            "required": gettext_lazy("Enter the person's e-mail address."),
            "invalid": gettext_lazy("Enter an e-mail address like name@hospital.org."),
        },
    )
    name = forms.CharField(
        label=gettext_lazy("Name"), required=False, max_length=120, help_text=gettext_lazy("Needed unless they have an account already.")
    )
    role = forms.ChoiceField(
        label=gettext_lazy("Role"),
        choices=[(role.code, role.label) for role in ROLES_OF_A_TRIAL],
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Choose a role.")},
    )
    site = forms.ChoiceField(label=gettext_lazy("Site"), required=False)
    valid_from = day_field(gettext_lazy("From"), gettext_lazy("Empty: today."))
    valid_until = day_field(gettext_lazy("Until"), gettext_lazy("The last day; empty while it is open."))
    entry = forms.ChoiceField(
        label=gettext_lazy("How a new person gets in"),
        choices=[
            (SHOW, gettext_lazy("Show me a first password, once")),
            (LINK, gettext_lazy("Send them a link to set a password")),
        ],
        widget=forms.RadioSelect,
        initial=SHOW,
    )

    def __init__(self, data: object = None, *, trial: Trial) -> None:
        super().__init__(data)  # type: ignore[arg-type]  # sent(request)
        sites = [(site.code, site.name) for site in Site.objects.filter(trial=trial).order_by("name", "code")]
        cast(forms.ChoiceField, self.fields["site"]).choices = [("", _("All sites")), *sites]

    def new_member(self) -> NewMember:
        """Return the person in the domain's words."""
        given = self.cleaned_data
        return NewMember(given["email"], given["role"], given["name"], given["site"], given["valid_from"], given["valid_until"])


class EndForm(forms.Form):
    """The last day of a membership, and why."""

    use_required_attribute = False
    last_day = day_field(gettext_lazy("Last day"), gettext_lazy("Empty: today. A day that is over ends it at once."))
    reason = forms.CharField(label=gettext_lazy("Reason"), required=False, max_length=200)


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("settings", Permission.MEMBERS_MANAGE)
def members(request: TrialRequest) -> HttpResponse:
    """Show who is in the trial; add somebody."""
    form = MemberForm(sent(request), trial=request.trial)
    if request.method == "POST" and form.is_valid():
        added = add(request, form)
        if added is not None:
            return answer(request, form, added)
    context = {
        **settings_frame(request, "members"),
        "form": form,
        "rows": members_of(request.trial, timezone.now().date()),
        "roles": ROLES_OF_A_TRIAL,
    }
    return render(request, "members/list.html", context, status=400 if form.errors else 200)


def add(request: TrialRequest, form: MemberForm) -> AddedMember | None:
    """Add the person, or put the refusals into the form."""
    try:
        return add_member(trial=request.trial, member=form.new_member(), by=request.user, today=timezone.now().date())
    except InvalidInput as refusal:
        take_over(form, refusal.problems)
        return None


def answer(request: TrialRequest, form: MemberForm, added: AddedMember) -> HttpResponse:
    """Show a new account's password this once, or send the link; lead back to the list otherwise."""
    who = added.membership.user
    if added.password and form.cleaned_data["entry"] == SHOW:
        context = {**settings_frame(request, "members"), "added": added, "role": ROLES[added.membership.role]}
        return render(request, "members/added.html", context)
    if added.password:
        send_link(request, who)
        messages.success(request, _("%(name)s added. A link to set a password was sent to %(email)s.") % {"name": who, "email": who.email})
    else:
        messages.success(request, _("%(name)s added; they sign in as before.") % {"name": who})
    return redirect("members", request.trial.slug)


def send_link(request: TrialRequest, user: User) -> None:
    """Send a new person the link under which they set their password."""
    key = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    url = request.build_absolute_uri(reverse("account_reset_password_from_key", kwargs=key))
    context = {"trial": request.trial, "name": user.name, "by": request.user.name, "url": url, "email": user.email}
    text = render_to_string("members/email/invitation_message.txt", context)
    subject = render_to_string("members/email/invitation_subject.txt", context).strip()
    send_mail(subject, text, None, [user.email])


@require_http_methods(["GET", "HEAD", "POST"])
@in_trial("settings", Permission.MEMBERS_MANAGE)
def member_end(request: TrialRequest, number: int) -> HttpResponse:
    """End one membership; the row stays, with its last day."""
    row = membership_in(request.trial, number)
    form = EndForm(sent(request))
    if request.method == "POST" and form.is_valid():
        last: date = form.cleaned_data["last_day"] or timezone.now().date()
        end_membership(row, by=request.user, today=last, reason=form.cleaned_data["reason"].strip())
        messages.success(request, _("Membership of %(name)s ended.") % {"name": row.user})
        return redirect("members", request.trial.slug)
    context = {**settings_frame(request, "members"), "form": form, "membership": row, "role": ROLES[row.role]}
    return render(request, "members/end.html", context, status=400 if form.errors else 200)
