"""What is accepted as a trial folder: a directory or a zip, and no zip that leads anywhere else."""

from __future__ import annotations

import stat
import zipfile
from pathlib import Path

import pytest

from registry.exceptions import ImportRefused
from registry.interchange import trial_folder
from registry.interchange.trial_folder import open_folder


def zipped(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


@pytest.mark.parametrize("inside", ["", "calm/", "a/b/"])
def test_a_zip_is_read_wherever_its_folder_lies(tmp_path: Path, inside: str) -> None:
    path = zipped(tmp_path / "calm.zip", {f"{inside}trial.toml": "[trial]", f"{inside}patients.csv": "patient\nP-ü\n", "other/x.csv": ""})
    with open_folder(path) as folder:
        assert (folder.name, folder.names, folder.problems()) == ("calm", ["patients.csv", "trial.toml"], [])
        with folder.text("patients.csv") as text:
            assert text.read() == "patient\nP-ü\n"


@pytest.mark.parametrize("name", ["../trial.toml", "/trial.toml", "a/../../trial.toml", "..\\trial.toml", "C:\\trial.toml"])
def test_a_path_that_leads_out_of_the_zip_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ImportRefused, match="leads out of it"), open_folder(zipped(tmp_path / "f.zip", {name: ""})):
        pass


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("trial.toml")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ImportRefused, match="a link"), open_folder(tmp_path / "f.zip"):
        pass


def test_sizes_beyond_reason_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = zipped(tmp_path / "f.zip", {"trial.toml": "x" * 1000, "patients.csv": "x" * 1000})
    monkeypatch.setattr(trial_folder, "LARGEST_ZIP", 1500)
    with pytest.raises(ImportRefused, match="more than 8 GB"), open_folder(path):
        pass
    monkeypatch.setattr(trial_folder, "LARGEST_FILE", 500)
    with pytest.raises(ImportRefused, match="more than 4 GB"), open_folder(path):
        pass
    monkeypatch.setattr(trial_folder, "MOST_MEMBERS", 1)
    with pytest.raises(ImportRefused, match="2 files"), open_folder(path):
        pass


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    with pytest.raises(ImportRefused, match="neither a directory nor a zip"), open_folder(tmp_path / "notes.txt"):
        pass
    with pytest.raises(ImportRefused, match="does not exist"), open_folder(tmp_path / "nowhere"):
        pass
