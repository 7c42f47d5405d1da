"""What is computed with here and now."""

import platform
from dataclasses import asdict
from importlib import metadata

import torch

from core.jobs.context import JobContext
from core.models.fast.switch import enabled
from core.models.load import Base
from core.runs import environments
from core.runs.environments import Environment


def keep(context: JobContext, base: Base) -> None:
    """With the run, when it begins or goes on. Raises `BadInput` where it is done again on another base model."""
    now = of(context, base)
    environments.check_base(context, now, base.spec.title)
    environments.keep(context, now)


def of(context: JobContext, base: Base) -> Environment:
    """That of a job from the step on at which it begins or goes on."""
    told = base.loaded(torch.get_num_threads())
    return Environment(
        **asdict(base.identity), step=context.resume_step, plumbline=_version("plumbline"),
        python=platform.python_version(), torch=torch.__version__, transformers=_version("transformers"),
        peft=_version("peft"), system=f"{platform.system()} {platform.machine()}", processor=_processor(base.device),
        device=base.device.type, dtype=told.dtype, threads=told.threads, processes=context.world.size,
        speed_ups=enabled(),
    )  # fmt: skip


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _processor(device: torch.device) -> str:
    """A GPU's name, else by which instructions torch computes, which decides how a CPU adds up."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
