"""The job `judge`: a server's model, the base, reward models and gold rewards rank what waits and vote on an arena."""

import json
import shutil
from collections import Counter
from contextlib import closing

import pytest

from core import worker
from core.cli import run as cli
from core.config.jobs import JobKind, TrainRewardConfig
from core.config.judging import JudgingConfig
from core.events import NewCompletion
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.preferences import judged
from core.preferences.judged_groups import judged_groups
from core.records import NewRanking
from core.report import arena as results
from core.runs import wishes
from core.store import arena_votes, arenas, completions, guidelines, labelers, open_project, pairs, prompts, rankings
from core.store.arenas import NewAnswer
from core.store.runs import job_log
from core.trust import gate
from core.trust.wish import AskFirst
from tests import chat_server
from tests.chat_server import judges, longer, says, texts_of
from tests.ranked import counting_rankings
from tests.transformers_serve import serving

#: Of each prompt; none is as long as another.
TEXTS = ("ab", "abcdef", "abcd", "abcdefgh")


@pytest.fixture
def chat():
    with chat_server.running() as found:
        found.answer = judges(longer)
        yield found


@pytest.fixture
def ours(asking):
    """Four prompts with four answers each."""
    gate.made_here(asking)
    guidelines.save(asking, criteria="1. **Long.** Longer is better.", ties="", flags="", examples="")
    for prompt in prompts.listed(asking)[:4]:
        completions.add_group(asking, prompt.id, [NewCompletion(f"{text}{prompt.id}", 3, True, 0) for text in TEXTS])
    return asking


@pytest.fixture
def arena(ours):
    """Three policies that answered three prompts; the answers of the second are the longest."""
    found = arenas.create(ours, "all")
    arenas.add_prompts(ours, found.id, prompts.listed(ours)[:3])
    for name, text in (("base", "abc"), ("long", "abcdef"), ("short", "a")):
        policy = arenas.add_policy(ours, found.id, name, "base")
        answers = [NewAnswer(prompt.id, text) for prompt in arenas.prompts(ours, found.id)]
        arenas.add_answers(ours, policy.id, answers)
    return found


def waiting(by, **more):
    return JudgingConfig(by=by, waiting=True, **more)


def log(project, job):
    return [row["text"] for row in job_log.lines(project, job.id)]


def test_ranks_what_waits_to_be_learnt_from(ours, run_job, chat):
    """RLAIF to its end: the judge's order is an order as any, marked, and can be left out."""
    job = run_job(ours, JobKind.JUDGE, waiting(f"server:{chat.url}"))
    assert job.status == "done", job.error
    name = f"judge: tiny at {chat.url}"
    assert (job.result.labeler, job.result.judged, job.result.pairs, job.result.unread) == (name, 4, 24, 0)
    found = counting_rankings(ours)
    assert {(each.labeler.name, each.labeler.kind, each.method) for each in found} == {(name, "judge", "pairwise")}
    for each in found:
        texts = {item.id: item.text for item in completions.group(ours, each.group_id).completions}
        assert sorted(each.ranks, key=lambda item: each.ranks[item]) == sorted(
            texts, key=lambda item: -len(texts[item])
        )
    asked = arena_votes.asked(ours, ranking_id=found[0].id)
    assert len(asked) == 12 and "Longer is better." in asked[0].asked
    assert Counter((each.first_id, each.second_id) for each in asked).most_common(1)[0][1] == 1
    assert len(chat.questions) == 48
    assert {(each["temperature"], each["top_logprobs"]) for each in chat.questions} == {(0.0, 20)}

    small = {"epochs": 1, "evaluations": 1, "lora_rank": 2}
    trained = run_job(ours, JobKind.TRAIN_REWARD, TrainRewardConfig(**small))
    assert (trained.status, trained.result.pairs) == ("done", 18), trained.error  # 6 of the 24 are held out
    people = run_job(ours, JobKind.TRAIN_REWARD, TrainRewardConfig(rankings_of="people", **small))
    assert (people.status, "no pairs" in people.error) == ("failed", True)
    assert len(judged_groups(ours, whose="judges")) == 4
    assert pairs.counts(ours).judged == 4
    again = run_job(ours, JobKind.JUDGE, waiting(f"server:{chat.url}"))
    assert (again.status, "has ranked all that waits" in again.error) == ("failed", True)


