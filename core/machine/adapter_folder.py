"""A LoRA adapter's folder, a stranger's perhaps: chosen fields of its config, and what its files hash to. No torch.

A field that is not known here is refused unless it says nothing.
"""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import ModelError, first_line
from core.machine.model_files import leads_out, read_json
from core.store.files import plain

CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
MOST_RANK = 4096
#: Names of layers: each is looked for in each layer of the model.
MOST_NAMES, MOST_PATTERNS = 1000, 250
PLAIN = re.compile(r"[\w.-]{1,200}")
#: What PEFT adapts besides layers where experts lie in one tensor, and the pattern before a name in whatever layer.
EXPERTS = {"gate.weight", "gate_up_proj", "down_proj"}
ANYWHERE = r".*\."


def _is_rank(value: Any) -> bool:
    return type(value) is int and 0 < value <= MOST_RANK


def _is_scale(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= 1e6


def _is_share(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 1


def _is_switch(value: Any) -> bool:
    return type(value) is bool


def _is_name(value: Any) -> bool:
    return isinstance(value, str) and PLAIN.fullmatch(value) is not None


def _are_names(value: Any) -> bool:
    """No patterns: matching one may take for ever."""
    return value == "all-linear" or (
        isinstance(value, list) and 0 < len(value) <= MOST_NAMES and all(map(_is_name, value))
    )


def _are_experts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_name, value)) and EXPERTS.issuperset(value)


def _by_name(is_value: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """No more of them than Python keeps compiled patterns of."""

    def check(value: Any) -> bool:
        names = [key.removeprefix(ANYWHERE) for key in value] if isinstance(value, dict) else []
        return 0 < len(names) < MOST_PATTERNS and all(map(_is_name, names)) and all(map(is_value, value.values()))

    return check


#: How PEFT may begin an adapter without a change to its base. By the other ways (`pissa`, `olora`, `corda`, `loftq`,
#: `lora_ga`) it takes from the base's weights what the adapter begins with: the file is right on that base alone.
STARTS = {"gaussian", "orthogonal", "eva", "mica"}


def _is_start(value: Any) -> bool:
    return isinstance(value, str) and value.lower() in STARTS


#: What is taken from a config, each if it is there.
TAKEN: dict[str, Callable[[Any], bool]] = {
    "r": _is_rank,
    "lora_alpha": _is_scale,
    "target_modules": _are_names,
    "exclude_modules": _are_names,
    "target_parameters": _are_experts,
    "use_rslora": _is_switch,
    "use_dora": _is_switch,
    "fan_in_fan_out": _is_switch,
    "rank_pattern": _by_name(_is_rank),
    "alpha_pattern": _by_name(_is_scale),
}
#: What else may stand there, because it changes nothing in an adapter whose weights are all in its file.
HARMLESS: dict[str, Callable[[Any], bool]] = {
    "peft_type": lambda value: value == "LORA",
    "task_type": lambda value: value in ("CAUSAL_LM", "SEQ_CLS"),
    "modules_to_save": lambda value: value in (["score"], ["classifier", "score"]),
    "bias": lambda value: value == "none",
    "lora_dropout": _is_share,
    "base_model_name_or_path": lambda value: isinstance(value, str),
    "inference_mode": _is_switch,
    "init_lora_weights": lambda value: isinstance(value, bool) or _is_start(value),
    "peft_version": lambda value: isinstance(value, str),
    "revision": lambda value: isinstance(value, str),
    "megatron_core": lambda value: isinstance(value, str),
    "qalora_group_size": lambda value: type(value) is int,
}


def is_said(value: Any) -> bool:
    """Does a field say anything? A zero does, as PEFT reads it."""
    return not (value is None or value is False or value in ("", [], {}))


def is_adapter(folder: Path) -> bool:
    """Does an adapter lie here, and no model?"""
    return (folder / CONFIG).is_file() and not (folder / "config.json").exists()


def fields(folder: Path) -> dict[str, Any]:
    """All that its config says. Raises `ModelError` for what is no plain LoRA adapter in safetensors."""
    _check_links(folder)
    found = read_json(folder / CONFIG)
    if found.get("peft_type") != "LORA":
        raise ModelError(
            f"The adapter in {folder} is of the kind {found.get('peft_type')!r:.80}, and only LoRA is read: "
            "choose a LoRA adapter."
        )
    for key, value in found.items():
        _check_field(folder, key, value)
    if not (folder / WEIGHTS).is_file():
        raise ModelError(
            f"{folder / WEIGHTS} is missing: only safetensors are loaded, because pickles (.bin, .pt) can run code. "
            "Save the adapter as safetensors."
        )
    return found


def _check_links(folder: Path) -> None:
    """Whoever agreed to the folder did not agree to another place."""
    for path in (folder / CONFIG, folder / WEIGHTS):
        if leads_out(path, folder):
            raise ModelError(
                f"{path} is a link to another place: put the file itself there, or choose another adapter."
            )


def no_policy(folder: Path) -> ModelError:
    """What is raised where a policy's adapter is wanted, and this one has a head for scores."""
    return ModelError(f"{folder} holds a reward model's adapter: choose one of a policy.")


def _check_field(folder: Path, key: str, value: Any) -> None:
    checks = TAKEN | HARMLESS
    if key == "init_lora_weights" and value and isinstance(value, str) and not _is_start(value):
        raise ModelError(
            f"The adapter in {folder} began by changing its base's weights ({key}: {value!r:.80}), and says something "
            "else on the base as it is: save it with PEFT once more, as plain LoRA (save_pretrained with "
            "path_initial_model_for_weight_conversion), or choose another adapter."
        )
    if is_said(value) and not (key in checks and checks[key](value)):
        raise ModelError(
            f"{folder / CONFIG} has {key!r:.80} with {value!r:.80}, which is not read: choose a plain LoRA adapter."
        )


def content_hash(folder: Path) -> str:
    """SHA-256 of the weights and of what scales them; reads all of them. Raises `ModelError` for what cannot be
    read."""
    _check_links(folder)
    try:
        found = hashlib.sha256(plain.content(folder / CONFIG))
        with plain.opened(folder / WEIGHTS) as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    except OSError as error:
        raise ModelError(f"The adapter in {folder} cannot be read ({first_line(error)}): choose another.") from error
    return found.hexdigest()
