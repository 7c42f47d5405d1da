"""The job `train-reward`: a LoRA reward model from rankings, or an ensemble of them.

One optimizer step takes `batch_prompts` prompts; each is one batch element with all its pairs, so every completion
goes through the model once a pass. The split is by prompt, never by pair. How this differs from InstructGPT: LoRA on a
small base instead of full fine-tuning, so the learning rate is higher, and two passes instead of one by default,
because few labels on a workstation are the rule; the weights with the lowest held-out log loss are kept.

A run is a list of stages, one after the other: the members of the ensemble, then (for the curve of accuracy against
labels) models that see only a part of the prompts and are measured and forgotten.
"""

import json
import random
import time
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import chain
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.config.options import as_stored
from core.config.training import Scale, TrainedModel, TrainRewardConfig, TrainRewardJob, TrainRewardResult
from core.errors import NothingToDo, is_out_of_memory
from core.events import Checkpoint, Event, Later, Metrics, Note, Progress, Result, Scores
from core.jobs import checkpoint_files
from core.jobs.checkpoint_files import reading
from core.jobs.context import Events, JobContext
from core.models import chat, devices, environment
from core.models.adapters import SharedModel
from core.models.checkpoint import adamw, load_optimizer, save_optimizer, scale_learning_rates
from core.models.load import base_of
from core.reward import card, examples, memory
from core.reward.encoding import Outlines
from core.reward.evaluate import evaluate, normalise, take_length_out
from core.reward.examples import Example
from core.reward.forecast import Forecast
from core.reward.model import ADAPTER, Member, RewardModel
from core.reward.reference import GROUPS, reference_examples
from core.reward.scored import Scored, score
from core.reward.update import checkpointed, own_gradients, put_together, step
from core.store import completions, jobs, pairs

TITLE = "Training the reward model"
#: Held-out prompts that are looked at while training goes on, or a third as many as are trained on; all at its end.
WATCHED = 64
#: Shares of the training prompts for the curve of accuracy against labels.
CURVE = (0.125, 0.25, 0.5)
FEWEST = 4


@dataclass(frozen=True)
class Stage:
    """One model to train: on which examples (one may be there twice), from which seed. One of the curve is not kept."""

    adapter: str
    title: str
    examples: tuple[int, ...]
    seed: int
    kept: bool
    steps: int


@dataclass
class State:
    """What a resumed run has to know besides weights: saved with each checkpoint as JSON."""

    stage: int = 0
    step: int = 0
    best: float | None = None
    best_step: int = 0
    watched: int = WATCHED
    """Held-out prompts on which the best is measured: a run goes on with as many as it began with."""
    stale: int = 0
    tokens: int = 0
    checkpointing: bool = False
    learning_rate: float = 0.0
    seconds: float = 0.0
    models: list[TrainedModel] = field(default_factory=list)


def run(context: JobContext) -> Events:
    config: TrainRewardConfig = context.config
    examples.refuse_without_pairs(context)
    base = yield from base_of(context, four_bit=config.base_bits == "4", pinned=True)
    environment.keep(context, base)
    shared = SharedModel(base, context.world, context.report_status)
    try:
        yield from Training(context, shared).events()
    finally:
        shared.close()


def default_learning_rate(hidden_size: int, head_init: str = "zero") -> float:
    """5e-4 * (2000 / d)^0.78: the adapter's rate falls with the width of the model; 1.3e-3 at d = 576.

    What Thinking Machines fitted for LoRA on Llama models ("LoRA Without Regret", Schulman et al. 2025, and their
    `get_lora_lr`). Where the head is drawn, as in earlier versions, it is 8e-4 in place of 5e-4: there are drawn scores
    to unlearn.
    """
    factor = 8e-4 if head_init == "normal" else 5e-4
    return float(f"{min(5e-3, factor * (2000 / hidden_size) ** 0.78):.2g}")


