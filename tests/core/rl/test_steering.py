"""A run seen from outside: live settings, stop rules, the best checkpoint, safeguards, resuming, sweeps and rounds."""

import json
import os
import re
import signal
import time
from dataclasses import asdict, replace

import pytest
import torch

from core import worker
from core.config.jobs import CompareConfig, GenerateConfig, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyResult, TrainRewardConfig
from core.errors import BadInput, KnownError
from core.events import Checkpoint, Metrics, Progress, Result, Rollback
from core.jobs import launch, queue
from core.jobs.context import JobContext
from core.jobs.recorder import Recorder, last_checkpoint
from core.jobs.wait import wait
from core.labeling import gold
from core.records import Prompt
from core.rl import train_job
from core.rl.adaptive_kl import LiveSettings, next_kl_coef
from core.rl.algorithms import grpo
from core.rl.stopping import StoppingRules
from core.runs import live_settings, rounds, sweep
from core.store import prompts
from core.store.runs import checkpoints, job_log, job_metrics, job_samples, setting_changes
from tests.jobs import set_job
from tests.thorough import represented

GOLD = "regex:[a-m]"
POLICY = TrainPolicyConfig(
    steps=4, gold=GOLD, train_on_gold=True, learning_rate=5e-3, eval_prompts=2, max_new_tokens=6, batch_size=8,
    checkpoint_every=2, lora_rank=4, reference_answers=False, missing_end_penalty=0.0,
)  # fmt: skip


@pytest.fixture
def project(asking):
    return asking


def options(name="ppo", **values):
    return ALGORITHMS[name].config(**values)


def ranked(project, run_job):
    assert run_job(project, JobKind.GENERATE, GenerateConfig(max_new_tokens=6)).status == "done"
    gold.rank_all(project, GOLD)


def numbers(project, job):
    """Every metric that does not tell the time or the memory."""
    found = job_metrics.series(project, job.id)
    return {name: value for name, value in found.items() if not name.startswith(("time/", "memory/"))}


class Killed(BaseException):
    """What no job catches, as a kill."""


def killed_and_resumed(project, monkeypatch, config, own, dies, *, meanwhile=lambda: None):
    """A run that dies before the first event of which `dies` is true is written, and is taken up again."""
    record = Recorder.record

    def die(self, event):
        if dies(event):
            raise Killed
        return record(self, event)

    monkeypatch.setattr(Recorder, "record", die)
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(config, own))
    with pytest.raises(Killed):
        worker.run_job(project, worker.claim(project), {})
    monkeypatch.setattr(Recorder, "record", record)
    queue.mark_interrupted(project)
    meanwhile()
    queue.resume(project, job.id)
    worker.run_job(project, worker.claim(project), {})
    resumed = queue.get(project, job.id)
    assert resumed.status == "done", resumed.report or resumed.error
    return resumed


def at_step(step):
    return lambda event: isinstance(event, Metrics) and event.step == step


@pytest.mark.parametrize("name", represented(ALGORITHMS, "ppo", "dpo"))
def test_a_run_of_every_algorithm_that_is_killed_at_any_step_ends_with_the_same_numbers(
    project, run_job, monkeypatch, chance, name
):
    if ALGORITHMS[name].offline:
        ranked(project, run_job)
    config = replace(POLICY, algorithm=name, kl_target=1.0, kl_coef=0.05)
    further = {
        "ppo": {"minibatches": 3},
        "nlpo": {"mask_refresh": 2},
        "dqn": {"sync_every": 3},
        "sft": {"answers": "best-ranked"},
        "kto": {"verdicts": "ranked"},
    }
    own = options(name, **further.get(name, {}))
    whole = run_job(project, JobKind.TRAIN_POLICY, config, own)
    assert whole.status == "done", whole.report or whole.error
    expected = numbers(project, whole)

    at = chance.randint(1, 4)
    resumed = killed_and_resumed(project, monkeypatch, config, own, at_step(at))
    assert numbers(project, resumed) == expected, f"killed at step {at}"


