"""Load a base model and its tokenizer from a folder of safetensors: no remote code, no pickles, no network."""

import importlib.util
import os
import re
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil
import torch
from transformers import AutoModelForCausalLM, BitsAndBytesConfig, logging

from core.config.chat import DEFAULT, Chat
from core.config.options import as_stored
from core.errors import KnownError, ModelError, first_line, is_out_of_memory
from core.events import Event, Loaded, Note, Progress
from core.jobs.context import JobContext
from core.jobs.process_group import LOCAL, LocalProcessGroup
from core.machine import base_models, compute_settings
from core.machine.base_models import ModelSpec
from core.machine.model_files import read_json
from core.models import allowance, context_window, fetch, merging, proving, tokenizer_files, vetting
from core.models.chat_tokens import ChatTokens, ends_of
from core.models.devices import Placement, one_thread, placement, repeat_exactly, use_threads
from core.models.fast.switch import speed_up
from core.models.fingerprint import base_identity
from core.models.notices import Notices
from core.runs.origins import BaseIdentity
from core.store import Project, chat_settings
from core.trust import gate
from core.trust.wish import of_fetching

#: What transformers says of a model that brings its own code.
CODE = re.compile("contains custom code|trust_remote_code")
#: Where a run keeps how it puts conversations.
PINNED = chat_settings.KEPT


@dataclass(frozen=True)
class Base:
    """A frozen causal language model in eval mode. `end_ids` end a completion; the first one, which the template writes
    after an answer, is appended, and stands for all of them where a completion is scored."""

    model: Any
    tokenizer: Any
    spec: ModelSpec
    placement: Placement
    end_ids: tuple[int, ...]
    pad_id: int
    chat: ChatTokens
    identity: BaseIdentity
    four_bit: bool = False
    unused: tuple[str, ...] = ()
    """Names in its files that the model has no place for."""
    lost: float = 0.0
    """The share of what its adapter changes that rounding took (`core.models.merging.Merged`)."""

    def with_settings(self, settings: Chat) -> "Base":
        """The same model for another job, and another project's choices."""
        if settings == self.chat.settings:
            self.chat.notices = Notices()
            return self
        chat = ChatTokens(
            self.tokenizer, self.spec.title, settings, vocabulary=self.vocabulary, known_ends=self.chat.known_ends
        )
        return replace(self, chat=chat, end_ids=chat.ends)

    @property
    def device(self) -> torch.device:
        return self.placement.device

    @property
    def hidden_size(self) -> int:
        """Of the states that the vocabulary head reads; those inside may be wider (OPT-350m)."""
        return int(self.model.get_output_embeddings().weight.shape[-1])

    @cached_property
    def vocabulary(self) -> int:
        """How many tokens the model knows."""
        return int(self.model.get_input_embeddings().num_embeddings)

    @cached_property
    def textless(self) -> torch.Tensor | None:
        """Tokens (n,) of the model that its tokenizer does not know, and which are never drawn; None without any."""
        known = {*self.tokenizer.get_vocab().values(), *self.tokenizer.added_tokens_decoder, *self.end_ids}
        found = [token for token in range(self.vocabulary) if token not in known]
        return torch.tensor(found, device=self.device) if found else None

    @property
    def context(self) -> int:
        """Longest sequence in tokens."""
        return context_window.tokens_of(self.model.config)

    def loaded(self, threads: int) -> Loaded:
        """What is told of it to the other processes."""
        dtype = "4 bits" if self.four_bit else str(self.placement.dtype).removeprefix("torch.")
        reason = self.placement.reason
        if self.unused:
            reason += f"; not used of its files: {', '.join(self.unused[:3])}{' ...' if len(self.unused) > 3 else ''}"
        return Loaded(self.spec.title, str(self.device), dtype, reason, threads)


