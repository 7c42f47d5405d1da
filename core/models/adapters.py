"""One base in memory, several LoRA adapters on it: which one is active, and which one learns.

The reference is the base with every adapter off: the same tensors, so it equals the base bit for bit.
`role` is the only place that touches peft's state, because its switches also freeze and unfreeze: with
the wrong adapter active at backward time a gradient is silently zero. Forward and backward of a trained
role happen inside one `with role(name, train=True)`; a role opened inside another must not be trained.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig as PeftLoraConfig
from peft import PeftModel
from torch import nn
from transformers.pytorch_utils import Conv1D

from core.configs import LoraConfig
from core.errors import ModelError
from core.models.load import Base

REFERENCE = None


def attention_layers(model: Any) -> list[str]:
    """The linear layers inside the attention blocks, by the end of their names (`self_attn.q_proj`)."""
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D)]
    # With an adapter on it already, a layer `q_proj` appears as `q_proj.base_layer` beside its `lora_A`.
    names = [name.removesuffix(".base_layer") for name in linear if "lora_" not in name]
    ends = {".".join(name.split(".")[-2:]) for name in names}
    return sorted(end for end in ends if "att" in end.split(".")[0].lower())


def peft_config(config: LoraConfig, model: Any) -> PeftLoraConfig:
    """LoRA without dropout on all linear layers, or on the attention's where the model names them so."""
    attention = attention_layers(model) if config.lora_targets == "attention" else []
    targets: Any = attention or "all-linear"
    return PeftLoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        lora_dropout=0.0,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )


class SharedModel:
    """The base with named adapters. `close()` takes all of them off and leaves the base as it was."""

    def __init__(self, base: Base) -> None:
        self.base = base
        self._peft: Any = None
        self._active: str | None = REFERENCE
        self._training = False

    def add(self, name: str, config: LoraConfig, *, seed: int) -> None:
        """A fresh adapter: its B is zero, so that it changes nothing yet."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._attach(name, peft_config(config, self.base.model))

    def load(self, name: str, folder: Path) -> None:
        """An adapter from a PEFT folder. Raises `ModelError` if it is damaged or of another base."""
        try:
            if self._peft is None:
                self._peft = PeftModel.from_pretrained(self.base.model, folder, adapter_name=name)
            else:
                self._peft.load_adapter(folder, adapter_name=name)
        except (MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
            raise ModelError(
                f"The adapter in {folder} does not fit {self.base.spec.title} ({reason}): use its own base model."
            ) from error
        self._switch(REFERENCE, False)

    def _attach(self, name: str, config: PeftLoraConfig) -> None:
        if self._peft is None:
            self._peft = PeftModel(self.base.model, config, adapter_name=name)
        else:
            self._peft.add_adapter(name, copy.deepcopy(config))
        self._switch(REFERENCE, False)

    def save(self, name: str, folder: Path) -> None:
        """Write one adapter as a plain PEFT folder: `folder/adapter_model.safetensors` and its config."""
        folder.mkdir(parents=True, exist_ok=True)
        # PEFT puts a named adapter in a sub-folder; its content is moved up so that the folder loads by itself.
        self._peft.save_pretrained(folder, selected_adapters=[name], safe_serialization=True)
        for path in (folder / name).iterdir():
            path.rename(folder / path.name)
        (folder / name).rmdir()

    def parameters(self, name: str) -> list[nn.Parameter]:
        """The adapter's own weights, in a fixed order."""
        return [weight for key, weight in self.base.model.named_parameters() if f".{name}." in key]

    @contextmanager
    def role(self, name: str | None, *, train: bool = False) -> Iterator[Any]:
        """Work as adapter `name` (None is the reference); yields the causal model. Restores what was before."""
        if self._training:
            raise RuntimeError("a role was opened inside a role that is being trained")
        before = self._active
        self._switch(name, train)
        self._training = train
        try:
            yield self.base.model
        finally:
            self._training = False
            self._switch(before, False)

    def _switch(self, name: str | None, train: bool) -> None:
        self._active = name
        if self._peft is None:
            return
        tuner = self._peft.base_model
        if name is REFERENCE:
            tuner.disable_adapter_layers()
        else:
            tuner.enable_adapter_layers()
            tuner.set_adapter(name)
        for key, weight in self.base.model.named_parameters():
            weight.requires_grad_(train and name is not REFERENCE and f".{name}." in key)

    def close(self) -> None:
        """Take the adapters off; the base is then exactly what it was before the first one."""
        if self._peft is not None:
            self._peft.unload()
            self._peft = None
            if hasattr(self.base.model, "peft_config"):
                del self.base.model.peft_config