@pytest.mark.thorough
def test_a_run_whose_last_checkpoint_was_damaged_goes_back_one_and_ends_with_the_same_bits(
    project, run_job, monkeypatch
):
    config = replace(POLICY, checkpoint_every=1)
    whole = run_job(project, JobKind.TRAIN_POLICY, config, options())

    def damage():
        newest = last_checkpoint(project, queue.listed(project)[0].id)[1]
        path = newest / "policy" / "adapter_model.safetensors"
        path.write_bytes(path.read_bytes()[:-100] + bytes(100))

    resumed = killed_and_resumed(project, monkeypatch, config, options(), at_step(4), meanwhile=damage)
    assert numbers(project, resumed) == numbers(project, whole)
    assert [(each.step, each.damaged) for each in resumed.result.resumed] == [(2, 3)]
    adapters = [queue.adapter_of(project, each) / "policy" / "adapter_model.safetensors" for each in (whole, resumed)]
    assert adapters[0].read_bytes() == adapters[1].read_bytes()


@pytest.mark.parametrize(
    "kills", [pytest.param(1, marks=pytest.mark.thorough), pytest.param(3, marks=pytest.mark.slow)]
)
def test_a_worker_killed_with_9_at_random_moments_ends_with_the_same_bits(project, run_job, chance, kills):
    name = "soft-q"  # with a replay buffer, a target network and a steered coefficient
    config = replace(POLICY, algorithm=name, steps=8, kl_target=1.0, checkpoint_every=1)
    whole = run_job(project, JobKind.TRAIN_POLICY, config, options(name))
    assert whole.status == "done", whole.report or whole.error
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(config, options(name)))
    for _ in range(kills):
        first = last_checkpoint(project, job.id)[0]
        process = launch.ensure_worker(project.folder, idle=20)
        assert process is not None
        deadline, later = time.monotonic() + 60, first + chance.randint(1, 3)
        while last_checkpoint(project, job.id)[0] < later and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.random() * 0.2)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        if queue.get(project, job.id).status == "done":
            break
        queue.mark_interrupted(project)
        queue.resume(project, job.id)
    else:
        worker.run_job(project, worker.claim(project), {})
    resumed = queue.get(project, job.id)
    assert resumed.status == "done", resumed.report or resumed.error
    assert numbers(project, resumed) == numbers(project, whole)
    adapters = [queue.adapter_of(project, each) / "policy" / "adapter_model.safetensors" for each in (whole, resumed)]
    assert adapters[0].read_bytes() == adapters[1].read_bytes()


def test_a_setting_changed_live_is_in_force_from_the_next_step_and_again_after_a_resume(project, run_job, monkeypatch):
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(POLICY, options()))
    record = Recorder.record

    def change(self, event):
        wanted = record(self, event)
        if isinstance(event, Metrics) and event.step == 3:
            live_settings.ask(project, job.id, "kl_coef", 0.5)
            live_settings.ask(project, job.id, "temperature", 0.7)
        return wanted

    monkeypatch.setattr(Recorder, "record", change)
    worker.run_job(project, worker.claim(project), {})
    coefficients = dict(job_metrics.series(project, job.id)["objective/kl_coef"])
    assert coefficients == {1: 0.05, 2: 0.05, 3: 0.05, 4: 0.5}
    assert [(row["name"], row["step"]) for row in setting_changes.listed(project, job.id)] == [
        ("kl_coef", 3),
        ("temperature", 3),
    ]
    assert any("kl_coef = 0.5" in row["text"] for row in job_log.lines(project, job.id))
    expected = numbers(project, job)

    monkeypatch.setattr(Recorder, "record", record)
    with project.write() as database:  # as if it had been killed after its checkpoint of step 2
        database.execute("delete from checkpoints where job_id = ? and step > 2", (job.id,))
        set_job(project, job.id, status="interrupted")
    queue.resume(project, job.id)
    worker.run_job(project, worker.claim(project), {})
    assert numbers(project, job) == expected


def test_what_cannot_be_changed_live_is_refused_in_a_sentence(project, run_job):
    job = run_job(project, JobKind.TRAIN_POLICY, replace(POLICY, steps=1), options())
    with pytest.raises(BadInput, match="cannot be changed while"):
        live_settings.ask(project, job.id, "batch_size", 3)
    with pytest.raises(BadInput, match="between"):
        live_settings.ask(project, job.id, "kl_coef", -1)
    with pytest.raises(BadInput, match="not a run"):
        live_settings.ask(project, job.id, "kl_coef", 0.1)


def test_the_steered_coefficient_follows_the_paper():
    paper = {12.0: 0.2, 6.3: 0.05, 0.0: -0.2}  # errors count at most 0.2
    for kl, error in paper.items():
        assert next_kl_coef(0.1, kl, 6.0, 64, 1000) == pytest.approx(0.1 * (1 + error * 64 / 1000), rel=2e-3)
    assert next_kl_coef(0.1, 12.0, 6.0, 500, 500) == pytest.approx(0.12)
    assert next_kl_coef(0.1, 0.0, 6.0, 5000, 100) > 0, "a batch larger than the horizon never turns the price round"