class Training:
    """One run from its first step to its report's numbers; `events` may be left after any of its yields."""

    def __init__(self, context: JobContext, shared: SharedModel) -> None:
        self.context, self.shared = context, shared
        self.config: TrainRewardConfig = context.config
        self.longest = min(self.config.max_length, shared.base.context)
        outlines = Outlines(shared.base, self.longest)
        groups = examples.pinned(
            context, lambda all: examples.split(all, self.config), outlines.look, criteria=self.config.criteria
        )
        self.train, self.heldout = outlines.examples(*groups)
        self.columns, self.too_long = self.train.columns, outlines.tested_too_long
        self.notes = outlines.left_out("; raise --max-length if the model allows it")
        if not self.train:
            raise NothingToDo("Every ranked completion is longer than --max-length: raise it.")
        self.stages = self._stages()
        self.state = State(watched=max(WATCHED, len(self.train) // 3))
        self.best: dict[str, Tensor] | None = None
        self.said: list[Scored] | None = None
        """Of all held-out prompts by the best weights, where they were asked since the run went on."""
        self.model = RewardModel(shared, self.columns)
        self.passing: RewardModel | None = None  # the model of the curve that is being trained
        self.began = time.monotonic()
        self.forecast = self._forecast()

    def _forecast(self) -> Forecast:
        watched, ranked = self.heldout[: self.state.watched], self.train.letters + self.heldout.letters
        groups = self._written(but=self.train.prompt_ids)
        if groups < FEWEST:
            groups = self._written()
        scale = ranked * groups // (len(self.train) + len(self.heldout)) if groups >= FEWEST else ranked
        return Forecast(
            watched=watched.letters,
            at_end=self.heldout.letters if len(watched) < len(self.heldout) else 0,
            scale=self.config.members * scale,
        )

    def _written(self, but: Collection[int] = ()) -> int:
        """Groups that the scale of rewards may be measured on."""
        written = completions.groups_written_here(self.context.project, GROUPS, but=but)
        return len({each.group_id for each in written})

    def _stages(self) -> list[Stage]:
        config = self.config
        everything = tuple(range(len(self.train)))

        def stage(adapter: str, title: str, chosen: tuple[int, ...], number: int, kept: bool) -> Stage:
            steps = -(-len(chosen) // config.batch_prompts) * config.epochs
            return Stage(adapter, title, chosen, config.seed + 1000 * number, kept, steps)

        def drawn(number: int) -> tuple[int, ...]:
            """As many prompts for a member, drawn with replacement."""
            return tuple(random.Random(f"{config.seed}/bootstrap/{number}").choices(everything, k=len(everything)))

        found = [
            stage(
                ADAPTER + (str(number) if number else ""),
                TITLE if config.members == 1 else f"{TITLE} ({number + 1} of {config.members})",
                drawn(number) if config.bootstrap else everything, number, True,
            )
            for number in range(config.members)
        ]  # fmt: skip
        order = list(everything)
        random.Random(f"{config.seed}/curve").shuffle(order)
        for number, share in enumerate(CURVE if config.curve and self.heldout else ()):
            chosen = tuple(sorted(order[: round(len(order) * share)]))
            if len(chosen) >= FEWEST:
                found.append(stage(f"curve{number}", f"Training on {share:.1%} of the prompts", chosen, 0, False))
        return found

    # --- the run -----------------------------------------------------------------------------------------------

    def events(self) -> Iterator[Event]:
        if self.context.resume_from:
            with reading(self.context.resume_step):
                self._restore(self.context.resume_from)
        else:
            examples.keep_learnt(self.context, self.train.outlines, self.heldout.outlines)
            yield from self._first_notes()
        while self.state.stage < len(self.stages):
            yield from self._stage(self.stages[self.state.stage])
            if self.context.stopping:
                return
        yield from self._finish()

    def _first_notes(self) -> Iterator[Event]:
        for note in self.notes:
            yield Note(note)
        if both := self.shared.world.agreed(pairs.contradictions(self.context.project)):
            yield Note(f"{both} pairs are ordered both ways by different labelers: each of the orders counts.")
        if not self.heldout:
            yield Note(
                "No prompt is left to test on, so nothing will tell how good the model is"
                + (", and no length is taken out" if self.config.length_correction else "")
                + ": rank more prompts, or mark some as held-out."
            )
        config, hidden = self.config, self.shared.base.hidden_size
        self.state.learning_rate = config.learning_rate or default_learning_rate(hidden, config.head_init)
        if not config.learning_rate:
            yield Note(f"Learning rate {self.state.learning_rate:g}, chosen for hidden size {hidden}.")

    def _stage(self, stage: Stage) -> Iterator[Event]:
        state, config = self.state, self.config
        model, member = self._member(stage)
        optimizer = adamw(*zip(model.parameters(member), (state.learning_rate, config.head_learning_rate), strict=True))
        if state.step and self.context.resume_from:
            with reading(self.context.resume_step):
                load_optimizer(optimizer, self.context.resume_from / "optimizer.safetensors")
        if not state.tokens:
            yield from self._measure_memory(model, member)
        per_epoch = -(-len(stage.examples) // config.batch_prompts)
        every = max(1, per_epoch // config.evaluations)
        tests = {*range(every, stage.steps, every), stage.steps} if self.heldout else set[int]()
        live = stage is self.stages[0]
        order: list[int] = []
        yield self._progress(stage)
        while state.step < stage.steps and not self._stale:
            epoch, at = divmod(state.step, per_epoch)
            if at == 0 or not order:
                order = list(stage.examples)
                random.Random(f"{stage.seed}/{epoch}").shuffle(order)
            start = at * config.batch_prompts
            chosen = order[start : start + config.batch_prompts]
            batch = [self.train[index] for index in chosen]
            yield from chat.told(self.shared.base)
            scale_learning_rates(optimizer, 1 - state.step / stage.steps)
            with self.forecast.learns(sum(self.train.outlines[index].letters for index in chosen)):
                metrics = yield from self._update(model, member, optimizer, batch)
            state.step += 1
            if state.step in tests:
                with self.forecast.scores(self.forecast.watched):
                    scored = score(model, member, self.heldout[: self.state.watched])
                measured = evaluate(model, member, scored)
                metrics |= measured.metrics
                if live:
                    yield Scores(measured.scores)
                self._remember(model, member, measured.metrics["eval_loss"], scored)
            if live:
                yield Metrics(state.step, metrics)
            if state.step % config.checkpoint_every == 0 or self.context.wanted != "run":
                yield self._checkpoint(optimizer)
            left = sum(test > state.step for test in tests)
            yield Later(self.forecast.seconds(left, len(self.stages) - state.stage))
            yield self._progress(stage)
            if self.context.stopping:
                return
        yield from self._end_stage(stage, model, member)

    @property
    def _stale(self) -> bool:
        """Has the held-out log loss not improved for too long?"""
        return 0 < self.config.patience <= self.state.stale

    def _member(self, stage: Stage) -> tuple[RewardModel, Member]:
        """The model that this stage trains: as it was saved, or fresh."""
        model = self.model
        if not stage.kept:
            self.passing = model = self.passing or RewardModel(self.shared, self.columns)
        known = next((member for member in model.members if member.adapter == stage.adapter), None)
        return model, known or model.add(stage.adapter, self.config, seed=stage.seed, head_init=self.config.head_init)

    def _measure_memory(self, model: RewardModel, member: Member) -> Iterator[Event]:
        """Decide how many tokens go through the model at once, from what a small example keeps in memory; a run that is
        done again takes as many as it took, because sums of other parts are rounded otherwise."""
        self.state.checkpointing = self.config.gradient_checkpointing
        if known := self._tokens_before():
            self.state.tokens = known
            return
        self.shared.report_status("Measuring how much fits into memory")
        small = self.train.shortest
        base = self.shared.base
        with self.shared.role(member.adapter, train=True), checkpointed(base.model, self.state.checkpointing):
            tokens = memory.budget(
                base, small.tokens, lambda: model.raw(member, [small.prompt], [small.answers]), self.config.memory_gb
            )
        self.state.tokens = min(self.shared.world.gathered(tokens))
        yield Note(f"Memory suffices for about {self.state.tokens:,} tokens at once.")

    def _tokens_before(self) -> int | None:
        job = jobs.find(self.context.project, self.context.job_id) if self.context.again else None
        return job.result.tokens_at_once if isinstance(job, TrainRewardJob) else None

    def _update(
        self, model: RewardModel, member: Member, optimizer: torch.optim.Optimizer, batch: list[Example]
    ) -> Generator[Note, None, dict[str, float]]:
        """One step; where memory does not suffice, it is done again in smaller parts."""
        state, base = self.state, self.shared.base
        while True:
            sums = None
            try:
                with checkpointed(base.model, state.checkpointing):
                    sums = own_gradients(model, member, batch, self.config, state.tokens)
            except Exception as error:
                if (
                    self.shared.world.sharded
                    or not is_out_of_memory(error)
                    or (state.tokens <= memory.SMALLEST and state.checkpointing)
                ):
                    raise
            if all(self.shared.world.gathered(sums is not None)):
                assert sums is not None
                break
            optimizer.zero_grad()
            devices.release(base.device)
            if state.tokens > memory.SMALLEST:
                used = max(memory.enough(base.device, state.tokens), *(example.tokens for example in batch))
                state.tokens = max(memory.SMALLEST, min(state.tokens, used) // 2)
                yield Note(f"Out of memory: from now on at most {state.tokens} tokens at once.")
            else:
                state.checkpointing = True
                yield Note("Out of memory: from now on activations are computed twice instead of kept.")
        metrics = put_together(model, member, sums)
        step(optimizer, metrics)
        return metrics

    def _remember(self, model: RewardModel, member: Member, loss: float, scored: list[Scored]) -> None:
        """Keep the weights with the lowest held-out log loss, and what they said of all held-out prompts."""
        state = self.state
        if state.best is None or loss < state.best:
            state.best, state.best_step, state.stale = loss, state.step, 0
            self.best = {key: weight.clone() for key, weight in model.state(member).items()}
            self.said = scored if len(scored) == len(self.heldout) else None
        else:
            state.stale += 1

    def _end_stage(self, stage: Stage, model: RewardModel, member: Member) -> Iterator[Event]:
        """Go back to the best weights, measure them on all held-out prompts, and make room for the next stage."""
        state = self.state
        if self.best is not None and state.best_step < state.step:
            model.restore(member, self.best)
            yield Note(
                f"{stage.title}: the weights of step {state.best_step} of {state.step} are kept, where the held-out "
                "log loss was lowest."
            )
        found = TrainedModel(
            model=stage.adapter,
            prompts=len(set(stage.examples)),
            pairs=sum(self.train.outlines[index].pairs for index in set(stage.examples)),
            steps=state.step,
        )
        if self.heldout:
            scored = self.said or score(model, member, self.heldout)
            self.forecast.ended = True
            measured = evaluate(model, member, scored)
            if self.config.length_correction:
                scored = take_length_out(model, member, scored)
                found = replace(found, per_token=float(member.head.per_token[0]))
                before, measured = measured, evaluate(model, member, scored)
                yield Note(
                    f"{stage.title}: length is taken out, {found.per_token:.4g} of raw score for each token. Held-out "
                    f"accuracy is {measured.metrics['eval_accuracy']:.1%}, with length it was "
                    f"{before.metrics['eval_accuracy']:.1%}."
                )
            yield Scores(measured.scores)
            found = replace(
                found, eval_loss=measured.metrics["eval_loss"], eval_accuracy=measured.metrics["eval_accuracy"],
                eval_accuracy_low=measured.accuracy.low, eval_accuracy_high=measured.accuracy.high,
                eval_margin=measured.metrics["eval_margin"],
            )  # fmt: skip
        state.models.append(found)
        state.stage, state.step, state.best, state.best_step, state.stale = state.stage + 1, 0, None, 0, 0
        self.best = self.said = None
        if not stage.kept:
            self.shared.drop(stage.adapter)
            self.passing = None
        if state.stage < len(self.stages):
            yield self._checkpoint(None)
        yield self._progress(stage)

    def _finish(self) -> Iterator[Event]:
        """Put the scores on their scale, save, and say how good the model is.

        The scale is measured on completions of prompts that were not trained on: their scores spread wider where they
        were learnt, and a policy is rewarded for new ones.
        """
        yield Progress(0, 1, "Scoring the reference's completions")
        project, base, trained = self.context.project, self.shared.base, self.train.prompt_ids
        known: Sequence[Example] = reference_examples(project, base, self.longest, but=trained)
        if len(known) < FEWEST:
            known = reference_examples(project, base, self.longest)
            if len(known) >= FEWEST:
                yield Note(
                    f"The base model has answered fewer than {FEWEST} prompts that are not trained on: the scale of "
                    "rewards is measured on trained ones, whose scores spread wider. Hold some prompts out."
                )
        own = len(known) >= FEWEST
        mean, std, scores = normalise(self.model, known if own else chain(self.train, self.heldout), keep=own)
        self.model.scaled_by = "reference" if own else "ranked"
        if own:
            yield Scores(scores)
        else:
            yield Note(
                "The base model has written too few completions here: rewards are given in standard deviations of the "
                "ranked completions instead."
            )
        yield self._checkpoint(None, extra=1)
        first, state = self.state.models[0], self.state
        members = state.models[: self.config.members]
        yield Result(
            TrainRewardResult(
                pairs=first.pairs,
                heldout_pairs=self.heldout.pairs,
                prompts=len(self.train),
                heldout_prompts=len(self.heldout),
                heldout_too_long=self.too_long,
                accuracy=first.eval_accuracy,
                eval_loss=first.eval_loss,
                reward_mean=mean,
                reward_std=std,
                columns=tuple(self.columns),
                members=tuple(item.model for item in members),
                models=tuple(state.models),
                scale={
                    member.adapter: Scale(tuple(member.head.mean.tolist()), tuple(member.head.std.tolist()))
                    for member in self.model.members
                },
                scaled_by=self.model.scaled_by,
                learning_rate=state.learning_rate,
                tokens_at_once=state.tokens,
                seconds=state.seconds + time.monotonic() - self.began,
            )
        )
        yield from chat.told(base, last=True)
        total = sum(stage.steps for stage in self.stages)
        yield Progress(total, total, "Done")

    # --- what is saved -----------------------------------------------------------------------------------------

    @property
    def _global_step(self) -> int:
        return sum(stage.steps for stage in self.stages[: self.state.stage]) + self.state.step

    def _progress(self, stage: Stage) -> Progress:
        return Progress(self._global_step, sum(item.steps for item in self.stages), stage.title)

    def _checkpoint(self, optimizer: torch.optim.Optimizer | None, *, extra: int = 0) -> Checkpoint:
        def save(folder: Path) -> None:
            self.model.save(folder)
            card.write(self.context.project, self.context.job_id, self.model, folder, self.state.models)
            if self.passing is not None:
                self.passing.save(folder)
            if optimizer is not None:
                save_optimizer(optimizer, folder / "optimizer.safetensors")
            if self.best is not None:
                save_file(
                    {key: value.contiguous().cpu() for key, value in self.best.items()}, folder / "best.safetensors"
                )
            values = asdict(self.state) | {"seconds": self.state.seconds + time.monotonic() - self.began}
            (folder / "training.json").write_text(json.dumps(values), encoding="utf-8")

        return Checkpoint(self._global_step + extra, save)

    def _restore(self, folder: Path) -> None:
        self.state = as_stored(State, checkpoint_files.note(folder / "training.json"))
        self.model = RewardModel.load(self.shared, folder)
        if (folder / "best.safetensors").is_file():
            self.best = load_file(folder / "best.safetensors")
        if self.state.stage < len(self.stages):
            stage = self.stages[self.state.stage]
            if not stage.kept and (folder / stage.adapter).is_dir():
                self.passing = RewardModel(self.shared, self.columns)
                self.passing.load_member(stage.adapter, folder / stage.adapter)
