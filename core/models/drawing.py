"""The one place that knows how a run's policy is drawn from: its adapter, and the guide that it was trained within.

The guide is made of the run's own options and of what lies beside its policy in the checkpoint, which is read like any
adapter that may be a stranger's.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from core.config.algorithms import MASKING, AlgorithmOptions, Candidates, TopSet
from core.config.options import check
from core.config.training import ALGORITHMS, TrainPolicyJob
from core.errors import BadInput
from core.jobs import queue
from core.machine.adapter_folder import CONFIG, WEIGHTS, content_hash, no_policy
from core.models import guides
from core.models.adapters import BARE, REFERENCE, SharedModel
from core.models.draws import Guide
from core.runs import origins
from core.store import Project
from core.store.files.inside import inside
from core.store.runs import checkpoints

#: The folder of a checkpoint that holds the policy's adapter.
POLICY = "policy"


@dataclass(frozen=True)
class Drawing:
    """How a trained policy is drawn from. `role` is its adapter, `note` what a person must know of it, `loaded` are all
    adapters that came with it."""

    role: str
    guide: Guide | None = None
    note: str = ""
    step: int | None = None
    """Of the checkpoint, where it was asked for by its step or as the best one."""
    loaded: tuple[str, ...] = ()


def load(project: Project, shared: SharedModel, run: TrainPolicyJob, checkpoint: str, role: str) -> Drawing:
    """Load a run's policy as `role`, as `load_from` does, of its last or best checkpoint."""
    found = load_from(project, shared, run, queue.adapter_of(project, run, checkpoint), role)
    return replace(found, step=None) if checkpoint == "last" else found


def load_from(project: Project, shared: SharedModel, run: TrainPolicyJob, folder: Path, role: str) -> Drawing:
    """Load a run's policy as `role` from the folder of a checkpoint, and what its guide looks at.

    Where the shared model refers to an adapter already, that is the run's reference. Raises `KnownError` for files that
    are damaged, of another base, or links.
    """
    base = shared.base
    origins.refuse_other_base(project, run.id, base.identity, base.spec.title)
    step = checkpoints.step_of(folder.name)
    load_policy(shared, role, folder / POLICY)
    within = within_of(run.options)
    if within is None or (isinstance(within, TopSet) and not (folder / MASKING).is_dir()):
        without = (
            "that is not kept with it, so it is drawn from without it, and that is another policy than was trained."
        )
        return Drawing(
            role, note=f"{learnt_within(run)}: {without}" if is_guided(run) else "", loaded=(role,), step=step
        )
    mask, reference, loaded = f"{role}-{MASKING}", REFERENCE, [role]
    if isinstance(within, TopSet):
        load_policy(shared, mask, folder / MASKING)
        loaded.append(mask)
    elif shared.reference is BARE and (own := origins.reference_folder(run.config, project.run_folder(run.id))):
        reference = f"{role}-reference"
        load_policy(shared, reference, own)
        loaded.append(reference)
    guide = guides.trained(within, shared.base.end_ids, mask=mask, reference=reference)
    return Drawing(role, guide, loaded=tuple(loaded), step=step)


def is_guided(run: TrainPolicyJob) -> bool:
    """Did it learn within a part of the vocabulary only?"""
    kind = ALGORITHMS.get(run.config.algorithm)
    return kind is not None and kind.config.GUIDED


def learnt_within(run: TrainPolicyJob) -> str:
    """The beginning of a sentence about a run with a guide."""
    within = None if run.options is None else run.options.drawn_within
    return f"Run {run.id} learnt within a part of the vocabulary" + (f" ({within.words})" if within else "")


def within_of(options: AlgorithmOptions | None) -> TopSet | Candidates | None:
    """What the options say that a trained policy is drawn within. Raises `BadInput` for what is out of its bounds: a
    project's file may have been written by anybody."""
    within = None if options is None else options.drawn_within
    if within is not None:
        check(options)
    return within


def load_policy(shared: SharedModel, role: str, folder: Path, sha256: str | None = None) -> None:
    """Load a policy's adapter that a project keeps in `folder`, and that has this hash, if one is given.

    Raises `KnownError` for one that is damaged, changed, of another base or a reward model's, and for links.
    """
    for each in (CONFIG, WEIGHTS):
        inside(folder.parent, folder.name, each)  # a project from elsewhere may hold links
    if sha256 is not None and content_hash(folder) != sha256:
        raise BadInput(f"{folder} is not as the run kept it, and without it the run cannot go on: begin a new one.")
    if shared.load(role, folder) is not None:
        raise no_policy(folder)
