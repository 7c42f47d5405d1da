"""Pairs a second of reward model training with K ranked completions of each of 16 prompts, beside the peer.

The texts are the peer script's: HH prompts under 100 tokens, answers of 48 tokens, LoRA r=16 on attention, one pass.
Ours is measured in a process of its own for each K, so that its peak memory is its own.
"""

import argparse
import gzip
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.benchmarks.machine import load_base, median, peak_gigabytes, peer, prepare, python

PROMPTS = 16
LONGEST_PROMPT, ANSWER = 100, 48
SPLIT = "\n\nAssistant:"
CODE = """
import argparse, json
from pathlib import Path
from tests.benchmarks.reward import ours
options = argparse.Namespace(model={model!r}, data=Path({data!r}), dtype={dtype!r}, threads={threads!r}, runs={runs!r},
    ways={ways!r})
print(json.dumps(ours(options, {k})))
"""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    if not options.data:
        raise SystemExit("This benchmark needs --data: a file of HH dialogues (gzipped JSON lines).")
    result: dict[str, Any] = {}
    for k in options.k:
        code = CODE.format(
            model=options.model, data=str(options.data), dtype=options.dtype, threads=options.threads,
            runs=options.runs, k=k, ways=options.ways,
        )  # fmt: skip
        found = json.loads(python(code).splitlines()[-1])
        result |= {f"k{k}_{name}": value for name, value in found.items() if name not in ("dtype", "folder")}
        result["dtype"] = found["dtype"]
        print(f"K={k}: {found['pairs_per_second']:.2f} pairs/s", file=sys.stderr)
        if options.peer_python:
            arguments = ("--model", found["folder"], "--data", str(options.data), "--dtype", found["dtype"])
            for line in peer(options, "trl_reward.py", *arguments, "--k", str(k))[-1:]:
                result |= {
                    f"k{k}_peer_pairs_per_second": line["pairs_per_second"],
                    f"k{k}_peer_peak_gb": line["peak_gb"],
                    f"k{k}_times_faster": found["pairs_per_second"] / line["pairs_per_second"],
                    f"k{k}_memory_over_peer": found["peak_gb"] / line["peak_gb"],
                }
    return result


def ours(options: argparse.Namespace, k: int) -> dict[str, Any]:
    """The median over `runs` passes; one pass more warms up, as the peer's only pass does too: it is told apart."""
    prepare(options)
    import torch

    from core.config.training import TrainRewardConfig
    from core.models import chat
    from core.models.adapters import SharedModel
    from core.models.checkpoint import adamw
    from core.reward.examples import Example, Order
    from tests.core.reward.steps import fresh_model, update

    base = load_base(options)
    config = TrainRewardConfig()
    examples = [
        Example(
            number,
            chat.prompt_ids(base, prompt),
            tuple(chat.completion_ids(base, answer) for answer in answers),
            tuple(range(k)),
            (Order(0, torch.arange(1.0, k + 1), True),),
        )
        for number, (prompt, answers) in enumerate(texts(options, base.tokenizer, k))
    ]
    shared = SharedModel(base)
    model = fresh_model(shared, config, seed=0)
    (member,) = model.members
    optimizer = adamw(*zip(model.parameters(member), (1e-4, 1e-3), strict=True))

    def learn() -> float:
        began = time.perf_counter()
        for start in range(0, PROMPTS, config.batch_prompts):
            update(model, member, optimizer, examples[start : start + config.batch_prompts], config, 10**6)
        return time.perf_counter() - began

    seconds = [learn() for _ in range(options.runs + 1)]
    other = without_sharing(base, learn) if options.ways else {}
    pairs = PROMPTS * k * (k - 1) // 2
    taken = median(seconds[1:])
    return {
        "pairs": pairs,
        "seconds": taken,
        "first_pairs_per_second": pairs / seconds[0],
        "pairs_per_second": pairs / taken,
        "completions_per_second": PROMPTS * k / taken,
        "tokens": sum(example.tokens for example in examples),
        "tokens_per_second": sum(example.tokens for example in examples) / taken,
        "peak_gb": peak_gigabytes(),
        "dtype": str(base.placement.dtype).removeprefix("torch."),
        "folder": str(base.spec.folder),
    } | other


def without_sharing(base: Any, learn: Callable[[], float]) -> dict[str, float]:
    """Seconds of the same pass with the prompt's cache handed to its answers, and with a prompt for each answer."""
    from core.models import states
    from core.models.fast import switch
    from core.reward import model as reward

    speed_ups = switch.speed_ups_of(base.model)
    assert speed_ups is not None
    speed_ups.reads_varlen = False
    learn()
    cached = learn()
    speed_ups.reads_varlen = True

    def alone(model: Any, prompts: Any, answers: Any, *more: Any) -> Any:
        repeated = [prompt for prompt, group in zip(prompts, answers, strict=True) for _ in group]
        return states.last_states(model, repeated, [[answer] for group in answers for answer in group], *more)

    reward.last_states = alone
    learn()
    without = learn()
    reward.last_states = states.last_states
    return {"seconds_with_cache": cached, "seconds_without_sharing": without}


def texts(options: argparse.Namespace, tokenizer: Any, k: int) -> list[tuple[str, list[str]]]:
    """The prompts and answers that the peer's script takes."""
    with gzip.open(options.data, "rt", encoding="utf-8") as file:
        dialogues = [json.loads(line)["chosen"] for line in file]
    turns = [(text[: text.rindex(SPLIT)], text[text.rindex(SPLIT) + len(SPLIT) :].strip()) for text in dialogues]
    turns = [turn for turn in turns if len(tokenizer(turn[0]).input_ids) < LONGEST_PROMPT]
    return [
        (
            turns[start][0],
            [tokenizer.decode(tokenizer(answer).input_ids[:ANSWER]) for _, answer in turns[start : start + k]],
        )
        for start in range(0, PROMPTS * k, k)
    ]
