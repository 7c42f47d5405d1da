"""A step on tensors that stay where they are, repeated as a CUDA graph.

A GPU draws a token in a hundredth of the time that Python takes to ask for its kernels one by one; a graph asks for all
of them at once.
"""

from collections.abc import Callable

import torch
from torch import Tensor

#: How far a graph's answer may be from the step's own, as a share of its norm.
AGREES = 0.01


class Captured:
    """Call it as the step. The first call captures it; where the graph gives something else, or none can be made, the
    step itself is computed each time. What a call gives is overwritten by the next one."""

    def __init__(self, step: Callable[[], Tensor]) -> None:
        self.step = step
        self.graph: torch.cuda.CUDAGraph | None = None
        self.answer: Tensor | None = None
        self.tried = False

    def __call__(self) -> Tensor:
        if self.graph is not None and self.answer is not None:
            self.graph.replay()
            return self.answer
        found = self.step()
        if not self.tried:
            self.tried = True
            self._capture(found)
        return found

    def _capture(self, expected: Tensor) -> None:
        """The step may be computed twice on the same tensors."""
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                answer = self.step()
            graph.replay()
            if bool((answer - expected).norm() <= AGREES * expected.norm()):
                self.graph, self.answer = graph, answer
        except RuntimeError:  # it waits for the GPU, or does something else that a graph cannot hold
            return
