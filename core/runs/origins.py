"""What a run of the policy begins from and what its KL is measured to, as its settings name them.

Both are copied into the run's folder when it begins, so that neither a resume nor a later look needs them where they
were.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from core.config.options import as_stored
from core.config.training import TrainPolicyConfig, TrainPolicyJob, TrainPolicyResult
from core.errors import BadInput
from core.jobs import queue
from core.records import ACTIVE
from core.store import Project, jobs
from core.store.files import plain

#: What `reference` may be besides a run's number; and the folders in the run's own that hold the copies.
BASE, START, REFERENCE = "base", "start", "reference"
#: The file in a run's folder that says what was copied, and which base it is of.
KEPT = "origins.json"
#: How the words begin that tell of an adapter in a folder.
ADAPTER_IN = "the adapter in "
#: Digits of a run's number.
LONGEST = 9


@dataclass(frozen=True)
class Origin:
    """Where an adapter came from, in words, and the hash of its weights."""

    what: str = ""
    sha256: str = ""


@dataclass(frozen=True)
class BaseIdentity:
    """The hashes that tell a base model from others, each empty where nobody kept it. An adapter on the base is in
    both."""

    base: str = ""
    """Of the last norm's weights, which every fine-tuning of all weights moves and no quantisation touches; where norms
    have none (OLMo, NanoChat), of what stands for a few tokens. All that older runs kept."""
    weights: str = ""
    """Of some numbers of each matrix in its files: any LoRA in them moves some."""


@dataclass(frozen=True)
class Kept(BaseIdentity):
    """What a run began with: what tells its base, and the adapters that lie in its folder."""

    start: Origin | None = None
    reference: Origin | None = None


def kept(project: Project, job_id: int) -> Kept:
    """What a run began with, nothing where nobody kept it. Raises `BadInput` for a link."""
    path = project.run_file(job_id, KEPT)
    with suppress(OSError, BadInput, TypeError, AttributeError):
        return as_stored(Kept, plain.parsed(path))
    return Kept()


def refuse_other_base(project: Project, job_id: int, base: BaseIdentity, title: str) -> None:
    """Raise `BadInput` for a run that was tuned on another base than this one, as far as both are known."""
    own = kept(project, job_id)
    if own.base not in ("", base.base) or own.weights not in ("", base.weights):
        raise BadInput(
            f"Run {job_id} was tuned on another base model than {title}: choose a run of this one, or choose that base "
            "model again."
        )


def run_named(text: str) -> int | None:
    """The run that a setting names by its number; None for a folder, a word or nothing."""
    return (int(text) or None) if text.isascii() and text.isdecimal() and len(text) <= LONGEST else None


def runs_of(config: TrainPolicyConfig) -> list[int]:
    """The runs of the policy that a run names."""
    found = (run_named(config.start_from), run_named(config.reference))
    return [number for number in found if number is not None]


def line(project: Project, job_id: int) -> Iterator[int]:
    """The run, the one that it began from, and so on, as far as they are there."""
    number: int | None = job_id
    while number is not None:
        job = jobs.find(project, number)
        if not isinstance(job, TrainPolicyJob):
            return
        yield number
        start = run_named(job.config.start_from)
        number = start if start is not None and start < number else None  # none begins from a later one


def reference_folder(config: TrainPolicyConfig, folder: Path) -> Path | None:
    """Where the adapter of a run's reference lies in the run's `folder`; None where that is the base itself."""
    if run_named(config.reference) is not None:
        return folder / REFERENCE
    return folder / START if config.reference == START and config.start_from else None


def reference_run(config: TrainPolicyConfig) -> int | None:
    """The run whose policy a run's reference is; None for the base, and for an adapter from outside."""
    return run_named(config.start_from if config.reference == START else config.reference)


def starts_at_reference(config: TrainPolicyConfig) -> bool:
    """Is the policy before its first step the one that KL is measured to?"""
    if (number := run_named(config.reference)) is not None:
        return run_named(config.start_from) == number
    return config.reference == START or not config.start_from


def told(config: TrainPolicyConfig, result: TrainPolicyResult) -> str:
    """What a run began from, what its KL is measured to, if it is, and whose the reward before is, as a sentence; empty
    where all of that is the base."""
    start, other = result.start or "the base", result.reference or "the base"
    if start == other == "the base":
        return ""
    parts = [f"It began from {start}"]
    parts += [f"KL is measured to {other}"] if result.kl is not None or result.needs_reference else []
    if result.reward_before is not None and not starts_at_reference(config):
        parts.append(f"the reward before is that of {start if result.from_start else other}")
    return "; ".join(parts) + "."


def measured_to(config: TrainPolicyConfig) -> str:
    """What a run's KL is measured to, in a word or two."""
    if (number := run_named(config.reference)) is not None:
        return f"run {number}"
    if not config.start_from:
        return "the reference"
    return "its start" if config.reference == START else "the base"


def check(project: Project, config: TrainPolicyConfig) -> None:
    """Raise `BadInput` for settings that name nothing, as far as that can be known without a look at a folder."""
    start = config.start_from
    if run_named(start) is None and start and not Path(start).expanduser().is_absolute():
        raise BadInput(
            f"--start-from is the number of a run, or an adapter's folder with its whole path, not {start!r:.200}."
        )
    if config.reference not in (BASE, START) and run_named(config.reference) is None:
        raise BadInput(f"--reference must be {BASE}, {START} or the number of a run, not {config.reference!r:.200}.")
    for number in runs_of(config):
        job = queue.get(project, number)
        if not isinstance(job, TrainPolicyJob) or job.status not in ACTIVE:  # else it will be there by then
            queue.run_of(project, number, TrainPolicyJob)
