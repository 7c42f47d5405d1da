"""What a person chose for this machine: where models compute, in how many threads and how much memory. No torch.

The choices are a small JSON file in the data folder, which the window, the commands and every worker read; an
environment variable wins over it. They hold from the next job on.
"""

import json
import os
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from core.config.options import Settings, documented, from_dict, option
from core.errors import BadInput
from core.machine import base_models
from core.store.files import beside

AUTO = "auto"
#: Environment variables that win over a choice. Torch itself heeds the last one.
VARIABLES = {"device": "PLUMBLINE_DEVICE", "dtype": "PLUMBLINE_DTYPE", "threads": "OMP_NUM_THREADS"}


@dataclass(frozen=True)
class Machine(Settings):
    """The choices, each with what it does; the defaults leave everything to Plumbline."""

    device: str = option(
        AUTO, "Where models compute. Automatic: an NVIDIA GPU if there is one, else Apple's, else the processor.",
        choices=(AUTO, "cuda", "mps", "cpu"),
    )  # fmt: skip
    dtype: str = option(
        AUTO, "bfloat16 holds the base model in half the memory of float32. Automatic: bfloat16 where it is fast.",
        choices=(AUTO, "bfloat16", "float32"),
    )  # fmt: skip
    threads: int = option(
        0,
        "How many CPU threads a job uses. Fewer leave room for other programs; automatic is one for each core.",
        low=0,
        high=1024,
        zero="automatic",
    )
    memory_gb: float = option(
        0.0, "A model that needs more is refused; training a reward model keeps within it.",
        low=0, high=100_000, zero="no limit",
    )  # fmt: skip
    function_seconds: float = option(
        30.0, "How long a reward function of your own may take for a completion, or for all of a step at once if it "
        "takes lists; what takes longer has no reward.", low=0, high=86_400, zero="no limit",
    )  # fmt: skip


def file() -> Path:
    return base_models.data_folder() / "settings.json"


def chosen() -> Machine:
    """What the file says; the defaults where there is none. Raises `BadInput` if it cannot be read."""
    path = file()
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(values, dict):
            raise TypeError
        found = from_dict(Machine, values)
        if any(type(getattr(found, item.name)) is not type(item.default) for item in fields(Machine)):
            raise TypeError
    except (FileNotFoundError, NotADirectoryError):
        return Machine()
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read ({error.strerror}): see to its permissions and its disk, or put the defaults back, "
            "with `settings --reset` or in the window."
        ) from error
    except (ValueError, TypeError, BadInput) as error:
        raise BadInput(
            f"{path} is damaged: put the defaults back, with `settings --reset` or in the window."
        ) from error
    return found


def choose(name: str, value: Any) -> Machine:
    """Keep one choice. Raises `BadInput` for what cannot be chosen."""
    with base_models.changing_data():
        found = replace(chosen(), **{name: value})
        with beside.file(file()) as made:
            made.write_text(json.dumps(asdict(found), indent=2) + "\n", encoding="utf-8")
    return found


def reset() -> None:
    if file().exists():
        with base_models.changing_data():
            file().unlink(missing_ok=True)


def variable(name: str) -> str:
    """The environment variable that is set and wins over a choice; empty if none does."""
    found = VARIABLES.get(name, "")
    return found if os.environ.get(found) else ""


def asked(name: str) -> tuple[Any, str]:
    """A choice as it holds now, and how it came to be: `by PLUMBLINE_DEVICE`, `in the settings`, or empty for nobody's.

    What a variable says is text and is not checked here.
    """
    if found := variable(name):
        return os.environ[found], f"by {found}"
    value = getattr(chosen(), name)
    default = next(item.default for item in documented(Machine) if item.name == name)
    return value, "" if value == default else "in the settings"
