"""The whole arena with the real model, by commands alone: what is found is what the policies' answers are worth."""

import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from core.store import arena_votes, arenas, open_project

ROOT = Path(__file__).resolve().parents[3]
#: The runs of the demo.
REWARD, PPO = 2, 3


def command(*arguments: object) -> str:
    line = [sys.executable, str(ROOT / "main.py"), *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def warmth(text: str) -> float:
    """What the gold reward `warmth` is documented to be."""
    addressed = len(re.findall(r"\b(?:you|your|yours|yourself)\b", text.lower()))
    return SentimentIntensityAnalyzer().polarity_scores(text)["compound"] + min(addressed, 3) / 3


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_votes_and_judges_find_whose_answers_are_worth_more(tmp_path):
    """The demo's reference, its PPO, the best of 8 and a short DPO; three scripts of known taste vote 20 times each."""
    folder = tmp_path / "demo"
    command("demo", folder)
    tuned = json.loads(command(
        "train-policy", folder, "--algorithm", "dpo", "--steps", 4, "--eval-prompts", 0, "--json",
    ).splitlines()[-1])  # fmt: skip
    command("arena", "new", folder, "Demo")
    command("arena", "add", folder, "Demo", "base", f"PPO=run:{PPO}", f"DPO=run:{tuned['job']}", f"best-of-8:{REWARD}")
    command("arena", "answer", folder, "Demo", "--max-new-tokens", 24)
    for noise in (0.2, 0.25, 0.3):
        command("arena", "simulate", folder, "Demo", "--gold", "warmth", "--noise", noise, "--votes", 20)
    for judge in ("gold:warmth", f"reward:{REWARD}"):
        command("judge", folder, "--arena", "Demo", "--by", judge)
    found = json.loads(command("arena", "results", folder, "Demo", "--json").splitlines()[-1])
    with closing(open_project(folder)) as project:
        arena = arenas.called(project, "Demo")
        names = {policy.id: policy.name for policy in arenas.policies(project, arena.id)}
        answers = arenas.answers(project, arena.id)
        verdicts = [each for each in arena_votes.counting(project, arena.id) if each.kind == "judge"]
    worth = {each.id: warmth(each.text) for each in answers}
    of = {name: [worth[each.id] for each in answers if names[each.policy_id] == name] for name in names.values()}
    assert {name: len(values) for name, values in of.items()} == dict.fromkeys(names.values(), 24)
    truth = {name: sum(values) / len(values) for name, values in of.items()}
    assert truth["PPO"] > truth["base"] + 0.3, "the demo's policy has learnt"

    people, scripts, gold, reward = found["standings"]
    assert (people["votes"], scripts["votes"], scripts["labelers"]) == (0, 60, 3)
    points = {place["name"]: place["points"]["value"] for place in scripts["table"]["places"]}
    assert points["PPO"] > points["base"] == 1000
    for standing in (scripts, gold):
        for pair in standing["pairs"]:
            one, two = found["names"][pair["one"]], found["names"][pair["two"]]
            assert not pair["claimed"] or truth[one] > truth[two], (standing["voice"], one, two, truth)
    assert any(pair["claimed"] for pair in gold["pairs"]) and reward["votes"] > 100

    right = {"judge: gold warmth": [], f"judge: reward model of run {REWARD}": []}
    for vote in verdicts:
        ahead = worth[vote.first_id] - worth[vote.second_id]
        if abs(ahead) > 1e-9:
            right[vote.labeler].append((vote.won > 0.5) == (ahead > 0))
    exact, learnt = right.values()
    assert all(exact)
    assert sum(learnt) / len(learnt) > 0.6, "the reward model has learnt to rank by warmth"
