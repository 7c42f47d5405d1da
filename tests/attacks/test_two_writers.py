"""What two programs keep at once for the user: neither loses what the other kept."""

import json
from threading import Thread

import pytest

from core import data
from core.data.mapping import Columns
from core.machine import base_models, compute_settings
from core.resources import data_folder
from core.store.files import lock_file
from core.trust import registry

#: The file, what the other writes into it meanwhile, what we keep, and what must stand there then.
KEPT = {
    "mappings": (
        "mappings.json", {"theirs": "prompt=a"},
        lambda: data.keep_mapping("ours", Columns.parse("prompt=b")),
        lambda: sorted(data.kept_mappings()) == ["ours", "theirs"],
    ),
    "settings": (
        "settings.json", {"dtype": "float32"},
        lambda: compute_settings.choose("threads", 3),
        lambda: (compute_settings.chosen().dtype, compute_settings.chosen().threads) == ("float32", 3),
    ),
    "modules": (
        "trust/modules.json", ["csv"],
        lambda: registry.choose_modules(frozenset({"json"})),
        lambda: registry.modules() == {"csv", "json"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", KEPT)
def test_what_another_keeps_meanwhile_is_not_lost(what):
    name, theirs, keep, stands = KEPT[what]
    path = data_folder() / name
    lock = lock_file.hold(path.with_name("lock") if what == "modules" else data_folder() / base_models.LOCK)
    ours = Thread(target=keep)
    ours.start()
    ours.join(0.2)  # whoever does not wait for the other is through by then
    path.write_text(json.dumps(theirs), encoding="utf-8")
    lock.close()
    ours.join()
    assert stands()
