"""Give a person an account and a role: in a trial and site, or everywhere."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from registry.exceptions import RegistryError
from registry.models import Site, Trial, User, system_actor
from registry.roles import ROLES
from registry.services import accounts


class Command(BaseCommand):
    help = "Give a person an account (a first password is printed) and a role: in a trial, at a site, or everywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("role", choices=sorted(ROLES))
        parser.add_argument("--name", default="", help="needed for a new account")
        parser.add_argument("--trial", default="", help="slug of the trial; all trials without it")
        parser.add_argument("--site", default="", help="code of the site; all sites without it")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self._add(options)
        except RegistryError as error:
            raise CommandError(error.sentence) from error

    def _add(self, options: dict[str, Any]) -> None:
        setup, password = system_actor("setup"), accounts.new_password()
        trial, site = find_place(options["trial"], options["site"])
        user = User.objects.filter(email=options["email"].strip().lower(), is_system=False).first()
        if user is None:
            user = accounts.create_user(email=options["email"], name=options["name"], password=password, by=setup)
            self.stdout.write(f"{user.email}  {password}")
        membership = accounts.add_membership(
            user=user, role=options["role"], trial=trial, site=site, by=setup, valid_from=timezone.now().date()
        )
        self.stdout.write(f"{user.email}: {membership}{f', site {site}' if site else ''}. {ROLES[membership.role].sentence}")


def find_place(slug: str, site_code: str) -> tuple[Trial | None, Site | None]:
    """Return the trial and site that were named; raise CommandError, listing what there is, for an unknown one."""
    if site_code and not slug:
        raise CommandError("Name the trial of the site with --trial.")
    if not slug:
        return None, None
    trial = Trial.objects.filter(slug=slug).first()
    if trial is None:
        known = ", ".join(Trial.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
        raise CommandError(f"There is no trial '{slug}'. Trials: {known}.")
    if not site_code:
        return trial, None
    site = Site.objects.filter(trial=trial, code=site_code).first()
    if site is None:
        known = ", ".join(trial.sites.order_by("code").values_list("code", flat=True))
        raise CommandError(f"There is no site '{site_code}' in {trial}. Sites: {known}.")
    return trial, site
