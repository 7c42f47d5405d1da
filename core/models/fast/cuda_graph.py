"""A step on tensors that stay where they are, repeated as a CUDA graph.

A GPU draws a token in a hundredth of the time that Python takes to ask for its kernels one by one; a graph asks for all
of them at once.
"""

import logging
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from core.collector import uncollected

#: How far a graph's answer may be from the step's own, as a share of its norm.
AGREES = 0.01

Step = Callable[[], Tensor]

log = logging.getLogger(__name__)


class CudaGraph:
    """Call it with the step, the same each time, which changes the tensors `state` in place and gives an answer.

    The first call captures the step. Where the graph gives another answer, or none can be made, the step itself is
    computed each time, and the log says so. Nothing here holds the step: what it computes on is freed as soon as its
    owner is.
    """

    def __init__(self, state: Sequence[Tensor], works: bool | None = None) -> None:
        self.state = list(state)
        self.works = works  # None while nobody knows
        self.graph: torch.cuda.CUDAGraph | None = None
        self.answer: Tensor | None = None

    def __call__(self, step: Step) -> None:
        if self.works is None:
            self._try(step)
            return
        if self.works and self.graph is None:
            self.capture(step)
        if self.graph is None:
            step()
        else:
            self.graph.replay()

    def _try(self, step: Step) -> None:
        before = [tensor.clone() for tensor in self.state]
        expected = step().clone()
        self._set(before)
        self.capture(step)
        if self.graph is not None and self.answer is not None:
            self.graph.replay()
            self.works = bool((self.answer - expected).norm() <= AGREES * expected.norm())
        if not self.works:
            log.warning("Computed kernel by kernel: no CUDA graph can be made of a step, or it gives other numbers.")
            self.graph, self.works = None, False
            self._set(before)
            step()

    def _set(self, values: list[Tensor]) -> None:
        for tensor, value in zip(self.state, values, strict=True):
            tensor.copy_(value)

    def again(self, state: Sequence[Tensor]) -> "CudaGraph":
        """One for the same step on tensors of other shapes; whether a graph works is not asked anew."""
        return CudaGraph(state, self.works)

    def capture(self, step: Step) -> None:
        """Make the graph, without a step being made, or note that it cannot be made."""
        graph = torch.cuda.CUDAGraph()
        try:
            with uncollected(), torch.cuda.graph(graph):
                answer = step()
        except RuntimeError:  # it waits for the GPU, or does something else that a graph cannot hold
            self.works = False
        else:
            self.graph, self.answer = graph, answer


def graph_for(device: torch.device, state: Sequence[Tensor]) -> CudaGraph | None:
    """None where steps are made one by one: on another device, or where they change nothing in place."""
    return CudaGraph(state) if device.type == "cuda" and state else None
