"""What is said of a round: how much of it is newer than the reward model, and whose gain a policy's is."""

import json

from core.config.jobs import JOBS, config_values
from core.config.training import ALGORITHMS
from core.data.demonstrations import import_demonstrations
from core.jobs import queue
from core.labeling import gold
from core.records import NewRanking
from core.runs import rounds
from core.store import completions, labelers, rankings
from tests.jobs import set_job


def finished(project, kind, **result):
    options = ALGORITHMS["ppo"].config() if kind == "train-policy" else None
    job = queue.enqueue(project, kind, config_values(JOBS[kind].config(), options))
    found = json.dumps({"adapter": f"runs/{job.id}/x"} | result)
    set_job(project, job.id, status="done", attempt=1, started_at=job.created_at, result=found)
    return job.id


def test_a_gain_stands_beside_the_reward_model_that_measured_it(filled):
    gold.rank_all(filled, "length")
    first = finished(filled, "train-reward", accuracy=0.75)
    finished(filled, "train-policy", reward_job=first, reward_before=0.0, reward_after=1.11)
    assert rounds.line(rounds.rounds(filled)[0]).endswith(" pairs · reward model 75% · policy +1.11")
    finished(filled, "train-reward", accuracy=0.5)
    assert rounds.line(rounds.rounds(filled)[0]).endswith(" pairs · reward model 50%")


def test_pairs_that_the_newest_reward_model_has_not_seen_are_told(filled):
    gold.rank_all(filled, "length")
    job = finished(filled, "train-reward", accuracy=0.75)
    set_job(filled, job, started_at="2000-01-02")
    filled.database.execute("update rankings set created_at = '2000-01-01'")
    (before,) = rounds.rounds(filled)
    assert before.newer == 0
    group = completions.group_ids(filled)[0]
    ids = completions.ids(filled, group)
    rankings.add(
        filled,
        NewRanking(group, labelers.named(filled, "somebody").id, {item: place for place, item in enumerate(ids, 1)}),
    )
    (after,) = rounds.rounds(filled)
    assert after.newer == after.pairs - before.pairs == len(ids) * (len(ids) - 1) // 2
    assert f"{after.pairs} pairs ({after.newer} newer) · " in rounds.line(after)


def test_imported_demonstrations_are_called_so(project, tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text('{"prompt": "p", "completion": "a"}\n{"prompt": "q", "completion": "b"}\n', encoding="utf-8")
    import_demonstrations(project, path)
    (found,) = rounds.rounds(project)
    assert rounds.line(found) == "Round 1: 2 demonstrations"
    group = completions.add_group(project, 1, ())
    completions.write(project, group, labelers.named(project, "Ada").id, "by hand")
    (found,) = rounds.rounds(project)
    assert rounds.line(found) == "Round 1: 1 prompt answered, none ranked · 2 demonstrations"


def test_many_pairs_are_read_in_thousands():
    assert rounds.line(rounds.Round(1, 300, 1100, newer=1027)) == "Round 1: 1,100 pairs (1,027 newer)"
