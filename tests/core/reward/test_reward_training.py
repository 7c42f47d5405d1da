"""Runs of `train-reward` on the tiny model: stopping early, ensembles, resuming, and what can go wrong."""

import errno
import itertools
import math
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import worker
from core.config.jobs import JobKind, config_values
from core.config.scoring import ScoreConfig
from core.config.training import TrainRewardConfig
from core.errors import DISK_FULL, BadInput
from core.events import NewCompletion
from core.jobs import launch, queue
from core.jobs.recorder import Recorder, last_checkpoint
from core.labeling import gold
from core.records import Job, NewRanking, Prompt
from core.report.measure import measure
from core.reward import update as updating
from core.reward.model import RewardModel
from core.runs import early_stopping
from core.store import Project, completions, create_project, labelers, pairs, prompts, rankings
from core.store.runs import job_log, job_metrics, scores
from tests.ranked import counting_rankings

Run = Callable[..., Job]
GOLD = "regex:[a-m]"
REWARD = TrainRewardConfig(epochs=3, learning_rate=5e-3, batch_prompts=3, checkpoint_every=2, patience=0)
WORDS = ("alpha", "xyz xyz", "bbb aaa ccc", "zzz")


def fill(project: Project, count: int = 12, words: tuple[str, ...] = WORDS, every: int = 4) -> Project:
    """Prompts with completions that a script has ranked by how many letters from a to m they hold."""
    prompts.add(
        project, [Prompt(0, f"prompt {i}", split="heldout" if i % every == 0 else "train") for i in range(count)]
    )
    for prompt in prompts.listed(project):
        rows = tuple(NewCompletion(f"{word} {prompt.id}", 4, True, 0) for word in words)
        completions.add_group(project, prompt.id, rows)
    gold.rank_all(project, GOLD)
    return project


@pytest.fixture
def ranked(tmp_path: Path, tiny_model: Path) -> Project:
    return fill(create_project(tmp_path / "project", model=str(tiny_model)))


def notes(project: Project, job: Job) -> str:
    return " ".join(row["text"] for row in job_log.lines(project, job.id))


def weights(project: Project, job: Job) -> dict[str, bytes]:
    folder = project.folder / job.result.adapter
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.suffix == ".safetensors" or path.name == "reward.json"
    }


def test_training_stops_where_the_heldout_loss_no_longer_falls_and_keeps_the_best_weights(ranked, run_job):
    config = replace(REWARD, epochs=40, learning_rate=5e-2, head_learning_rate=0.3, patience=2, evaluations=3)
    job = run_job(ranked, JobKind.TRAIN_REWARD, config)
    assert job.status == "done", job.report or job.error
    losses = dict(job_metrics.series(ranked, job.id)["eval_loss"])
    steps = job.result.models[0].steps
    assert steps < 3 * 40, "it stopped before the end"
    assert job.result.eval_loss == pytest.approx(min(losses.values()), abs=1e-4)
    best = min(losses, key=losses.__getitem__)
    assert best < steps
    assert f"step {best} of {steps}" in notes(ranked, job)
    assert (
        early_stopping.sentence(job)
        == f"stopped after {steps} of 120 steps, because the held-out log loss did not fall any more"
    )


def test_the_model_card_says_what_it_was_measured_on_and_where_its_scale_comes_from(ranked, run_job):
    job = run_job(ranked, JobKind.TRAIN_REWARD, REWARD)
    card = (ranked.folder / job.result.adapter / "reward" / "README.md").read_text()
    first = job.result.models[0]
    assert f"{first.pairs} pairs of {first.prompts} prompts" in card
    assert f"Orders {first.eval_accuracy:.1%} of the held-out pairs" in card
    assert f"mean {job.result.reward_mean:.4f} and standard deviation {job.result.reward_std:.4f}" in card
    assert "the completions that the base itself writes" in card


