"""The account forms with plain labels and hints; their working is allauth's."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth_forms
from django import forms
from django.contrib.auth.password_validation import validate_password
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

NEW_PASSWORD_HINT = _("At least 12 characters. A few words in a row are easy to remember and hard to guess.")


def e_mail_field() -> forms.EmailField:
    """Return the e-mail field, which password managers and paste may fill."""
    return forms.EmailField(
        label=_("E-mail address"),
        error_messages={"required": _("Enter your e-mail address."), "invalid": _("Enter an e-mail address like name@hospital.org.")},
        widget=forms.EmailInput(attrs={"autocomplete": "username", "spellcheck": "false"}),
        max_length=254,
    )


def password_field(
    label: Promise, missing: Promise, *, autocomplete: str = "current-password", hint: Promise | str = ""
) -> forms.CharField:
    """Return a password field that keeps blanks as typed."""
    return forms.CharField(
        label=str(label),
        help_text=str(hint),
        strip=False,
        error_messages={"required": str(missing)},
        widget=forms.PasswordInput(attrs={"autocomplete": autocomplete}),
        max_length=256,
    )


class SignInForm(allauth_forms.LoginForm):  # type: ignore[misc]  # allauth has no types
    """E-mail address and password."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = e_mail_field()
        self.fields["password"] = password_field(_("Password"), _("Enter your password."))

    def clean_login(self) -> str:
        """Return the address in small letters, as accounts store it."""
        return str(self.cleaned_data["login"]).strip().lower()


class ForgottenPasswordForm(allauth_forms.ResetPasswordForm):  # type: ignore[misc]
    """The address to send the link to."""

    email = e_mail_field()


class _NewPassword:
    """Two fields that must agree and pass the password rules; the first refusal is shown at the first field."""

    user: Any
    fields: dict[str, forms.Field]
    cleaned_data: dict[str, Any]

    def ask_for_new_password(self) -> None:
        """Replace allauth's two fields."""
        self.fields["password1"] = password_field(
            _("New password"), _("Enter a new password."), autocomplete="new-password", hint=NEW_PASSWORD_HINT
        )
        self.fields["password2"] = password_field(
            _("New password again"), _("Enter the new password a second time."), autocomplete="new-password"
        )

    def clean_password1(self) -> str:
        """Return the new password; raise what the rules object to."""
        password = str(self.cleaned_data["password1"])
        validate_password(password, self.user)
        return password


class ChangePasswordForm(_NewPassword, allauth_forms.ChangePasswordForm):  # type: ignore[misc]
    """Current password and the new one twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"] = password_field(_("Current password"), _("Enter your current password."))
        self.ask_for_new_password()


class NewPasswordForm(_NewPassword, allauth_forms.ResetPasswordKeyForm):  # type: ignore[misc]
    """The new password twice, after a link from an e-mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ask_for_new_password()
