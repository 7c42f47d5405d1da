"""What a run learns from, read group by group, against all of it read at once."""

import json
from dataclasses import asdict, replace
from functools import partial

import pytest

from core.config.jobs import JobKind
from core.config.training import TrainRewardConfig
from core.conversation import Conversation, Message
from core.errors import BadInput
from core.events import NewCompletion
from core.jobs.context import JobContext
from core.labeling import gold
from core.preferences.judged_groups import judged_groups
from core.records import NewRanking, Prompt
from core.reward import examples, pinned_groups
from core.reward.encoding import Outlines
from core.store import Project, completions, create_project, labelers, prompts, rankings
from core.store.files import plain
from tests.jobs import add_job

#: Letters of the answers, of which each is a token, and the limit.
LENGTHS, LONGEST = (3, 9, 21, 30), 24


@pytest.fixture
def ranked(tmp_path, tiny_model) -> Project:
    """Some prompts, one of several turns, ranked by one, by criteria too, or by two."""
    project = create_project(tmp_path / "project", model=str(tiny_model))
    talk = Conversation((Message("user", "Hi"), Message("assistant", "Yes?"), Message("user", "And?")))
    prompts.add(project, [*(Prompt(0, f"ask {i}") for i in range(5)), Prompt(0, talk.text, turns=talk)])
    people = [labelers.named(project, name).id for name in ("Ada", "Bo")]
    for prompt in prompts.listed(project):
        rows = tuple(NewCompletion("abcdefghi"[prompt.id] * length, 4, True, 0) for length in LENGTHS)
        group = completions.add_group(project, prompt.id, rows)
        a, b, c, d = completions.ids(project, group)
        orders = ({a: 1, b: 2, c: 2, d: None}, {a: 2, b: 1, c: 1, d: 3})
        for who, order in list(zip(people, orders, strict=True))[: 1 + prompt.id % 2]:
            criteria = {"clear": {a: 2, b: 1, c: 3, d: 4}} if prompt.id == 3 else {}
            flags = {c: "broken"} if prompt.id == 4 else {}
            rankings.add(project, NewRanking(group, who, order, criteria=criteria, flags=flags))
    return project


@pytest.fixture
def kept(ranked, tmp_path):
    """The groups, and those that a file gives back: every third one is tested on."""
    groups = judged_groups(ranked)
    assert len(groups) == 6 and {len(group.judgements) for group in groups} > {1, 2}
    pinned_groups.write(tmp_path / "new.json", ((group.group_id % 3 == 0, group) for group in groups))
    return groups, tmp_path / "new.json"


def test_groups_come_back_as_they_were_also_those_of_earlier_versions(kept, tmp_path):
    groups, path = kept
    parts = [[group for group in groups if (group.group_id % 3 == 0) is tested] for tested in (False, True)]
    (tmp_path / "old.json").write_text(json.dumps([[asdict(group) for group in part] for part in parts]))
    assert json.loads(path.read_text()) == json.loads((tmp_path / "old.json").read_text())
    for each in (path, tmp_path / "old.json"):
        learnt, tested = pinned_groups.read(each)
        assert repr([list(learnt), list(tested)]) == repr(parts)  # nan is in it
        assert repr([(learnt + tested)[place] for place in range(6)]) == repr([*parts[0], *parts[1]])


@pytest.mark.parametrize("cut", [-2, -30, 6])
def test_a_file_that_was_damaged_is_refused(kept, cut):
    _, path = kept
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BadInput, match="damaged"):
        [list(part) for part in pinned_groups.read(path)]


def test_a_run_that_begins_looks_at_its_groups_as_it_writes_them_and_one_that_is_resumed_as_it_reads_them(
    ranked, monkeypatch
):
    config = TrainRewardConfig(heldout_fraction=0.4)
    begun = JobContext(ranked, add_job(ranked, config).id, config)
    resumed = replace(begun, resume_from=begun.folder)
    looks, parts = [], []
    with monkeypatch.context() as patch:
        patch.setattr(plain, "opened", lambda path: pytest.fail(f"{path} is read"))
        parts.append(examples.pinned(begun, partial(examples.split, config=config), lambda *seen: looks.append(seen)))
    by_part = sorted(looks, key=lambda seen: seen[1])
    assert len({group.group_id for group, _ in looks}) == len(looks) == 6
    looks.clear()
    parts.append(examples.pinned(resumed, partial(examples.split, config=config), lambda *seen: looks.append(seen)))
    assert repr(looks) == repr(by_part)  # nan is in it
    for learnt, tested in parts:
        assert repr([(group, False) for group in learnt] + [(group, True) for group in tested]) == repr(by_part)
        assert len(tested) == 2


@pytest.mark.parametrize("base", ["llama"], indirect=True)
def test_an_example_holds_the_tokens_of_the_completions_that_fit(kept, base):
    groups, path = kept
    learnt, tested = pinned_groups.read(path)
    outlines = Outlines(base, LONGEST)
    for number, part in enumerate((learnt, tested)):
        for group in part:
            outlines.look(group, bool(number))
    parts = outlines.examples(learnt, tested)
    assert [part.columns for part in parts] == 2 * [("overall", "clear")]
    assert any("6 completions are longer than 24 tokens" in note for note in outlines.left_out())
    found = [example for part in parts for example in part]
    by_id = {group.prompt_id: group for group in groups}
    assert len(found) == 6
    for example, outline in zip(found, [outline for part in parts for outline in part.outlines], strict=True):
        group = by_id[example.prompt_id]
        texts = [base.chat.answer(text) for text in group.completions]
        fits = [place for place, ids in enumerate(texts) if len(ids) < LONGEST]
        assert fits == [0, 1, 2]
        assert list(example.answers) == [texts[place] for place in fits]
        longest = max(map(len, example.answers))
        assert example.prompt == base.chat.prompt(group.conversation, LONGEST, longest).ids
        overall = [order.ranks.tolist() for order in example.orders if order.column == 0]
        assert outline.pairs == sum(a < b for ranks in overall for a in ranks for b in ranks) > 0
        assert outline.ranking_ids == tuple(order.ranking_id for order in example.orders)


def test_short_completions_are_not_read_before_the_first_step_whatever_their_letters(kept, base, monkeypatch):
    groups, _ = kept
    short = [replace(group, completions=("kurz", "für Ärzte", "Zoë", "naïve")) for group in groups]
    outlines = Outlines(base, LONGEST)
    with monkeypatch.context() as patch:
        patch.setattr(base.chat, "answer", lambda text: pytest.fail(f"{text} is read"))
        for group in short:
            outlines.look(group)
    (found,) = outlines.examples(short)
    for text, tokens in zip(short[0].completions, found[0].answers, strict=True):
        assert len(tokens) <= base.chat.most_tokens(text) < LONGEST


def test_more_rankings_than_a_file_of_json_may_hold_are_learnt(ranked, run_job, monkeypatch):
    gold.rank_all(ranked, "regex:[a-m]")
    with monkeypatch.context() as patch:
        patch.setattr(plain, "MOST_VALUES", 200)
        config = TrainRewardConfig(epochs=1, batch_prompts=2, length_correction=False)
        job = run_job(ranked, JobKind.TRAIN_REWARD, config)
        assert (ranked.run_folder(job.id) / pinned_groups.PINNED).read_bytes().count(b",") > 200
    assert job.status == "done", job.report or job.error
