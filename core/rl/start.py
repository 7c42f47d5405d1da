"""The adapters that a run begins with: its policy, fresh or from elsewhere, and its reference's, if that has one."""

import shutil
from dataclasses import asdict
from pathlib import Path

from core.config.options import as_stored
from core.config.training import TrainPolicyConfig, TrainPolicyJob, TrainPolicyResult
from core.events import Note, Result
from core.jobs import queue
from core.jobs.context import Events, JobContext
from core.machine.adapter_folder import CONFIG, WEIGHTS, content_hash
from core.models import adapter_files, drawing
from core.models.adapters import SharedModel
from core.models.load import Base
from core.rl.rollout import POLICY
from core.runs import origins
from core.runs.origins import Kept, Origin
from core.store.files import beside, plain
from core.store.files.inside import inside
from core.trust.wish import place_of

#: The adapter that a reference has on.
REFERENCE = "reference"


def begin(context: JobContext, shared: SharedModel) -> Events:
    """Give the shared model its policy, and its reference if that is not the base itself; tell what they are.

    Raises `KnownError` for an adapter that is not there, is no policy's or is of another base.
    """
    config: TrainPolicyConfig = context.config
    base = shared.base
    alone = not config.start_from and origins.run_named(config.reference) is None  # as every run of earlier versions
    kept = as_stored(Kept, context.pinned(origins.KEPT, lambda: asdict(_keep(context, base)), came_later=alone))
    origins.refuse_other_base(context.project, context.job_id, base.identity, base.spec.title)
    if kept.start is None:
        shared.add(POLICY, config, seed=config.seed)
    else:
        drawing.load_policy(shared, POLICY, context.folder / origins.START, kept.start.sha256)
    reference = kept.reference
    if (folder := origins.reference_folder(config, context.folder)) is not None:
        reference = kept.reference or kept.start
        load_reference(shared, folder, reference)
    start, other = kept.start or Origin(), reference or Origin()
    refers = context.options.needs_reference
    yield Result(TrainPolicyResult(
        start=start.what, start_sha256=start.sha256, reference=other.what, needs_reference=refers,
    ))  # fmt: skip
    if not context.resume_from and (kept.start or reference):
        learns = "" if refers else ", and what is learnt does not depend on it"
        yield Note(f"Begins from {start.what or 'the base'}; KL is measured to {other.what or 'the base'}{learns}.")
        yield from _told_of_shape(shared, config)
        yield from _told_of_guides(context)


def load_reference(shared: SharedModel, folder: Path, origin: Origin | None = None) -> None:
    """Let the reference be the base with the adapter in a run's own `folder` on."""
    drawing.load_policy(shared, REFERENCE, folder, origin.sha256 if origin else None)
    shared.refer_to(REFERENCE)


def _told_of_shape(shared: SharedModel, config: TrainPolicyConfig) -> Events:
    rank, alpha = shared.shape(POLICY)
    if (rank, alpha) != (config.lora_rank, config.lora_alpha):
        yield Note(
            f"The adapter keeps the shape that it has (rank {rank}, alpha {alpha:g}): the run's own settings of LoRA "
            "have no say."
        )


def _told_of_guides(context: JobContext) -> Events:
    for number in origins.runs_of(context.config):
        run = queue.run_of(context.project, number, TrainPolicyJob)
        if drawing.is_guided(run):
            yield Note(f"{drawing.learnt_within(run)}: here its adapter is taken without that.")


def _keep(context: JobContext, base: Base) -> Kept:
    """Copy the adapters that are named into the run's folder."""
    config: TrainPolicyConfig = context.config
    named = config.reference if origins.run_named(config.reference) is not None else ""
    return Kept(
        **asdict(base.identity),
        start=_copied(context, base, config.start_from, origins.START),
        reference=_copied(context, base, named, origins.REFERENCE),
    )


def _copied(context: JobContext, base: Base, named: str, name: str) -> Origin | None:
    if not named:
        return None
    what, source = _found(context, base, named)
    adapter_files.read(source)  # its config is a whitelist, its weights are safetensors
    target = inside(context.folder, name)
    shutil.rmtree(target, ignore_errors=True)
    with beside.folder(target) as made:
        for each in (CONFIG, WEIGHTS):
            with plain.opened(source / each) as file, (made / each).open("wb") as out:
                shutil.copyfileobj(file, out)
    return Origin(what, content_hash(target))


def _found(context: JobContext, base: Base, named: str) -> tuple[str, Path]:
    """What a setting names, in words, and its folder. Raises `KnownError` if it is of another base."""
    number = origins.run_named(named)
    if number is None:
        return f"{origins.ADAPTER_IN}{named}", place_of(named)
    run = queue.run_of(context.project, number, TrainPolicyJob)
    origins.refuse_other_base(context.project, run.id, base.identity, base.spec.title)
    checkpoint = queue.adapter_of(context.project, run)
    step = checkpoint.name.rpartition("-")[2].lstrip("0") or "0"
    return f"run {run.id}, step {step}", checkpoint / POLICY
