"""What a run computed with: versions, device, number format, threads, and which base. A small file in its folder.

Another machine, or another version of torch, adds up numbers in another order, so that a run that is done again there
is the same up to rounding only, and soon draws other tokens.
"""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass

from core.config.options import as_stored
from core.errors import BadInput
from core.jobs.context import JobContext
from core.runs.origins import BaseIdentity
from core.store import Project
from core.store.files import beside, plain

#: The file in a run's folder.
KEPT = "environment.json"
#: How often one run may have gone on elsewhere, as far as it is looked at.
MOST = 1000


@dataclass(frozen=True)
class Environment(BaseIdentity):
    """From `step` on. Two that differ in nothing but the step give the same numbers for the same settings."""

    step: int = 0
    plumbline: str = ""
    python: str = ""
    torch: str = ""
    transformers: str = ""
    peft: str = ""
    system: str = ""
    processor: str = ""
    device: str = ""
    dtype: str = ""
    threads: int = 0
    processes: int = 1
    speed_ups: bool = True


#: What of it decides about numbers, as a sentence calls it.
DECIDES = {
    "torch": "torch", "transformers": "transformers", "peft": "PEFT", "plumbline": "Plumbline", "device": "device",
    "processor": "processor", "system": "system", "dtype": "number format", "threads": "threads",
    "processes": "processes", "speed_ups": "speed-ups",
}  # fmt: skip


def keep(context: JobContext, now: Environment) -> None:
    """When a run begins, and when it goes on in another one; what it said of later steps is forgotten."""
    if context.again or not context.world.main:
        return
    before = of_run(context.project, context.job_id)
    known = [each for each in before if each.step < now.step]
    if not known and context.resume_from:
        return  # what an earlier version began in is not known
    if not known or differences(known[-1], now):
        known.append(now)
    if known == before:
        return
    context.project.make_run_folder(context.job_id)
    with beside.of_project(context.project.run_file(context.job_id, KEPT)) as made:
        made.write_text(json.dumps([asdict(each) for each in known]), encoding="utf-8")


def check_base(context: JobContext, now: Environment, title: str) -> None:
    """Raise `BadInput` for a run that is done again on another base model than it was trained on, where that is
    known."""
    for then in of_run(context.project, context.job_id)[:1] if context.again else ():
        if then.base not in ("", now.base) or then.weights not in ("", now.weights):
            raise BadInput(
                f"Run {context.job_id} was trained on another base model than {title}: choose that one again to verify "
                "the run."
            )


def of_run(project: Project, job_id: int) -> list[Environment]:
    """In the order of the steps; none where nobody kept it, or it is not as it was written."""
    with suppress(OSError, BadInput, TypeError, ValueError, AttributeError):
        return [as_stored(Environment, each) for each in plain.parsed(project.run_file(job_id, KEPT))[:MOST]]
    return []


def differences(then: Environment, now: Environment) -> list[str]:
    """`torch 2.12.0 then, 2.13.0 now`, for each thing that decides about numbers."""
    return [
        f"{words} {_said(getattr(then, name))} then, {_said(getattr(now, name))} now"
        for name, words in DECIDES.items()
        if getattr(then, name) != getattr(now, name)
    ]


def _said(value: object) -> str:
    return ("on" if value else "off") if isinstance(value, bool) else str(value) or "unknown"


def told(found: Environment) -> str:
    """`torch 2.13.0, CPU in bfloat16, 2 threads …`, for people."""
    where = f"{found.device} ({found.processor})" if found.processor else found.device
    more = [f"{found.processes} processes"] if found.processes > 1 else []
    more += [] if found.speed_ups else ["speed-ups off"]
    threads = f"{found.threads} {'thread' if found.threads == 1 else 'threads'}"
    versions = f"torch {found.torch}, transformers {found.transformers}, PEFT {found.peft}, Plumbline {found.plumbline}"
    return ", ".join([f"{where} in {found.dtype}", threads, *more, versions, found.system]) + "."
