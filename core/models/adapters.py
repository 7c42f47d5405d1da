"""One base in memory, several LoRA adapters on it: which one is active, and which one learns.

The reference is the base with every adapter off: the same tensors, so it equals the base bit for bit; unless a frozen
adapter takes its place (`refer_to`).
`role` is the only place that touches peft's state, because its switches also freeze and unfreeze: with
the wrong adapter active at backward time a gradient is silently zero. Forward and backward of a trained
role happen inside `with role(name, train=True)`, the same one or one opened later; a role opened inside another must
not be trained.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig as PeftLoraConfig
from peft import PeftModel
from peft.tuners.tuners_utils import BaseTunerLayer
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from core.config.training import LoraConfig
from core.errors import KnownError, ModelError, first_line, is_out_of_memory
from core.jobs.process_group import LOCAL, LocalProcessGroup
from core.jobs.progress import ReportStatus, no_report
from core.machine.adapter_folder import WEIGHTS
from core.models import adapter_files
from core.models.adapter_files import HEAD
from core.models.fast.switch import speed_up_adapters
from core.models.load import Base

#: The role of the reference; and the base with every adapter off, which the reference is unless it was told otherwise.
REFERENCE = BARE = None
CAUSAL = "CAUSAL_LM"
#: Where PEFT refuses an adapter on these layers.
STATE_SPACES = {"falcon_h1", "mamba", "mamba2", "falcon_mamba", "nemotron_h"}
STATE_SPACE_LAYERS = ["out_proj", "conv1d"]


def attention_layers(model: Any) -> list[str]:
    """The linear layers inside the attention blocks, by the end of their names (`self_attn.q_proj`)."""
    linear = [name for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D)]
    # With an adapter on it already, a layer `q_proj` appears as `q_proj.base_layer` beside its `lora_A`.
    names = [name.removesuffix(".base_layer") for name in linear if "lora_" not in name]
    ends = {".".join(name.split(".")[-2:]) for name in names}
    return sorted(end for end in ends if "att" in end.split(".")[0].lower())


def out_of_reach(model: Any) -> list[str]:
    """The layers that no adapter is put on: those of a tower for images or sounds, which no text comes through, and
    those that a state-space model's own kernels read the weights of."""
    reader = {id(module) for module in model.get_decoder().modules()}
    inside = {id(module) for module in model.base_model.modules()} - reader
    linear = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear | Conv1D)]
    others = [name for name, module in linear if id(module) in inside]
    return others + (STATE_SPACE_LAYERS if model.config.model_type in STATE_SPACES else [])


def peft_config(config: LoraConfig, model: Any) -> PeftLoraConfig:
    """LoRA without dropout on all linear layers, or on the attention's where the model names them so."""
    attention = attention_layers(model) if config.lora_targets == "attention" else []
    targets: Any = attention or "all-linear"
    return PeftLoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,
        use_rslora=config.lora_rslora,
        use_dora=config.lora_dora,
        lora_dropout=0.0,
        target_modules=targets,
        exclude_modules=out_of_reach(model) or None,
        task_type=CAUSAL,
    )


