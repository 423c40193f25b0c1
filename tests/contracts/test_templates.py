"""Rules every template and every file of ours in static/ keeps: strict policy, translated words, protected forms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MAILS = sorted((ROOT / "templates").rglob("*.txt"))
SCRIPTS = sorted((ROOT / "static").rglob("*.js"))
STYLES = sorted((ROOT / "static").rglob("*.css"))

TRANSLATED = re.compile(r"{%\s*blocktrans(?:late)?\b.*?{%\s*endblocktrans(?:late)?\s*%}", re.DOTALL)
# A block that holds class names, not words.
CLASSES = re.compile(r"{%\s*block page_class\s*%}.*?{%\s*endblock\s*%}", re.DOTALL)
COMMENT = re.compile(r"{#.*?#}|{%\s*comment\b.*?{%\s*endcomment\s*%}", re.DOTALL)
TAG_OR_VARIABLE = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
READ_ALOUD = ("alt", "aria-label", "placeholder", "title", "data-failed")
EVALUATING = ("hx-on", "hx-vars", "js:", "javascript:", "hx-ext=")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


class Reader(HTMLParser):
    """Collects text, attributes and forms of a template whose tags and variables were blanked."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]


def blanked(path: Path) -> str:
    """Return the template without what Django replaces."""
    text = CLASSES.sub("", COMMENT.sub("", path.read_text()))
    return TAG_OR_VARIABLE.sub("", TRANSLATED.sub("", text))


def read(path: Path) -> Reader:
    reader = Reader()
    reader.feed(blanked(path))
    reader.close()
    return reader


def attributes_of_all() -> Iterator[tuple[Path, str, str, str]]:
    for path in TEMPLATES:
        for tag, name, value in read(path).attributes:
            yield path, tag, name, value


def test_there_are_templates_to_look_at():
    assert len(TEMPLATES) > 20
    assert MAILS
    assert SCRIPTS
    assert STYLES


def test_no_template_carries_script_or_style_of_its_own():
    scripts = re.compile(r"<script\b(?![^>]*\bsrc=)", re.IGNORECASE)
    found = [name_of(path) for path in TEMPLATES if scripts.search(path.read_text()) or "<style" in path.read_text().lower()]
    assert found == []


def test_no_attribute_carries_script_or_style():
    found = [(name_of(path), name) for path, _, name, _ in attributes_of_all() if name == "style" or name.startswith("on")]
    assert found == []


@pytest.mark.parametrize("word", EVALUATING)
def test_no_template_makes_htmx_or_the_browser_evaluate_text(word):
    assert [name_of(path) for path in TEMPLATES if word in COMMENT.sub("", path.read_text())] == []


def test_no_htmx_trigger_has_a_filter():
    assert [name_of(path) for path, _, name, value in attributes_of_all() if name == "hx-trigger" and "[" in value] == []


def test_nothing_is_loaded_from_elsewhere():
    elsewhere = re.compile(r"""(?:href|src|action|hx-get|hx-post)=["']\s*(?:https?:)?//""", re.IGNORECASE)
    assert [name_of(path) for path in TEMPLATES if elsewhere.search(path.read_text())] == []
    assert [name_of(path) for path in SCRIPTS if re.search(r"https?://|[\"'`]//\w", path.read_text())] == []
    assert [name_of(path) for path in STYLES if re.search(r"@import|url\(|@font-face", path.read_text())] == []


def test_every_word_of_a_template_is_marked_for_translation():
    found = [(name_of(path), text.strip()) for path in TEMPLATES for text in read(path).texts if re.search(r"[A-Za-z]", text)]
    assert found == []


def test_every_word_of_an_attribute_people_read_is_marked_for_translation():
    found = [(name_of(path), value) for path, _, name, value in attributes_of_all() if name in READ_ALOUD and re.search(r"[A-Za-z]", value)]
    assert found == []


def test_every_word_of_a_mail_is_marked_for_translation():
    found = [(name_of(path), line) for path in MAILS for line in blanked(path).splitlines() if re.search(r"[A-Za-z]", line)]
    assert found == []


def test_every_posting_form_is_protected():
    forms = re.compile(r"<form\b[^>]*method=\"post\".*?</form>", re.DOTALL | re.IGNORECASE)
    found = [name_of(path) for path in TEMPLATES for form in forms.findall(path.read_text()) if "{% csrf_token %}" not in form]
    assert found == []


def test_every_form_says_its_method():
    assert [name_of(path) for path in TEMPLATES for form in re.findall(r"<form\b[^>]*>", path.read_text()) if "method=" not in form] == []


def test_every_table_head_says_what_it_heads():
    found = [name_of(path) for path in TEMPLATES for head in re.findall(r"<th\b[^>]*>", path.read_text()) if "scope=" not in head]
    assert found == []


def test_scripts_of_ours_evaluate_nothing_and_write_no_markup():
    forbidden = re.compile(r"\beval\(|new Function|innerHTML|outerHTML|insertAdjacentHTML|document\.write|setAttribute\(\"style")
    assert [name_of(path) for path in SCRIPTS if forbidden.search(path.read_text())] == []


def test_charts_can_send_nothing_away():
    text = (ROOT / "static/js/charts.js").read_text()
    for setting in ("displayModeBar: false", "showSendToCloud: false", 'plotlyServerURL: ""'):
        assert setting in text


def test_static_holds_only_files_of_ours():
    allowed = {".css", ".js", ".svg"}
    assert {path.suffix for path in (ROOT / "static").rglob("*") if path.is_file()} <= allowed
    assert [name_of(path) for path in (ROOT / "static").rglob("*.min.*")] == []


def test_the_frame_of_error_pages_needs_no_context_processor():
    frames = [ROOT / "templates/errors/frame.html", *(ROOT / "templates").glob("[45]*.html")]
    assert [name_of(path) for path in frames if re.search(r"\bpage\.|\buser\b|{% url |request\.", path.read_text())] == []


def test_what_is_posted_waits_for_what_was_posted_before():
    """A request that htmx gives up was sent all the same: the server may take it after its successor, and keep what was entered first."""
    posting = [path for path, _, name, _ in attributes_of_all() if name == "hx-post"]
    waiting = [path for path, _, name, value in attributes_of_all() if (name, value) == ("hx-sync", "this:queue last")]
    assert posting == waiting != []
