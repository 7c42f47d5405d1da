"""Collect one batch of rollouts, with rewards and log-probabilities; and what it says about its policy."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from core.config.training import TrainPolicyConfig
from core.errors import BadInput, Diverged, KnownError
from core.jobs.process_group import LOCAL
from core.models import chat
from core.models.adapters import SharedModel
from core.models.draws import Guide
from core.models.load import Base
from core.models.rows import Rows
from core.models.seeds import generator
from core.records import Prompt
from core.reward.reward_function import RewardFunction
from core.rl.actor import CachedPredictions
from core.rl.adaptive_kl import LiveSettings
from core.rl.batches import Rollout, join
from core.rl.estimators import k3, masked_mean
from core.rl.rollout import POLICY, compared_and_scored, draw, policy_logprobs


class Unrewarded(BadInput):
    """No completion of a step has a reward."""


@dataclass(frozen=True)
class Collected:
    """A step's completions, with what is only to be shown of them."""

    prompts: list[Prompt]  # in the order of `drawn`, each of them once for `completions` of it
    drawn: Rollout  # all of them; the score is nan where it is lost
    gold: list[float | None] | None  # (B) of the gold reward that is drawn beside
    lost: list[str]  # (B) why there is no reward, empty where there is one
    times: dict[str, float]  # seconds

    @cached_property
    def kept(self) -> list[int]:
        """The numbers of those that have a reward."""
        return [number for number, why in enumerate(self.lost) if not why]

    @cached_property
    def rollout(self) -> Rollout:
        """What is learnt from, and what a step's numbers are of: the completions that have a reward. A prompt of which
        none has is not in it."""
        if len(self.kept) == len(self.lost):
            return self.drawn
        places = torch.tensor(self.kept, device=self.drawn.score.device)
        return replace(self.drawn.select(places), places=places)

    @property
    def kept_gold(self) -> list[float]:
        """The gold rewards of the rollout, where they are known."""
        return [value for number in self.kept if self.gold and (value := self.gold[number]) is not None]


def collect(
    shared: SharedModel, reward: RewardFunction, chosen: list[Prompt], config: TrainPolicyConfig, live: LiveSettings,
    step: int, guide: Guide | None = None, *, learns: bool = False, states: bool = True,
) -> tuple[Collected, CachedPredictions | None]:  # fmt: skip
    """One batch of rollouts with log-probabilities and scores.

    With `learns` also the policy's predictions, where they can be kept for its first optimizer step. Where nobody reads
    the `states` under the value head, the rollout has none. Several processes
    draw and score a share of the prompts each, and all get the whole; but where a guide remembers every draw, each
    draws everything. What ends it in one ends it in all of them: `Diverged` if the policy gives no numbers, `BadInput`
    where a function of the person's own cannot be asked any more, `Unrewarded`.
    """
    world = shared.world if guide is None else LOCAL
    found, trouble = None, None  # of this process: whether it diverged, and a sentence
    try:
        found = _collect(shared, reward, chosen, world.share(len(chosen)), config, live, step, guide, learns, states)
    except KnownError as error:
        if world.size == 1:
            raise
        trouble = isinstance(error, Diverged), str(error)
    if everywhere := [each for each in world.gathered(trouble) if each]:
        diverged, text = everywhere[0]
        raise (Diverged if diverged else BadInput)(text)
    assert found is not None
    collected, cached = found
    if world.size > 1:
        device = shared.base.device
        parts = world.gathered((collected.drawn.to(torch.device("cpu")), collected.gold, collected.lost))
        whole = join([part for part, _, _ in parts]).to(device)
        gold = None if collected.gold is None else [value for _, values, _ in parts for value in values]
        first = sum(len(part) for part, _, _ in parts[: world.rank])
        if cached is not None:
            wide = cached.predictions.widened(whole.is_response.shape[1])
            cached = CachedPredictions(cached.index + first, wide)
        collected = Collected(chosen, whole, gold, [why for _, _, part in parts for why in part], collected.times)
    if not collected.kept:
        raise Unrewarded(f"No completion of step {step + 1} has a reward: {collected.lost[0]}. Mend that, then resume.")
    complete = len(collected.kept) == len(collected.lost)
    return collected, cached if complete else None  # without all rows they are others'


