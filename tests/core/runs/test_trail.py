"""From a point of a run back to the rankings behind it, and from a ranking to all that it has influenced."""

import json
from itertools import pairwise

import pytest

from core.records import NewRanking
from core.runs import environments, learnt_rankings
from core.runs.learnt_rankings import LearntRankings, Numbers
from core.store import labelers, rankings
from tests.core.conftest import copied
from tests.core.runs.conftest import COMPARED, DPO, PPO, REWARD


def ranked(looped, split):
    """Of the prompts in a split, the rankings that give a pair, by the tables alone."""
    return set(
        looped.database.column(
            "select r.id from rankings r join completion_groups g on g.id = r.group_id"
            " join prompts q on q.id = g.prompt_id where q.split = ? and (select count(distinct coalesce(i.rank, 99))"
            " from ranking_items i where i.ranking_id = r.id) > 1", split,
        )
    )  # fmt: skip


def numbers(ranges):
    return {number for first, last in ranges for number in range(first, last + 1)}


def explained(plumbline, *arguments):
    code, out, err = plumbline("explain", *arguments, "--json")
    assert code == 0, err
    return json.loads(out)


def test_a_point_leads_to_its_samples_its_reward_and_the_rankings_behind_it(looped, plumbline):
    found = explained(plumbline, looped.folder, PPO, 1)
    rows = looped.database.rows("select * from samples where job_id = ? and step = 1 order by id", PPO)
    assert [each["completion"] for each in found["samples"]] == [row["completion"] for row in rows] and rows
    assert {each["prompt_id"] for each in found["samples"]} == {row["prompt_id"] for row in rows}
    assert found["values"]["objective/scores"] == looped.database.value(
        "select value from metrics where job_id = ? and step = 1 and name = 'objective/scores'", PPO
    )
    assert found["scorer"]["reward_job"] == REWARD
    learnt = found["reward_learnt"]
    assert learnt["known"] and numbers(learnt["kept"]) == ranked(looped, "train")
    assert learnt["tested"] == len(ranked(looped, "heldout"))
    script = labelers.newest_script(looped)
    assert [(each["labeler"], each["rankings"]) for each in learnt["sources"]] == [(script.name, learnt["rankings"])]
    _, text, _ = plumbline("explain", looped.folder, PPO, 1)
    assert f"The reward model of run {REWARD}" in text and script.name in text and "question" in text


def test_what_learns_rankings_by_itself_keeps_them_too(looped, plumbline):
    found = explained(plumbline, looped.folder, DPO, 1)
    assert found["learnt"]["run"] == DPO and numbers(found["learnt"]["kept"]) == ranked(looped, "train")
    assert found["learnt"]["tested"] == 0


def test_what_became_of_it_since_is_said(looped, plumbline):
    taken_back, replaced, gone = sorted(ranked(looped, "train"))[:3]
    rankings.retract(looped, taken_back)
    old = rankings.get(looped, replaced)
    rankings.add(looped, NewRanking(old.group_id, old.labeler.id, old.ranks))
    with looped.write() as database:
        database.execute("delete from rankings where id = ?", (gone,))  # as when an import is undone
    step = looped.database.value("select min(step) from samples where job_id = ? and step > 0", PPO)
    asked = looped.database.value("select prompt_id from samples where job_id = ? and step = ? and prompt_id > 0",
                                   PPO, step)  # fmt: skip
    with looped.write() as database:
        database.execute("update prompts set text = 'another question' where id = ?", (asked,))
    learnt = explained(plumbline, looped.folder, PPO, step)["reward_learnt"]
    assert learnt["changed"] == {"retracted": 1, "replaced": 1, "gone": 1}
    _, text, _ = plumbline("explain", looped.folder, PPO, step)
    assert "1 of them: taken back since" in text and "1 of them: deleted since" in text
    samples = explained(plumbline, looped.folder, PPO, step)["samples"]
    assert {each["now"] for each in samples if each["prompt_id"] == asked} == {"another question"}
    code, _, err = plumbline("explain", looped.folder, "--ranking", gone)
    assert code and "is not there any more" in err
    _, text, _ = plumbline("explain", looped.folder, "--ranking", taken_back)
    assert "It was taken back on" in text and f"Job {REWARD}, Train reward model (done): learnt from it" in text


