"""A sandbox for hostile files: only what lies `inside` it may change."""

from pathlib import Path

import pytest

from tests.attacks.fuzz_targets import Sandbox


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    found = Sandbox(tmp_path / "sandbox").make()
    monkeypatch.setenv("PLUMBLINE_DATA", str(found.root / "data"))
    monkeypatch.setenv("HOME", str(found.root / "home"))
    return found
