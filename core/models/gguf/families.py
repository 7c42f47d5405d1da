"""Which families of models have a place in GGUF: their numbers by GGUF's names, and how their weights lie there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import gguf
from torch import Tensor

from core.errors import ModelError
from core.models.gguf import rope

INSTEAD = "export it as safetensors"
#: Younger than the oldest `gguf` that this runs with.
LOCAL_BASE = "{arch}.rope.freq_base_swa"
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Family:
    """`title` names it to people. `fixed` are settings with the one value that readers of GGUF compute with, `shaped`
    turns a weight, by its name at transformers, into what lies in the file; `write` adds what only it has."""

    title: str
    arch: gguf.MODEL_ARCH
    fixed: Values
    shaped: Callable[[str, Tensor, Values], Tensor]
    write: Callable[[gguf.GGUFWriter, Values], None] = lambda writer, values: None
    check: Callable[[Values], str] = lambda values: ""
    """What in the settings has no place there, as a part of a sentence."""
    ropes: tuple[str, ...] = ("default",)


def of(config: Any) -> Family:
    """The family of a model by its config. Raises `ModelError` for one that is not written."""
    values = config.to_dict()
    kind = values.get("model_type")
    family = FAMILIES.get(str(kind))
    if family is None:
        known = ", ".join(dict.fromkeys(each.title for each in FAMILIES.values()))
        raise ModelError(f"A model of the kind {kind!r:.80} has no proven GGUF form ({known} have): {INSTEAD}.")
    for key, value in family.fixed.items():
        if values.get(key) != value:
            raise _no_place(family, f"{key} {values.get(key)!r:.80}")
    found = rope.kinds(values) - set(family.ropes)
    if found or (why := family.check(values)):
        raise _no_place(family, f"positions of the kind {sorted(found)[0]!r:.40}" if found else why)
    return family


def _no_place(family: Family, what: str) -> ModelError:
    return ModelError(f"GGUF has no proven place for this {family.title} model's {what}: {INSTEAD}.")


def describe(writer: gguf.GGUFWriter, family: Family, values: Values) -> None:
    """The sizes that every family has but GPT-2, which calls them otherwise."""
    writer.add_block_count(layers(values))
    writer.add_vocab_size(values["vocab_size"])
    if family.arch is gguf.MODEL_ARCH.GPT2:
        family.write(writer, values)
        return
    head = head_size(values)
    writer.add_context_length(_context(values))
    writer.add_embedding_length(values["hidden_size"])
    writer.add_feed_forward_length(values["intermediate_size"])
    writer.add_head_count(values["num_attention_heads"])
    writer.add_head_count_kv(values.get("num_key_value_heads") or values["num_attention_heads"])
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_layer_norm_rms_eps(values["rms_norm_eps"])
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(rope.whole(values)["rope_theta"])
    family.write(writer, values)


def layers(values: Values) -> int:
    return int(values["n_layer"] if "n_layer" in values else values["num_hidden_layers"])


def head_size(values: Values) -> int:
    own = values.get("head_dim")
    return int(own) if own else int(values["hidden_size"]) // int(values["num_attention_heads"])


def _context(values: Values) -> int:
    """Where llama.cpp knows of no window (all but Gemma), only texts within one read the same."""
    longest = int(values["max_position_embeddings"])
    window: int | None = values.get("sliding_window")
    if not window or not values.get("use_sliding_window", True) or values["model_type"] in GEMMAS:
        return longest
    return min(longest, window)


def _plain(name: str, weight: Tensor, values: Values) -> Tensor:
    return weight


def _interleaved(name: str, weight: Tensor, values: Values) -> Tensor:
    """Llama's queries and keys turn neighbouring numbers there, and halves of a head at transformers: rows (h, 2, d/2)
    become (h, d/2, 2)."""
    queries = name.endswith("q_proj.weight")
    if not queries and not name.endswith("k_proj.weight"):
        return weight
    heads = values["num_attention_heads"]
    heads = heads if queries else values.get("num_key_value_heads") or heads
    rows, *rest = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, *rest).transpose(1, 2).reshape(rows, *rest)


def _norms_from_one(name: str, weight: Tensor, values: Values) -> Tensor:
    """Gemma keeps what is added to 1 in its norms."""
    return weight + 1 if name.endswith("norm.weight") else weight


def _transposed(name: str, weight: Tensor, values: Values) -> Tensor:
    """GPT-2 keeps its matrices as (in, out)."""
    return weight.T if name.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")) else weight


def _softcaps(writer: gguf.GGUFWriter, values: Values) -> None:
    _window(writer, values)
    writer.add_attn_logit_softcapping(values["attn_logit_softcapping"])
    writer.add_final_logit_softcapping(values["final_logit_softcapping"])


def _window(writer: gguf.GGUFWriter, values: Values) -> None:
    writer.add_sliding_window(values["sliding_window"])
    local = rope.local(values)
    if local is not None:
        writer.add_float32(LOCAL_BASE.format(arch=writer.arch), local["rope_theta"])


def _gemma(every: int) -> Callable[[Values], str]:
    """Each `every`th layer sees all of the text, and attention is scaled by the size of a head: llama.cpp takes both as
    given, but for the largest models' scale."""

    def check(values: Values) -> str:
        kinds = ["sliding_attention" if (i + 1) % every else "full_attention" for i in range(layers(values))]
        if values.get("layer_types") != kinds:
            return "order of layers"
        if values["query_pre_attn_scalar"] != head_size(values) or layers(values) == LARGEST[every]:
            return f"query_pre_attn_scalar {values['query_pre_attn_scalar']}"
        if every == 2 and None in (values["attn_logit_softcapping"], values["final_logit_softcapping"]):
            return "attention without soft caps"
        if every != 2 and (values.get("attn_logit_softcapping") or values.get("final_logit_softcapping")):
            return "soft caps"
        return "attention to both sides" if values.get("use_bidirectional_attention") else ""

    return check


