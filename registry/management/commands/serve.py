"""Become one service of a deployment on several servers or in containers: `manage.py serve web|worker|beat`."""

import os
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from registry import environment
from registry.embedded import recipes
from registry.embedded.place import Place


class Command(BaseCommand):
    requires_system_checks = []  # 'migrate' runs them
    help = "Run one service (web, worker or beat) against the servers that the settings name; 'up' runs them all on one machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("service", choices=("web", "worker", "beat"))
        parser.add_argument("--bind", default="127.0.0.1:8000", metavar="HOST:PORT", help="where 'web' listens (default: 127.0.0.1:8000)")

    def handle(self, *args: Any, service: str, bind: str, **options: Any) -> None:
        """Turn into the program, so that signals reach it and not a parent."""
        place = Place(Path(settings.DATA))
        modules = {"web": recipes.web_module(bind), "worker": recipes.worker_module(), "beat": recipes.beat_module(place)}
        variables = environment.for_child(PYTHONUNBUFFERED="1")
        os.execve(sys.executable, [sys.executable, "-m", *modules[service]], variables)  # noqa: S606