def base_of(context: JobContext, *, four_bit: bool = False, pinned: bool = False) -> Generator[Event, None, Base]:
    """The project's base model, fetched if need be and kept in the worker between jobs as long as its place holds.

    With `pinned` it reads conversations as it did when the run began, whatever a person chose since.

    A generator that yields events and returns a `Base`: use `base = yield from base_of(context)`.
    """
    threads = use_threads()
    spec = base_models.parse(context.project.setting("model", base_models.EMBEDDED))
    settings = settings_of(context, pinned=pinned)
    kept: Base | None = context.cache.get("base")
    gate.check(context.project, of_fetching(spec))
    here = (spec, spec.folder, four_bit, placement())
    if kept is not None and (kept.spec, kept.spec.folder, kept.four_bit, kept.placement) == here:
        base_models.check_unchanged(spec)
        kept = context.cache["base"] = kept.with_settings(settings)
        yield kept.loaded(threads)
        yield from plain_note(kept)
        return kept
    context.cache.clear()
    yield from fetched(context, spec, "model")
    yield Progress(0, 1, "Loading the model")
    base = load(spec, settings, four_bit=four_bit, world=context.world)
    context.cache["base"] = base
    yield base.loaded(threads)
    yield from plain_note(base)
    yield Progress(1, 1, "Loading the model")
    return base


def settings_of(context: JobContext, *, pinned: bool = False) -> Chat:
    """How the project puts its conversations; or how it did when the run began, where that was `pinned`."""
    if not pinned and not context.project.run_file(context.job_id, PINNED).is_file():
        return chat_settings.get(context.project)
    return as_stored(Chat, context.pinned(PINNED, lambda: asdict(chat_settings.get(context.project)), came_later=True))


def chat_of_run(project: Project, job_id: int) -> Chat:
    """How conversations were put in a run; as the project does now, where the run is older than that choice."""
    path = project.run_file(job_id, PINNED)
    if not path.is_file():
        return chat_settings.get(project)
    return as_stored(Chat, read_json(path))


def plain_note(base: Base) -> Iterator[Note]:
    """A model that was not taught to talk is told of, one that takes longer than others of its size, and one of whose
    adapter rounding took a part."""
    if base.chat.text.choice.plain:
        yield Note(
            f"{base.spec.title} has no chat template of its own in use: its prompts are written the plain way, "
            "`User:` and `Assistant:` before the turns."
        )
    if slow := proving.told(base.model, base.spec.title):
        yield Note(slow)
    if rounded := _rounded(base.spec, base.lost, base.placement.dtype):
        yield Note(rounded)


def _rounded(spec: ModelSpec, lost: float, dtype: torch.dtype) -> str | None:
    return merging.told(
        lost, f"the adapter in {spec.adapter}", dtype, "set the number format to float32 in the settings"
    )


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
    """What transformers makes of a folder; `unused` and `lost` are as `Base` has them."""

    tokenizer: Any
    model: Any
    unused: tuple[str, ...]
    lost: float = 0.0


def pretrained(kind: Any, spec: ModelSpec, what: str, remedy: str, **more: Any) -> Pretrained:
    """The tokenizer and the model of transformers' class `kind`: no remote code, no pickles, no network, and no weight
    that the files do not hold. An adapter that belongs to the model is merged into it.

    Raises `ModelError` that names `what` cannot be loaded, and the `remedy`.
    """
    logging.disable_progress_bar()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        with vetting.offline():
            tokenizer = tokenizer_files.load(spec)
            with allowance.for_model(spec.folder, f"{what} in {spec.folder}"):
                if spec.kind != "embedded":  # that one's hash is known
                    config = vetting.check_size(kind, spec.folder, vetting.numbers_in(spec.folder))
                    more = vetting.dequantized(config, more)
                model, info = kind.from_pretrained(
                    spec.folder, local_files_only=True, trust_remote_code=False, use_safetensors=True,
                    output_loading_info=True, ignore_mismatched_sizes=True, **more,
                )  # fmt: skip
            vetting.plain_outputs(model)
    except Exception as error:
        if isinstance(error, KnownError) or is_out_of_memory(error):
            raise
        if CODE.search(str(error)):
            raise ModelError(
                f"{what} in {spec.folder} is computed by code that comes with it, which is never run here: choose one "
                "of a kind that transformers knows."
            ) from error
        raise ModelError(f"{what} in {spec.folder} cannot be loaded ({first_line(error)}): {remedy}") from error
    _refuse(info["missing_keys"], f"{what} in {spec.folder} lacks", remedy)
    _refuse(
        (key for key, *_ in info["mismatched_keys"]),
        f"{what} in {spec.folder} has another shape than it says in",
        remedy,
    )
    lost = 0.0
    if spec.adapter:
        base_models.check_unchanged(spec)
        both = merging.merged(model, Path(spec.adapter))
        model, lost = both.model, both.lost
    return Pretrained(tokenizer, model, tuple(sorted(info["unexpected_keys"])), lost)


