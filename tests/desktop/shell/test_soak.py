"""Thousands of looks at the tabs: memory, open files and threads stay flat."""

import pytest
from PySide6.QtWidgets import QApplication

from desktop.places import TABS
from tests.attacks.soak import Watch


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_thousand_tab_switches_stay_flat(open_window, filled):
    window, watch = open_window(), Watch()
    window.workspace.open(filled.folder)
    for number in range(2000):
        window.open_tab(TABS[number % len(TABS)].id)
        QApplication.processEvents()
        if number % 100 == 99:
            watch.look()
    assert not watch.grown()