def _collect(
    shared: SharedModel, reward: RewardFunction, everyone: list[Prompt], share: slice, config: TrainPolicyConfig,
    live: LiveSettings, step: int, guide: Guide | None, learns: bool, states: bool,
) -> tuple[Collected, CachedPredictions | None]:  # fmt: skip
    """The completions of one share of a step's prompts."""
    began = time.monotonic()
    chosen, K = everyone[share], config.completions
    base = shared.base
    ids = [chat.to_answer(base, prompt.conversation, config.max_new_tokens, prompt.id) for prompt in chosen]
    sampled = draw(
        shared, POLICY, ids, copies=K, max_new_tokens=config.max_new_tokens, temperature=live.temperature,
        generator=generator(config.seed, "rollout", step), guide=guide, among=(share.start * K, len(everyone) * K),
    )  # fmt: skip
    drawn, rows = time.monotonic(), sampled.rows
    shared.report_status("Comparing with the reference")
    logp_old, entropy, kept = policy_logprobs(shared, rows, live.temperature, config.micro_batch, learns=learns)
    texts = chat.texts_of(base, rows)
    again = chat.judged_rows(base, rows, texts)
    logp_ref, (learned, features, spread) = compared_and_scored(
        shared, reward.model, rows, live.temperature, config.micro_batch, again, states=states
    )
    asked, judged = [prompt.conversation for prompt in chosen for _ in range(K)], list(map(base.chat.judged, texts))
    if reward.own:
        shared.report_status("Asking your reward functions")
    score, gold, lost, steps = reward.scores(learned, asked, judged, rows.ended)
    rollout = Rollout(
        rows, texts, logp_old, logp_ref, entropy, features, score, spread, temperature=live.temperature,
        logp_sampled=sampled.logp, guided=None if guide is None else sampled.logp_drawn - sampled.logp,
        masks_cut=config.missing_end == "mask", step_rewards=step_rewards_of(base, rows, texts, judged, steps),
    )  # fmt: skip
    index = torch.arange(len(rows), device=rows.prompt_of.device)
    times = {"time/generate": drawn - began, "time/score": time.monotonic() - drawn}
    return Collected(chosen, rollout, gold, lost, times), CachedPredictions(index, kept) if kept else None


def step_rewards_of(
    base: Base, rows: Rows, texts: Sequence[str], judged: Sequence[str], steps: Sequence[Sequence[tuple[int, float]]]
) -> Tensor | None:
    """Rewards (B, T) of steps, each at the token that completes the last character of its step; None without any.

    steps: (B) as `Scores` has them, counted in characters of what was `judged` of each of the `texts`, its end."""
    if not any(steps):
        return None
    found = torch.zeros(rows.is_response.shape)
    for row, (own, n) in enumerate(zip(steps, rows.lengths.tolist(), strict=True)):
        ids, before = rows.response_ids[row, :n].tolist() if own else [], len(texts[row]) - len(judged[row])
        for end, reward in own:
            found[row, chat.token_completing(base, ids, texts[row][: before + end])] += reward
    return found.to(rows.is_response.device)


def objective(rollout: Rollout, gold: list[float], kl_coef: float, estimator: str = "k1") -> dict[str, float]:
    """What the batch says about the policy that drew it, before it learns; KL is charged as `estimator` says. `gold`
    are the gold rewards that are known of it."""
    kl = rollout.kl
    mask = rollout.is_response
    charged = kl_coef * rollout.charged_kl(estimator).sum(1)
    values = {
        "objective/scores": float(rollout.score.mean()),
        "objective/score_std": float(rollout.score.std(correction=0)),
        "objective/kl": float(kl.mean()),
        "objective/kl_per_token": float(kl.sum() / mask.sum()),
        "objective/kl_k3": float((k3(rollout.logp_drawn, rollout.logp_ref) * mask).sum(1).mean()),
        "objective/kl_coef": kl_coef,
        "objective/non_score_reward": float(-charged.mean()),
        "objective/rlhf_reward": float((rollout.score - charged).mean()),
        "objective/entropy": float(masked_mean(rollout.entropy, mask)),
        "completions/mean_length": float(rollout.rows.lengths.float().mean()),
        "completions/eos_rate": float(rollout.rows.ended.float().mean()),
    }
    if rollout.spread is not None:
        values["objective/score_spread"] = float(rollout.spread.mean())
    if rollout.logp_sampled is not None:
        values |= mismatch(rollout.logp_old, rollout.logp_sampled, mask)
    return values | {"objective/gold": sum(gold) / len(gold)} if gold else values


def mismatch(logp: Tensor, logp_sampled: Tensor, mask: Tensor) -> dict[str, float]:
    """How far the log-probabilities (B, T) that are learnt with lie from those that drew, which are the same numbers
    computed in another way: in TRL's names, and of whole completions."""
    difference = (logp - logp_sampled) * mask
    return {
        "sampling/sampling_logp_difference/mean": float(masked_mean(difference.abs(), mask)),
        "sampling/sampling_logp_difference/max": float(difference.abs().max()),
        "sampling/sequence_logp_difference/mean": float(difference.sum(1).abs().mean()),
    }
