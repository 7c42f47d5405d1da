"""The inner loops of training with fewer passes over memory than the libraries' own: LoRA, RMSNorm, attention,
log-probabilities.

Each is an autograd function beside its formula. Where one keeps something that it computed, its backward pass computes
it anew when it is itself differentiated, so that second derivatives are right; log-probabilities in chunks refuse to be
differentiated twice.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from types import MethodType
from typing import Any

import torch
from peft.tuners.lora.layer import Linear as LoraLinear
from torch import Tensor, nn

from core.machine.limits import CHUNK
from core.models.fast.replaced import Replaced


class LoraProduct(torch.autograd.Function):
    """x W^T + bias + s (x A^T) B^T (Hu et al. 2021, arXiv 2106.09685): x (N, i), frozen W (o, i), A (r, i), B (o, r).

    All in x's number format; the gradients of A and B are in theirs.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, W: Tensor, bias: Tensor | None, A: Tensor, B: Tensor, s: float) -> Tensor:
        low = x @ A.to(x.dtype).T  # (N, r)
        ctx.save_for_backward(x, W, A, B, low)
        ctx.s = s
        return torch.nn.functional.linear(x, W, bias).addmm_(low, B.to(x.dtype).T, alpha=s)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, W, A, B, low = ctx.saved_tensors
        a, b = A.to(x.dtype), B.to(x.dtype)
        if torch.is_grad_enabled():
            low = x @ a.T
        up = g @ b * ctx.s  # (N, r)
        dx = torch.addmm(g @ W, up, a) if ctx.needs_input_grad[0] else None
        dA = (up.T @ x).to(A.dtype) if ctx.needs_input_grad[3] else None
        dB = (g.T @ low * ctx.s).to(B.dtype) if ctx.needs_input_grad[4] else None
        return dx, None, None, dA, dB, None


class Casts:
    """Weights in the number format of what they are multiplied with. While they are `kept` each is cast once: nobody
    may change them meanwhile."""

    def __init__(self) -> None:
        self._kept: dict[Tensor, Tensor] | None = None

    def __call__(self, weight: Tensor, dtype: torch.dtype) -> Tensor:
        if weight.dtype == dtype or self._kept is None:
            return weight.to(dtype)
        if weight not in self._kept:
            self._kept[weight] = weight.detach().to(dtype)
        return self._kept[weight]

    @contextmanager
    def kept(self) -> Iterator[None]:
        before, self._kept = self._kept, {}
        try:
            yield
        finally:
            self._kept = before


def fuse_lora(model: nn.Module, replaced: Replaced, cast: Casts) -> None:
    """Let peft's adapters of linear layers, one plain adapter at work, compute as `LoraProduct` does.

    peft casts every layer's input to the adapter's float32, keeps that copy, and multiplies in float32.
    """
    for module in model.modules():
        if isinstance(module, LoraLinear) and type(module.base_layer) is nn.Linear and module not in replaced:
            replaced.replace(module, partial(_lora, cast, module))


def _lora(cast: Casts, layer: Any, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    base = layer.base_layer
    if layer.disable_adapters and not layer.merged:
        return base(x)
    name = layer.active_adapters[0] if len(layer.active_adapters) == 1 else None
    if (
        name not in layer.lora_A or layer.merged or name in layer.lora_variant or args or kwargs
        or not isinstance(layer.lora_dropout[name], nn.Identity) or layer.lora_bias.get(name)
    ):  # fmt: skip
        return LoraLinear.forward(layer, x, *args, **kwargs)
    rows, A, B = x.reshape(-1, x.shape[-1]), layer.lora_A[name].weight, layer.lora_B[name].weight
    if torch.is_grad_enabled():
        found = LoraProduct.apply(rows, base.weight, base.bias, A, B, layer.scaling[name])
    else:
        found = base(rows).addmm_(rows @ cast(A, x.dtype).T, cast(B, x.dtype).T, alpha=layer.scaling[name])
    return found.view(*x.shape[:-1], -1)


class RmsNorm(torch.autograd.Function):
    """w x / sqrt(mean(x^2) + eps) over the last axis (Zhang and Sennrich 2019, arXiv 1910.07467) with w fixed."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, eps: float) -> Tensor:
        r = _inverse_norm(x, eps)
        ctx.save_for_backward(x, w, r)
        ctx.eps = eps
        return (x.float() * r).to(x.dtype) * w

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        x, w, r = ctx.saved_tensors
        if torch.is_grad_enabled():
            r = _inverse_norm(x, ctx.eps)
        n, up = x.float() * r, (g * w).float()
        along = torch.linalg.vecdot(up, n)[..., None] / x.shape[-1]
        return (torch.addcmul(up, n, along, value=-1) * r).to(x.dtype), None, None


def _inverse_norm(x: Tensor, eps: float) -> Tensor:
    square = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32).square()
    return torch.rsqrt(square / x.shape[-1] + eps)


@torch.no_grad()
def fuse_norms(model: nn.Module, replaced: Replaced) -> None:
    """Let the norms that compute what `RmsNorm` does compute as it does. Their weights must be frozen."""
    for module in model.modules():
        if type(module).__name__.endswith("RMSNorm") and hasattr(module, "variance_epsilon"):
            weight: Any = module.weight
            x = torch.linspace(-2.0, 3.0, 2 * len(weight), device=weight.device).view(2, -1).to(weight.dtype)
            if torch.allclose(_norm(module, x).float(), module(x).float(), rtol=1e-2, atol=1e-4):
                replaced.replace(module, MethodType(_norm, module))


def _norm(module: Any, x: Tensor) -> Tensor:
    return RmsNorm.apply(x, module.weight, module.variance_epsilon)


class Attention(torch.autograd.Function):
    """softmax(s q k^T + bias) v (Vaswani et al. 2017, arXiv 1706.03762): q (b, Q, D), k and v (b, S, D), a fixed bias.

    Scores are in float32, as in the fused kernels: in bfloat16 a score of 20 is off by 0.06. Of them are kept the
    probabilities, in v's format.
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, bias: Tensor, s: float) -> Tensor:
        p = _attended(q, k, bias, s).to(v.dtype)
        ctx.save_for_backward(q, k, v, bias, p)
        ctx.s = s
        return torch.bmm(p, v)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, bias, p = ctx.saved_tensors
        if torch.is_grad_enabled():
            p = _attended(q, k, bias, ctx.s)
        dv = torch.bmm(p.to(v.dtype).transpose(1, 2), g)
        dp = torch.bmm(g, v.transpose(1, 2)).to(p.dtype)
        ds = (_softmax_backward(dp, p) * ctx.s).to(q.dtype)
        return torch.bmm(ds, k), torch.bmm(ds.transpose(1, 2), q), dv, None, None


