"""Give one patient the next kit of the trial's list."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from registry.exceptions import RegistryError
from registry.models import User
from registry.selectors.patients import enrolment_visible_to, trial_visible_to
from registry.services.allocation import request_allocation


class Command(BaseCommand):
    help = "Give one patient the next kit of the trial's list and print its code; the same again prints the same code."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("trial", help="slug of the trial")
        parser.add_argument("patient", help="study number")
        parser.add_argument(
            "--stratum", default="", help="as on the list, e.g. 'site=N'; nothing where the list has one stratum without a name"
        )
        parser.add_argument("--by", required=True, metavar="EMAIL", help="who asks")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            by = person(options["by"])
            enrolment = enrolment_visible_to(by, trial_visible_to(by, options["trial"]), options["patient"])
            code = request_allocation(enrolment=enrolment, stratum=options["stratum"], by=by, now=timezone.now())
        except RegistryError as error:
            raise CommandError(error.sentence) from error
        self.stdout.write(code or "Allocated. The list has no kits.")


def person(email: str) -> User:
    """Return the account of an address; raise CommandError where there is none that may act."""
    user = User.objects.filter(email=email.strip().lower(), is_system=False, is_active=True).first()
    if user is None:
        raise CommandError(f"There is no active account '{email}'. Make one with add_account.")
    return user
