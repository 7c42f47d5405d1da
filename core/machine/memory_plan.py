"""How much memory a run takes, computed from the shape of its model: what fits on which card. No torch.

Every term is what the code keeps: see `core/models/fast/fused_ops.py` and `core/models/fast/varlen.py` for what a
layer saves for its backward pass. `python -m tests.benchmarks plan` compares the sum with measured peaks.
"""

import math
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import BadInput
from core.machine.base_models import ModelSpec
from core.machine.limits import CHUNK, FEW_SCORES, PREPACKED
from core.machine.model_files import read_json

#: Bytes of one weight in each format; NF4 with double quantisation (Dettmers et al. 2023) takes 4.127 bits.
BYTES = {"float32": 4.0, "bfloat16": 2.0, "4bit": 4.127 / 8}
#: Bytes of a trained weight: itself, its gradient and Adam's two moments, all float32.
TRAINED = 16
#: Python, torch and transformers themselves, on a CPU; a CUDA context.
RUNTIME = {"cpu": 0.55e9, "cuda": 0.6e9}
#: What allocators hold beyond what is asked of them. glibc's was measured: arrays of megabytes leave holes into which
#: others do not fit. CUDA's is an assumption.
SLACK = {"cpu": 1.6, "cuda": 1.1}
#: By these a config says that it is a mixture of experts.
EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts")
#: Bytes of each logit of a chunk besides the raw one.
LOGIT = 8


@dataclass(frozen=True)
class Shape:
    """What of a decoder's architecture decides its memory."""

    layers: int
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    tied: bool

    @property
    def linear(self) -> int:
        """Weights of the linear layers."""
        attention = self.hidden * self.head_dim * (2 * self.heads + 2 * self.kv_heads)
        return self.layers * (attention + 3 * self.hidden * self.inner)

    @property
    def embeddings(self) -> int:
        return self.vocabulary * self.hidden * (1 if self.tied else 2)

    def adapter(self, rank: int, targets: str) -> int:
        """Weights of a LoRA adapter."""
        out = (self.heads * self.head_dim, self.kv_heads * self.head_dim, self.kv_heads * self.head_dim)
        sizes = [(self.hidden, width) for width in out] + [(out[0], self.hidden)]
        if targets == "all-linear":
            sizes += [(self.hidden, self.inner)] * 2 + [(self.inner, self.hidden)]
        return self.layers * rank * sum(a + b for a, b in sizes)


#: Shapes of well-known sizes (Qwen2.5), for planning without a model at hand.
KNOWN = {
    "0.5B": Shape(24, 896, 4864, 14, 2, 64, 151_936, True),
    "1.5B": Shape(28, 1536, 8960, 12, 2, 128, 151_936, True),
    "3B": Shape(36, 2048, 11_008, 16, 2, 128, 151_936, True),
    "7B": Shape(28, 3584, 18_944, 28, 4, 128, 152_064, False),
    "14B": Shape(48, 5120, 13_824, 40, 8, 128, 152_064, False),
    "32B": Shape(64, 5120, 27_648, 40, 8, 128, 152_064, False),
}


@dataclass(frozen=True)
class Work:
    """What a step of tuning a policy is made of."""

    dtype: str = "bfloat16"
    device: str = "cuda"
    rank: int = 16
    targets: str = "all-linear"
    prompt: int = 64  # tokens
    response: int = 64
    batch: int = 16  # completions
    copies: int = 1  # completions that share a prompt
    micro_batch: int = 16
    reward_adapter: bool = True
    value_adapter: bool = False
    mixed: int = 0  # answers, or windows of a text, that PPO-ptx mixes into an optimizer step
    mixed_tokens: int = 256  # of each, with its prompt
    processes: int = 1  # that the base's layers are spread over: `core/models/sharding.py`


def shape_of(spec: ModelSpec) -> Shape:
    """From a model's `config.json`. Raises `BadInput` if it is not here or names its sizes otherwise."""
    path = spec.folder / "config.json"
    if not path.is_file():
        raise BadInput(f"{spec.title} is not on this machine: fetch it first, or plan with one of {', '.join(KNOWN)}.")
    return shape_from(read_json(path), path)