@pytest.mark.thorough
def test_a_kl_target_moves_the_coefficient(project, run_job):
    job = run_job(project, JobKind.TRAIN_POLICY, replace(POLICY, kl_target=0.001, kl_horizon=16), options())
    coefficients = [value for _, value in job_metrics.series(project, job.id)["objective/kl_coef"]]
    assert coefficients[1] < coefficients[0], "KL is 0 at first, below its target"


def seen(rules, **values):
    shown = {"objective/scores": 0.0, "objective/kl": 1.0, "objective/rlhf_reward": 0.0, "objective/kl_per_token": 0.1}
    rules.spend(20.0)
    step = rules.state.get("step", 0) + 1
    rules.see(shown | {f"objective/{name}": value for name, value in values.items()}, step)


@pytest.mark.parametrize(
    ("rule", "values", "reason"),
    [
        ({"reward_threshold": 0.5}, {"scores": 0.6}, "reward threshold"),
        ({"kl_ceiling": 5.0}, {"kl": 6.0}, "KL ceiling"),
        ({"wall_minutes": 1.0}, {}, "wall time"),
    ],
)
def test_a_rule_stops_the_run_once_three_steps_agree(rule, values, reason):
    rules = StoppingRules(replace(POLICY, **rule))
    for _ in range(2):
        seen(rules, **values)
        assert rules.reason() is None
    seen(rules, **values)
    assert rules.reason() == reason


def test_a_plateau_is_so_many_steps_without_a_higher_mean():
    rules = StoppingRules(replace(POLICY, plateau=4))
    for value in (0.6, 0.0, 0.1, 0.5, 1.0, 1.0, 1.0):  # one lucky step at first is no mean
        seen(rules, scores=value)
        assert rules.reason() is None
    for _ in range(4):
        seen(rules, scores=0.2)
    assert rules.reason() == "plateau"


def test_a_plateau_at_exactly_0_is_one():
    rules = StoppingRules(replace(POLICY, plateau=4))
    for _ in range(7):
        seen(rules)
    assert rules.reason() == "plateau"


def test_steps_are_compared_at_one_price_of_kl_while_the_coefficient_is_steered():
    rules = StoppingRules(replace(POLICY, kl_coef=0.05, kl_target=2.0, plateau=4))
    price, best = 0.05, []
    for step in range(1, 41):  # each gains 0.1 for half a nat more: worth it at 0.05 a nat, not at what it rises to
        score, kl = 0.1 * step, 0.5 * step
        seen(rules, scores=score, kl=kl, rlhf_reward=score - price * kl)
        price *= 1.05
        assert rules.reason() is None, "no plateau"
        if step % 5 == 0 and rules.is_best():
            best.append(step)
    assert best == [5, 10, 15, 20, 25, 30, 35, 40]


@pytest.mark.parametrize(("target", "coefficient", "forgets"), [(2.0, 0.05, True), (0, 0.01, True), (0, 0.05, False)])
def test_what_an_older_version_compared_at_a_moving_price_is_forgotten_once(target, coefficient, forgets):
    config = replace(POLICY, kl_coef=0.05, kl_target=target, plateau=4)
    state = {"scores": [1.0] * 3, "kl": [4.0] * 3, "after_kl": [0.96] * 3, "seconds": 0.0, "step": 9} | {
        "best": 0.96, "highest": 0.96, "highest_step": 3,
    }  # fmt: skip
    rules = StoppingRules(config)
    rules.restore(state, coefficient)
    assert rules.reason() == (None if forgets else "plateau")
    assert rules.is_best() == forgets and not rules.is_best()
    again = StoppingRules(config)
    again.restore(json.loads(json.dumps(rules.state)), coefficient)
    assert again.state["best"] == pytest.approx(0.8 if forgets else 0.96), "once"


