"""Load a base model and its tokenizer from a folder of safetensors: no remote code, no pickles, no network."""

import importlib.util
import os
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import psutil
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, BitsAndBytesConfig, logging

from core.errors import KnownError, ModelError, first_line, is_out_of_memory
from core.events import Event, Loaded, Progress
from core.jobs.context import JobContext
from core.jobs.process_group import LOCAL, LocalProcessGroup
from core.machine import base_models, compute_settings
from core.machine.base_models import ModelSpec
from core.models import fetch, tokenizer_probe, vetting
from core.models.chat_template import ChatTemplate
from core.models.devices import Placement, placement, repeat_exactly, use_threads
from core.models.fast.switch import speed_up
from core.trust import gate
from core.trust.wish import of_fetching


@dataclass(frozen=True)
class Base:
    """A frozen causal language model in eval mode. `end_ids` end a completion; the first one is appended."""

    model: Any
    tokenizer: Any
    spec: ModelSpec
    placement: Placement
    end_ids: tuple[int, ...]
    pad_id: int
    template: ChatTemplate
    four_bit: bool = False
    unused: tuple[str, ...] = ()
    """Names in its files that the model has no place for."""

    @property
    def device(self) -> torch.device:
        return self.placement.device

    @property
    def hidden_size(self) -> int:
        return int(self.model.config.get_text_config().hidden_size)

    @cached_property
    def vocabulary(self) -> int:
        """How many tokens the model knows."""
        return int(self.model.get_input_embeddings().num_embeddings)

    @property
    def context(self) -> int:
        """Longest sequence in tokens."""
        return int(getattr(self.model.config.get_text_config(), "max_position_embeddings", 2048))

    def loaded(self, threads: int) -> Loaded:
        """What is told of it to the other processes."""
        dtype = "4 bits" if self.four_bit else str(self.placement.dtype).removeprefix("torch.")
        reason = self.placement.reason
        if self.unused:
            reason += f"; not used of its files: {', '.join(self.unused[:3])}{' ...' if len(self.unused) > 3 else ''}"
        return Loaded(self.spec.title, str(self.device), dtype, reason, threads)


def base_of(context: JobContext, *, four_bit: bool = False) -> Generator[Event, None, Base]:
    """The project's base model, fetched if need be and kept in the worker between jobs as long as its place holds.

    A generator that yields events and returns a `Base`: use `base = yield from base_of(context)`.
    """
    threads = use_threads()
    spec = base_models.parse(context.project.setting("model", base_models.EMBEDDED))
    kept: Base | None = context.cache.get("base")
    if kept is not None and (kept.spec, kept.four_bit, kept.placement) == (spec, four_bit, placement()):
        yield kept.loaded(threads)
        return kept
    context.cache.clear()
    yield from fetched(context, spec, "model")
    yield Progress(0, 1, "Loading the model")
    base = load(spec, four_bit=four_bit, world=context.world)
    context.cache["base"] = base
    yield base.loaded(threads)
    yield Progress(1, 1, "Loading the model")
    return base


def fetched(context: JobContext, spec: ModelSpec, what: str) -> Iterator[Progress]:
    """Bring a model to this machine if it is not there. Raises `KnownError` when the job is stopped meanwhile, and for
    one that nobody allowed the project to fetch."""
    gate.check(context.project, of_fetching(spec))
    with closing(fetch.ensure(spec)) as fetching:
        if context.world.size > 1:  # one brings it, the others wait, and nobody tells
            if context.world.main:
                for _ in fetching:
                    pass
            context.world.agreed(None)
            return
        for progress in fetching:
            yield progress
            if context.stopping:
                raise KnownError(f"Stopped while the {what} was being fetched: resume to fetch it.")


@dataclass(frozen=True)
class Pretrained:
    """What transformers makes of a folder; `unused` are the names in its files that the model has no place for."""

    tokenizer: Any
    model: Any
    unused: tuple[str, ...]


def pretrained(kind: Any, spec: ModelSpec, what: str, remedy: str, **more: Any) -> Pretrained:
    """The tokenizer and the model of transformers' class `kind`: no remote code, no pickles, no network, and no weight
    that the files do not hold.

    Raises `ModelError` that names `what` cannot be loaded, and the `remedy`.
    """
    logging.disable_progress_bar()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        with vetting.offline():
            if spec.kind != "embedded":  # that one's hash is known
                vetting.check_folder(spec.folder)
                tokenizer_probe.check(spec.folder)
                config = vetting.check_size(kind, spec.folder, vetting.numbers_in(spec.folder))
                more = vetting.dequantized(config, more)
            tokenizer = AutoTokenizer.from_pretrained(spec.folder, local_files_only=True, trust_remote_code=False)
            vetting.check_templates(tokenizer, spec.folder)
            model, info = kind.from_pretrained(
                spec.folder, local_files_only=True, trust_remote_code=False, use_safetensors=True,
                output_loading_info=True, ignore_mismatched_sizes=True, **more,
            )  # fmt: skip
            vetting.plain_outputs(model)
    except Exception as error:
        if isinstance(error, KnownError) or is_out_of_memory(error):
            raise
        raise ModelError(f"{what} in {spec.folder} cannot be loaded ({first_line(error)}): {remedy}") from error
    _refuse(info["missing_keys"], f"{what} in {spec.folder} lacks", remedy)
    _refuse(
        (key for key, *_ in info["mismatched_keys"]),
        f"{what} in {spec.folder} has another shape than it says in",
        remedy,
    )
    return Pretrained(tokenizer, model, tuple(sorted(info["unexpected_keys"])))


