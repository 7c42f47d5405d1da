"""The benchmark `learning`: its statistics against simulations, and its table of runs that were kept."""

import gzip
import json
import math
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from tests.benchmarks import learning, learning_preferences
from tests.benchmarks.__main__ import parser
from tests.benchmarks.learning_table import analytic_kl, best_of, brief, by_prompt, interval, together

PROMPTS = range(7, 15)


def simulated(random, runs, prompts=32):
    """Gains around 0.3 that differ by run, by prompt, and by chance: about as far as they do in the benchmark."""
    by_run, by_prompt = random.normal(0, 0.08, (runs, 1)), random.normal(0, 0.25, (1, prompts))
    return 0.3 + by_run + by_prompt + random.normal(0, 0.25, (runs, prompts))


@pytest.mark.parametrize("runs", [3, 8])
def test_an_interval_over_prompts_and_seeds_holds_the_truth(runs):
    random = np.random.default_rng(runs)
    held, over_prompts = [], []
    for _ in range(200):
        cells = simulated(random, runs)
        low, high = interval(cells)
        held.append(low <= 0.3 <= high)
        low, high = interval(cells.mean(axis=0, keepdims=True))
        over_prompts.append(low <= 0.3 <= high)
    assert np.mean(held) > 0.92
    assert np.mean(over_prompts) < np.mean(held) - 0.03


def test_a_single_seed_is_told_with_the_interval_over_prompts():
    cells = np.random.default_rng(0).normal(0.2, 0.3, (1, 400))
    low, high = interval(cells)
    half = 1.96 * cells.std(ddof=1) / math.sqrt(400)
    assert (low, high) == pytest.approx((cells.mean() - half, cells.mean() + half), abs=0.1 * half)


@pytest.mark.parametrize("n", [2, 4, 16])
def test_the_kl_of_best_of_n_is_that_of_many_drawn_answers(n):
    assert monte_carlo(np.full(20_000, 1 / 20_000), n) == pytest.approx(analytic_kl(n), abs=0.02)
    assert monte_carlo(np.array([0.1, 0.4, 0.3, 0.2]), n) < analytic_kl(n)  # answers that are drawn twice


def monte_carlo(chances, n, draws=40_000):
    """KL of the best of n draws, the higher outcome is the better one: by how much likelier it is than one draw."""
    best = np.random.default_rng(n).choice(len(chances), size=(draws, n), p=chances).max(axis=1)
    reached = np.append(0.0, chances.cumsum())
    chance_of_best = reached[1:] ** n - reached[:-1] ** n
    return np.log(chance_of_best[best] / chances[best]).mean()


def test_best_of_n_takes_the_best_of_each_n_answers_to_a_prompt():
    scores = {1: [0.1, 0.5, 0.5, 0.2, 0.9], 2: [-1.0, -2.0]}
    answers = [
        {"prompt_id": p, "score": s, "text": f"{p}/{i}"} for p, each in scores.items() for i, s in enumerate(each)
    ]
    assert [row["text"] for row in best_of(answers, 2)] == ["1/1", "1/2", "2/0"]
    assert {row["kl"] for row in best_of(answers, 2)} == {math.log(2) - 0.5}
    assert [row["text"] for row in best_of(answers, 4)] == ["1/1"]


def test_runs_that_were_asked_other_prompts_are_not_told_together():
    other = a_run(1, 0.2, 1.0)
    other["before"] = other["before"][2:]
    with pytest.raises(ValueError, match="different prompts"):
        by_prompt([a_run(0, 0.2, 1.0), other], "after", "score")


def test_a_prompt_without_an_answer_after_counts_nowhere():
    run = a_run(0, 0.2, 1.0)
    run["after"] = run["after"][2:]
    row = together("ppo", [run])
    assert row["prompts"] == len(PROMPTS) - 1
    assert (row["reward_before"], row["reward_after"]) == pytest.approx((0.11, 0.31))
    assert row["gain_interval"] == pytest.approx((0.2, 0.2))


def a_run(seed, gain, kl, heldout=None):
    """Two answers to each prompt before and after, and four steps of training between them."""

    def answers(reward, nats):
        return [
            {
                "prompt_id": prompt,
                "score": reward + 0.01 * prompt + copy,
                "kl": nats,
                "tokens": 5,
                "completion": "a b c",
            }
            for prompt in PROMPTS
            for copy in (-0.1, 0.1)
        ]

    return {
        "seed": seed, "before": answers(0.0, 0.0), "after": answers(gain, kl), "gold": False, "seconds": 40.0,
        "cpu_seconds": 60.0, "fluency": [{"perplexity": 15.0, "distinct": 0.9}] * 2, "heldout": heldout or [],
        "series": {
            "objective/kl": [(step, kl * step / 4) for step in range(1, 5)],
            "objective/scores": [(step, gain * step / 4) for step in range(1, 5)],
        },
    }  # fmt: skip


def points_at(*steps):
    return [{"step": step, "seconds": seconds, "reward": reward, "kl": kl} for step, seconds, reward, kl in steps]


