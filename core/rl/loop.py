"""The job `train-policy`: rollouts, rewards, update, again, until a threshold or the maximum of steps.

The loop knows no algorithm from inside. Every random draw is seeded by its place in the run, so a resumed
run goes on bit for bit as if it had never been interrupted.
"""

import importlib
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from core.configs import ALGORITHMS, TrainPolicyConfig
from core.errors import NothingToDo
from core.events import Checkpoint, Event, Metrics, Note, Progress, Result, Sample, Samples
from core.jobs.context import Events, JobContext
from core.models import chat
from core.models.adapters import REFERENCE, SharedModel
from core.models.heads import ScalarHead
from core.models.load import base_of
from core.models.seeds import generator
from core.records import Prompt
from core.rl import evaluate, rewards
from core.rl.algorithms import Learner
from core.rl.estimators import masked_mean
from core.rl.rewards import Rewards
from core.rl.rollout import POLICY, Rollout, draw, logprobs, score_and_features
from core.store import prompts

EVALUATION_COPIES = 4
THRESHOLD_STEPS = 3


def run(context: JobContext) -> Events:
    config: TrainPolicyConfig = context.config
    train = prompts.listed(context.project, split="train")
    if not train:
        raise NothingToDo("There are no training prompts: add some, or change the split of the ones there are.")
    base = yield from base_of(context, four_bit=rewards.on_four_bits(context.project, config))
    shared = SharedModel(base)
    try:
        reward = yield from rewards.of(context, shared, config)
        if context.resume_from:
            shared.load(POLICY, context.resume_from / POLICY)
        else:
            shared.add(POLICY, config, seed=config.seed)
        head = value_head(shared)
        module = importlib.import_module(ALGORITHMS[config.algorithm].module)
        learner: Learner = module.Learner(shared, config, context.options, head)
        yield from _train(context, shared, learner, reward, train)
    finally:
        shared.close()


def value_head(shared: SharedModel) -> ScalarHead:
    """A head that starts at 0. On the reward model's features it learns in a few steps; a copy of the reward
    head does not help, because that is only right at the end token (explained variance -4 at first)."""
    head = ScalarHead(shared.base.hidden_size).to(shared.base.device)
    head.zero()
    return head


def _train(
    context: JobContext, shared: SharedModel, learner: Learner, reward: Rewards, train: list[Prompt]
) -> Iterator[Event]:
    config: TrainPolicyConfig = context.config
    began = time.monotonic()
    step, recent = context.resume_step, []
    if context.resume_from:
        learner.restore(context.resume_from)
        past = context.project.rows(
            "select value from metrics where job_id = ? and name = 'objective/scores' order by step desc limit ?",
            context.job_id, THRESHOLD_STEPS,
        )  # fmt: skip
        recent = [row["value"] for row in reversed(past)]

    def checkpoint() -> Checkpoint:
        def save(folder: Path) -> None:
            shared.save(POLICY, folder / POLICY)
            learner.save(folder)

        return Checkpoint(step, save)

    heldout = prompts.listed(context.project, split="heldout", limit=config.eval_prompts) if config.eval_prompts else []
    if heldout and step == 0:
        yield Progress(0, 1, "Measuring the reference")
        before = _evaluate(context, shared, REFERENCE, heldout, reward, "reference")
        yield Samples(0, tuple(before))
        yield Metrics(0, {"eval/reward_before": evaluate.mean(before, "score") or 0.0})
        yield Result({"reward_before": evaluate.mean(before, "score"), "gold_before": evaluate.mean(before, "gold")})
        yield Progress(1, 1, "Measuring the reference")
    if config.reward_threshold:
        yield Note(f"Stops at a mean reward of {config.reward_threshold:g} over {THRESHOLD_STEPS} steps.")

    stage = f"Tuning the policy ({ALGORITHMS[config.algorithm].title})"
    reason = "maximum of steps"
    yield Progress(step, config.steps, stage)
    while step < config.steps:
        start = time.monotonic()
        chosen = batch_of(train, config, step)
        rollout, gold, times = collect(shared, reward, chosen, config, step)
        before_update = time.monotonic()
        learned = learner.update(rollout, step / config.steps)
        times["time/train"] = time.monotonic() - before_update
        times["time/step"] = time.monotonic() - start
        step += 1
        metrics = objective(rollout, gold, config.kl_coef)
        yield Metrics(step, metrics | learned | times)
        asked = [prompt for prompt in chosen for _ in range(config.completions)]
        yield Samples(step, tuple(rollout_samples(rollout, asked, gold)))
        recent = [*recent, metrics["objective/scores"]][-THRESHOLD_STEPS:]
        reached = (
            bool(config.reward_threshold)
            and len(recent) == THRESHOLD_STEPS
            and sum(recent) / THRESHOLD_STEPS >= config.reward_threshold
        )
        if reached or step % config.checkpoint_every == 0 or step == config.steps or context.wanted != "run":
            yield checkpoint()
        yield Progress(step, config.steps, stage)
        if context.stopping:
            return
        if reached:
            reason = "reward threshold"
            break

    result: dict[str, Any] = {"steps": step, "stop_reason": reason, "reward_job": reward.reward_job}
    if heldout:
        yield Progress(0, 1, "Measuring the tuned policy")
        after = _evaluate(context, shared, POLICY, heldout, reward, "tuned")
        yield Samples(step, tuple(after))
        yield Metrics(step, {"eval/reward_after": evaluate.mean(after, "score") or 0.0})
        result |= {
            name + "_after": evaluate.mean(after, field) for name, field in (("reward", "score"), ("gold", "gold"))
        }
        result["kl"] = evaluate.mean(after, "kl")
    yield Result(result | {"seconds": time.monotonic() - began})
    yield Progress(1, 1, "Done")