@pytest.mark.thorough
def test_the_best_checkpoint_is_kept_beside_the_newest(project, run_job, monkeypatch):
    best = {2}
    monkeypatch.setattr(StoppingRules, "is_best", lambda self: len(self.state["scores"]) in best)
    job = run_job(project, JobKind.TRAIN_POLICY, replace(POLICY, steps=6, checkpoint_every=1), options())
    kept = {row["step"]: row["best"] for row in project.database.rows("select step, best from checkpoints")}
    assert kept == {2: 1, 5: 0, 6: 0}
    assert job.result.best_step == 2
    assert (project.folder / job.result.best / "policy" / "adapter_model.safetensors").is_file()
    assert queue.adapter_of(project, job).name == "step-000006"
    assert queue.adapter_of(project, job, "best").name == "step-000002"
    for checkpoint in ("last", "best"):
        compared = run_job(project, JobKind.COMPARE, CompareConfig(checkpoint=checkpoint, max_new_tokens=5))
        assert compared.status == "done", compared.error
    texts = [
        [row["completion"] for row in job_samples.listed(project, compared.id - n) if row["policy"] == "tuned"]
        for n in (0, 1)
    ]
    assert texts[0] != texts[1]


def test_a_run_that_diverges_goes_back_to_a_checkpoint_and_waits(project, run_job, monkeypatch):
    """The update at step 3 breaks; the run is put back to step 2 and pauses until a person lets it go on."""
    from core.rl.algorithms import ppo

    update, failed = ppo.Learner.update, []

    def broken(self, rollout, step):
        learnt = update(self, rollout, step)
        if step == 2 and not failed:
            failed.append(step)
            for weight in self.actor.weights:
                weight.data.fill_(float("nan"))
            return learnt | {"loss/policy_avg": float("nan")}
        return learnt

    monkeypatch.setattr(ppo.Learner, "update", broken)
    held = []

    def hold(self, seconds):
        job = queue.get(project, self.job_id)
        held.append((job.error, job_metrics.series(project, job.id)["objective/kl"][-1][0], job.result))
        queue.want(project, self.job_id, "run")
        return "run"

    monkeypatch.setattr(Recorder, "hold", hold)
    job = run_job(project, JobKind.TRAIN_POLICY, POLICY, options())
    assert job.status == "done", job.report or job.error
    ((sentence, last, result),) = held
    assert "Step 3 went wrong: loss/policy_avg is not a number" in sentence
    assert "back at step 2" in sentence
    assert last == 2, "what came later is forgotten"
    assert result.adapter.endswith("step-000002")
    monkeypatch.setattr(ppo.Learner, "update", update)
    whole = run_job(project, JobKind.TRAIN_POLICY, POLICY, options())
    assert numbers(project, job) == numbers(project, whole), "after the mend it is the run that never went wrong"


@pytest.mark.thorough
def test_a_run_that_is_not_to_wait_ends_as_failed_and_can_be_resumed(project, run_job, monkeypatch):
    from core.rl.algorithms import soft_q

    consistent = soft_q.Learner.consistent

    def broken(self, batch):
        if self.actor.config.algorithm == "soft-q" and len(self.replay) >= 8:
            batch = replace(batch, score=batch.score * float("nan"))
        return consistent(self, batch)

    monkeypatch.setattr(soft_q.Learner, "consistent", broken)
    config = replace(POLICY, algorithm="soft-q", on_trouble="fail", checkpoint_every=1)
    job = run_job(project, JobKind.TRAIN_POLICY, config, options("soft-q"))
    assert (job.status, job.report) == ("failed", None)
    assert "Step 2 went wrong" in job.error
    assert job_metrics.series(project, job.id)["objective/kl"] == [(1, 0.0)]
    monkeypatch.setattr(soft_q.Learner, "consistent", consistent)
    queue.resume(project, job.id)
    worker.run_job(project, worker.claim(project), {})
    assert queue.get(project, job.id).status == "done"
    whole = run_job(project, JobKind.TRAIN_POLICY, config, options("soft-q"))
    assert numbers(project, job) == numbers(project, whole)


def test_a_wait_for_a_run_that_holds_because_of_trouble_ends_with_its_sentence(project, monkeypatch):
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(POLICY, options()))
    set_job(project, job.id, status="paused", error="It went wrong.")
    monkeypatch.setattr(launch, "ensure_worker", lambda *_, **__: None)
    with pytest.raises(KnownError, match=r"It went wrong\. Job 1 is paused"):
        wait(project, job.id, lambda _: None)


def test_a_wish_to_stop_is_not_forgotten_when_a_step_goes_wrong(project):
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(POLICY, options()))
    set_job(project, job.id, status="running", wanted="stop")
    assert Recorder(project, job.id).record(Rollback(0, "It went wrong.")) == "stop"