def test_a_ranking_leads_to_all_that_it_has_influenced(looped, plumbline):
    learnt, tested = min(ranked(looped, "train")), min(ranked(looped, "heldout"))
    found = explained(plumbline, looped.folder, "--ranking", learnt)["jobs"]
    assert [(each["job"], each["how"], each["through"]) for each in found] == [
        (REWARD, "learnt from it", 0),
        (PPO, f"was tuned against the reward model of run {REWARD}", REWARD),
        (DPO, "learnt from it", 0),
        (COMPARED, f"compared the policy of run {PPO}", PPO),
    ]
    assert all(each["sure"] for each in found)
    found = explained(plumbline, looped.folder, "--ranking", tested)["jobs"]
    assert found[0]["how"] == "was tested on it"
    assert f"was measured with the reward model of run {REWARD}" in [each["how"] for each in found]
    old = rankings.get(looped, learnt)
    rankings.add(looped, NewRanking(old.group_id, labelers.named(looped, "Ada").id, old.ranks))
    assert explained(plumbline, looped.folder, "--ranking", rankings.newest_id(looped))["jobs"] == []


@pytest.mark.parametrize(
    "kept",
    [
        None, b"{}", b"[1]", b'{"learnt": "6", "tested": 3}', b'{"learnt": "-6", "tested": "0"}',
        b'{"learnt": "0x6", "tested": "0"}', b'{"learnt": "6_0", "tested": "0"}', b'{"learnt": "", "tested": "0"}',
        b'{"learnt": [1, 2], "tested": "0"}', b'{"learnt": "6"}', b"[" * 5000, b"\xff",
        b'{"learnt": "%s", "tested": "0"}' % (b"5" * 999),
    ],
)  # fmt: skip
def test_what_a_run_did_not_keep_is_said_to_be_unknown(looped, plumbline, kept):
    path = looped.run_file(REWARD, learnt_rankings.KEPT)
    path.unlink()
    if kept is not None:
        path.write_bytes(kept)
    found = explained(plumbline, looped.folder, PPO, 1)["reward_learnt"]
    total = looped.database.value("select count(*) from rankings")
    assert (found["known"], found["rankings"], found["kept"]) == (False, total, [])
    _, text, _ = plumbline("explain", looped.folder, PPO, 1)
    assert "did not keep from which rankings it learnt" in text
    jobs = explained(plumbline, looped.folder, "--ranking", min(ranked(looped, "train")))["jobs"]
    assert {each["job"]: each["sure"] for each in jobs} == {REWARD: False, PPO: False, DPO: True, COMPARED: False}


def test_a_resumed_run_of_an_earlier_version_does_not_claim_to_know(loop, tmp_path, tiny_model, monkeypatch):
    """Its rankings.json has no numbers: nothing may be written in their place."""
    import torch

    from core.config.training import TrainRewardConfig as Config
    from core.jobs.context import JobContext
    from core.reward.examples import Example, Order, keep_learnt

    with copied(loop, tmp_path / "older") as looped:
        path = looped.run_file(REWARD, learnt_rankings.KEPT)
        path.unlink()
        order = Order(0, torch.tensor([1.0, 2.0]), True)
        keep_learnt(JobContext(looped, REWARD, Config()), [Example(1, (1,), ((2,), (3,)), (1, 2), (order,))], [])
        assert not path.exists()


def test_a_run_keeps_what_it_computed_with(looped):
    import torch

    for run in (REWARD, PPO, DPO):
        (found,) = environments.of_run(looped, run)
        assert (found.torch, found.device, found.dtype, found.step) == (torch.__version__, "cpu", "float32", 0)
        assert found.threads == torch.get_num_threads() and found.base and found.weights


def test_there_is_no_point_where_there_is_none(looped, plumbline):
    for arguments, words in (
        ((PPO, 9), "has no step 9"), ((COMPARED,), "is no run"), ((99,), "There is no job 99"), ((), "Give the number"),
        ((PPO, 1, "--ranking", 1), "Give the number"), (("--ranking", 9999), "There is no ranking 9999"),
    ):  # fmt: skip
        code, _, err = plumbline("explain", looped.folder, *arguments)
        assert code == 2 and words in err, err


def test_ranges_are_what_they_hold(chance):
    chosen = chance.sample(range(1, 400), 150)
    found = Numbers.of(chosen)
    assert numbers(found.ranges) == set(chosen) and len(found) == 150
    assert all(number in found for number in chosen) and 400 not in found
    assert all(one[1] + 1 < other[0] for one, other in pairwise(found.ranges))
    first, second = chosen[:75], chosen[75:]
    *gaps, rest = LearntRankings(Numbers.of(first), Numbers.of(second)).others
    assert numbers(gaps) == set(range(1, max(chosen))) - set(chosen) and rest[0] == max(chosen) + 1
    assert not Numbers.of([]).ranges
