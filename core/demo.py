"""The demo: a project that is full at once, and the settings that it was made with."""

import shutil
from contextlib import nullcontext
from pathlib import Path

from core.config.jobs import CompareConfig, GenerateConfig
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainRewardConfig
from core.errors import BadInput, first_line, known
from core.machine import base_models
from core.resources import resource
from core.store import DATABASE

NAME = "Demo: warmer answers"
GOLD = "warmth"
TOKENS = 24

GENERATE = GenerateConfig(completions=6, max_new_tokens=TOKENS, batch_size=64)
REWARD = TrainRewardConfig(epochs=2, batch_prompts=2, head_init="zero")
POLICY = TrainPolicyConfig(
    steps=12,
    max_new_tokens=TOKENS,
    gold=GOLD,
    eval_prompts=0,
    lora_targets="attention",
    learning_rate=7e-4,
    kl_coef=0.1,
)
PPO = ALGORITHMS["ppo"].config()
COMPARE = CompareConfig(completions=2, max_new_tokens=TOKENS, gold=GOLD, batch_size=64)


def install(folder: Path | None = None) -> Path:
    """Copy the shipped demo project to `folder` (by default in the user's data folder), unless it is there.

    Raises `BadInput` when something else is in the way.
    """
    target = (folder or base_models.data_folder() / "projects" / "demo").expanduser().resolve()
    if (target / DATABASE).is_file():
        return target
    if target.exists() and any(target.iterdir()):
        raise BadInput(f"{target} is not empty: choose a new folder for the demo.")
    try:
        with base_models.writing_data() if folder is None else nullcontext():
            _copy(target)
    except OSError as error:
        why = error.strerror or first_line(error)
        raise known(error) or BadInput(f"{target} cannot be made ({why}): choose another folder.") from error
    return target


def _copy(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(target.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(resource("demo"), partial)
        (partial / "runs").mkdir(exist_ok=True)
        if target.exists():
            target.rmdir()
        partial.rename(target)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        raise
