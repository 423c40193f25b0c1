"""What a web process loads, and what it must not; asked of a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import pytest

from tests import cluster

HEAVY = (
    "numpy",
    "pandas",
    "scipy",
    "statsmodels",
    "matplotlib",
    "plotly",
    "registry.stats",
    "registry.outcomes",
    "registry.reports",
    "typst",
    "registry.tasks",
)

LOAD_EVERYTHING = """
import json, sys
import registry.wsgi
from django.urls import get_resolver

def visit(patterns):
    for pattern in patterns:
        visit(pattern.url_patterns) if hasattr(pattern, "url_patterns") else pattern.callback

visit(get_resolver().url_patterns)
from django.template import engines
for template in json.loads(sys.argv[1]):
    engines["django"].get_template(template)
print(json.dumps(sorted(sys.modules)))
"""


@pytest.fixture(scope="module")
def loaded() -> set[str]:
    """Return the modules of a web process that has resolved every route and compiled every template."""
    folder = cluster.ROOT / "templates"
    templates = [str(path.relative_to(folder)) for path in folder.rglob("*.html")]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "registry.settings", "RTMS_DB_ROLE": "web"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD_EVERYTHING, json.dumps(templates)],
        cwd=cluster.ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("module", HEAVY)
def test_web_process_does_not_load(loaded, module):
    assert [name for name in loaded if name == module or name.startswith(f"{module}.")] == []


def test_web_process_has_loaded_its_own_rooms(loaded):
    assert {"web.urls", "web.patients", "registry.services.scores", "registry.selectors.patients"} <= loaded


def test_tasks_are_sent_through_our_broker_from_every_thread(loaded):
    """Celery keeps the current app per thread: without a default one a web thread would look for a broker of its own."""
    assert "registry.celery" in loaded
    script = (
        "import threading, registry.wsgi; from celery import current_app; seen = []\n"
        "thread = threading.Thread(target=lambda: seen.append(current_app.main)); thread.start(); thread.join(); print(seen[0])"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "registry.settings", "RTMS_DB_ROLE": "web"}
    done = subprocess.run([sys.executable, "-c", script], cwd=cluster.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["registry"], done.stderr
    assert threading.current_thread() is threading.main_thread()
