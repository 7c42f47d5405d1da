"""A memory of earlier rollouts for off-policy algorithms: first in, first out, by completion."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.models.rows import Rows
from core.rl.batches import Rollout, join


class Replay:
    """Holds the newest `capacity` completions, or the newest rollout if it is larger."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.parts: list[Rollout] = []

    def __len__(self) -> int:
        return sum(len(part) for part in self.parts)

    def add(self, rollout: Rollout) -> None:
        """Keep a rollout, and forget as many whole ones from the beginning as there is no room for."""
        self.parts.append(rollout)
        while len(self.parts) > 1 and len(self) > self.capacity:
            del self.parts[0]

    def keep_only(self, temperature: float) -> None:
        """Forget what was drawn at another temperature: its log-probabilities are not comparable."""
        self.parts = [part for part in self.parts if part.temperature == temperature]

    def sample(self, count: int, generator: torch.Generator) -> Rollout:
        """`count` completions (all, if there are fewer), drawn without replacement."""
        chosen = torch.randperm(len(self), generator=generator)[:count].sort().values
        picked, first = [], 0
        for part in self.parts:
            inside = chosen[(chosen >= first) & (chosen < first + len(part))] - first
            if len(inside):
                picked.append(part.select(inside.to(part.score.device)))
            first += len(part)
        return join(picked)

    def beside(self, fresh: Rollout, generator: torch.Generator) -> Rollout:
        """Half of a fresh rollout, and as many earlier completions (or all that there are)."""
        half = torch.randperm(len(fresh), generator=generator)[: (len(fresh) + 1) // 2].sort().values
        return join([fresh.select(half.to(fresh.score.device)), self.sample(len(fresh) // 2, generator)])

    def save(self, path: Path) -> None:
        """Write all of it as safetensors; the texts go into the file's metadata."""
        tensors: dict[str, Tensor] = {}
        for number, part in enumerate(self.parts):
            rows = {f"rows.{name}": getattr(part.rows, name) for name in Rows.__dataclass_fields__}
            own = {name: getattr(part, name) for name in ("logp_old", "logp_ref", "entropy", "features", "score")}
            own |= {} if part.step_rewards is None else {"step_rewards": part.step_rewards}
            extra = {f"extra.{name}": value for name, value in part.extra.items()}
            for name, value in (rows | own | extra).items():
                tensors[f"{number}/{name}"] = value.detach().cpu().clone(memory_format=torch.contiguous_format)
        about = [{"texts": part.texts, "temperature": part.temperature} for part in self.parts]
        save_file(tensors, path, metadata={"about": json.dumps(about)})

    def restore(self, path: Path, device: torch.device) -> None:
        """Take up what `save` wrote."""
        from safetensors import safe_open

        with safe_open(path, "pt") as file:
            about = json.loads(file.metadata()["about"])
        tensors = load_file(path, device=str(device))
        self.parts = []
        for number, own in enumerate(about):
            mine = {key.split("/", 1)[1]: value for key, value in tensors.items() if key.startswith(f"{number}/")}
            self.parts.append(
                Rollout(
                    Rows(**{name.removeprefix("rows."): mine.pop(name) for name in list(mine) if "rows." in name}),
                    tuple(own["texts"]),
                    mine["logp_old"],
                    mine["logp_ref"],
                    mine["entropy"],
                    mine["features"],
                    mine["score"],
                    extra={
                        name.removeprefix("extra."): value for name, value in mine.items() if name.startswith("extra.")
                    },
                    temperature=own["temperature"],
                    step_rewards=mine.get("step_rewards"),
                )
            )
