"""The demo: a project that is full at once, and settings for its jobs that a room can wait for."""

import shutil
from contextlib import closing, nullcontext
from pathlib import Path

from core.config import algorithms
from core.config.jobs import CompareConfig, GenerateConfig
from core.config.training import TrainPolicyConfig, TrainRewardConfig
from core.errors import BadInput, first_line, known
from core.machine import base_models
from core.resources import resource
from core.store import DATABASE, open_project
from core.store.files import beside
from core.trust import gate

NAME = "Demo: warmer answers"
GOLD = "short-warmth"
#: One short sentence each: nearly all of them end before this many tokens.
TOKENS = 48
#: Likely words only: the base is small, and what it says at 1 is not always English.
TEMPERATURE = 0.5

GENERATE = GenerateConfig(completions=6, temperature=TEMPERATURE, max_new_tokens=TOKENS, batch_size=144)
REWARD = TrainRewardConfig(lora_rank=4, lora_alpha=8, epochs=1, batch_prompts=2)
POLICY = TrainPolicyConfig(
    lora_rank=4,
    lora_alpha=8,
    lora_targets="attention",
    steps=9,
    max_new_tokens=TOKENS,
    temperature=TEMPERATURE,
    gold=GOLD,
    eval_prompts=0,
    checkpoint_every=2,
    keep_checkpoints=0,
    learning_rate=2.5e-3,
    kl_coef=0.06,
)
#: With the rate of the values that the shipped run was made with.
PPO = algorithms.PPO(ppo_epochs=2, value_learning_rate=1e-3)
COMPARE = CompareConfig(completions=2, temperature=TEMPERATURE, max_new_tokens=TOKENS, gold=GOLD, batch_size=64)


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
        with base_models.writing_data() if folder is None else nullcontext(), beside.folder(target) as made:
            shutil.copytree(resource("demo"), made, dirs_exist_ok=True)
            (made / "runs").mkdir(exist_ok=True)
    except OSError as error:
        why = error.strerror or first_line(error)
        raise known(error) or BadInput(f"{target} cannot be written ({why}): choose another place.") from error
    with closing(open_project(target)) as project:
        gate.made_here(project)
    return target
