"""The job `train-reward`: a LoRA reward model from rankings.

One optimizer step takes `batch_prompts` rankings; each ranking is one batch element with all its pairs, so
every completion goes through the model once a pass. The split is by prompt, never by pair. How this
differs from InstructGPT: LoRA on a small base instead of full fine-tuning, so the learning rate is higher,
and two passes instead of one by default, because few labels on a workstation are the rule.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from core.configs import TrainRewardConfig
from core.errors import BadInput, KnownError, NothingToDo
from core.events import Checkpoint, Event, Metrics, Note, Progress, Result
from core.jobs.context import Events, JobContext
from core.models import chat
from core.models.adapters import SharedModel
from core.models.checkpoint import adamw, load_optimizer, save_optimizer, scale_learning_rates
from core.models.load import Base, base_of
from core.preferences import pairs
from core.preferences.pairs import RankedGroup
from core.reward.loss import rank_tensor, ranking_loss
from core.reward.model import ADAPTER, RewardModel
from core.store import Project

EVALUATIONS = 2
REFERENCE_GROUPS = 24


@dataclass(frozen=True)
class Example:
    """One ranking as token ids: the prompt, N answers that end with the end token, and their ranks (N,)."""

    prompt_id: int
    prompt: list[int]
    answers: list[list[int]]
    ranks: torch.Tensor
    ties: bool = True


def run(context: JobContext) -> Events:
    config: TrainRewardConfig = context.config
    groups = pairs.ranked_groups(context.project)
    if not groups:
        raise NothingToDo("There are no pairs to train on: rank the completions of some prompts first.")
    train, heldout = split(groups, config)
    base = yield from base_of(context)
    shared = SharedModel(base)
    try:
        yield from _train(context, shared, train, heldout)
    finally:
        shared.close()


def split(groups: list[RankedGroup], config: TrainRewardConfig) -> tuple[list[RankedGroup], list[RankedGroup]]:
    """Rankings to learn from and rankings to test on, with no prompt in both.

    Prompts marked held-out are the test; if none is ranked, `heldout_fraction` of the prompts are drawn.
    """
    chosen = {group.prompt_id for group in groups if group.split == "heldout"}
    prompt_ids = sorted({group.prompt_id for group in groups})
    if not chosen:
        count = round(len(prompt_ids) * config.heldout_fraction)
        chosen = set(random.Random(config.seed).sample(prompt_ids, min(count, len(prompt_ids) - 1)))
    train = [group for group in groups if group.prompt_id not in chosen]
    if not train:
        raise NothingToDo("Every ranked prompt is held out: rank some training prompts, or change their split.")
    return train, [group for group in groups if group.prompt_id in chosen]


def encode(base: Base, groups: list[RankedGroup], longest: int) -> tuple[list[Example], list[str]]:
    """Examples, and a sentence for each ranking that had to be left out because it is too long."""
    examples, notes = [], []
    for group in groups:
        answers = [chat.completion_ids(base, text) for text in group.completions]
        try:
            prompt = chat.fit(chat.prompt_ids(base, group.prompt), max(answers, key=len), longest)
        except BadInput as error:
            notes.append(f"Left out the ranking of prompt {group.prompt_id}: {error}")
            continue
        examples.append(Example(group.prompt_id, prompt, answers, rank_tensor(group.ranks), group.ties))
    return examples, notes


def _train(
    context: JobContext, shared: SharedModel, train_groups: list[RankedGroup], heldout_groups: list[RankedGroup]
) -> Iterator[Event]:
    config: TrainRewardConfig = context.config
    began = time.monotonic()
    longest = min(config.max_length, shared.base.context)
    train, notes = encode(shared.base, train_groups, longest)
    heldout, more = encode(shared.base, heldout_groups, longest)
    for note in [] if context.resume_from else notes + more:
        yield Note(note)
    if not train:
        raise NothingToDo("Every ranking is longer than --max-length: raise it.")
    if context.resume_from:
        model = RewardModel.load(shared, context.resume_from)
    else:
        model = RewardModel.fresh(shared, config, seed=config.seed)
    optimizer = adamw(
        (model.adapter_parameters(), config.learning_rate), (model.head_parameters(), config.head_learning_rate)
    )
    step = 0
    if context.resume_from:
        load_optimizer(optimizer, context.resume_from / "optimizer.safetensors")
        step = context.resume_step

    def checkpoint() -> Checkpoint:
        def save(folder: Path) -> None:
            model.save(folder)
            save_optimizer(optimizer, folder / "optimizer.safetensors")

        return Checkpoint(step, save)

    per_epoch = -(-len(train) // config.batch_prompts)
    total = per_epoch * config.epochs
    evaluate_every = max(1, total // EVALUATIONS)
    measured: dict[str, float] = {}
    if heldout and step >= total:
        measured = evaluate(model, heldout)
    yield Progress(step, total, "Training the reward model")
    while step < total:
        order = list(range(len(train)))
        random.Random(f"{config.seed}/{step // per_epoch}").shuffle(order)
        start = (step % per_epoch) * config.batch_prompts
        batch = [train[index] for index in order[start : start + config.batch_prompts]]
        scale_learning_rates(optimizer, 1 - step / total)
        metrics = update(model, optimizer, batch, config)
        step += 1
        if heldout and (step % evaluate_every == 0 or step == total):
            measured = evaluate(model, heldout)
            metrics |= measured
        yield Metrics(step, metrics)
        if step % config.checkpoint_every == 0 or context.wanted != "run":
            yield checkpoint()
        yield Progress(step, total, "Training the reward model")
        if context.stopping:
            return
    mean, std = normalise(context.project, model, train + heldout, longest)
    # Saved under the next number: the same weights, now with the scale that scores are given in.
    step += 1
    yield checkpoint()
    yield Result(
        {
            "pairs": sum(group_pairs(example) for example in train),
            "heldout_pairs": sum(group_pairs(example) for example in heldout),
            "accuracy": measured.get("eval_accuracy"),
            "eval_loss": measured.get("eval_loss"),
            "reward_mean": mean,
            "reward_std": std,
            "seconds": time.monotonic() - began,
        }
    )


def group_pairs(example: Example) -> int:
    return int((example.ranks[:, None] < example.ranks[None, :]).sum())


def update(
    model: RewardModel, optimizer: torch.optim.Optimizer, batch: list[Example], config: TrainRewardConfig
) -> dict[str, float]:
    """One optimizer step: the mean over prompts of each prompt's mean over pairs.

    Backward runs for `micro_batch` prompts at a time: the loss is a sum over prompts, so the gradient is the
    whole batch's while only few prompts' activations are in memory.
    """
    loss = correct = margin = 0.0
    count = 0
    with model.shared.role(ADAPTER, train=True):
        for start in range(0, len(batch), config.micro_batch):
            part = batch[start : start + config.micro_batch]
            scores = model.forward([example.prompt for example in part], [example.answers for example in part])
            found = [
                ranking_loss(
                    one, example.ranks, ties=config.ties if example.ties else "drop", centering=config.centering
                )
                for one, example in zip(scores.split([len(example.answers) for example in part]), part, strict=True)
            ]
            total = torch.stack([one.loss for one in found]).sum() / len(batch)
            total.backward()
            loss += float(total.detach())
            correct += sum(one.correct for one in found)
            margin += sum(one.margin for one in found)
            count += sum(one.pairs for one in found)
        norm = torch.nn.utils.clip_grad_norm_([*model.adapter_parameters(), *model.head_parameters()], 1.0)
    if not torch.isfinite(norm):
        optimizer.zero_grad()
        raise KnownError("Training diverged (the loss is not a number): lower --learning-rate and train again.")
    optimizer.step()
    optimizer.zero_grad()
    return {
        "loss": loss,
        "accuracy": correct / max(count, 1),
        "margin": margin / max(count, 1),
        "grad_norm": float(norm),
        "lr": float(optimizer.param_groups[0]["lr"]),
    }


def evaluate(model: RewardModel, examples: list[Example]) -> dict[str, float]:
    """Loss (mean over prompts), accuracy and margin (means over strict pairs) without learning.

    The loss is measured on raw scores, as it was trained; accuracy does not depend on their scale.
    """
    scores = model.scores([example.prompt for example in examples], [example.answers for example in examples])
    losses, correct, margin, count = [], 0.0, 0.0, 0
    for example, found in zip(examples, scores, strict=True):
        part = ranking_loss(found * float(model.head.std), example.ranks, ties="drop")
        losses.append(float(part.loss))
        correct, margin, count = correct + part.correct, margin + part.margin, count + part.pairs
    return {
        "eval_loss": sum(losses) / len(losses),
        "eval_accuracy": correct / max(count, 1),
        "eval_margin": margin / max(count, 1),
    }


def normalise(project: Project, model: RewardModel, examples: list[Example], longest: int) -> tuple[float, float]:
    """Give scores mean 0 and standard deviation 1 over the base model's own completions.

    Falls back on the ranked completions where the base wrote for fewer than 4 prompts. Returns the raw mean
    and standard deviation.
    """
    base = model.shared.base
    rows = project.rows(
        "select p.text as prompt, g.id as group_id, c.text as completion from completions c"
        " join completion_groups g on g.id = c.group_id join prompts p on p.id = g.prompt_id"
        " where c.policy_job is null and g.id in (select group_id from completions where policy_job is null"
        " group by group_id order by group_id * 7919 % 10007 limit ?) order by g.id, c.id",
        REFERENCE_GROUPS,
    )
    groups: dict[int, tuple[str, list[list[int]]]] = {}
    for row in rows:
        answer = chat.completion_ids(base, row["completion"])
        if len(answer) < longest:
            groups.setdefault(row["group_id"], (row["prompt"], []))[1].append(answer)
    known = [
        (chat.fit(chat.prompt_ids(base, prompt), max(answers, key=len), longest), answers)
        for prompt, answers in groups.values()
    ]
    if len(known) < 4:
        known = [(example.prompt, example.answers) for example in examples]
    model.head.normalise(0.0, 1.0)
    scores = torch.cat(model.scores([prompt for prompt, _ in known], [answers for _, answers in known]))
    mean, std = float(scores.mean()), float(scores.std(correction=0))
    model.head.normalise(mean, std)
    return mean, std
