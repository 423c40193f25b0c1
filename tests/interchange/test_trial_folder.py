"""What is accepted as a trial folder: a directory or a zip, and no zip that leads anywhere else."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest

from registry.exceptions import ImportRefused
from registry.interchange import table_reader, trial_folder
from registry.interchange.progress import FileProgress, Progress
from registry.interchange.trial_folder import HARMLESS, Limits, open_folder
from registry.rules.tables import definitions as tables


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
    with pytest.raises(ImportRefused, match="The zip unpacks to more than"), open_folder(path, limits=Limits(1200, 1500, "Try less")):
        pass
    with pytest.raises(ImportRefused, match=r"trial\.toml' unpacks to more than"), open_folder(path, limits=Limits(500, 4000, "Try less")):
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


def test_what_unpacks_to_more_than_any_table_does_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("pain_scores.csv", b"0" * (HARMLESS + 1))
    with pytest.raises(ImportRefused, match="200 times its size"), open_folder(tmp_path / "bomb.zip"):
        pass


def test_names_that_stand_twice_and_unusual_methods_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "twice.zip", "w") as archive:
        archive.writestr("patients.csv", "a")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("patients.csv", "b")
    with pytest.raises(ImportRefused, match="twice"), open_folder(tmp_path / "twice.zip"):
        pass
    with zipfile.ZipFile(tmp_path / "bz.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("patients.csv", "a")
    with pytest.raises(ImportRefused, match="unusual way"), open_folder(tmp_path / "bz.zip"):
        pass


@pytest.mark.parametrize("cut", [30, 120])
def test_a_damaged_zip_is_refused_wherever_the_damage_shows(tmp_path: Path, cut: int) -> None:
    path = zipped(tmp_path / "f.zip", {"trial.toml": "".join(f"line {n}\n" for n in range(200))})
    whole = bytearray(path.read_bytes())
    whole[cut : cut + 20] = b"\xff" * 20
    path.write_bytes(whole)
    with pytest.raises(ImportRefused, match="damaged"), open_folder(path) as folder, folder.text("trial.toml") as stream:
        stream.read()


@pytest.mark.parametrize("force_64", [False, True])
def test_a_list_of_very_many_files_is_refused_before_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, force_64: bool) -> None:
    if force_64:
        monkeypatch.setattr(zipfile, "ZIP_FILECOUNT_LIMIT", 100)
    path = zipped(tmp_path / "f.zip", {f"{number}.csv": "" for number in range(300)})
    monkeypatch.setattr(zipfile.ZipFile, "_RealGetContents", lambda self: pytest.fail("the list was read"))
    with pytest.raises(ImportRefused, match="The zip holds 300 files"), open_folder(path):
        pass


def test_a_file_without_a_name_is_refused(tmp_path: Path) -> None:
    path = zipped(tmp_path / "f.zip", {"trial.toml": "", "x": "y"})
    path.write_bytes(path.read_bytes().replace(b"x", b"."))
    with pytest.raises(ImportRefused, match="leads out of it"), open_folder(path):
        pass


def test_a_name_in_no_encoding_is_a_damaged_zip(tmp_path: Path) -> None:
    path = zipped(tmp_path / "f.zip", {"trial.toml": "", "\u00fc.csv": ""})
    path.write_bytes(path.read_bytes().replace("\u00fc".encode(), b"\xff\xfe"))
    with pytest.raises(ImportRefused, match="damaged"), open_folder(path):
        pass


@pytest.mark.parametrize("name", ["allocations.csv", "Allocations.CSV", "beside/allocations.csv", "calm\\ARMS.csv"])
def test_a_zip_with_allocations_is_concealed_however_they_are_named(tmp_path: Path, name: str) -> None:
    for members in ({"calm/trial.toml": "", name: ""}, {name: ""}):
        with open_folder(zipped(tmp_path / "f.zip", members)) as folder:
            assert folder.is_concealed
    with open_folder(zipped(tmp_path / "f.zip", {"trial.toml": "", "patients.csv": ""})) as folder:
        assert not folder.is_concealed


def test_slug_in_another_encoding_is_none(tmp_path: Path) -> None:
    path = tmp_path / "f.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("trial.toml", '[trial]\nslug = "b\u00fcro"\n'.encode("latin-1"))
    with open_folder(path) as folder:
        assert folder.slug() == ""


def test_slug_is_that_of_the_trial_or_nothing(tmp_path: Path) -> None:
    for number, (text, slug) in enumerate(
        {'[trial]\nslug = "calm"': "calm", "[trial": "", "trial = 3": "", "a = " + "[" * 5000: ""}.items()
    ):
        with open_folder(zipped(tmp_path / f"{number}.zip", {"trial.toml": text})) as folder:
            assert folder.slug() == slug


def test_progress_counts_rows_and_bytes_of_each_file(tmp_path: Path) -> None:
    rows = "".join(f"P-{n:06d},2026-01-01\n" for n in range(150_000))
    told: list[tuple[int, int]] = []
    progress = Progress(lambda files: told.append((files["patients.csv"].rows, files["patients.csv"].read)))
    with zipfile.ZipFile(tmp_path / "f.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("trial.toml", "[trial]")
        archive.writestr("patients.csv", rows)
    with open_folder(tmp_path / "f.zip", progress=progress) as folder, folder.text("patients.csv") as stream:
        assert sum(1 for _ in stream) == 150_000
    assert list(progress.files) == ["trial.toml", "patients.csv"]
    assert progress.files["patients.csv"] == FileProgress(len(rows), len(rows), 150_000, done=True)
    assert told == sorted(told)
    assert len(told) >= 4


def test_a_file_without_line_ends_does_not_become_one_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_reader, "LONGEST_LINE", 50)
    found = table_reader.read_table(tables.PATIENTS, io.StringIO("patient,site\n" + "P-1,N " * 1000))
    assert found.problems
