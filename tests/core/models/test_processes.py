"""Several processes on one job: the gradient of the whole batch, the same run, and a resume on another number."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.multiprocessing as mp

from core import worker
from core.config.algorithms import PPO
from core.config.jobs import JobKind, config_values
from core.config.training import TrainPolicyConfig, TrainPolicyJob, TrainRewardConfig
from core.errors import KnownError
from core.events import Metrics
from core.jobs import launch, lock, queue
from core.jobs.process_group import LOCAL
from core.jobs.recorder import Recorder
from core.labeling.own_reward import Lost, OwnReward
from core.machine import base_models
from core.models.adapters import SharedModel
from core.models.load import load
from core.models.processes import Processes
from core.records import Prompt
from core.reward.examples import Example, Order
from core.reward.reward_function import RewardFunction
from core.reward.update import own_gradients, put_together
from core.rl.actor import Setup
from core.rl.adaptive_kl import LiveSettings
from core.rl.algorithms import ppo
from core.rl.collect import collect
from core.rl.rollout import POLICY
from core.store.runs import job_metrics, job_samples
from tests.core.reward.steps import fresh_model
from tests.core.rl.rollouts import copies, gradient, learner_of, same
from tests.core.rl.test_steering import POLICY as RUN
from tests.core.rl.test_steering import numbers, options

CONFIG = TrainPolicyConfig(
    batch_size=12, completions=2, max_new_tokens=6, micro_batch=4, learning_rate=1e-2, lora_rank=4
)
PROMPTS = [Prompt(number, text) for number, text in enumerate(("a", "bcd?", "ef", "gh ij", "k", "l mn"))]


def launched(size: int, function, *arguments, fsdp: bool = False) -> None:
    """Run `function` in so many processes, each told its place as `accelerate launch` does."""
    port = 20000 + os.getpid() % 20000
    mp.start_processes(_one, (size, port, fsdp, function, arguments), nprocs=size, start_method="fork")


def _one(rank: int, size: int, port: int, fsdp: bool, function, arguments) -> None:
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(size), "MASTER_ADDR": "127.0.0.1"}
    os.environ |= {"MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true", "PLUMBLINE_DTYPE": "float32"}
    os.environ["PLUMBLINE_DEVICE"] = "cpu"
    os.environ["ACCELERATE_USE_FSDP"] = str(fsdp).lower()
    function(*arguments)


@pytest.fixture
def alone(monkeypatch):
    """The device and the precision of `launched`, for what one process computes: this one."""
    monkeypatch.setenv("PLUMBLINE_DEVICE", "cpu")
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")


def run_together(folder: Path, ask) -> None:
    worker.work_together(folder, ask)


def policy_gradient(model: Path, out: Path) -> None:
    """One rollout and its first gradient, in as many processes as there are; the main one writes them."""
    together = int(os.environ.get("WORLD_SIZE", "1")) > 1
    world = Processes() if together else LOCAL
    shared = SharedModel(load(base_models.parse(str(model)), world=world), world)
    reward = fresh_model(shared, TrainRewardConfig(lora_rank=4), seed=0)
    with torch.no_grad():
        reward.members[0].head.draw(torch.Generator().manual_seed(0))
    shared.add(POLICY, CONFIG, seed=0)
    draw = torch.Generator().manual_seed(1)
    for weight in shared.parameters(POLICY):
        weight.data += 0.05 * torch.randn(weight.shape, generator=draw)
    live = LiveSettings.of(CONFIG)
    learner = ppo.Learner(Setup(shared, CONFIG, PPO(), live))
    rewards = RewardFunction(reward, gold=lambda prompt, completion: float(len(completion)))
    collected, cached_predictions = collect(shared, rewards, PROMPTS, CONFIG, live, 0, learns=True)
    rollout, gold = collected.rollout, collected.gold
    learner.actor.reuse(cached_predictions)
    found = gradient(learner, rollout)
    if world.main:
        numbers = {"gradient": found, "score": rollout.score, "gold": torch.tensor(gold), "logp": rollout.logp_old}
        torch.save(numbers | {"ids": rollout.rows.response_ids}, out)
    if together:
        world.close()


@pytest.mark.thorough
def test_processes_draw_the_same_rollout_and_find_the_gradient_of_the_whole_batch(tiny_model, tmp_path, alone):
    policy_gradient(tiny_model, tmp_path / "1")
    expected = torch.load(tmp_path / "1")
    for size, fsdp in ((2, False), (3, True)):
        launched(size, policy_gradient, tiny_model, tmp_path / str(size), fsdp=fsdp)
        found = torch.load(tmp_path / str(size))
        assert torch.equal(found["ids"], expected["ids"])
        for key in ("score", "gold", "logp", "gradient"):
            torch.testing.assert_close(found[key], expected[key], atol=1e-5, rtol=1e-5)


#: The second form of PPO has a value function that is an adapter.
ALL = ("ppo", "ppo+adapter", "reinforce", "rloo", "a2c", "trpo", "nlpo", "soft-q", "dqn", "grpo")


class Forgetful(OwnReward):
    """Has no value for one completion in three."""

    def __init__(self) -> None:
        """It asks nobody."""

    def values(self, pairs):
        return [float(len(text) % 5) if sum(map(ord, text)) % 3 else Lost("it", "forgot") for _, text in pairs]


def some_updates(model: Path, out: Path, names: tuple[str, ...], forgets: bool = False) -> None:
    """Two updates by each algorithm; every process writes what became of its policy and its critic. Where the reward
    `forgets`, nothing is learnt from some completions."""
    together = int(os.environ.get("WORLD_SIZE", "1")) > 1
    world = Processes() if together else LOCAL
    base = load(base_models.parse(str(model)), world=world)
    base = replace(base, end_ids=tuple(range(90)))  # responses of 1 to 6 tokens
    config = replace(CONFIG, micro_batch=12)
    found = {}
    for name in names:
        shared = SharedModel(base, world)
        shared.add(POLICY, config, seed=0)
        algorithm, _, value_model = name.partition("+")
        own = {"value_model": value_model, "minibatches": 2} if value_model else {}
        learner = learner_of(shared, algorithm, config, **own)
        plain = lambda prompt, completion: float(len(completion) % 5)  # noqa: E731
        rewards = RewardFunction(optimised_gold=Forgetful() if forgets else plain)
        lengths = set()
        for step in range(2):
            more = {"learns": learner.options.learns_from_fresh, "states": learner.options.reads_states}
            drawn, cached = collect(shared, rewards, PROMPTS, config, learner.live, step, learner.guide(), **more)
            rollout = drawn.rollout
            assert (len(rollout) < len(drawn.drawn)) == forgets
            learner.actor.reuse(cached)
            lengths |= set(rollout.rows.lengths.tolist())
            learner.update(rollout, step)
        assert len(lengths) > 2
        critic = learner.critic.weights if learner.critic else []
        found[name] = {"policy": copies(learner.actor.weights), "critic": copies(critic)}
        shared.close()
    torch.save(found, out / f"{world.size}-{world.rank}")
    if together:
        world.close()


@pytest.mark.slow
@pytest.mark.parametrize("forgets", [False, True])
def test_every_algorithm_learns_the_same_in_several_processes(tiny_model, tmp_path, alone, forgets):
    some_updates(tiny_model, tmp_path, ALL, forgets)
    expected = torch.load(tmp_path / "1-0")
    for size, fsdp, names in ((2, False, ALL), (3, True, ("ppo", "ppo+adapter", "nlpo", "soft-q", "grpo"))):
        launched(size, some_updates, tiny_model, tmp_path, names, forgets, fsdp=fsdp)
        found = [torch.load(tmp_path / f"{size}-{rank}") for rank in range(size)]
        for name in names:
            for part in ("policy", "critic"):
                for each in found:
                    close = {"atol": 2e-3, "rtol": 1e-2, "msg": f"{name} in {size}"}
                    torch.testing.assert_close(each[name][part], expected[name][part], **close)
                assert same(found[0][name][part], found[-1][name][part]), f"{name} in {size}"


def reward_gradient(model: Path, out: Path) -> None:
    together = int(os.environ.get("WORLD_SIZE", "1")) > 1
    world = Processes() if together else LOCAL
    shared = SharedModel(load(base_models.parse(str(model)), world=world), world)
    config = TrainRewardConfig(lora_rank=4)
    reward = fresh_model(shared, config, seed=0)
    batch = [
        Example(
            number, [5, 6, 7 + number], ([10, 11, 0], [12, 0], [13 + number, 14, 15, 0]), (0, 1, 2),
            (Order(0, torch.tensor([1.0, 2.0, 3.0]), True),),
        )
        for number in range(4)
    ]  # fmt: skip
    (member,) = reward.members
    metrics = put_together(reward, member, own_gradients(reward, member, batch, config, 10_000))
    adapter, head = reward.parameters(member)
    found = torch.cat([x.grad.flatten() for x in (*adapter, *head) if x.grad is not None])
    if world.main:
        torch.save({"gradient": found, "metrics": metrics}, out)
    if together:
        world.close()


@pytest.mark.thorough
def test_the_gradient_of_a_reward_model_is_that_of_the_whole_batch(tiny_model, tmp_path, alone):
    reward_gradient(tiny_model, tmp_path / "1")
    expected = torch.load(tmp_path / "1")
    for size, fsdp in ((2, False), (3, True)):
        launched(size, reward_gradient, tiny_model, tmp_path / str(size), fsdp=fsdp)
        found = torch.load(tmp_path / str(size))
        torch.testing.assert_close(found["gradient"], expected["gradient"], atol=1e-5, rtol=1e-5)
        assert found["metrics"] == pytest.approx(expected["metrics"], abs=1e-5)


CONFIG_OF_RUN = replace(RUN, batch_size=6, completions=2, steps=4, kl_target=1.0, checkpoint_every=1)


@pytest.mark.thorough
def test_a_run_of_two_processes_that_is_stopped_goes_on_with_three_and_ends_as_one_does(asking, run_job, monkeypatch):
    whole = run_job(asking, JobKind.TRAIN_POLICY, CONFIG_OF_RUN, options())
    assert whole.status == "done", whole.report or whole.error
    record = Recorder.record

    def stop(self, event):
        if isinstance(event, Metrics) and event.step == 2:
            os.kill(os.getpid(), signal.SIGINT)  # Ctrl-C
        return record(self, event)

    monkeypatch.setattr(Recorder, "record", stop)
    stored = config_values(CONFIG_OF_RUN, options())
    launched(2, run_together, asking.folder, lambda there: queue.enqueue(there, JobKind.TRAIN_POLICY, stored).id)
    (job,) = [found for found in queue.listed(asking, TrainPolicyJob) if found.id != whole.id]
    assert (job.status, len(job_metrics.series(asking, job.id)["objective/kl"])) == ("stopped", 2)
    monkeypatch.setattr(Recorder, "record", record)

    def again(there):
        queue.resume(there, job.id)
        return job.id

    launched(3, run_together, asking.folder, again, fsdp=True)
    job = queue.get(asking, job.id)
    assert job.status == "done", job.report or job.error
    found, expected = (numbers(asking, each) for each in (job, whole))
    assert set(found) == set(expected)
    for name, values in expected.items():
        assert found[name] == [pytest.approx(value, abs=1e-3, rel=1e-3) for value in values], name
    tuned = [[row["completion"] for row in job_samples.listed(asking, each.id)] for each in (job, whole)]
    assert tuned[0] == tuned[1], "they wrote the same"


def held_part(model: Path, out: Path) -> None:
    world = Processes()
    base = load(base_models.parse(str(model)), world=world)
    layers = [weight for name, weight in base.model.named_parameters() if ".layers." in name]
    sizes = (sum(weight.to_local().numel() for weight in layers), sum(weight.numel() for weight in layers))
    (out / str(world.rank)).write_text(" ".join(map(str, sizes)))
    world.close()


def test_with_fsdp_each_process_holds_its_part_of_the_layers(tiny_model, tmp_path):
    launched(2, held_part, tiny_model, tmp_path, fsdp=True)
    parts = [tuple(map(int, (tmp_path / rank).read_text().split())) for rank in "01"]
    assert parts[0][0] + parts[1][0] == parts[0][1]
    assert parts[0][0] == pytest.approx(parts[0][1] / 2, rel=0.05)


def test_what_differentiates_twice_is_refused_with_fsdp(asking):
    stored = config_values(replace(CONFIG_OF_RUN, algorithm="trpo"), options("trpo"))
    with pytest.raises(mp.ProcessRaisedException, match="leave FSDP out"):
        launched(
            2,
            run_together,
            asking.folder,
            lambda there: queue.enqueue(there, JobKind.TRAIN_POLICY, stored).id,
            fsdp=True,
        )
    (job,) = queue.listed(asking, TrainPolicyJob)
    assert job.status == "failed" and "choose another algorithm" in job.error


def test_several_processes_do_not_work_beside_a_worker(asking, tmp_path):
    def told(folder: Path, out: Path) -> None:
        lock.LEAVING = 0.5  # seconds that are waited for it
        try:
            worker.work_together(folder, lambda there: 1)
        except KnownError as error:
            (out / os.environ["RANK"]).write_text(str(error))

    guard = lock.acquire(asking.folder)
    launched(2, told, asking.folder, tmp_path)
    guard.close()
    for rank in "01":
        assert "A worker is at work on this project" in (tmp_path / rank).read_text()


@pytest.mark.thorough
def test_a_worker_without_work_leaves_for_them(asking):
    waiting = launch.ensure_worker(asking.folder, idle=60)
    deadline = time.monotonic() + 30
    while not lock.held(asking.folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    guard = lock.take_over(asking.folder)
    assert guard is not None
    assert waiting.wait(10) == 0
    guard.close()


def test_a_note_that_was_left_behind_sends_no_worker_away(asking):
    note = asking.folder / lock.LEAVE
    note.touch()
    assert lock.asked_to_leave(asking.folder)
    os.utime(note, (time.time() - 60, time.time() - 60))
    assert not lock.asked_to_leave(asking.folder)


def test_a_batch_has_a_prompt_for_every_process(asking):
    stored = config_values(replace(CONFIG_OF_RUN, batch_size=2), options())
    with pytest.raises(mp.ProcessRaisedException, match="a prompt for each of the 2 processes"):
        launched(2, run_together, asking.folder, lambda there: queue.enqueue(there, JobKind.TRAIN_POLICY, stored).id)
    (job,) = queue.listed(asking, TrainPolicyJob)
    assert job.status == "failed" and "set --batch-size to 4 or more" in job.error
