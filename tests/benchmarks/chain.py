"""A chain by the commands: base, SFT on 200 demonstrations, rankings, reward model, PPO from the SFT adapter with KL to
it, and a second round from that policy; each adapter is then read by transformers and peft alone.

The demonstrations are the chosen answers of short dialogues of `--data` (HH, gzipped JSON lines), 40 more of them are
held out. The prompts are the demo's; what is ranked is written by the policy before, and ranked by a script with the
gold reward `sentiment`, which stands beside the learned reward as what it is meant to say.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.benchmarks.machine import ROOT, plumbline

LEARNT, HELDOUT, LONGEST = 200, 40, 600
ANSWER = 24
ALONE = """
import sys
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
base, adapter = sys.argv[1:]
tokenizer, model = AutoTokenizer.from_pretrained(base), AutoModelForCausalLM.from_pretrained(base)
ids = tokenizer("What makes a good friend?", return_tensors="pt").input_ids
with torch.no_grad():
    plain = model(ids).logits
    tuned = PeftModel.from_pretrained(model, adapter)(ids).logits
print(float((tuned - plain).abs().mean()))
"""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    if not options.data:
        raise SystemExit("This benchmark needs --data: a file of HH dialogues (gzipped JSON lines).")
    if options.dtype:
        os.environ["PLUMBLINE_DTYPE"] = options.dtype
    folder = Path(options.keep or tempfile.mkdtemp()) / "chain"
    plumbline("new", folder, "--model", options.model)
    plumbline("import", folder, ROOT / "resources" / "prompts" / "demo.jsonl")
    rows = demonstrations(options.data)
    for split, part in (("train", rows[:LEARNT]), ("heldout", rows[LEARNT:])):
        file = folder.with_name(f"{split}.jsonl")
        file.write_text("".join(json.dumps({"messages": row}) + "\n" for row in part), encoding="utf-8")
        plumbline("import", folder, file, "--demonstrations", "--split", split)
    sft = plumbline("train-policy", folder, "--algorithm", "sft", "--steps", 25, "--max-new-tokens", ANSWER)
    found = {
        "demonstrations": len(rows[:LEARNT]),
        "sft_loss_before": sft["loss_before"],
        "sft_loss_after": sft["loss_after"],
        "sft_perplexity_before": math.exp(sft["loss_before"]),
        "sft_perplexity_after": math.exp(sft["loss_after"]),
        "sft_apart_from_base_alone": alone(folder, sft),
    }
    policy = sft
    for number in (1, 2):
        policy, more = one_round(folder, policy)
        found |= {f"round_{number}_{name}": value for name, value in more.items()}
    return found


def one_round(folder: Path, policy: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Completions of the policy, rankings, a reward model, and PPO that goes on from that policy."""
    asked = ("--policy-job", policy["job"], "--limit", 72, "--max-new-tokens", ANSWER)
    plumbline("generate", folder, *asked)
    plumbline("rank", folder, "--scripted", "sentiment")
    reward = plumbline("train-reward", folder)
    short = ("--max-new-tokens", ANSWER, "--missing-end-penalty", 0)
    more = ("--start-from", policy["job"], "--gold", "sentiment", *short, "--steps", 20)
    tuned = plumbline("train-policy", folder, *more)
    return tuned, {
        "reward_accuracy": reward["accuracy"],
        "began_from": tuned["start"],
        "kl_to": tuned["reference"],
        "reward_before": tuned["reward_before"],
        "reward_after": tuned["reward_after"],
        "gold_before": tuned["gold_before"],
        "gold_after": tuned["gold_after"],
        "kl": tuned["kl"],
        "apart_from_base_alone": alone(folder, tuned),
    }


def demonstrations(path: Path) -> list[list[dict[str, str]]]:
    """Short dialogues as messages that end with the chosen answer."""
    from core.data import hh
    from core.data.rows import Row

    rows = (row for row in hh.read(path) if isinstance(row, Row))
    found = [
        [
            *(message.data() for message in row.conversation.messages),
            {"role": "assistant", "content": row.answers[0].text},
        ]
        for row in rows
        if len(row.conversation.text) + len(row.answers[0].text) <= LONGEST
    ]
    return found[: LEARNT + HELDOUT]


def alone(folder: Path, run: dict[str, Any]) -> float:
    """Mean distance of the logits from the base's, as transformers and peft alone see the run's adapter."""
    from core.machine import base_models
    from core.store import open_project

    project = open_project(folder)
    base = base_models.parse(project.setting("model")).folder
    project.close()
    adapter = folder / run["adapter"] / "policy"
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(base), str(adapter)], capture_output=True, text=True, check=True
    )
    return float(done.stdout.split()[-1])
