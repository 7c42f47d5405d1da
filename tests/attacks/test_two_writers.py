"""What two programs keep at once for the user: neither loses what the other kept."""

import json
from contextlib import closing
from threading import Thread

import pytest

from core import data
from core.arena.voting import VotedElsewhere, VotingSession
from core.data.mapping import Columns
from core.machine import base_models, compute_settings
from core.resources import data_folder
from core.store import arena_votes, arenas, labelers, prompts
from core.store.arenas import NewAnswer
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


def test_a_vote_of_the_same_person_in_another_window_is_not_replaced(filled):
    arena = arenas.create(filled, "All")
    arenas.add_prompts(filled, arena.id, prompts.listed(filled)[:2])
    for name in ("one", "two"):
        policy = arenas.add_policy(filled, arena.id, name, "base")
        answers = [NewAnswer(prompt.id, f"{name} {prompt.id}") for prompt in arenas.prompts(filled, arena.id)]
        arenas.add_answers(filled, policy.id, answers)
    who = labelers.named(filled, "ann")
    here = VotingSession(filled, arena, who)
    with closing(filled.again()) as other:
        there = VotingSession(other, arena, who)
        there.show(here.question)
        there.vote("first")
        before = arena_votes.counting(filled, arena.id)
        with pytest.raises(VotedElsewhere, match="that vote stays"):
            here.vote("second")
        assert arena_votes.counting(filled, arena.id) == before
        here.refresh()
        here.vote("second")
        assert [vote.won for vote in arena_votes.counting(filled, arena.id)] == [1, 0]
