"""Hours of training in minutes: memory, open files and threads stay flat."""

import pytest

from core import worker
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.events import Checkpoint
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.store.runs import job_metrics
from core.trust import gate
from tests.attacks.soak import Watch
from tests.jobs import add_job
from tests.tiny import make_tiny_model

CONFIG = TrainPolicyConfig(
    steps=500, gold="length", train_on_gold=True, eval_prompts=0, batch_size=4, max_new_tokens=4, checkpoint_every=25
)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_five_hundred_steps_stay_flat(filled, tmp_path, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")
    filled.set_setting("model", str(make_tiny_model(tmp_path / "model")))
    gate.made_here(filled)
    job, watch, record = add_job(filled, CONFIG, ALGORITHMS["ppo"].config()), Watch(), Recorder.record

    def recorded(self, event):
        if isinstance(event, Checkpoint):
            watch.look()
        return record(self, event)

    monkeypatch.setattr(Recorder, "record", recorded)
    claimed = worker.claim(filled)
    assert claimed is not None
    worker.run_job(filled, claimed, {})
    assert queue.get(filled, job.id).status == "done"
    assert len(job_metrics.series(filled, job.id)["objective/kl"]) == 500
    assert len(watch.seen) >= 20
    assert not watch.grown()