def _gpt2(writer: gguf.GGUFWriter, values: Values) -> None:
    writer.add_context_length(values["n_positions"])
    writer.add_embedding_length(values["n_embd"])
    writer.add_feed_forward_length(values.get("n_inner") or 4 * values["n_embd"])
    writer.add_head_count(values["n_head"])
    writer.add_layer_norm_eps(values["layer_norm_epsilon"])


def _only_whole(values: Values) -> str:
    """Qwen's layers may see a window from some depth on."""
    return "window of attention" if set(values.get("layer_types") or ["full_attention"]) != {"full_attention"} else ""


def _whole_heads(values: Values) -> str:
    rotated = rope.whole(values).get("partial_rotary_factor", values.get("partial_rotary_factor"))
    return f"partial_rotary_factor {rotated}" if rotated not in (None, 1, 1.0) else ""


#: Layers of Gemma 2's and 3's 27B, whose attention is scaled otherwise, by how often a layer sees everything.
LARGEST = {2: 46, 6: 62}
GEMMAS = {"gemma2", "gemma3_text"}
SILU = {"hidden_act": "silu"}
UNBIASED = {**SILU, "attention_bias": False}
TANH = {"hidden_activation": "gelu_pytorch_tanh", "attention_bias": False}
_LLAMA = Family(
    "Llama", gguf.MODEL_ARCH.LLAMA, {**UNBIASED, "mlp_bias": False}, _interleaved, check=_whole_heads,
    ropes=("default", "llama3"),
)  # fmt: skip
#: By `model_type`.
FAMILIES: dict[str, Family] = {
    "llama": _LLAMA,
    "mistral": Family("Mistral", gguf.MODEL_ARCH.LLAMA, SILU, _interleaved, check=_whole_heads),
    "qwen2": Family("Qwen 2 and 2.5", gguf.MODEL_ARCH.QWEN2, SILU, _plain, check=_only_whole),
    "qwen3": Family("Qwen 3", gguf.MODEL_ARCH.QWEN3, UNBIASED, _plain, check=_only_whole),
    "gemma2": Family("Gemma 2", gguf.MODEL_ARCH.GEMMA2, TANH, _norms_from_one, _softcaps, _gemma(2)),
    "gemma3_text": Family("Gemma 3", gguf.MODEL_ARCH.GEMMA3, TANH, _norms_from_one, _window, _gemma(6)),
    "phi3": Family("Phi-3", gguf.MODEL_ARCH.PHI3, SILU, _plain, check=_whole_heads),
    "gpt2": Family(
        "GPT-2", gguf.MODEL_ARCH.GPT2,
        {"activation_function": "gelu_new", "scale_attn_weights": True, "scale_attn_by_inverse_layer_idx": False},
        _transposed, _gpt2,
    ),
}  # fmt: skip
