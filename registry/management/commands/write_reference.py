"""Write docs/reference anew from the code."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from registry.environment import ROOT
from registry.interchange.reference import trial_folder_page


class Command(BaseCommand):
    help = "Write the generated pages of docs/reference."

    def handle(self, *args: Any, **options: Any) -> None:
        page = ROOT / "docs" / "reference" / "trial-folder.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(trial_folder_page())
        self.stdout.write(f"wrote {page.relative_to(ROOT)}")