def test_length_is_taken_out_wherever_the_reward_is_asked(ranked, run_job):
    with_it, run = (
        run_job(ranked, JobKind.TRAIN_REWARD, replace(REWARD, length_correction=on)) for on in (False, True)
    )
    assert run.status == "done", run.report or run.error
    assert measure(ranked, with_it.id).length.correlation > 0.1
    report, first = measure(ranked, run.id), run.result.models[0]
    assert report.length.correlation == pytest.approx(0, abs=1e-4)
    assert (first.eval_accuracy_low, first.eval_accuracy_high) == pytest.approx(
        (report.accuracy.low, report.accuracy.high)
    )

    def heldout(job: Job) -> dict[int, tuple[float, int]]:
        return {
            said.completion_id: (said.score, said.tokens)
            for said in scores.of_run(ranked, job.id, "heldout", "overall")
        }

    raw, now = heldout(with_it), heldout(run)
    prompt = {
        key: completions.group(ranked, group).prompt.id
        for group in completions.group_ids(ranked)
        for key in completions.ids(ranked, group)
    }
    table = np.array(
        [[raw[key][1], *(prompt[key] == other for other in sorted({prompt[k] for k in raw}))] for key in raw]
    )
    slope = np.linalg.lstsq(table, np.array([score for score, _ in raw.values()]), rcond=None)[0][0]
    assert run.result.models[0].per_token == pytest.approx(slope, abs=1e-4)
    assert [now[key][0] for key in raw] == pytest.approx(
        [score - slope * tokens for score, tokens in raw.values()], abs=1e-3
    )
    asked = ScoreConfig(prompt="prompt 0", completions=tuple(f"{word} 1" for word in WORDS))
    said = run_job(ranked, JobKind.SCORE, asked).result
    mean, std = run.result.reward_mean, run.result.reward_std
    assert list(said.scores) == pytest.approx([(now[key][0] - mean) / std for key in sorted(now)[:4]], abs=1e-3)
    card = (ranked.folder / run.result.adapter / "reward" / "README.md").read_text()
    assert f"{slope:.4g} for each token" in card and "* len(answer)" in card
    assert "len(answer)" not in (ranked.folder / with_it.result.adapter / "reward" / "README.md").read_text()
    assert "length is taken out" in notes(ranked, run)


def test_held_out_completions_are_scored_once_for_all_that_is_measured_of_the_best_weights(
    ranked, run_job, monkeypatch
):
    scored, score = [], RewardModel.raw_scores
    with monkeypatch.context() as patch:
        patch.setattr(RewardModel, "raw_scores", lambda *how, **more: scored.append(1) or score(*how, **more))
        job = run_job(ranked, JobKind.TRAIN_REWARD, replace(REWARD, evaluations=1, length_correction=True))
    assert job.status == "done" and job.result.models[0].per_token, job.report or job.error
    watched = len(job_metrics.series(ranked, job.id)["eval_loss"])
    assert (watched, len(scored)) == (3, watched + 1), "after each pass, and the reference's completions"


@pytest.mark.thorough
def test_the_same_seed_gives_the_same_bits_and_another_seed_others(ranked, run_job):
    one, two = (run_job(ranked, JobKind.TRAIN_REWARD, REWARD) for _ in range(2))
    other = run_job(ranked, JobKind.TRAIN_REWARD, replace(REWARD, seed=1))
    assert weights(ranked, one) == weights(ranked, two)
    assert weights(ranked, one) != weights(ranked, other)
    assert job_metrics.series(ranked, one.id)["loss"][0][1] == pytest.approx(math.log(2), abs=1e-4), "its head is zero"