def batch_of(train: list[Prompt], config: TrainPolicyConfig, step: int) -> list[Prompt]:
    """The prompts of one step: passes over shuffled prompts, a function of the seed and the step alone."""
    chosen: list[Prompt] = []
    size = prompts_a_step(config)
    place = step * size
    while len(chosen) < size:
        order = list(train)
        random.Random(f"{config.seed}/{place // len(train)}").shuffle(order)
        part = order[place % len(train) :][: size - len(chosen)]
        chosen += part
        place += len(part)
    return chosen


def prompts_a_step(config: TrainPolicyConfig) -> int:
    return max(1, config.batch_size // config.completions)


def collect(
    shared: SharedModel, reward: Rewards, chosen: list[Prompt], config: TrainPolicyConfig, step: int
) -> tuple[Rollout, list[float] | None, dict[str, float]]:
    """One batch of rollouts with log-probabilities and scores; also the gold rewards and the seconds it took."""
    began = time.monotonic()
    ids = [chat.prompt_ids(shared.base, prompt.text) for prompt in chosen]
    rows = draw(
        shared, POLICY, ids, copies=config.completions, max_new_tokens=config.max_new_tokens,
        temperature=config.temperature, generator=generator(config.seed, "rollout", step),
    )  # fmt: skip
    drawn = time.monotonic()
    logp_old, entropy = logprobs(shared, POLICY, rows, config.temperature, config.micro_batch, entropy=True)
    logp_ref, _ = logprobs(shared, REFERENCE, rows, config.temperature, config.micro_batch)
    learned, features, spread = score_and_features(shared, reward.model, rows, config.micro_batch)
    texts = tuple(
        chat.text_of(shared.base, rows.response_ids[i, :n].tolist()) for i, n in enumerate(rows.lengths.tolist())
    )
    asked = [prompt.text for prompt in chosen for _ in range(config.completions)]
    gold = reward.gold_of(asked, list(texts))
    score = reward.score(learned, gold, asked, list(texts))
    rollout = Rollout(rows, texts, logp_old, logp_ref, entropy, features, score, spread)
    return rollout, gold, {"time/generate": drawn - began, "time/score": time.monotonic() - drawn}


def objective(rollout: Rollout, gold: list[float] | None, kl_coef: float) -> dict[str, float]:
    """What the batch says about the policy that drew it, before it learns from it."""
    kl = rollout.kl
    mask = rollout.is_response
    values = {
        "objective/scores": float(rollout.score.mean()),
        "objective/score_std": float(rollout.score.std(correction=0)),
        "objective/kl": float(kl.mean()),
        "objective/kl_per_token": float(kl.sum() / mask.sum()),
        "objective/kl_coef": kl_coef,
        "objective/non_score_reward": float(-kl_coef * kl.mean()),
        "objective/rlhf_reward": float((rollout.score - kl_coef * kl).mean()),
        "objective/entropy": float(masked_mean(rollout.entropy, mask)),
        "completions/mean_length": float(rollout.rows.lengths.float().mean()),
        "completions/eos_rate": float(rollout.rows.ended.float().mean()),
    }
    if rollout.spread is not None:
        values["objective/score_spread"] = float(rollout.spread.mean())
    return values if gold is None else values | {"objective/gold": sum(gold) / len(gold)}


def rollout_samples(rollout: Rollout, chosen: list[Prompt], gold: list[float] | None) -> list[Sample]:
    kl, lengths = rollout.kl.tolist(), rollout.rows.lengths.tolist()
    return [
        Sample(
            prompt=prompt.text,
            prompt_id=prompt.id,
            completion=rollout.texts[i],
            score=float(rollout.score[i]),
            gold=None if gold is None else gold[i],
            kl=kl[i],
            tokens=lengths[i],
        )
        for i, prompt in enumerate(chosen)
    ]


def _evaluate(
    context: JobContext, shared: SharedModel, role: str | None, heldout: list[Prompt], reward: Rewards, name: str
) -> list[Sample]:
    config: TrainPolicyConfig = context.config
    return evaluate.answers(
        shared, role, [(prompt.id, prompt.text) for prompt in heldout], reward, name=name, copies=EVALUATION_COPIES,
        max_new_tokens=config.max_new_tokens, temperature=config.temperature, seed=config.seed,
    )  # fmt: skip