def test_after_a_rollback_past_it_there_is_no_best_checkpoint(project, tmp_path):
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(POLICY, options()))
    recorder = Recorder(project, job.id)
    for step, best in ((2, False), (4, True)):
        recorder.record(Checkpoint(step, lambda folder: (folder / "x").write_text("x"), best=best))
    assert queue.get(project, job.id).result.best_step == 4
    recorder.record(Rollback(2, "It went wrong."))
    result = queue.get(project, job.id).result
    assert (result.best, result.best_step) == ("", None)
    assert result.adapter.endswith("step-000002")


def test_a_run_that_goes_back_has_the_best_checkpoint_that_it_had_by_then(project):
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(POLICY, options()))
    recorder = Recorder(project, job.id)

    def written(step, *, best):
        recorder.record(Checkpoint(step, lambda folder: (folder / "x").write_text("x"), best=best))
        return {each["step"] for each in checkpoints.listed(project, job.id)}

    for step in range(6):
        kept = written(step, best=step in (1, 2))
    assert kept == {2, 4, 5}
    assert written(6, best=True) == {2, 4, 5, 6}, "it may yet go back to step 4 or 5"
    recorder.record(Rollback(5, "It went wrong."))
    result = queue.get(project, job.id).result
    assert (result.best_step, result.best) == (2, f"runs/{job.id}/step-000002")
    assert [each["step"] for each in checkpoints.listed(project, job.id) if each["best"]] == [2]
    written(6, best=True)
    for step in (7, 8):
        kept = written(step, best=False)
    assert kept == {6, 7, 8}


@pytest.mark.thorough
def test_a_resumed_run_keeps_its_reward_model_and_its_prompts(project, run_job, monkeypatch):
    ranked(project, run_job)
    reward = TrainRewardConfig(epochs=1, learning_rate=5e-3, batch_prompts=3)
    first = run_job(project, JobKind.TRAIN_REWARD, reward)
    config = replace(POLICY, train_on_gold=False, checkpoint_every=1)
    whole = run_job(project, JobKind.TRAIN_POLICY, config, options())

    def others_go_on():
        assert run_job(project, JobKind.TRAIN_REWARD, replace(reward, seed=5)).id != first.id
        prompts.add(project, [Prompt(0, "a new one"), Prompt(0, "another", split="heldout")])

    resumed = killed_and_resumed(project, monkeypatch, config, options(), at_step(3), meanwhile=others_go_on)
    assert resumed.result.reward_job == first.id
    assert numbers(project, resumed) == numbers(project, whole)
    one, other = (
        [(row["step"], row["policy"], row["prompt"], row["completion"], row["score"]) for row in rows]
        for rows in (job_samples.listed(project, job.id) for job in (resumed, whole))
    )
    assert sorted(one) == sorted(other) and "reference" in {policy for _, policy, *_ in one}


@pytest.mark.thorough
def test_a_run_killed_while_it_is_measured_at_the_end_says_so_once(project, run_job, monkeypatch):
    def last_words(event):
        return isinstance(event, Result) and event.result.kl is not None

    job = killed_and_resumed(project, monkeypatch, POLICY, options(), last_words)
    assert len(job_metrics.series(project, job.id)["eval/reward_after"]) == 1
    assert len([row for row in job_samples.listed(project, job.id) if row["policy"] == "tuned"]) == 8


@pytest.mark.thorough
def test_scores_that_are_all_0_until_a_checkpoint_do_not_change_what_a_resume_gives(project, run_job, monkeypatch):
    from core.rl import collect as collecting

    collect = collecting.collect

    def late(shared, reward, chosen, config, live, step, guide=None, *, learns):
        found, cached = collect(shared, reward, chosen, config, live, step, guide, learns=learns)
        score = found.rollout.score
        return replace(found, rollout=replace(found.rollout, score=score * 0 if step < 2 else score + 1)), cached

    monkeypatch.setattr("core.rl.rollout_source.collect", late)
    whole = run_job(project, JobKind.TRAIN_POLICY, POLICY, options())
    job = run_job(project, JobKind.TRAIN_POLICY, POLICY, options())
    with project.write() as database:
        database.execute("delete from checkpoints where job_id = ? and step > 2", (job.id,))
        set_job(project, job.id, status="interrupted")
    queue.resume(project, job.id)
    worker.run_job(project, worker.claim(project), {})
    assert numbers(project, job) == numbers(project, whole)


