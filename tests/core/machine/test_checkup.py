"""What `check` says of this machine."""

import json

import pytest


@pytest.mark.thorough
def test_what_was_chosen_and_is_not_to_be_had_is_named_and_nothing_is_to_be_installed(plumbline, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float31")
    code, said, _ = plumbline("check", "--json")
    found = json.loads(said)["models"]
    assert (code, found["ok"]) == (1, False)
    assert found["said"].startswith("A number format is auto, ") and "PLUMBLINE_DTYPE: change it" in found["said"]