@pytest.mark.slow
def test_a_worker_that_is_killed_with_9_resumes_bit_for_bit(ranked, run_job, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")
    config = replace(REWARD, epochs=6, members=2, patience=4)
    whole = run_job(ranked, JobKind.TRAIN_REWARD, config)
    assert whole.status == "done", whole.report or whole.error
    job = queue.enqueue(ranked, JobKind.TRAIN_REWARD, config_values(config))
    process = launch.ensure_worker(ranked.folder, idle=20)
    assert process is not None
    deadline = time.monotonic() + 90
    while last_checkpoint(ranked, job.id)[0] < 3 and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert queue.get(ranked, job.id).status == "running", "it was killed in the middle"
    queue.mark_interrupted(ranked)
    queue.resume(ranked, job.id)
    worker.run_job(ranked, worker.claim(ranked), {})
    resumed = queue.get(ranked, job.id)
    assert resumed.status == "done", resumed.report or resumed.error
    assert resumed.attempt == 2
    assert weights(ranked, resumed) == weights(ranked, whole)
    assert job_metrics.series(ranked, resumed.id) == job_metrics.series(ranked, whole.id)
    stored = "select part, model, criterion, completion_id, score from scores where job_id = ? order by 1, 2, 3, 4"
    assert ranked.database.rows(stored, resumed.id) == ranked.database.rows(stored, whole.id)


@pytest.mark.thorough
def test_a_run_that_is_cut_at_any_checkpoint_ends_with_the_same_bits(ranked, run_job, monkeypatch):
    """Whatever stage it is in: a member, the next one, one that stopped early, a model of the curve, the end."""
    config = replace(
        REWARD,
        epochs=8,
        members=2,
        curve=True,
        patience=1,
        learning_rate=3e-2,
        evaluations=3,
        checkpoint_every=3,
        head_init="normal",
    )
    whole = run_job(ranked, JobKind.TRAIN_REWARD, config)
    assert whole.status == "done", whole.report or whole.error
    steps = [item.steps for item in whole.result.models]
    assert steps[0] < 24, "it stops early"
    record = Recorder.record
    cuts = 0

    class Cut(BaseException):
        pass

    while True:
        seen: list[int] = []

        def cut(self, event, number=cuts, seen=seen):
            wanted = record(self, event)
            if isinstance(event, worker.Checkpoint):
                seen.append(event.step)
                if len(seen) == number + 1:
                    raise Cut
            return wanted

        monkeypatch.setattr(Recorder, "record", cut)
        job = queue.enqueue(ranked, JobKind.TRAIN_REWARD, config_values(config))
        try:
            worker.run_job(ranked, worker.claim(ranked), {})
        except Cut:
            pass
        else:
            break
        monkeypatch.setattr(Recorder, "record", record)
        # Somebody goes on ranking meanwhile.
        rankings.retract(ranked, counting_rankings(ranked)[0].id)
        queue.mark_interrupted(ranked)
        queue.resume(ranked, job.id)
        worker.run_job(ranked, worker.claim(ranked), {})
        resumed = queue.get(ranked, job.id)
        assert resumed.status == "done", resumed.report or resumed.error
        rankings.restore(
            ranked, max(row["id"] for row in ranked.database.rows("select id from rankings where retracted_at > ''"))
        )
        assert weights(ranked, resumed) == weights(ranked, whole), f"cut at step {seen[-1]}"
        assert job_metrics.series(ranked, resumed.id) == job_metrics.series(ranked, whole.id)
        assert resumed.result.models == whole.result.models
        cuts += 1
    assert cuts > 6


@pytest.mark.thorough
def test_an_ensemble_and_the_curve_are_measured_on_the_same_heldout_prompts(ranked, run_job):
    job = run_job(ranked, JobKind.TRAIN_REWARD, replace(REWARD, members=2, curve=True, epochs=2))
    assert job.status == "done", job.report or job.error
    models = {item.model: item for item in job.result.models}
    assert list(models) == ["reward", "reward1", "curve2"], "an eighth and a quarter of 9 prompts are too few"
    assert models["curve2"].prompts == 4
    assert models["curve2"].pairs < models["reward"].pairs
    folder = ranked.folder / job.result.adapter
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"reward", "reward1"}
    held = ranked.database.rows("select model, count(*) as n from scores where part = 'heldout' group by model")
    assert {row["model"]: row["n"] for row in held} == dict.fromkeys(models, 12)
    scored = run_job(
        ranked, JobKind.SCORE, ScoreConfig(prompt="prompt 1", completions=("alpha", "zzz"), reward_job=job.id)
    )
    assert len(scored.result.scores) == 2