@pytest.mark.thorough
def test_the_newest_wish_counts_after_a_resume(project, run_job):
    job = run_job(project, JobKind.TRAIN_POLICY, replace(POLICY, steps=6), options())
    with project.write() as database:
        insert = "insert into controls (job_id, name, value, step, created_at) values (?, 'kl_coef', ?, ?, '')"
        database.execute(insert, (job.id, 0.5, 5))
        database.execute("delete from checkpoints where job_id = ? and step > 4", (job.id,))
        set_job(project, job.id, status="interrupted")
    live_settings.ask(project, job.id, "kl_coef", 0.01)
    queue.resume(project, job.id)
    worker.run_job(project, worker.claim(project), {})
    assert dict(job_metrics.series(project, job.id)["objective/kl_coef"]) == {
        1: 0.05,
        2: 0.05,
        3: 0.05,
        4: 0.05,
        5: 0.01,
        6: 0.01,
    }


def test_only_what_an_algorithm_heeds_can_be_changed_and_a_price_that_it_divides_by_not_to_0(project):
    jobs = {
        name: queue.enqueue(
            project, JobKind.TRAIN_POLICY, config_values(replace(POLICY, algorithm=name), options(name))
        )
        for name in ("trpo", "dpo", "soft-q")
    }
    for name, setting in (("trpo", "learning_rate"), ("dpo", "kl_coef"), ("dpo", "temperature")):
        with pytest.raises(BadInput, match="has no effect"):
            live_settings.ask(project, jobs[name].id, setting, 0.5)
    with pytest.raises(BadInput, match="must stay above 0"):
        live_settings.ask(project, jobs["soft-q"].id, "kl_coef", 0.0)


def test_a_price_of_0_is_refused_where_it_is_divided_by_or_steered(project, run_job):
    soft = replace(POLICY, algorithm="soft-q", kl_coef=0.0)
    assert "above 0" in run_job(project, JobKind.TRAIN_POLICY, soft, options("soft-q")).error
    assert (
        "above 0"
        in run_job(project, JobKind.TRAIN_POLICY, replace(POLICY, kl_coef=0.0, kl_target=3.0), options()).error
    )


def test_the_change_against_the_reference_is_of_the_same_reward(project, run_job):
    config = replace(POLICY, steps=1, missing_end_penalty=1.0, rules="0*length", model_weight=0.0)
    job = run_job(project, JobKind.TRAIN_POLICY, config, options())
    rows = [row for row in job_samples.listed(project, job.id) if row["step"] == 1]
    assert {row["score"] for row in rows} <= {0.0, -1.0}
    unended = [row for row in rows if row["tokens"] == POLICY.max_new_tokens and row["policy"] == "reference"]
    assert all(row["score"] == -1.0 for row in unended)


def test_what_reached_the_limit_is_scored_and_left_out_as_the_run_says(project, run_job, monkeypatch):
    seen, update = [], grpo.Learner.update
    with monkeypatch.context() as patched:
        patched.setattr(grpo.Learner, "update", lambda *args: seen.append(args[1]) or update(*args))
        for how in ("replace", "mask"):
            config = replace(POLICY, algorithm="grpo", steps=1, missing_end=how, missing_end_penalty=7.0)
            assert run_job(project, JobKind.TRAIN_POLICY, config, options("grpo")).status == "done"
    replaced, masked = seen
    ended = replaced.rows.ended
    assert bool((~ended).any())
    assert torch.equal(replaced.score == -7.0, ~ended)
    assert bool(replaced.kept.all())
    assert torch.equal(masked.kept, ended)
    assert torch.equal(masked.score[ended], replaced.score[ended])
    assert bool((masked.score >= 0).all())


@pytest.mark.thorough
def test_rules_alone_reward_a_run_whether_or_not_there_is_a_reward_model(project, run_job):
    config = replace(
        POLICY,
        steps=2,
        gold="",
        train_on_gold=False,
        rules="2*regex:[a-m]; 1*length",
        rules_only=True,
        missing_end_penalty=0,
    )
    job = run_job(project, JobKind.TRAIN_POLICY, config, options())
    assert job.status == "done", job.report or job.error
    assert job.result.reward_job is None
    assert "The rules alone give the reward" in " ".join(row["text"] for row in job_log.lines(project, job.id))
    ruled = lambda text: 2 * len(re.findall("[a-m]", text)) + len(text.split())  # noqa: E731
    rows = job_samples.listed(project, job.id)
    assert rows and [row["score"] for row in rows] == [ruled(row["completion"]) for row in rows]
    ranked(project, run_job)
    reward = TrainRewardConfig(epochs=1, learning_rate=5e-3, batch_prompts=3)
    assert run_job(project, JobKind.TRAIN_REWARD, reward).status == "done"
    again = run_job(project, JobKind.TRAIN_POLICY, config, options())
    assert numbers(project, again) == numbers(project, job), "nobody asked the reward model"
    compared = run_job(project, JobKind.COMPARE, CompareConfig(max_new_tokens=6, policy_job=again.id))
    assert compared.status == "done", compared.report or compared.error
    assert compared.result.reward_job is None
    found = job_samples.listed(project, compared.id)
    assert found and [row["score"] for row in found] == [ruled(row["completion"]) for row in found]


