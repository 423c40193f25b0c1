"""run.py: when it installs, and what it says when it cannot."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from registry import launcher
from registry.environment import ROOT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the launcher work in an empty project with two requirement files."""
    names = {"VENV": ".venv", "PYTHON": ".venv/bin/python", "UNFINISHED": ".venv/installation-unfinished"}
    for name, path in {**names, "RUN": "requirements.txt", "TEST": "requirements-test.txt"}.items():
        monkeypatch.setattr(launcher, name, tmp_path / path)
    (tmp_path / "requirements.txt").write_text("a==1\n")
    (tmp_path / "requirements-test.txt").write_text("b==1\n")
    return tmp_path


@pytest.fixture
def installs(project: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return what is installed, by name, and install nothing."""
    done: list[list[str]] = []
    monkeypatch.setattr(launcher, "install_fast", lambda files: not done.append([file.name for file in files]))
    return done


def test_first_start_installs_and_the_second_does_not(installs: list[list[str]]) -> None:
    launcher.ensure_installed([launcher.RUN])
    launcher.ensure_installed([launcher.RUN])
    assert installs == [["requirements.txt"]]


def test_tests_add_their_packages_and_running_stays_installed(installs: list[list[str]]) -> None:
    launcher.ensure_installed([launcher.RUN, launcher.TEST])
    launcher.ensure_installed([launcher.RUN])
    assert installs == [["requirements.txt", "requirements-test.txt"]]


def test_changed_pins_are_installed(installs: list[list[str]]) -> None:
    launcher.ensure_installed([launcher.RUN])
    launcher.RUN.write_text("a==2\n")
    launcher.ensure_installed([launcher.RUN])
    assert len(installs) == 2


def test_installation_that_broke_off_starts_from_nothing(installs: list[list[str]]) -> None:
    launcher.ensure_installed([launcher.RUN])
    launcher.UNFINISHED.touch()
    (launcher.VENV / "half").touch()
    launcher.ensure_installed([launcher.RUN])
    assert len(installs) == 2
    assert not (launcher.VENV / "half").exists()


def test_without_uv_pip_installs(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[Path]] = []
    monkeypatch.setattr(launcher, "install_fast", lambda _: False)
    monkeypatch.setattr(launcher, "install_plainly", asked.append)
    launcher.ensure_installed([launcher.RUN])
    assert asked == [[launcher.RUN]]


def test_without_ensurepip_the_pip_of_this_python_is_used(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher.make_venv()
    monkeypatch.setattr(launcher.importlib.util, "find_spec", lambda _: None)
    assert launcher.pip() == [sys.executable, "-m", "pip", "--python", str(launcher.PYTHON)]


def test_without_any_pip_one_sentence_says_what_to_install(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher.make_venv()
    monkeypatch.setattr(launcher.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(launcher.sys, "executable", str(launcher.PYTHON))
    with pytest.raises(launcher.CannotInstall, match="neither ensurepip nor pip: install one"):
        launcher.pip()


def test_project_that_cannot_be_written_is_one_sentence(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_files: list[Path]) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(launcher, "ensure_installed", refuse)
    with pytest.raises(SystemExit, match=r"cannot be written by this account: copy .* to a directory of your own and start there"):
        launcher.main(["up"])


def test_without_arguments_the_two_commands_are_shown() -> None:
    done = subprocess.run([sys.executable, str(ROOT / "run.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "run.py up" in done.stderr
    assert "run.py test" in done.stderr


def test_old_pythons_can_read_run_py() -> None:
    ast.parse((ROOT / "run.py").read_text(), feature_version=(3, 4))