def test_each_member_learns_from_its_own_draw_of_the_prompts(ranked, run_job, monkeypatch):
    real, batches = updating.own_gradients, {}

    def watched(model, member, batch, config, tokens):
        batches.setdefault(member.adapter, []).extend(example.prompt_id for example in batch)
        return real(model, member, batch, config, tokens)

    with monkeypatch.context() as patched:
        patched.setattr("core.reward.train_job.own_gradients", watched)
        config = replace(REWARD, members=2, epochs=1, patience=0, bootstrap=True)
        job = run_job(ranked, JobKind.TRAIN_REWARD, config)
        assert job.status == "done", job.report or job.error
    first, second = batches["reward"], batches["reward1"]
    assert len(first) == len(second) == job.result.prompts
    assert sorted(first) != sorted(second)
    assert len(set(first)) < len(first), "some are drawn twice"
    assert [item.prompts for item in job.result.models] == [len(set(first)), len(set(second))]
    with pytest.raises(BadInput, match="set --members to 2"):
        replace(REWARD, bootstrap=True)


def test_memory_that_does_not_suffice_is_asked_for_less(ranked, run_job, monkeypatch):
    real, sizes = updating.own_gradients, []

    def hungry(model, member, batch, config, tokens):
        sizes.append(tokens)
        if tokens > 100:
            raise MemoryError
        return real(model, member, batch, config, tokens)

    monkeypatch.setattr("core.reward.train_job.own_gradients", hungry)
    job = run_job(ranked, JobKind.TRAIN_REWARD, REWARD)
    assert job.status == "done", job.report or job.error
    assert sizes[0] > 100
    tried = list(dict.fromkeys(sizes))
    assert [a // b for a, b in itertools.pairwise(tried[1:])] == [2] * (len(tried) - 2), "halved each time"
    assert max(sizes[-5:]) <= 100
    assert f"Out of memory: from now on at most {sizes[-1]} tokens" in notes(ranked, job)
    assert job.result.tokens_at_once == sizes[-1]


def test_without_any_memory_it_fails_with_a_sentence_and_keeps_the_last_checkpoint(ranked, run_job, monkeypatch):
    real, done = updating.own_gradients, []

    def hungry(*arguments):
        done.append(arguments)
        if len(done) > 4:
            raise MemoryError
        return real(*arguments)

    monkeypatch.setattr("core.reward.train_job.own_gradients", hungry)
    job = run_job(ranked, JobKind.TRAIN_REWARD, REWARD)
    assert job.status == "failed"
    assert "Not enough memory" in job.error
    assert "computed twice" in notes(ranked, job)
    assert (ranked.folder / job.result.adapter / "reward" / "adapter_model.safetensors").is_file()
    monkeypatch.setattr("core.reward.train_job.own_gradients", real)
    queue.resume(ranked, job.id)
    worker.run_job(ranked, worker.claim(ranked), {})
    assert queue.get(ranked, job.id).status == "done"


def test_a_full_disk_keeps_the_last_good_adapter(ranked, run_job, monkeypatch):
    real = os.fsync
    calls = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 12:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(worker.os, "fsync", full)
    job = run_job(ranked, JobKind.TRAIN_REWARD, REWARD)
    monkeypatch.setattr(worker.os, "fsync", real)
    assert (job.status, job.error) == ("failed", DISK_FULL)
    folder = ranked.folder / job.result.adapter
    assert (folder / "reward" / "adapter_model.safetensors").is_file()
    assert not list(folder.parent.glob("*.partial"))
    queue.resume(ranked, job.id)
    worker.run_job(ranked, worker.claim(ranked), {})
    assert queue.get(ranked, job.id).status == "done"


def test_a_loss_that_is_no_number_is_one_sentence(ranked, run_job):
    job = run_job(
        ranked, JobKind.TRAIN_REWARD, replace(REWARD, learning_rate=1.0, head_learning_rate=1.0, lora_alpha=10**30)
    )
    assert job.status == "failed"
    assert "diverged" in job.error
    assert job.report is None


@pytest.mark.thorough
def test_completions_that_are_too_long_are_counted_and_named_and_never_dropped_silently(tmp_path, tiny_model, run_job):
    project = create_project(tmp_path / "project", model=str(tiny_model))
    fill(project, 8, ("alpha", "zzz", "x" * 300))
    job = run_job(project, JobKind.TRAIN_REWARD, REWARD)
    assert job.status == "done", job.report or job.error
    assert "8 completions are longer than 256 tokens and were left out of their rankings: 8 prompts (" in notes(
        project, job
    )
    longer = create_project(tmp_path / "longer", model=str(tiny_model))
    prompts.add(longer, [Prompt(0, f"{i} " + "word " * 80) for i in range(4)])
    for prompt in prompts.listed(longer):
        completions.add_group(longer, prompt.id, tuple(NewCompletion(word, 4, True, 0) for word in WORDS))
    gold.rank_all(longer, GOLD)
    job = run_job(longer, JobKind.TRAIN_REWARD, REWARD)
    assert job.status == "done", job.report or job.error
    assert "4 prompts (1, 2, 3, 4) were cut at the beginning to fit into 256 tokens" in notes(longer, job)


def test_one_prompt_alone_is_learnt_with_a_warning(tmp_path, tiny_model, run_job):
    project = fill(create_project(tmp_path / "project", model=str(tiny_model)), 2, every=1)
    project.database.execute("update prompts set split = 'train'")
    project.database.execute("delete from prompts where id = 2")
    project.database.conn.commit()
    job = run_job(project, JobKind.TRAIN_REWARD, REWARD)
    assert job.status == "done", job.report or job.error
    assert "No prompt is left to test on" in notes(project, job)
    assert job.result.accuracy is None


@pytest.mark.thorough
def test_contradictory_pairs_are_counted_and_learnt_as_undecided(ranked, run_job):
    other = labelers.named(ranked, "other")
    for before in counting_rankings(ranked):
        last = max(rank for rank in before.ranks.values() if rank) + 1
        opposite = {key: last - (rank or last) for key, rank in before.ranks.items()}
        rankings.add(ranked, NewRanking(before.group_id, other.id, opposite))
    both = pairs.counts(ranked).pairs // 2
    job = run_job(ranked, JobKind.TRAIN_REWARD, replace(REWARD, head_init="zero"))
    assert job.status == "done", job.report or job.error
    assert f"{both} pairs are ordered both ways" in notes(ranked, job)
    assert job.result.accuracy == 0.5
    assert job.result.eval_loss == pytest.approx(0.6931, abs=1e-3)


def test_four_bits_without_an_nvidia_gpu_is_one_sentence(ranked, run_job, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DEVICE", "cpu")
    job = run_job(ranked, JobKind.TRAIN_REWARD, replace(REWARD, base_bits="4"))
    assert job.status == "failed"
    assert "needs an NVIDIA GPU" in job.error


@pytest.mark.thorough
def test_a_criterion_gets_a_column(ranked, run_job):
    labeler = labelers.named(ranked, "person")
    for group_id in completions.group_ids(ranked):
        ids = completions.ids(ranked, group_id)
        ranks = {key: place for place, key in enumerate(ids, 1)}
        rankings.add(
            ranked, NewRanking(group_id, labeler.id, ranks, criteria={"harmless": dict(reversed(ranks.items()))})
        )
    job = run_job(ranked, JobKind.TRAIN_REWARD, REWARD)
    assert job.status == "done", job.report or job.error
    assert job.result.columns == ("overall", "harmless")
    rows = ranked.database.rows("select criterion, count(*) as n from scores where part = 'heldout' group by 1")
    assert {row["criterion"]: row["n"] for row in rows} == {"overall": 12, "harmless": 12}
    plain = run_job(ranked, JobKind.TRAIN_REWARD, replace(REWARD, criteria=False))
    assert plain.result.columns == ("overall",)