def _refuse(names: Iterable[str], what: str, remedy: str) -> None:
    """Raise a `ModelError` that names the weights that were not there, and so were drawn at random."""
    if found := sorted(names):
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise ModelError(f"{what} {found[0]}{more}: {remedy}")


def load(spec: ModelSpec, *, four_bit: bool = False, world: LocalProcessGroup = LOCAL) -> Base:
    """Load the model in `spec.folder`. Raises `ModelError` with what is wrong and what to do.

    With `four_bit` its weights are held in NF4 (Dettmers et al. 2023, arXiv 2305.14314), on an NVIDIA GPU. Where the
    processes of `world` share the base, each reads all of it into its computer's memory and keeps its part.
    """
    if four_bit and world.sharded:
        raise ModelError("A base in 4 bits cannot be spread over processes: set --base-bits to 16, or leave FSDP out.")
    base_models.check(spec)
    chosen = placement()
    repeat_exactly(chosen.device)
    quantized = _four_bit(chosen) if four_bit else {}
    _check_memory(spec, chosen)
    found = pretrained(
        AutoModelForCausalLM, spec, "The model", "delete the folder to fetch it again, or choose another model.",
        dtype=chosen.dtype, **quantized,
    )  # fmt: skip
    tokenizer, model = found.tokenizer, found.model
    template = ChatTemplate.of(tokenizer, spec.title)
    template.render([{"role": "user", "content": "Hello"}], add_generation_prompt=True)  # a broken one is told now
    ends = _end_ids(model, tokenizer)
    model.eval().requires_grad_(False)
    _no_dropout(model)
    speed_up(model)
    if not four_bit:
        world.spread(model, chosen.device)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else ends[0]
    return Base(model, tokenizer, spec, chosen, ends, int(pad), template, four_bit, found.unused)


def _four_bit(chosen: Placement) -> dict[str, Any]:
    """What `from_pretrained` is told to hold the weights in 4 bits. Raises `ModelError` where that cannot be done."""
    if chosen.device.type != "cuda":
        raise ModelError("Holding the base in 4 bits needs an NVIDIA GPU: leave --base-bits at 16 on this machine.")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise ModelError("Holding the base in 4 bits needs bitsandbytes: install Plumbline with the extra `4bit`.")
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=chosen.dtype,
    )
    return {"quantization_config": config, "device_map": {"": chosen.device}}


def _check_memory(spec: ModelSpec, chosen: Placement) -> None:
    weights = sum(path.stat().st_size for path in spec.folder.glob("*.safetensors"))
    needed = weights * chosen.dtype.itemsize / 2  # the files hold 2 bytes a weight as a rule
    if chosen.device.type == "cpu" and needed > psutil.virtual_memory().available:
        raise ModelError(
            f"{spec.title} needs about {needed / 1e9:.1f} GB of memory and "
            f"{psutil.virtual_memory().available / 1e9:.1f} GB are free: close other programs or choose a smaller one."
        )
    limit = compute_settings.chosen().memory_gb
    if limit and needed > limit * 1e9:
        raise ModelError(
            f"{spec.title} needs about {needed / 1e9:.1f} GB of memory and the settings allow {limit:g}: choose a "
            "smaller model, or raise the memory budget in the settings."
        )


def _end_ids(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """The tokenizer's end token first, then whatever else the model's generation config ends at and can say."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    more = configured if isinstance(configured, list) else [configured]
    ids = [item for item in (tokenizer.eos_token_id, *more) if item is not None]
    if not ids:
        raise ModelError("The model's tokenizer has no end token: choose another model.")
    known = range(model.get_input_embeddings().num_embeddings)
    if ids[0] not in known or not all(isinstance(item, int) for item in ids):
        raise ModelError("The model ends its answers at a token that it does not have: choose another model.")
    return tuple(dict.fromkeys(int(item) for item in ids if item in known))


def _no_dropout(model: Any) -> None:
    """Dropout would make the ratio differ from 1 before the first update (Huang et al. 2024, detail 13)."""
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
