"""Django's migrate, followed by the table of database rights, so that no migration can forget a grant."""

from typing import Any

from django.core.management.commands.migrate import Command as DjangoMigrate
from django.db import connections

from registry import database_rights


class Command(DjangoMigrate):
    def handle(self, *args: Any, **options: Any) -> None:
        super().handle(*args, **options)
        if options["app_label"] is None and not options["plan"] and not options["check_unapplied"]:
            database_rights.apply(connections[options["database"]])