def shape_from(config: dict[str, Any], path: Path) -> Shape:
    config = config.get("text_config", config)
    if not isinstance(config, dict):
        raise BadInput(f"{path} has a text_config that is none: choose another model.")
    if experts := next((name for name in EXPERTS if config.get(name)), None):
        raise BadInput(f"{path} has {experts}: memory is planned for models without experts.")
    absurd = BadInput(f"{path} has sizes that no model has: choose another model.")
    try:
        hidden, heads, layers = config["hidden_size"], config["num_attention_heads"], config["num_hidden_layers"]
        inside = config["intermediate_size"]
        if isinstance(inside, list):  # one for each layer, in Gemma 3n
            inside = max(inside, default=0)
        shape = Shape(
            layers, hidden, inside, heads,
            config.get("num_key_value_heads") or heads, config.get("head_dim") or hidden // heads,
            config["vocab_size"], bool(config.get("tie_word_embeddings", False)),
        )  # fmt: skip
    except KeyError as error:
        raise BadInput(f"{path} does not say {error.args[0]}: memory is planned for Llama-like models.") from error
    except (TypeError, ZeroDivisionError) as error:
        raise absurd from error
    if not all(isinstance(size, int) and 0 < size < 2**40 for size in astuple(shape)[:-1]):
        raise absurd
    return shape


def parts(shape: Shape, work: Work) -> dict[str, float]:
    """Bytes by what they are for, at the peak of a step."""
    b = 2.0 if work.dtype == "4bit" else BYTES[work.dtype]  # of an activation
    adapter = shape.adapter(work.rank, work.targets)
    # What is mixed in goes through the model when the graph of the rollouts is gone.
    learnt = max(activations(shape, work, b), activations(shape, mix_of(work), b) if work.mixed else 0)
    cache = work.batch * (work.prompt + work.response) * shape.layers * 2 * shape.kv_heads * shape.head_dim * b
    held = 1 / work.processes + (1 / shape.layers if work.processes > 1 else 0)  # its part, and the layer that is due
    # For drawing, a CPU holds a second copy of the linear layers: `core/models/fast/prepacked_linear.py`.
    second = (shape.linear + shape.vocabulary * shape.hidden) * b
    second = second if work.device == "cpu" and second <= PREPACKED and work.processes == 1 else 0.0
    return {
        "runtime": RUNTIME[work.device],
        "weights": shape.linear * held * BYTES[work.dtype] + shape.embeddings * b,
        "adapters": adapter * (TRAINED * (1 + work.value_adapter) + (4 if work.reward_adapter else 0)),
        "batch": max(learnt, cache + second),  # the policy learns, or responses are being drawn
        "vocabulary": CHUNK * shape.vocabulary * (b + LOGIT),
    }


def activations(shape: Shape, work: Work, b: float) -> float:
    """Bytes that a micro-batch keeps for its backward pass, with activations of `b` bytes."""
    rows = min(work.micro_batch, work.batch)
    tokens = math.ceil(rows / work.copies) * work.prompt + rows * work.response
    return tokens * shape.layers * kept(shape, work, b)


def mix_of(work: Work) -> Work:
    """What PPO-ptx mixes in, as a batch of its own: see `core/rl/pretraining.py`."""
    return replace(work, batch=work.mixed, copies=1, prompt=1, response=work.mixed_tokens - 1)


def kept(shape: Shape, work: Work, b: float) -> float:
    """Bytes that one layer keeps of one token for its backward pass."""
    everywhere = work.targets == "all-linear"
    q, kv = shape.heads * shape.head_dim, 2 * shape.kv_heads * shape.head_dim
    inputs = shape.hidden * (4 if everywhere else 3) * b  # of both norms, and of the layers behind them
    between = (q + shape.inner * (4 if everywhere else 3)) * b  # what goes into o, and gate, up, their product
    low = work.rank * (7 if everywhere else 4) * b
    S = work.prompt + work.response
    few = work.device == "cpu" and min(work.micro_batch, work.batch) * shape.heads * S * S <= FEW_SCORES
    # See `Sees.attend`: what attention reads, and its probabilities or, from the fused kernel, its output.
    scores = (q + kv + (S * shape.heads if few else q)) * b
    return inputs + between + low + scores


def total(shape: Shape, work: Work) -> float:
    """Bytes at the peak of a step."""
    found = parts(shape, work)
    fixed = found["runtime"] + found["weights"]
    return fixed + SLACK[work.device] * (sum(found.values()) - fixed)


def fitting(shape: Shape, work: Work, memory: float) -> Work | None:
    """The same work with the largest micro-batch (halved from the batch) that fits into `memory` bytes; None if none
    does."""
    size = work.batch
    while size:
        smaller = replace(work, micro_batch=size)
        if total(shape, smaller) <= memory:
            return smaller
        size //= 2
    return None