def _refuse(names: Iterable[str], what: str, remedy: str) -> None:
    """Raise a `ModelError` that names the weights that were not there, and so were drawn at random."""
    if found := sorted(names):
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        raise ModelError(f"{what} {found[0]}{more}: {remedy}")


def load(
    spec: ModelSpec, settings: Chat = DEFAULT, *, four_bit: bool = False, world: LocalProcessGroup = LOCAL
) -> Base:
    """Load the model in `spec.folder`. Raises `ModelError` with what is wrong and what to do.

    With `four_bit` its weights are held in NF4 (Dettmers et al. 2023, arXiv 2305.14314), on an NVIDIA GPU. Where the
    processes of `world` share the base, each reads all of it into its computer's memory and keeps its part.
    """
    if four_bit and world.sharded:
        raise ModelError("A base in 4 bits cannot be spread over processes: set --base-bits to 16, or leave FSDP out.")
    if four_bit and spec.adapter:
        raise ModelError(
            "A base with an adapter on it cannot be held in 4 bits, in which most of the adapter would be lost: set "
            "--base-bits to 16, or make one model of both first."
        )
    base_models.check(spec)
    chosen = placement()
    repeat_exactly(chosen.device)
    quantized = _four_bit(chosen) if four_bit else {}
    _check_memory(spec, chosen)
    found = pretrained(
        AutoModelForCausalLM, spec, "The model", f"{spec.remedy}, or choose another model.",
        dtype=chosen.dtype, **quantized,
    )  # fmt: skip
    _rounded(spec, found.lost, chosen.dtype)  # refused where nothing of the adapter is left
    tokenizer, model = found.tokenizer, found.model
    vocabulary = model.get_input_embeddings().num_embeddings
    chat = ChatTokens(tokenizer, spec.title, settings, vocabulary=vocabulary, known_ends=known_ends(model, tokenizer))
    if not chat.ends:
        raise ModelError("The model's tokenizer has no end token: choose another model.")
    model.eval().requires_grad_(False)
    _no_dropout(model)
    identity = base_identity(model, spec)
    speed_up(model)
    if not four_bit:
        world.spread(model, chosen.device)
    with one_thread(), allowance.for_model(spec.folder, f"The first look at a text of the model in {spec.folder}"):
        proving.check(model, spec.title)
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else chat.ends[0]
    return Base(model, tokenizer, spec, chosen, chat.ends, int(pad), chat, identity, four_bit, found.unused, found.lost)


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
    free = psutil.virtual_memory().available
    if chosen.device.type == "cpu" and needed > free:
        halved = ", set the number format to bfloat16 in the settings" if weights <= free else ""
        raise ModelError(
            f"{spec.title} needs about {needed / 1e9:.1f} GB of memory and {free / 1e9:.1f} GB are free: close other "
            f"programs{halved} or choose a smaller one."
        )
    limit = compute_settings.chosen().memory_gb
    if limit and needed > limit * 1e9:
        raise ModelError(
            f"{spec.title} needs about {needed / 1e9:.1f} GB of memory and the settings allow {limit:g}: choose a "
            "smaller model, or raise the memory budget in the settings."
        )


def known_ends(model: Any, tokenizer: Any) -> tuple[int, ...]:
    """Whatever the model's generation config ends at and can say. Raises `ModelError` as `ends_of` does."""
    configured = getattr(model.generation_config, "eos_token_id", None)
    return ends_of(configured, tokenizer.eos_token_id, model.get_input_embeddings().num_embeddings)


def _no_dropout(model: Any) -> None:
    """Dropout would make the ratio differ from 1 before the first update (Huang et al. 2024, detail 13).

    Some families have modules for it and some call a function with a number of their own, which would come alive where
    activations are recomputed.
    """
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        for name, value in vars(module).items():
            if "drop" in name and isinstance(value, float):
                setattr(module, name, 0.0)
