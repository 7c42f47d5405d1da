"""A step on tensors that stay where they are, repeated as a CUDA graph.

A GPU draws a token in a hundredth of the time that Python takes to ask for its kernels one by one; a graph asks for all
of them at once.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

#: How far a graph's answer may be from the step's own, as a share of its norm.
AGREES = 0.01

Step = Callable[[], Tensor]


class CudaGraph:
    """Call it with the step, the same each time. What a call gives is overwritten by the next one.

    The first call captures the step. Where the graph gives something else, or none can be made, the step itself is
    computed each time. Nothing here holds the step: what it computes on is freed as soon as its owner is.
    """

    def __init__(self, works: bool | None = None) -> None:
        self.works = works  # None while nobody knows
        self.graph: torch.cuda.CUDAGraph | None = None
        self.answer: Tensor | None = None

    def __call__(self, step: Step) -> Tensor:
        if self.graph is not None and self.answer is not None:
            self.graph.replay()
            return self.answer
        if self.works is False:
            return step()
        if self.works:
            self.capture(step)
            return self(step)
        expected = step()
        self.capture(step)
        if self.graph is not None and self.answer is not None:
            self.graph.replay()  # computes the step once more on the same tensors
            self.works = bool((self.answer - expected).norm() <= AGREES * expected.norm())
            if not self.works:
                self.graph = self.answer = None
        return expected

    def again(self) -> "CudaGraph":
        """One for the same step on tensors of other shapes; whether a graph works is not asked anew."""
        return CudaGraph(self.works)

    def capture(self, step: Step) -> None:
        """Make the graph, or note that it cannot be made."""
        graph = torch.cuda.CUDAGraph()
        try:
            with _uncollected(), torch.cuda.graph(graph):
                answer = step()
        except RuntimeError:  # it waits for the GPU, or does something else that a graph cannot hold
            self.works = False
        else:
            self.graph, self.answer = graph, answer


@contextmanager
def _uncollected() -> Iterator[None]:
    """A graph that Python finds to be garbage meanwhile would break the one that is captured."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