def test_a_judge_of_places_is_found_out(ours, run_job, chat, capsys):
    """It says A whatever stands there: all is tied, no pair comes of it, and what it follows is told."""
    chat.answer = judges(lambda first, second: {"A": 0.7, "B": 0.2, "C": 0.1})
    job = run_job(ours, JobKind.JUDGE, waiting(f"server:{chat.url}"))
    assert (job.status, job.result.judged, job.result.mass) == ("done", 4, pytest.approx(1.0))
    assert pairs.counts(ours).pairs == 0
    place = judged.place_of(ours, labelers.find(ours, job.result.labeler))
    assert (place.first_only.value, place.consistent.value, place.second_only.value) == (1.0, 0.0, 0.0)
    assert cli(["agreement", str(ours.folder)]) == 0
    assert "goes to the one that it reads first in 1.000" in capsys.readouterr().out


def test_what_cannot_be_read_is_no_vote(ours, arena, run_job, chat):
    """Of the arena the other pairs are voted on; a group is not ranked. What was said instead is shown."""

    def answer(first, second):
        return "Both are lovely." if {first, second} == {"abc", "a"} else longer(first, second)

    chat.answer = judges(answer)
    job = run_job(ours, JobKind.JUDGE, JudgingConfig(by=f"server:{chat.url}", arena="all"))
    assert (job.status, job.result.judged, job.result.unread) == ("done", 6, 3), job.error
    assert any("the judge said 'Both are lovely.'" in text for text in log(ours, job))
    names = {policy.id: policy.name for policy in arenas.policies(ours, arena.id)}
    votes = arena_votes.counting(ours, arena.id)
    assert {names[vote.first_policy if vote.won == 1 else vote.second_policy] for vote in votes} == {"long"}
    assert all(len(arena_votes.asked(ours, vote_id=vote.id)) == 2 for vote in votes)
    chat.answer = judges(lambda first, second: "I cannot judge that.")
    job = run_job(ours, JobKind.JUDGE, waiting(f"server:{chat.url}", limit=2))
    assert (job.status, job.result.judged, job.result.unread, counting_rankings(ours)) == ("done", 0, 12, [])


def test_probabilities_become_votes_between(ours, arena, run_job, chat):
    """The mean of both orders, a tie as half. That the two differ by a little is no change of mind."""
    chat.answer = judges(lambda first, second: {"A": 0.6, "B": 0.2, "C": 0.2} if len(first) > len(second)
                         else {"A": 0.1, "B": 0.8, "C": 0.1})  # fmt: skip
    run_job(ours, JobKind.JUDGE, JudgingConfig(by=f"server:{chat.url}", arena="all", policies=("base", "long")))
    won = [vote.won for vote in arena_votes.counting(ours, arena.id)]
    assert won == pytest.approx([((0.1 + 0.05) + (1 - 0.7)) / 2] * 3)
    (found,) = results.results(ours, "all").judges
    assert (found.both_orders, found.places.consistent.value, found.follows_place) == (3, 1.0, False)


def test_equal_answers_are_not_asked_about(ours, arena, run_job, chat):
    """They are ties already, and blanks around them are no words."""
    same = arenas.add_policy(ours, arena.id, "same", "base")
    answers = [NewAnswer(prompt.id, "abc\n") for prompt in arenas.prompts(ours, arena.id)]
    arenas.add_answers(ours, same.id, answers)
    config = JudgingConfig(by=f"server:{chat.url}", arena="all", policies=("base", "same", "long"))
    job = run_job(ours, JobKind.JUDGE, config)
    assert (job.status, job.result.judged, len(chat.questions)) == ("done", 6, 12), job.error


def test_resumed_asks_nothing_twice(ours, run_job, chat):
    """A server that dies is one sentence; what it answered before it did is kept, also what was not stored yet."""
    asked, answer = [], chat.answer

    def dying(question):
        asked.append(texts_of(question))
        return b"{}" if len(asked) == 30 else answer(question)

    chat.answer = dying
    job = run_job(ours, JobKind.JUDGE, waiting(f"server:{chat.url}", at_once=1))
    assert (job.status, "OpenAI's chat API" in job.error) == ("failed", True)
    stored = len(counting_rankings(ours))
    assert 0 < stored < 4
    queue.resume(ours, job.id)
    worker.run_job(ours, worker.claim(ours), {})
    job = queue.get(ours, job.id)
    assert (job.status, job.result.judged, job.result.pairs, job.done) == ("done", 4, 24, 24), job.error
    assert len(asked) == 48 + 1 and len(set(asked)) == 48


def test_a_stop_is_heeded_between_answers(ours, run_job, chat, monkeypatch):
    record, said = Recorder.record, []

    def stopping(self, event):
        said.append(record(self, event))
        return "stop" if len(chat.questions) >= 5 else said[-1]

    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "record", stopping)
        job = run_job(ours, JobKind.JUDGE, waiting(f"server:{chat.url}", at_once=1))
    assert job.status == "stopped" and len(chat.questions) < 12
    queue.resume(ours, job.id)
    worker.run_job(ours, worker.claim(ours), {})
    assert queue.get(ours, job.id).result.judged == 4
    assert len({texts_of(each) for each in chat.questions}) == 48 >= len(chat.questions) - 1