def test_held_out_answers_say_how_much_higher_they_score_than_the_references(project, run_job):
    job = run_job(project, JobKind.TRAIN_POLICY, POLICY, options())
    rows = sorted(job_samples.listed(project, job.id), key=lambda row: row["id"])
    before, after = (
        [row for row in rows if row["policy"] == policy and row["step"] in (0, 5)] for policy in ("reference", "tuned")
    )
    assert len(before) == len(after) > 0
    for was, now in zip(before, after, strict=True):
        assert was["prompt_id"] == now["prompt_id"]
        assert now["change"] == pytest.approx(now["score"] - was["score"])


def test_a_kl_that_explodes_is_trouble_and_one_that_grows_is_not():
    rules = StoppingRules(POLICY)
    for _ in range(3):
        seen(rules, kl=2.0)
    step = {"objective/scores": 1.0, "objective/kl": 4.0, "objective/kl_per_token": 0.2}
    assert rules.trouble(step) is None
    assert "jumped from 2.0 to 90.0" in rules.trouble(step | {"objective/kl": 90.0, "objective/kl_per_token": 4.0})


def test_a_pause_comes_after_a_checkpoint_so_that_it_loses_nothing(project, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(POLICY, options()))
    context = JobContext(project, job.id, POLICY, options())
    events = []
    for event in train_job.run(context):
        events.append(event)
        if isinstance(event, Metrics) and event.step == 1 and "objective/kl" in event.values:
            context.wanted = "pause"
        elif isinstance(event, Progress) and event.done == 1 and event.total == POLICY.steps:
            break
    assert isinstance(events[-2], Checkpoint)
    assert events[-2].step == 1, "although none was due"


@pytest.mark.thorough
def test_rules_and_a_persons_own_function_are_added_with_their_weights(project, run_job, tmp_path):
    (tmp_path / "own.py").write_text("def ends(prompt, completion):\n    return 2.0\n", encoding="utf-8")
    config = replace(POLICY, steps=1, rules=f"0.5*{tmp_path / 'own.py'}:ends; -0.1*length", model_weight=0.0)
    job = run_job(project, JobKind.TRAIN_POLICY, config, options())
    assert job.status == "done", job.error
    for row in job_samples.listed(project, job.id, step=1):
        assert row["score"] == pytest.approx(1.0 - 0.1 * len(row["completion"].split()), abs=1e-5)
    for rules, word in (("x*length", "not a weight"), ("0.5*nonsense", "no reward called")):
        failed = run_job(project, JobKind.TRAIN_POLICY, replace(config, rules=rules), options())
        assert (failed.status, word in failed.error) == ("failed", True)
    (tmp_path / "bad.py").write_text("def own(prompt, completion):\n    return 1 / 0\n", encoding="utf-8")
    failed = run_job(project, JobKind.TRAIN_POLICY, replace(config, rules=f"{tmp_path / 'bad.py'}:own"), options())
    assert "own raised ZeroDivisionError: division by zero" in failed.error
    assert failed.report is None


def test_dpo_needs_no_reward_model_and_others_say_what_they_need(project, run_job):
    config = replace(POLICY, train_on_gold=False, gold="")
    assert "no reward model" in run_job(project, JobKind.TRAIN_POLICY, config, options()).error
    dpo = replace(config, algorithm="dpo")
    assert "rank some training prompts" in run_job(project, JobKind.TRAIN_POLICY, dpo, options("dpo")).error
    ranked(project, run_job)
    job = run_job(project, JobKind.TRAIN_POLICY, dpo, options("dpo"))
    assert job.status == "done", job.error
    assert "rewards/margins" in job_metrics.series(project, job.id)
    single = replace(POLICY, algorithm="rloo", completions=1)
    assert "set --completions to 2" in run_job(project, JobKind.TRAIN_POLICY, single, options("rloo")).error


