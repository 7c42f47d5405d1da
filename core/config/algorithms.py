"""Which RL algorithms there are, and the settings of each; no torch.

An algorithm is one file in `core/rl/algorithms/`. All of them import torch, which the window and the commands must
not; so the class `Options` on top of each file is read from its source and run by itself, without the rest. That is
why it may use nothing but `option`, `Settings`, `ClassVar` and literals.
"""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from core.config.options import Settings, option

FOLDER = Path(__file__).parent.parent / "rl" / "algorithms"
DEFAULT = "ppo"


@dataclass(frozen=True)
class AlgorithmKind:
    """`config` is its `Options`; `module` holds its `Learner` (see `core.rl.algorithms`)."""

    name: str
    title: str
    summary: str
    config: type[Any]
    module: str

    @property
    def learning_rate(self) -> float:
        """What the run's learning rate is when nobody chose one."""
        return float(self.config.LEARNING_RATE)

    @property
    def fewest_completions(self) -> int:
        """How many completions of each prompt it needs."""
        return int(getattr(self.config, "FEWEST_COMPLETIONS", 1))

    @property
    def offline(self) -> bool:
        """Does it learn from the stored rankings, instead of rollouts with rewards?"""
        return bool(getattr(self.config, "OFFLINE", False))

    @property
    def needs_kl(self) -> bool:
        """Does it divide by the KL coefficient?"""
        return bool(getattr(self.config, "NEEDS_KL", False))


def read(path: Path) -> AlgorithmKind:
    """The algorithm of a file. Raises `LookupError` when the file has no class `Options`."""
    tree = ast.parse(path.read_text(encoding="utf-8"), str(path))
    found = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Options"]
    if not found:
        raise LookupError(f"{path} has no class Options")
    body: list[ast.stmt] = [*found]
    module = f"core.rl.algorithms.{path.stem}"
    names: dict[str, Any] = {"dataclass": dataclass, "option": option, "Settings": Settings, "ClassVar": ClassVar}
    names["__name__"] = module
    exec(compile(ast.Module(body, []), str(path), "exec"), names)  # the program's own file
    config = names["Options"]
    title, _, rest = " ".join((config.__doc__ or path.stem).split()).partition(": ")
    return AlgorithmKind(path.stem.replace("_", "-"), title, rest, config, module)


@cache
def algorithms() -> dict[str, AlgorithmKind]:
    """By name; the default one first."""
    files = sorted(FOLDER.glob("[!_]*.py"), key=lambda path: (path.stem != DEFAULT, path.stem))
    return {kind.name: kind for kind in map(read, files)}
