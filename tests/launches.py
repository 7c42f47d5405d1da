"""What a GPU would be asked for, found out on a CPU: kernels, and what waits for them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

#: Operators that compute nothing: they give memory, or the same numbers under another shape.
NO_KERNEL = {"empty", "empty_like", "empty_strided", "new_empty", "detach", "alias", "lift_fresh", "_unsafe_view"}
#: Those of which Python, or the shape of what they give, has to wait for the numbers.
WAITS = {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_consecutive", "equal", "bincount"}


def is_view(operator: Any) -> bool:
    alias = [given.alias_info for given in operator._schema.returns]
    return any(each is not None and not each.is_write for each in alias)


def name_of(operator: Any) -> str:
    return str(operator._schema.name).split("::")[1]


class Launches(TorchDispatchMode):
    """Counts the operators that torch's dispatcher is asked for below autograd, gradients included, and that compute:
    about one kernel each on a GPU, which fuses none of ours. `waits` are those of them that a GPU has to be waited for;
    a `tolist()` is one too."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: Counter[str] = Counter()
        self.waits = 0
        self._lists = _Lists(self)

    @property
    def total(self) -> int:
        return self.counted.total()

    def __enter__(self) -> "Launches":
        self._lists.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._lists.__exit__(*error)

    def __torch_dispatch__(self, operator: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        name = name_of(operator)
        self.waits += name in WAITS or (name == "index" and _by_mask(args[1]))
        if not is_view(operator) and name not in NO_KERNEL:
            self.counted[name] += 1
        return operator(*args, **(kwargs or {}))


def _by_mask(indices: Sequence[Tensor | None]) -> bool:
    return any(index is not None and index.dtype == torch.bool for index in indices)


class _Lists(TorchFunctionMode):
    def __init__(self, launches: Launches) -> None:
        super().__init__()
        self.launches = launches

    def __torch_function__(self, called: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        self.launches.waits += called is Tensor.tolist
        return called(*args, **(kwargs or {}))


class Recorded(TorchDispatchMode):
    """A CUDA graph on a CPU: the operators of one step, repeated on the very tensors of the time when it was made.

    Raises `RuntimeError` where a graph cannot be made, because something waits.
    """

    def __init__(self, step: Callable[[], Tensor], state: Sequence[Tensor]) -> None:
        super().__init__()
        self.calls: list[tuple[Any, Sequence[Any], Mapping[str, Any], Any]] = []
        self.replays = 0
        before = [tensor.clone() for tensor in state]
        with self:
            self.answer = step()
        for tensor, value in zip(state, before, strict=True):  # while a graph is made no step is
            tensor.copy_(value)

    def __torch_dispatch__(self, operator: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None) -> Any:
        if name_of(operator) in WAITS:
            raise RuntimeError(f"{operator} waits")
        given = operator(*args, **(kwargs or {}))
        self.calls.append((operator, args, kwargs or {}, given))
        return given

    @torch.no_grad()
    def replay(self) -> None:
        self.replays += 1
        for operator, args, kwargs, given in self.calls:
            if not is_view(operator) and name_of(operator) not in NO_KERNEL:
                for old, new in zip(tree_leaves(given), tree_leaves(operator(*args, **kwargs)), strict=True):
                    if isinstance(old, Tensor) and old is not new:
                        old.copy_(new)
