"""TRL's trainers on the task `sentiment` of `learning`, their policies measured by our own code."""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from core.config.training import ALGORITHMS
from tests.benchmarks.learning_prompts import neutral
from tests.benchmarks.learning_runs import (
    BATCH,
    EVERY,
    STEPS,
    asked,
    base_of,
    due,
    fluency,
    heldout_curve,
    overrides,
)
from tests.benchmarks.learning_table import Run
from tests.benchmarks.machine import children_seconds, peer

#: By the name of the row: the peer's script, and the algorithm of ours whose settings it is given.
PEERS = {
    "trl-grpo": ("peer_grpo.py", "grpo"),
    "trl-rloo": ("peer_grpo.py", "rloo"),
    "trl-ppo": ("peer_sentiment.py", "ppo"),
}


def beside(options: argparse.Namespace, name: str) -> Run | None:
    """A peer's run on the same prompts and budget, with our algorithm's learning rate and KL coefficient; seed 0.

    None where the peer did not run, which is told. The adapters of its steps are asked the held-out prompts by the code
    that asks ours, from the same chances; of TRL's PPO (1.12.0) there is the last alone.
    """
    from core.models import chat

    script, algorithm = PEERS[name]
    own, ours = overrides(options), ALGORITHMS[algorithm]
    steps = own.get("steps", STEPS)
    base = base_of(options)
    with tempfile.TemporaryDirectory() as folder:
        out, prompts = Path(folder) / "adapters", Path(folder) / "prompts.jsonl"
        texts: list[Any] = [prompt.text for prompt in neutral() if prompt.split == "train"]
        if name == "trl-ppo":
            out, texts = out / f"step-{steps}", [chat.prompt_ids(base, text) for text in texts]
        prompts.write_text("".join(json.dumps(each) + "\n" for each in texts), encoding="utf-8")
        more = () if name == "trl-ppo" else ("--algorithm", algorithm, "--save-every", str(EVERY))
        began = children_seconds()
        lines = peer(
            options, str(Path(__file__).with_name(script).resolve()), "--model", str(base.spec.folder),
            "--prompts", str(prompts), "--out", str(out), "--dtype", str(base.placement.dtype).removeprefix("torch."),
            "--steps", str(steps), "--batch", str(BATCH), "--tokens", str(options.tokens),
            "--learning-rate", str(own.get("learning_rate") or ours.learning_rate),
            "--kl-coef", str(own.get("kl_coef", ours.config.KL_COEF)), *more,
        )  # fmt: skip
        if not lines or lines[-1]["step"] < steps:
            return None
        spent = children_seconds() - began
        adapters = {step: path for step in due(steps) if (path := Path(folder) / "adapters" / f"step-{step}").is_dir()}
        before, after = asked(options, None, "reference"), asked(options, adapters[steps], "tuned")
        curve = heldout_curve(options, adapters, {line["step"]: line["seconds"] for line in lines})
    series = {}
    if name == "trl-ppo":  # the KL that the others print is of a token
        names = {"kl": "kl", "reward": "scores"}
        series = {f"objective/{to}": [(line["step"], line[of]) for line in lines] for of, to in names.items()}
    return {
        "seed": 0, "before": before, "after": after, "gold": False, "series": series, "heldout": curve,
        "fluency": [fluency(options, part) for part in (before, after)], "seconds": lines[-1]["seconds"],
        "cpu_seconds": spent, "peak_gb": lines[-1]["peak_gb"],
    }  # fmt: skip