class SharedModel:
    """The base with named adapters. `close()` takes all of them off and leaves the base as it was.

    Whoever works with it says through `report_status` what it does.
    """

    def __init__(self, base: Base, world: LocalProcessGroup = LOCAL, report_status: ReportStatus = no_report) -> None:
        self.base, self.world, self.report_status = base, world, report_status
        self._peft: Any = None
        self._layers: list[BaseTunerLayer] = []  # every layer that has adapters
        self._weights: dict[str, list[nn.Parameter]] = {}
        self._at_work: tuple[str | None, bool] = (BARE, False)
        """The adapter that is on, and whether it learns."""
        self.reference: str | None = BARE
        """The adapter that the reference has on."""

    def add(self, name: str, config: LoraConfig, *, seed: int) -> None:
        """A fresh adapter: its B is zero, so that it changes nothing yet."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._attach(name, peft_config(config, self.base.model))

    def add_like(self, name: str, other: str, *, seed: int) -> None:
        """A fresh adapter of the shape of one that is there."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self._attach(name, self._peft.peft_config[other])

    def refer_to(self, name: str) -> None:
        """From now on the reference is the base with this adapter on, which nobody trains."""
        self.reference = name

    def shape(self, name: str) -> tuple[int, float]:
        """Rank and alpha of an adapter that is there."""
        config = self._peft.peft_config[name]
        return config.r, config.lora_alpha

    def load(self, name: str, folder: Path) -> Tensor | None:
        """An adapter from a PEFT folder. Raises `ModelError` if it is damaged or of another base.

        The folder may hold the weights (C, d) of a classification head too, which have no place in this model: they are
        returned.
        """
        try:
            config, shapes = adapter_files.read(folder)
            adapter_files.refuse_unfit(self.base.model, self._peft, config, shapes)
            self._attach(name, config)
            head = adapter_files.fill_from(self._peft, name, folder, shapes)
        except Exception as error:
            if isinstance(error, KnownError) or is_out_of_memory(error):
                raise
            raise ModelError(
                f"The adapter in {folder} does not fit {self.base.spec.title} ({first_line(error)}): "
                "use its own base model."
            ) from error
        self._switch(BARE, False)
        return head

    def state(self, name: str) -> dict[str, Tensor]:
        """The adapter's weights by PEFT's names, which do not hold the adapter's own."""
        return adapter_files.state(self._peft, name)

    def restore(self, name: str, weights: dict[str, Tensor]) -> None:
        """Set all of the adapter's weights from what `state` gave. Raises `ValueError` if any is missing or foreign."""
        adapter_files.fill(self._peft, name, weights)

    def reload(self, name: str, folder: Path) -> None:
        """Set the weights of an adapter that is there from a folder of `save`. Raises `ModelError` if it is of another
        base, and what the library and the system say of a file that cannot be read."""
        weights = load_file(folder / WEIGHTS)
        try:
            self.restore(name, weights)
        except ValueError as error:
            raise ModelError(
                f"The adapter in {folder} was trained on another base model than {self.base.spec.title} "
                f"({first_line(error)}): choose the base model that it was trained on, or begin a new run."
            ) from error

    def copy(self, source: str, target: str) -> None:
        """Set the weights of an adapter that is there to another one's."""
        self.restore(target, {key: weight.clone() for key, weight in self.state(source).items()})

    @property
    def names(self) -> frozenset[str]:
        """The adapters that are there."""
        return frozenset(self._weights)

    def drop(self, name: str) -> None:
        """Forget an adapter; the base is left as it was where that is the only one."""
        if self.names == {name}:
            self.close()
            return
        self._switch(next(other for other in self._peft.peft_config if other != name), False)
        self._peft.delete_adapter(name)
        del self._weights[name]
        self._switch(BARE, False)

    def _attach(self, name: str, config: PeftLoraConfig) -> None:
        if self._peft is None:
            self._peft = PeftModel(self.base.model, config, adapter_name=name)
        else:
            self._peft.add_adapter(name, copy.deepcopy(config))
        speed_up_adapters(self.base.model)
        self._layers = [module for module in self.base.model.modules() if isinstance(module, BaseTunerLayer)]
        self._weights = {each: self.parameters(each) for each in self._peft.peft_config}
        self._set(BARE, False)  # in any case: peft wakes what it attaches

    def save(self, name: str, folder: Path, *, head: Tensor | None = None) -> None:
        """Write one adapter as a plain PEFT folder: `folder/adapter_model.safetensors` and its config.

        With the weights (C, d) of a `head` it is an adapter for sequence classification of C labels, which loads onto
        `AutoModelForSequenceClassification` with its head.
        """
        folder.mkdir(parents=True, exist_ok=True)
        config = copy.deepcopy(self._peft.peft_config[name])
        config.inference_mode = True
        config.base_model_name_or_path = self.base.spec.stands_on
        weights = {key: weight.contiguous().cpu() for key, weight in self.state(name).items()}
        if head is not None:
            config.task_type, config.modules_to_save = "SEQ_CLS", ["score"]
            weights[HEAD] = head.detach().contiguous().cpu()
        config.save_pretrained(str(folder))
        save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})

    def parameters(self, name: str) -> list[nn.Parameter]:
        """The adapter's own weights, in a fixed order."""
        return [weight for key, weight in self.base.model.named_parameters() if f".{name}." in key]

    @contextmanager
    def role(self, name: str | None, *, train: bool = False) -> Iterator[Any]:
        """Work as adapter `name` (None is the reference); yields the causal model. Restores what was before."""
        before, learns = self._at_work
        if learns:
            raise RuntimeError("a role was opened inside a role that is being trained")
        self._switch(self.reference if name is REFERENCE else name, train)
        try:
            yield self.base.model
        finally:
            self._switch(before, False)

    def opening(self, names: Sequence[str | None]) -> list[Callable[[], AbstractContextManager[Any]]]:
        """For each of the roles what opens it."""
        return [partial(self.role, name) for name in names]

    def _switch(self, name: str | None, train: bool) -> None:
        if self._at_work != (name, train):
            self._set(name, train)

    def _set(self, name: str | None, train: bool) -> None:
        """Layer by layer: peft's own way looks through every module of the model, ten times as long."""
        for layer in self._layers:
            layer.enable_adapters(name is not BARE)
            if name is not BARE:
                layer.set_adapter(name)
        for adapter, weights in self._weights.items():
            for weight in weights:
                weight.requires_grad_(train and adapter == name)
        self._at_work = name, train

    def close(self) -> None:
        """Take the adapters off; the base is then exactly what it was before the first one."""
        if self._peft is not None:
            self._peft.unload()
            self._peft, self._layers, self._weights, self._at_work = None, [], {}, (BARE, False)
            self.reference = BARE
            if hasattr(self.base.model, "peft_config"):
                del self.base.model.peft_config