@pytest.fixture
def kept(tmp_path):
    """Runs as other sessions left them: two seeds of PPO, DPO's first, TRL's GRPO and best-of-n."""
    ours = points_at((5, 10.0, 0.2, 0.5), (10, 20.0, 0.35, 1.5), (15, 30.0, 0.4, 2.0))
    theirs = points_at((5, 50.0, 0.1, 0.4), (15, 150.0, 0.3, 2.0))
    best = {f"best-of-{n}": a_run(0, 0.1 * math.log2(n), analytic_kl(n)) | {"series": {}} for n in (2, 4, 8, 16)}
    runs = {
        "ppo-0": a_run(0, 0.4, 2.0, ours), "ppo-1": a_run(1, 0.2, 1.0), "dpo-0": a_run(0, 0.3, 1.5),
        "trl-grpo-0": a_run(0, 0.3, 2.0, theirs) | {"series": {}}, "best-of-n-0": best,
    }  # fmt: skip
    settings = {"model": "embedded", "dtype": None, "set": ""}
    for name, run in runs.items():
        path = tmp_path / f"sentiment-24-{name}.json"
        path.write_text(json.dumps({"settings": settings, "found": run}), encoding="utf-8")
    return tmp_path


def collected(*words):
    return learning.measure(parser().parse_args(["learning", "--collect", *map(str, words)]))


def test_runs_of_many_sessions_become_one_table_and_one_plot(kept):
    rows = collected("--points", kept, "--seeds", 3, "--svg", kept / "frontier.svg")
    assert rows["ppo"]["seeds"] == 2
    assert rows["ppo"]["reward_after_seeds"] == pytest.approx([0.505, 0.305])
    low, high = rows["ppo"]["gain_interval"]
    assert low < 0.2 < 0.4 < high  # the gain of a run is the same on all prompts: only seeds spread
    assert rows["best-of-16"]["kl"] == pytest.approx(math.log(16) - 15 / 16)
    assert rows["race"] == {
        "ppo trl-grpo": {
            "peer_reward": 0.3, "peer_kl": 2.0, "peer_seconds": 150.0, "reached_at_step": 10, "reached_at_kl": 1.5,
            "reached_after_seconds": 20.0, "seconds_over_peer": pytest.approx(20 / 150),
            "ends_higher_by": pytest.approx(0.1), "ends_higher_by_interval": pytest.approx((0.1, 0.1)),
        }
    }  # fmt: skip
    words = [
        element.text for element in ElementTree.parse(kept / "frontier.svg").iter("{http://www.w3.org/2000/svg}text")
    ]
    assert {"ppo", "dpo", "trl-grpo", "best of n", "16"} <= set(words)


def test_a_run_is_kept_without_its_texts_and_tells_the_same():
    run = a_run(0, 0.2, 1.0)
    run["series"]["time/step"] = [(1, 0.5)]
    for row in (*run["before"], *run["after"]):
        row |= {"gold": None, "ended": row["score"] > 0.3}
    short = brief(run)
    assert "completion" not in json.dumps(short)
    assert "time/step" not in short["series"]
    assert len(short["after"]) == len(PROMPTS)
    told, whole = together("ppo", [short]), together("ppo", [run])
    assert told["ended_after"] == pytest.approx(whole["ended_after"], abs=1e-5)
    assert [told[name] for name in ("reward_before", "reward_after", "kl", "tokens", "perplexity")] == pytest.approx(
        [whole[name] for name in ("reward_before", "reward_after", "kl", "tokens", "perplexity")], abs=1e-5
    )
    assert told["gain_interval"] == pytest.approx(whole["gain_interval"], abs=1e-5)


def test_one_run_can_be_asked_for_alone(kept):
    assert collected("--points", kept, "--algorithm", "ppo", "--seed", 1)["reward_after_seeds"] == pytest.approx(
        [0.305]
    )
    with pytest.raises(SystemExit, match="no run to tell of"):
        collected("--points", kept, "--algorithm", "ppo", "--seed", 2)
    with pytest.raises(SystemExit, match="knows no trl-dpo"):
        collected("--points", kept, "--algorithm", "trl-dpo")


def test_runs_with_other_settings_are_not_mixed_in(kept):
    with pytest.raises(SystemExit, match="other settings"):
        collected("--points", kept, "--set", "steps=60")


def test_no_conversation_is_in_both_halves(tmp_path):
    asked = [f"\n\nHuman: question {number % 17}?" for number in range(40)]
    rows = [
        {side: f"{text}\n\nAssistant: {side} {n}" for side in ("chosen", "rejected")} for n, text in enumerate(asked)
    ]
    path = tmp_path / "hh.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    parts = [half[split] for half in learning_preferences.halves(path) for split in ("train", "heldout")]
    assert sorted(line for part in parts for line in part) == sorted(json.dumps(row) + "\n" for row in rows)
    questions = [{json.loads(line)["chosen"].split("?")[0] for line in part} for part in parts]
    assert [len(part) for part in questions] == [7, 2, 6, 2]
    assert len(set.union(*questions)) == 17
