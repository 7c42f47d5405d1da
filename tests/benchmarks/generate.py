"""Tokens a second of the rollout engine: 32 completions at once against one by one."""

import argparse
from typing import Any

from tests.benchmarks.machine import gpu_gigabytes, load_base, median, peak_gigabytes, prepare, prompts, settled

TOKENS = 32
BATCH = 32


def measure(options: argparse.Namespace) -> dict[str, Any]:
    prepare(options)
    from core.models import chat
    from core.models.sampling import sample
    from core.models.seeds import generator

    base = load_base(options)
    rows = [chat.prompt_ids(base, text) for text in prompts(options, base, BATCH)]

    def speed(some: list[list[int]], copies: int, seed: int) -> float:
        began = settled()
        drawn = sample(
            base.model,
            some,
            copies=copies,
            max_new_tokens=TOKENS,
            end_ids=base.end_ids,
            pad_id=base.pad_id,
            generator=generator(seed),
        )
        return int(drawn.lengths.sum()) / (settled() - began)

    speed(rows[:2], 1, 0)
    batched = [speed(rows, 1, run) for run in range(options.runs)]
    grouped = [speed(rows[: BATCH // 4], 4, run) for run in range(options.runs)]
    single = [speed(rows[run : run + 1], 1, run) for run in range(options.runs)]
    return {
        "tokens_a_second_batched": median(batched),
        "tokens_a_second_4_of_each_prompt": median(grouped),
        "tokens_a_second_one_by_one": median(single),
        "batched_over_one_by_one": median(batched) / median(single),
        "peak_gb": gpu_gigabytes() or peak_gigabytes(),
        "dtype": str(base.placement.dtype),
        "device": str(base.device),
        "runs": options.runs,
    }