def test_says_why_first(ours, run_job, chat):
    chat.answer = lambda question: says(f"It is longer.\nVerdict: {longer(*texts_of(question)[1:])}")
    job = run_job(ours, JobKind.JUDGE, waiting(f"server:{chat.url}", explain=True, limit=1))
    assert (job.status, job.result.judged) == ("done", 1), job.error
    assert job.result.labeler.endswith(", explains")
    (ranking,) = counting_rankings(ours)
    assert all(each.answer.startswith("It is longer.") for each in arena_votes.asked(ours, ranking_id=ranking.id))
    assert {each["max_tokens"] for each in chat.questions} == {512} and "logprobs" not in chat.questions[0]


@pytest.mark.thorough
def test_is_compared_with_people(ours, run_job, chat, capsys):
    """A person ranks the other way round. Seen from both sides each wins half of the pairs, so that half would agree by
    chance, and none does: kappa is (0 - 1/2) / (1 - 1/2)."""
    run_job(ours, JobKind.JUDGE, waiting(f"server:{chat.url}"))
    who = labelers.named(ours, "ann")
    for ranking in counting_rankings(ours):
        turned = {item: 5 - rank for item, rank in ranking.ranks.items()}
        rankings.add(ours, NewRanking(ranking.group_id, who.id, turned))
    found = judged.figures(ours, labelers.listed(ours)[0])
    assert (found.people.overall.votes, found.people.overall.pairwise.value) == (24, 0.0)
    assert found.people.overall.kappa.value == pytest.approx(-1)
    assert cli(["agreement", str(ours.folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["judges"][found.judge.name]["people"]["overall"]["votes"] == 24
    assert cli(["agreement", str(ours.folder)]) == 0
    assert f"{found.judge.name} (judge)" in capsys.readouterr().out


def test_gold_and_reward_models_judge(ours, arena, run_job):
    """By scores: equal ones are tied, a reward model's vote is its probability, and nobody is asked in words."""
    job = run_job(ours, JobKind.JUDGE, waiting("gold:regex:[a-d]"))
    assert (job.status, job.result.judged) == ("done", 4), job.error
    first = counting_rankings(ours)[0]
    assert first.labeler.name == "judge: gold regex:[a-d]" and first.method == "order"
    assert [first.ranks[item] for item in sorted(first.ranks)] == [2, 1, 1, 1]  # two such letters, else four
    assert arena_votes.asked(ours, ranking_id=first.id) == []
    trained = run_job(ours, JobKind.TRAIN_REWARD, TrainRewardConfig(epochs=1, evaluations=1, lora_rank=2))
    job = run_job(ours, JobKind.JUDGE, JudgingConfig(by=f"reward:{trained.id}", arena="all"))
    assert (job.status, job.result.judged) == ("done", 9), job.error
    votes = arena_votes.counting(ours, arena.id)
    assert all(0 < vote.won < 1 and vote.kind == "judge" for vote in votes)
    job = run_job(ours, JobKind.JUDGE, waiting("gold:length", limit=1))
    assert (job.status, job.result.judged) == ("done", 1)


@pytest.fixture
def roomy(ours, tiny_model, tmp_path):
    """The project on the tiny model with a window in which a question has room."""
    folder = shutil.copytree(tiny_model, tmp_path / "roomy")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"max_position_embeddings": 4096}))
    ours.set_setting("model", str(folder))
    gate.choose_model(ours, str(folder))
    return ours, folder


