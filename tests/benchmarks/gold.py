"""Does the learned reward come closer to a known gold reward as pairs become more?

The base writes completions for up to 160 prompts and a gold reward ranks them. Reward models learn from growing parts
of the prompts, and their scores on 32 held-out prompts are held against the gold reward by Spearman's correlation
within prompts, over `--runs` seeds. `--svg PATH` writes the plot that the guide shows.
"""

import argparse
import json
import random
import sys
from typing import Any

from tests.benchmarks.machine import load_base, prepare, prompts

GOLD = "warmth"
COMPLETIONS, TOKENS, HELDOUT = 4, 24, 32
SIZES = (16, 32, 64, 128)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    prepare(options)
    import numpy as np
    import torch
    from scipy.stats import spearmanr

    from core.config.training import TrainRewardConfig
    from core.labeling import gold
    from core.models import chat
    from core.models.adapters import SharedModel
    from core.models.checkpoint import adamw, scale_learning_rates
    from core.models.sampling import sample
    from core.models.seeds import generator
    from core.reward.encoding import strict_pairs
    from core.reward.examples import Example, Order
    from core.reward.train_job import default_learning_rate
    from tests.core.reward.steps import fresh_model, update

    base = load_base(options)
    reward = gold.NAMED[GOLD]
    asked = list(dict.fromkeys(prompts(options, base, SIZES[-1] + HELDOUT)))[: SIZES[-1] + HELDOUT]
    examples: list[Example] = []
    truth: list[list[float]] = []
    for start in range(0, len(asked), 16):
        ids = [chat.prompt_ids(base, text) for text in asked[start : start + 16]]
        rows = sample(
            base.model, ids, copies=COMPLETIONS, max_new_tokens=TOKENS, temperature=1.0, top_p=1.0,
            end_ids=base.end_ids, pad_id=base.pad_id, generator=generator(0, "gold", start),
        )  # fmt: skip
        texts = [chat.text_of(base, rows.response_ids[i, :n].tolist()) for i, n in enumerate(rows.lengths.tolist())]
        for number, prompt in enumerate(ids):
            own = texts[number * COMPLETIONS : (number + 1) * COMPLETIONS]
            values = [reward(asked[start + number], text) for text in own]
            order = sorted(set(values), reverse=True)
            ranks = torch.tensor([float(order.index(value) + 1) for value in values])
            answers = tuple(chat.completion_ids(base, text) for text in own)
            examples.append(Example(start + number, prompt, answers, tuple(range(4)), (Order(0, ranks, True),)))
            truth.append(values)
        print(f"\rwritten: {len(examples)}/{len(asked)}", end="", file=sys.stderr)
    heldout, train = list(range(HELDOUT)), list(range(HELDOUT, len(examples)))
    points: list[dict[str, float]] = []
    config = TrainRewardConfig(batch_prompts=2)
    for size in [size for size in SIZES if size <= len(train)]:
        found, learnt = [], []
        for seed in range(options.runs):
            shared = SharedModel(base)
            model = fresh_model(shared, config, seed=seed, head_init=config.head_init)
            (member,) = model.members
            optimizer = adamw(
                *zip(
                    model.parameters(member),
                    (default_learning_rate(base.hidden_size), config.head_learning_rate),
                    strict=True,
                )
            )
            chosen = random.Random(seed).sample(train, size)
            steps = [
                chosen[at : at + config.batch_prompts]
                for _ in range(config.epochs)
                for at in range(0, size, config.batch_prompts)
            ]
            for number, part in enumerate(steps):
                scale_learning_rates(optimizer, 1 - number / len(steps))
                update(model, member, optimizer, [examples[i] for i in part], config, 10**6)
            scores = model.raw_scores([examples[i].prompt for i in heldout], [examples[i].answers for i in heldout])
            each = [
                spearmanr(s[0, :, 0].numpy(), truth[i]).statistic
                for i, s in zip(heldout, scores, strict=True)
                if len(set(truth[i])) > 1
            ]
            found.append(float(np.mean(np.nan_to_num(each))))  # equal scores have no correlation: 0
            learnt.append(sum(strict_pairs(tuple(each.ranks.tolist())) for i in chosen for each in examples[i].orders))
            shared.close()
        pairs = round(sum(learnt) / len(learnt))
        spread = {"correlation": float(np.mean(found)), "low": min(found), "high": max(found)}
        points.append({"prompts": size, "pairs": pairs} | spread)
        print(f"\n{json.dumps(points[-1])}", file=sys.stderr)
    if options.svg:
        options.svg.write_text(plot(points), encoding="utf-8")
    return {f"prompts_{point['prompts']}": point["correlation"] for point in points} | {
        "rises": points[-1]["low"] > points[0]["high"],
        "runs": options.runs,
        "points": json.dumps(points),
    }


def plot(points: list[dict[str, float]]) -> str:
    """Correlation against pairs, with the range over seeds."""
    from core.report.svg import BLUE, GREY, Plot

    most = max(point["pairs"] for point in points)
    found = Plot((0, most * 1.05), (0.0, 1.0), ("pairs", "rank correlation with the gold reward, held-out prompts"))
    found.line([(point["pairs"], point["correlation"]) for point in points], BLUE)
    for point in points:
        found.line([(point["pairs"], point["low"]), (point["pairs"], point["high"])], GREY)
        found.dot(point["pairs"], point["correlation"], BLUE)
    return found.done("Rank correlation of the learned reward with the gold reward")
