"""The whole arena with the real model, by commands alone: what is found is what the policies' answers are worth."""

import json
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from core import worker
from core.store import arena_votes, arenas, guidelines, open_project
from tests.transformers_serve import embedded, serving

ROOT = Path(__file__).resolve().parents[3]
#: The runs of the demo.
REWARD, PPO = 2, 3
QUESTIONS = ("What is the capital of France?", "Name a fruit.", "How do I boil an egg?")


def command(*arguments: object) -> str:
    line = [sys.executable, str(ROOT / "main.py"), *map(str, arguments)]
    done = subprocess.run(line, capture_output=True, text=True, timeout=1800, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def short_warmth(text: str) -> float:
    """What the gold reward `short-warmth` is documented to be."""
    addressed = len(re.findall(r"\b(?:you|your|yours|yourself)\b", text.lower()))
    warm = SentimentIntensityAnalyzer().polarity_scores(text)["compound"] + min(addressed, 3) / 3
    return warm - max(0, len(text.split()) - 6) / 10


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_votes_and_judges_find_whose_answers_are_worth_more(tmp_path):
    """The demo's reference, its PPO, the best of 8 and a short DPO; three scripts of known taste vote 20 times each."""
    folder = tmp_path / "demo"
    command("demo", folder)
    tuned = json.loads(command(
        "train-policy", folder, "--algorithm", "dpo", "--steps", 4, "--eval-prompts", 0, "--json",
    ).splitlines()[-1])  # fmt: skip
    command("arena", "new", folder, "Four")
    command("arena", "add", folder, "Four", "base", f"PPO=run:{PPO}", f"DPO=run:{tuned['job']}", f"best-of-8:{REWARD}")
    command("arena", "answer", folder, "Four", "--max-new-tokens", 48, "--temperature", 0.5)
    for noise in (0.2, 0.25, 0.3):
        command("arena", "simulate", folder, "Four", "--gold", "short-warmth", "--noise", noise, "--votes", 20)
    for judge in ("gold:short-warmth", f"reward:{REWARD}"):
        command("judge", folder, "--arena", "Four", "--by", judge)
    found = json.loads(command("arena", "results", folder, "Four", "--json").splitlines()[-1])
    with closing(open_project(folder)) as project:
        arena = arenas.called(project, "Four")
        names = {policy.id: policy.name for policy in arenas.policies(project, arena.id)}
        answers = arenas.answers(project, arena.id)
        verdicts = [each for each in arena_votes.counting(project, arena.id) if each.kind == "judge"]
    worth = {each.id: short_warmth(each.text) for each in answers}
    of = {name: [worth[each.id] for each in answers if names[each.policy_id] == name] for name in names.values()}
    assert {name: len(values) for name, values in of.items()} == dict.fromkeys(names.values(), 16)
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
    assert any(pair["claimed"] for pair in gold["pairs"]) and reward["votes"] == 6 * 16, "each pair on each prompt"

    right = {"judge: gold short-warmth": [], f"judge: reward model of run {REWARD}": []}
    for vote in verdicts:
        ahead = worth[vote.first_id] - worth[vote.second_id]
        if abs(ahead) > 1e-9:
            right[vote.labeler].append((vote.won > 0.5) == (ahead > 0))
    exact, learnt = right.values()
    assert all(exact)
    assert sum(learnt) / len(learnt) > 0.6, "the reward model has learnt to rank by it"


@pytest.mark.slow
def test_one_server_writes_and_judges(tmp_path, tiny_model, plumbline):
    """The embedded model behind `transformers serve` answers beside a random model, and judges both in both orders. It
    is small, and says "The answer A is better." where it was asked for one letter: that is no verdict, and is told."""

    def said(*arguments):
        code, out, err = plumbline(*arguments, "--json")
        assert code == 0, err
        return json.loads(out.splitlines()[-1])

    def done(*arguments):
        number = said(*arguments, "--detach")["job"]
        with closing(open_project(folder)) as project:
            worker.run_job(project, worker.claim(project), {})
        return said("watch", folder, number)

    folder, model = tmp_path / "project", embedded()
    said("new", folder, "--model", tiny_model)
    with closing(open_project(folder)) as project:
        guidelines.save(project, criteria="Longer is better.", ties="", flags="", examples="")
    said("prompts", folder, *(word for text in QUESTIONS for word in ("--add", text)))
    said("arena", "new", folder, "Served", "--prompts", "all")
    with serving(model) as address:
        said("arena", "add", folder, "Served", "random=base", f"served=server:{address}#{model}")
        written = done("arena", "answer", folder, "Served", "--max-new-tokens", 12)
        judged = done("judge", folder, "--arena", "Served", "--by", f"server:{address}#{model}")
    assert (written["status"], written["answers"], written["lacking"]) == ("done", 6, [])
    assert (judged["status"], judged["pairs"] + judged["unread"]) == ("done", 3)
    assert judged["labeler"] == f"judge: {model} at {address}"
    with closing(open_project(folder)) as project:
        arena = arenas.called(project, "Served")
        _, served = arenas.policies(project, arena.id)
        texts = {each.id: each.text for each in arenas.answers(project, arena.id)}
        theirs = [each for each in arenas.answers(project, arena.id) if each.policy_id == served.id]
        votes = arena_votes.counting(project, arena.id)
        kept = [arena_votes.asked(project, vote_id=vote.id) for vote in votes]
    assert len(theirs) == 3 and all(each.text and 0 < each.tokens <= 12 for each in theirs)
    assert len(votes) == judged["judged"] == judged["pairs"]
    said_of = (folder / "runs" / str(judged["job"]) / "answers.jsonl").read_text().splitlines()
    assert len(said_of) == 1 + 6
    for vote, (forward, backward) in zip(votes, kept, strict=True):
        pair = (vote.first_id, vote.second_id)
        assert (forward.first_id, forward.second_id) == pair == (backward.second_id, backward.first_id)
        assert all(texts[number] in each.asked for each in (forward, backward) for number in pair)
        agree = forward.won == 1 - backward.won
        assert vote.won == (forward.won if agree else 0.5), "a judge that changed its mind says nothing"