def test_the_base_is_read_exactly(roomy, run_job):
    """Its probabilities of the three letters are those that transformers computes of the same question."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    project, folder = roomy
    job = run_job(project, JobKind.JUDGE, waiting("base", limit=1))
    assert (job.status, job.result.judged) == ("done", 1), job.error
    (ranking,) = counting_rankings(project)
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForCausalLM.from_pretrained(folder)
    for each in arena_votes.asked(project, ranking_id=ranking.id)[:4]:
        turns = [{"role": "user", "content": each.asked}]
        ids = tokenizer.apply_chat_template(turns, add_generation_prompt=True, return_tensors="pt", return_dict=False)
        with torch.no_grad():
            share = model(ids).logits[0, -1].softmax(-1)
        a, b, c = (float(share[tokenizer.convert_tokens_to_ids(letter)]) for letter in "ABC")
        assert each.answer.endswith(f"(A {a:.4f}, B {b:.4f}, C {c:.4f})")
        expected = 0.5 if c >= max(a, b) else (a + c / 2) / (a + b + c)
        assert each.won == pytest.approx(expected, abs=1e-4)
    assert any("hardly answers" in text for text in log(project, job))  # a random model is no judge


def test_the_base_says_why(roomy, run_job):
    project, _ = roomy
    job = run_job(project, JobKind.JUDGE, waiting("base", limit=1, explain=True, max_new_tokens=16))
    assert (job.status, job.result.judged) == ("done", 1), job.error
    (ranking,) = counting_rankings(project)
    assert all("Verdict: " in each.answer for each in arena_votes.asked(project, ranking_id=ranking.id))


def test_what_does_not_fit_is_not_cut(ours, run_job):
    """The tiny model reads 256 tokens: a question that was cut would be about another one."""
    job = run_job(ours, JobKind.JUDGE, waiting("base", limit=1))
    assert (job.status, job.result.judged, job.result.unread) == ("done", 0, 6), job.error
    assert any("reads 256" in text for text in log(ours, job))


def test_a_group_that_changed_meanwhile_is_left_out(ours, run_job, chat):
    number = completions.group_ids(ours)[0]

    def answer(question):
        with closing(open_project(ours.folder)) as project, project.write() as database:
            database.execute("update completions set text = 'other' where group_id = ?", (number,))
        return judges(longer)(question)

    chat.answer = answer
    job = run_job(ours, JobKind.JUDGE, waiting(f"server:{chat.url}", limit=1, at_once=1))
    assert job.status == "done" and counting_rankings(ours) == []
    assert any("were changed while they were judged" in text for text in log(ours, job))


def test_a_policy_that_goes_meanwhile_takes_no_vote_of_others_along(ours, arena, run_job, chat):
    """Nobody voted on it, so that it may go; the judge goes on with the others."""
    _, long, short = arenas.policies(ours, arena.id)

    def answer(question):
        with closing(open_project(ours.folder)) as project:
            if arenas.has_policy(project, short.id):
                arenas.remove_policy(project, short.id)
        return judges(longer)(question)

    chat.answer = answer
    job = run_job(ours, JobKind.JUDGE, JudgingConfig(by=f"server:{chat.url}", arena="all", at_once=1))
    assert job.status == "done", job.error
    assert {vote.second_policy for vote in arena_votes.counting(ours, arena.id)} == {long.id}
    assert any("that vote is left out" in text for text in log(ours, job))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--waiting"], "Say who judges with --by"),
        (["--by", "base"], "Say what is judged"),
        (["--by", "base", "--waiting", "--arena", "all"], "not both"),
        (["--by", "base", "--arena", "none"], "There is no arena called 'none': make one first."),
        (["--by", "somebody", "--waiting"], "names no judge"),
        (["--by", "reward:7", "--waiting"], "There is no job 7"),
        (["--by", "run:0", "--waiting"], "names no judge"),
        (["--by", "gold:kindness", "--waiting"], "There is no reward called 'kindness'"),
        (["--by", "gold:length", "--waiting", "--explain"], "leave out --explain"),
        (["--by", "server:ftp://a", "--waiting"], "no address of a server"),
        (["--by", "base", "--waiting", "--policy", "a"], "one of an arena"),
    ],
)
def test_one_sentence_for_what_is_wrong(ours, capsys, arguments, said):
    assert cli(["judge", str(ours.folder), *arguments]) == 2
    assert said in capsys.readouterr().err
    assert queue.listed(ours) == []


def test_nothing_is_sent_before_a_person_said_so(ours, chat):
    there = waiting("server:http://192.0.2.1:8000/v1#m")
    with pytest.raises(AskFirst, match=r"it sends prompts and answers to .* which is not this machine, unencrypted"):
        wishes.choose(ours, there)
    gate.revoke(ours)
    with pytest.raises(AskFirst, match="a server on this machine"):
        wishes.choose(ours, waiting(f"server:{chat.url}"))
    with pytest.raises(AskFirst, match=r"runs? .*own\.py"):
        wishes.choose(ours, waiting("gold:/tmp/own.py:score"))
    assert chat.asked == []


@pytest.mark.slow
def test_transformers_serve_judges(roomy, run_job):
    """A real server of the API: each pair has a verdict or is counted as one without."""
    project, folder = roomy
    with serving(folder) as address:
        job = run_job(project, JobKind.JUDGE, waiting(f"server:{address}", limit=2))
    assert job.status == "done", job.error
    assert job.result.labeler == f"judge: {folder} at {address}"
    assert job.result.pairs + job.result.unread > 0 and job.done == job.total == 12
    lines = (project.folder / "runs" / str(job.id) / "answers.jsonl").read_text().splitlines()
    assert len(lines) == 1 + 24
