"""The commands that prepare a list and allocate one patient."""

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command

from registry.models import Allocation
from tests.contracts.scene import ARMS

pytestmark = pytest.mark.usefixtures("committed_db")


@pytest.fixture
def arms_file(tmp_path):
    path = tmp_path / "arms.csv"
    path.write_text("code,label,treatment,part\n" + "".join(f'{arm.code},"{arm.label}",{arm.treatment},{arm.part}\n' for arm in ARMS))
    return path


def run(name, *words, capsys):
    call_command(name, *words)
    return capsys.readouterr().out


def test_list_is_drawn_and_a_patient_allocated(trial, enrolment, uma, alice, arms_file, capsys):
    words = ("calm-m1", "--by", uma.email, "--arms", str(arms_file), "--strata", "site=N", "--ratio", *(f"{arm.code}=1" for arm in ARMS))
    out = run("make_allocation_list", *words, "--block-sizes", "4", "--length", "8", capsys=capsys)
    assert out.startswith("8 places stored. SHA-256")
    assert not any(word in out for arm in ARMS for word in (arm.code, arm.part))
    code = run("allocate", "calm-m1", "P-0001", "--stratum", "site=N", "--by", alice.email, capsys=capsys).strip()
    assert code == Allocation.objects.get().kit_code
    assert run("allocate", "calm-m1", "P-0001", "--stratum", "site=N", "--by", alice.email, capsys=capsys).strip() == code


def test_list_is_taken_from_a_file(trial, uma, arms_file, tmp_path, capsys):
    path = tmp_path / "list.csv"
    path.write_text("stratum,arm\nsite=N,m1-sham\nsite=N,m1-active\n")
    out = run("make_allocation_list", "calm-m1", "--by", uma.email, "--arms", str(arms_file), "--file", str(path), capsys=capsys)
    assert out.startswith("2 places stored.")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("allocate", "calm-m1", "P-9999", "--by", "alice@example.org"), "There is no such patient"),
        (("allocate", "other", "P-0001", "--by", "alice@example.org"), "There is no such trial"),
        (("allocate", "calm-m1", "P-0001", "--by", "nobody@example.org"), "no active account"),
        (("allocate", "calm-m1", "P-0001", "--stratum", "site=N", "--by", "alice@example.org"), "No kit can be given"),
        (("make_allocation_list", "calm-m1", "--by", "alice@example.org", "--ratio", "a=1"), "needs the right"),
        (("make_allocation_list", "calm-m1", "--by", "uma@example.org", "--ratio", "a"), "is no share"),
        (("make_allocation_list", "calm-m1", "--by", "uma@example.org", "--file", "/nowhere.csv"), "cannot be read"),
    ],
)
def test_refusals_are_one_sentence(trial, enrolment, alice, uma, words, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command(*words)
