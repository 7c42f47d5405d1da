"""What two programs keep at once for the user: neither loses what the other kept."""

import json
from contextlib import closing
from threading import Thread

import pytest

from core import data
from core.arena.voting import VotedElsewhere, VotingSession
from core.data.mapping import Columns
from core.errors import BadInput
from core.labeling import pack as packs
from core.machine import base_models, compute_settings
from core.resources import data_folder
from core.store import arena_votes, arenas, labelers, prompts
from core.store.arenas import NewAnswer
from core.store.files import lock_file
from core.store.undo import History
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


@pytest.fixture
def arena(filled):
    """Two policies that answered two prompts."""
    found = arenas.create(filled, "All")
    arenas.add_prompts(filled, found.id, prompts.listed(filled)[:2])
    for name in ("one", "two"):
        policy = arenas.add_policy(filled, found.id, name, "base")
        answers = [NewAnswer(prompt.id, f"{name} {prompt.id}") for prompt in arenas.prompts(filled, found.id)]
        arenas.add_answers(filled, policy.id, answers)
    return found


def vote_elsewhere(project, arena, question, outcome):
    with closing(project.again()) as other:
        session = VotingSession(other, arena, labelers.named(other, "ann"))
        session.show(question)
        session.vote(outcome)


def test_a_vote_of_the_same_person_in_another_window_is_not_replaced(filled, arena):
    here = VotingSession(filled, arena, labelers.named(filled, "ann"))
    vote_elsewhere(filled, arena, here.question, "first")
    before = arena_votes.counting(filled, arena.id)
    with pytest.raises(VotedElsewhere, match="that vote stays"):
        here.vote("second")
    assert arena_votes.counting(filled, arena.id) == before
    here.refresh()
    here.vote("second")
    assert [vote.won for vote in arena_votes.counting(filled, arena.id)] == [1, 0]


@pytest.mark.parametrize("direction", ["undo", "redo"])
def test_no_vote_comes_back_beside_a_later_one_on_the_same_answers(filled, arena, direction):
    history, here = History(filled), VotingSession(filled, arena, labelers.named(filled, "ann"))
    question = here.question
    history.mark(here.vote("first"))
    if direction == "undo":
        history.mark(here.undo())
    else:
        history.undo()
    vote_elsewhere(filled, arena, question, "second")
    before = arena_votes.counting(filled, arena.id)
    with pytest.raises(BadInput, match="the same was made again meanwhile"):
        history.undo() if direction == "undo" else history.redo()
    assert [vote.won for vote in before] == [0]
    assert arena_votes.counting(filled, arena.id) == before


def test_a_vote_that_stands_again_at_home_is_not_taken_back_by_a_pack_of_before(filled, arena, tmp_path):
    history, here = History(filled), VotingSession(filled, arena, labelers.named(filled, "ann"))
    here.vote("first")
    history.mark(here.undo())
    packs.pack(filled, tmp_path / "ann.plumbpack", "ann", arena.name)
    history.undo()
    before = arena_votes.counting(filled, arena.id)
    report = packs.merge(filled, tmp_path / "ann.plumbpack")
    assert (len(before), report.retracted) == (1, 0)
    assert arena_votes.counting(filled, arena.id) == before