def _attended(q: Tensor, k: Tensor, bias: Tensor, s: float) -> Tensor:
    exact = torch.promote_types(q.dtype, torch.float32)
    return torch.baddbmm(bias.to(exact), q.to(exact), k.to(exact).transpose(1, 2), alpha=s).softmax(-1)


def _softmax_backward(dp: Tensor, p: Tensor) -> Tensor:
    """p (dp - sum(p dp)), in one pass that sums in float32 where torch still has it: the name is private."""
    if hasattr(torch, "_softmax_backward_data"):
        return torch._softmax_backward_data(dp, p, -1, p.dtype)
    exact = torch.promote_types(p.dtype, torch.float32)
    p_exact, dp_exact = p.to(exact), dp.to(exact)
    return (p_exact * (dp_exact - (p_exact * dp_exact).sum(-1, keepdim=True))).to(p.dtype)


class Scratch:
    """Blocks of memory that are used again: fresh pages would take longer than what is done with them."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[str, torch.device], Tensor] = {}

    def block(self, name: str, rows: int, W: Tensor, dtype: torch.dtype | None = None) -> Tensor:
        """The block of that name for up to `CHUNK` rows of logits under a vocabulary W (V, d): (rows, V)."""
        dtype, key = dtype or W.dtype, (name, W.device)
        found = self._blocks.get(key)
        if found is None or found.dtype != dtype or found.shape[1] != len(W):
            found = self._blocks[key] = torch.empty(CHUNK, len(W), dtype=dtype, device=W.device)
        return found[:rows]


class LogProbability(torch.autograd.Function):
    """log softmax(h W^T / temperature) at `ids`, for states h (N, d) and a frozen vocabulary W (V, d) -> (N,).

    And the entropies (N,) in nats, if they are asked for; they have no gradient. The gradient of each log-probability
    is (W_y - p W) / temperature times what comes down to it, so it is found on the way, chunk by chunk, and no logits
    are kept.
    """

    @staticmethod
    def forward(
        ctx: Any, h: Tensor, W: Tensor, ids: Tensor, temperature: float, entropy: bool, scratch: Scratch
    ) -> tuple[Tensor, Tensor | None]:
        found = torch.empty(len(h), device=h.device)
        nats = torch.empty_like(found) if entropy else None
        slope = torch.empty_like(h) if ctx.needs_input_grad[0] else None
        for place in range(0, len(h), CHUNK):
            part = slice(place, place + CHUNK)
            states, own = h[part], ids[part]
            n = len(states)
            raw = torch.mm(states, W.T, out=scratch.block("raw", n, W))
            logits = raw if raw.dtype == torch.float32 else scratch.block("logits", n, W, torch.float32).copy_(raw)
            logits.sub_(logits.amax(1, keepdim=True)).div_(temperature)
            at_own = logits.gather(1, own[:, None])[:, 0]
            if nats is None:
                weights = logits.exp_()
                total = weights.sum(1)
            else:
                weights = torch.exp(logits, out=scratch.block("weights", n, W, torch.float32))
                total = weights.sum(1)
                nats[part] = total.log() - torch.linalg.vecdot(weights, logits) / total
            found[part] = at_own - total.log()
            if slope is not None:
                mean = (weights if weights.dtype == h.dtype else raw.copy_(weights)) @ W
                slope[part] = (W.index_select(0, own) - mean / total[:, None]) / temperature
        if slope is not None:
            ctx.save_for_backward(slope)
        if nats is not None:
            ctx.mark_non_differentiable(nats)
        return found, nats

    @staticmethod
    def backward(ctx: Any, g: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
        if torch.is_grad_enabled():
            raise RuntimeError("log-probabilities in chunks have no second derivative: use Predictions.logits")
        (slope,) = ctx.saved_tensors
        return slope * g[:, None].to(slope.dtype), None, None, None, None, None
