"""Every settings page in every width and theme, refused forms among them: no axe violation, no sideways scroll, no small target."""

from __future__ import annotations

import pytest

from tests.browser.test_every_page import faults_in_every_view, faults_of
from tests.contracts.scene import prepare_list
from tests.trials import make_enrolment

S = "/t/calm-m1/settings/"
PAGES = [
    "/t/new/",
    S,
    f"{S}trial/",
    f"{S}sites/",
    f"{S}sites/N/",
    f"{S}treatments/",
    f"{S}scales/",
    f"{S}scales/NRS/1/",
    f"{S}visits/",
    f"{S}stimulators/",
    f"{S}coils/",
    f"{S}conversions/",
    f"{S}calibrations/coils/C-1/",
    f"{S}protocol/",
    f"{S}protocol/new/?preset=kim_2020",
    f"{S}plan/",
    f"{S}plan/new/",
    f"{S}members/",
]
# Pages with a form, and the button that sends it empty or as it is offered.
FORMS = [
    ("/t/new/", "Make the trial"),
    (f"{S}trial/", "Save correction"),
    (f"{S}sites/", "Add a site"),
    (f"{S}coils/", "Add a coil"),
    (f"{S}calibrations/coils/C-1/", "Record calibration"),
    (f"{S}protocol/new/", "Save this version"),
    (f"{S}plan/new/", "Save this version"),
    (f"{S}members/", "Add to the trial"),
]
STATISTICIANS = [f"{S}allocation/"]
COORDINATORS = ["/t/calm-m1/patients/new/", "/t/calm-m1/patients/P-0001/randomise/"]


@pytest.fixture
def furnished(trial, setup_actor):
    """A trial with two coils, one of them with a factor."""
    from registry.models import Coil, Trial
    from registry.services.auditing import audited

    with audited(by=setup_actor, reason="test"):
        Trial.objects.update(synthetic=True)
        Coil.objects.create(trial=trial, code="C-1", maker="MagVenture", model="Cool-B65 A/P", shape="figure_8")
    return trial


@pytest.mark.parametrize("part", range(3))
def test_no_settings_page_has_a_fault(tab, furnished, admin, alice, part):
    assert faults_of(tab(admin), PAGES[part::3]) == {}


def test_no_refused_settings_form_has_a_fault(tab, furnished, admin, alice):
    opened, found = tab(admin), {}
    for address, button in FORMS:
        page = opened.goto(address)
        opened.collect()
        page.get_by_role("button", name=button, exact=True).click()
        page.get_by_role("alert").wait_for()
        found[address] = faults_in_every_view(page)
    assert {address: faults for address, faults in found.items() if faults} == {}


def test_no_page_of_the_allocation_has_a_fault(tab, furnished, uma, alice, setup_actor):
    make_enrolment(furnished, "P-0001", site="N", by=setup_actor)
    statistician, coordinator = tab(uma), tab(alice)
    assert faults_of(statistician, STATISTICIANS) == {}
    prepare_list(furnished, uma)
    assert faults_of(statistician, STATISTICIANS) == {}
    assert faults_of(coordinator, COORDINATORS) == {}
