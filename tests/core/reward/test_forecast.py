"""How long a reward model's run says that it takes, held against how long it took, from its first step on."""

import time
from dataclasses import replace
from itertools import chain

import pytest

from core.config.jobs import JobKind
from core.config.training import TrainRewardConfig
from core.events import Progress
from core.jobs import queue, recorder
from core.reward import train_job
from core.store import create_project
from tests.core.reward.test_reward_training import fill

#: Seconds for each token that is learnt from, and that is only scored; and what the error may be.
LEARNING, SCORING, ERROR = 0.02, 0.008, 0.3
CONFIG = TrainRewardConfig(epochs=1, batch_prompts=3, patience=0, evaluations=1)


@pytest.mark.parametrize(
    ("settings", "watched", "imported"),
    [
        ({}, 64, False),
        ({}, 2, False),
        ({"members": 2, "evaluations": 4}, 3, False),
        ({"length_correction": True, "epochs": 3}, 64, False),
        ({}, 64, True),
    ],
    ids=["measured at the end", "all are scored once more", "an ensemble", "length taken out", "nothing written here"],
)
def test_a_run_knows_from_its_first_step_how_long_its_measurements_take(
    tmp_path, tiny_model, run_job, monkeypatch, settings, watched, imported
):
    ranked = fill(create_project(tmp_path / "project", model=str(tiny_model)), count=16, every=2)
    if imported:
        with ranked.write() as database:
            database.execute("update completions set sampling = ?", ('{"imported": true}',))
    now, told, real = [time.monotonic()], list[tuple[float, float]](), time.monotonic

    def costing(name, seconds, tokens):
        function = getattr(train_job, name)

        def costs(*given, **more):
            given = [list(each) if isinstance(each, chain) else each for each in given]  # is looked at twice
            now[0] += seconds * tokens(*given)
            return function(*given, **more)

        monkeypatch.setattr(train_job, name, costs)

    def of(examples):
        return sum(example.tokens for example in examples)

    costing("own_gradients", LEARNING, lambda model, member, batch, *_: of(batch))
    costing("score", SCORING, lambda model, member, chosen: of(chosen))
    costing("normalise", SCORING, lambda model, known, **_: len(model.members) * of(known))
    monkeypatch.setattr(train_job, "WATCHED", watched)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    record = recorder.Recorder.record

    def recorded(self, event):
        wanted = record(self, event)
        job = queue.get(self.project, self.job_id)
        if isinstance(event, Progress) and event.stage.startswith(train_job.TITLE) and job.eta is not None:
            told.append((now[0], job.eta))
        return wanted

    monkeypatch.setattr(recorder.Recorder, "record", recorded)
    job = run_job(ranked, JobKind.TRAIN_REWARD, replace(CONFIG, **settings))
    monkeypatch.setattr(time, "monotonic", real)
    assert job.status == "done", job.report or job.error
    shares = [eta / (now[0] - at) for at, eta in told]
    assert len(shares) > 1
    assert all(abs(share - 1) < ERROR for share in shares), shares