def test_dpo_learns_an_end_token_only_where_it_was_written(project, tiny_model, run_job, monkeypatch):
    from core.machine import base_models
    from core.models.adapters import SharedModel
    from core.models.load import load
    from core.reward.reward_function import RewardFunction
    from core.rl.preference_source import PreferenceSource
    from core.rl.rollout_source import Collector

    ranked(project, run_job)
    project.database.execute("update completions set ended = id % 2")
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(replace(POLICY, algorithm="dpo"), options("dpo")))
    shared = SharedModel(load(base_models.parse(str(tiny_model))))
    collector = Collector(shared, RewardFunction(), [], POLICY, LiveSettings.of(POLICY))
    source = PreferenceSource(JobContext(project, job.id, POLICY, options("dpo")), shared, collector)
    example, batch = source.examples[0], source.next(0).batch
    for completion, answer, own in zip(
        example.completion_ids, example.answers, source.answers_of(example), strict=True
    ):
        assert own == list(answer if completion % 2 else answer[:-1])
    assert batch.ranks.isfinite().all()
    assert len(batch) == 8


def test_a_sweep_is_a_run_for_every_combination_and_a_table_of_what_differs(project):
    axes = {"kl_coef": ["0.02", "0.1"], "ppo_epochs": ["1", "3"]}
    jobs = sweep.enqueue(project, POLICY, options(), axes)
    assert [(job.config.kl_coef, job.options.ppo_epochs) for job in jobs] == [
        (0.02, 1), (0.02, 3), (0.1, 1), (0.1, 3)
    ]  # fmt: skip
    assert jobs[0].name == "Sweep: kl_coef 0.02, ppo_epochs 1"
    assert sweep.differences(jobs) == ["kl_coef", "ppo_epochs"]
    mixed = sweep.enqueue(project, POLICY, options(), {"algorithm": ["ppo", "rloo"]})
    assert ["cliprange_value" in asdict(job.options) for job in mixed] == [True, False]
    assert all(job.config.on_trouble == "fail" for job in mixed), "one that goes wrong does not hold up the others"
    for name, value, word in (
        ("kl_coef", "nan", "at least"),
        ("nothing", "1", "no setting"),
        ("kl_coef", "many", "no value"),
        ("kl_coef", "99", "at most"),
    ):
        with pytest.raises(BadInput, match=word):
            sweep.enqueue(project, POLICY, options(), {name: [value]})
    assert len(queue.listed(project)) == 6, "nothing is queued of a grid that is wrong"


@pytest.mark.thorough
def test_rounds_follow_from_who_wrote_what_was_ranked(project, run_job):
    assert rounds.rounds(project) == []
    ranked(project, run_job)
    reward = TrainRewardConfig(epochs=1, learning_rate=5e-3, batch_prompts=3)
    assert run_job(project, JobKind.TRAIN_REWARD, reward).status == "done"
    tuned = run_job(project, JobKind.TRAIN_POLICY, replace(POLICY, train_on_gold=False), options())
    (first,) = rounds.rounds(project)
    assert (first.number, first.groups, first.policy_job) == (1, 12, tuned.id)
    assert first.pairs > 0
    assert first.accuracy is not None
    assert first.gain == pytest.approx(tuned.result.reward_after - tuned.result.reward_before)
    begun = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(POLICY, options()))
    queue.want(project, begun.id, "stop")
    Recorder(project, begun.id).record(
        Result(TrainPolicyResult(adapter=tuned.result.adapter, reward_job=first.reward_job))
    )
    assert rounds.rounds(project) == [first], "a run that did not end takes no other's place"
    again = GenerateConfig(max_new_tokens=6, policy_job=tuned.id)
    assert run_job(project, JobKind.GENERATE, again).status == "done"
    assert [(each.number, each.groups, each.pairs) for each in rounds.rounds(project)][1] == (2, 12, 0)
    gold.rank_all(project, GOLD)
    second = run_job(project, JobKind.TRAIN_REWARD, reward)
    found = rounds.rounds(project)
    assert (found[1].reward_job, found[0].reward_job) == (second.id, first.reward_job)
    assert second.result.pairs > first.pairs, "the reward model learns from all rounds"
    assert rounds.line(found[0]).startswith(f"Round 1: {first.pairs:,} pairs · reward model")
