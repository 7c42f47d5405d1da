"""The best of n is a policy that writes: its draws depend on seed and prompt alone, and the reward model chooses."""

import itertools
from dataclasses import replace

import pytest

from core import worker
from core.config.jobs import GenerateConfig, JobKind, config_values
from core.config.scoring import ScoreConfig
from core.config.training import TrainRewardConfig
from core.errors import BadInput
from core.events import Completions, NewCompletion, Progress
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.labeling import gold
from core.models.writers import BestOfN, Chooser
from core.records import Prompt
from core.store import completions, prompts

CONFIG = GenerateConfig(completions=2, max_new_tokens=6, batch_size=8, missing_only=False)


@pytest.fixture
def judged(asking, run_job):
    """A project with a reward model, and what the base wrote."""
    assert run_job(asking, JobKind.GENERATE, replace(CONFIG, completions=3)).status == "done"
    gold.rank_all(asking, "regex:[a-m]")
    config = TrainRewardConfig(epochs=1, learning_rate=5e-3, batch_prompts=3)
    job = run_job(asking, JobKind.TRAIN_REWARD, config)
    assert job.status == "done", job.report or job.error
    return asking


def written(project, job):
    """By prompt what a job wrote."""
    assert job.status == "done", job.report or job.error
    found = [completions.group(project, number) for number in completions.groups_of_job(project, job.id)]
    return {each.prompt.id: each.completions for each in found}


def texts(found):
    return {prompt: [row.text for row in rows] for prompt, rows in found.items()}


def test_the_best_of_n_writes_what_the_reward_model_scores_highest(judged, run_job, monkeypatch):
    before = completions.groups_written_here(judged, 100)
    job = run_job(judged, JobKind.GENERATE, replace(CONFIG, best_of=3))
    found = written(judged, job)
    assert {row.origin for rows in found.values() for row in rows} == {
        "Written by the base model, the best of 3 by the reward model of run 2"
    }
    assert completions.groups_written_here(judged, 100) == before, "a choice says nothing of what the base writes"

    alone = texts(written(judged, run_job(judged, JobKind.GENERATE, CONFIG)))
    two = texts(written(judged, run_job(judged, JobKind.GENERATE, replace(CONFIG, best_of=2))))
    prompt = prompts.listed(judged)[0]
    drawn = [alone[prompt.id], two[prompt.id], [row.text for row in found[prompt.id]]]
    for copy in range(2):
        asked = ScoreConfig(prompt=prompt.text, completions=tuple(each[copy] for each in drawn), trace=False)
        scores = run_job(judged, JobKind.SCORE, asked).result.scores
        assert all(less <= more + 1e-6 for less, more in itertools.pairwise(scores)), "of ever more draws"
    assert alone != two != texts(found)

    reordered = run_job(judged, JobKind.GENERATE, replace(CONFIG, best_of=3, prompt_ids=(7, 2), batch_size=2))
    assert texts(written(judged, reordered)) == {number: texts(found)[number] for number in (2, 7)}

    record, seen = Recorder.record, []

    def stopping(self, event):
        seen.extend([event] if isinstance(event, Completions) else [])
        wanted = record(self, event)
        return "stop" if isinstance(event, Progress) and len(seen) > 3 else wanted

    job = queue.enqueue(judged, JobKind.GENERATE, config_values(replace(CONFIG, best_of=3)))
    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "record", stopping)
        worker.run_job(judged, worker.claim(judged), {})
    assert (queue.get(judged, job.id).status, 0 < len(completions.groups_of_job(judged, job.id)) < 12) == (
        "stopped", True,
    )  # fmt: skip
    queue.resume(judged, job.id)
    worker.run_job(judged, worker.claim(judged), {})
    assert texts(written(judged, queue.get(judged, job.id))) == texts(found)

    again = run_job(judged, JobKind.GENERATE, replace(CONFIG, best_of=3, missing_only=True))
    assert "Every prompt has completions from this policy" in str(again.error)
    assert written(judged, run_job(judged, JobKind.GENERATE, replace(CONFIG, best_of=4, missing_only=True, limit=1)))


class Longest(Chooser):
    judge = 5

    def scores(self, prompt, texts):
        return [float(len(text)) for text in texts]


class Counting:
    """Writes the turn and the copy, with more letters in later turns but the last."""

    def write(self, batch, copies, turn=0):
        yield None
        yield [[NewCompletion(f"{turn}{copy}" + "x" * (turn % 3), 1, True, 0) for copy in range(copies)] for _ in batch]


def test_any_writer_has_a_best_of_n_of_its_own():
    writing = BestOfN(Counting(), 4, Longest()).write([Prompt(1, "a"), Prompt(2, "b")], 2)
    found = next(each for each in writing if each is not None)
    assert [[row.text for row in rows] for rows in found] == [["20xx", "21xx"]] * 2
    assert {(row.best_of, row.judge) for rows in found for row in rows} == {(4, 5)}
    writing = BestOfN(Counting(), 2, Longest()).write([Prompt(1, "a")], 1, turn=1)
    assert next(each for each in writing if each is not None)[0][0].text == "20xx", "other draws in the next turn"


def test_what_chooses_among_one_is_refused(plumbline, asking):
    with pytest.raises(BadInput, match="--best-of to 2 or more"):
        GenerateConfig(reward_job=2)
    code, _, err = plumbline("generate", asking.folder, "--best-of", 2)
    assert (code, "There is no reward model yet: train one first." in err) == (2, True)
