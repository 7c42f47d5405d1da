"""Each policy of an arena answers what it was not asked yet: all in the same way, whoever they are."""

import shutil
import socket
from dataclasses import replace

import pytest

from core import worker
from core.arena import policies
from core.config.arena import AnswerConfig
from core.config.jobs import JobKind, config_values
from core.config.scoring import ScoreConfig
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.runs import wishes
from core.store import arenas, prompts
from core.store.runs import checkpoints, job_log
from core.trust import gate
from core.trust.wish import AskFirst
from tests import chat_server
from tests.chat_server import says
from tests.core.arena.conftest import POLICY, REWARD, heldout

CONFIG = AnswerConfig(max_new_tokens=6, batch_size=2)


@pytest.fixture
def chat():
    with chat_server.running() as found:
        found.answer = lambda question: says(f"{question['messages'][-1]['content']}: {question['seed']}")
        yield found


def entered(project, arena, *texts):
    return [policies.add(project, arena.id, text) for text in texts]


def answered(project, run_job, config=CONFIG, status="done"):
    job = run_job(project, JobKind.ANSWER, config)
    assert job.status == status, job.report or job.error
    return job


def by_policy(project, arena):
    """Of each policy its answers by the arena's prompt."""
    found = {policy.name: {} for policy in arenas.policies(project, arena.id)}
    names = {policy.id: policy.name for policy in arenas.policies(project, arena.id)}
    for each in arenas.answers(project, arena.id):
        found[names[each.policy_id]][each.arena_prompt_id] = each
    return found


def test_everybody_answers_every_prompt_once(contest, run_job, chat, tiny_gpt2):
    arena = heldout(contest)
    folder = contest.run_folder(POLICY) / "step-000003" / "policy"
    outside = shutil.copytree(folder, contest.folder.parent / "outside")
    entered(
        contest, arena, "base", f"run:{POLICY}", f"best-of-3:{REWARD}", f"adapter:{outside}", f"model:{tiny_gpt2}",
        f"server:{chat.url}#tiny",
    )  # fmt: skip
    job = answered(contest, run_job)
    found = by_policy(contest, arena)
    asked = {prompt.id for prompt in arenas.prompts(contest, arena.id)}
    assert list(map(set, found.values())) == [asked] * 6
    assert (job.result.answers, job.result.lacking) == (24, ())
    base, tuned, best, adapter, other, served = found.values()
    assert {key: each.text for key, each in tuned.items()} == {key: each.text for key, each in adapter.items()}
    assert {each.text for each in base.values()} != {each.text for each in tuned.values()}
    assert {each.text for each in base.values()} != {each.text for each in other.values()}
    assert all(each.kl is not None for each in (*tuned.values(), *adapter.values()))
    assert all(each.kl is None for each in (*base.values(), *best.values(), *other.values(), *served.values()))
    assert [one.kl for one in tuned.values()] == pytest.approx([one.kl for one in adapter.values()], abs=1e-4)
    assert all(0 < each.tokens <= 6 for each in base.values())
    assert {each.text.split(":")[0] for each in served.values()} == {f"prompt {number}" for number in (1, 3, 5, 7)}
    assert {(one["max_tokens"], one["temperature"]) for one in chat.questions} == {(6, 1.0)}
    assert answered(contest, run_job, status="failed").error.endswith("has answered what it may be asked.")


@pytest.mark.parametrize(
    ("kind", "detail"),
    [("server", '{"address": "nowhere: at all", "model": "x"}'), ("adapter", "[not json"), ("model", "{}")],
)
def test_a_damaged_policy_is_named_and_the_others_answer(contest, run_job, kind, detail):
    arena = heldout(contest)
    entered(contest, arena, "base")
    spoilt = arenas.add_policy(contest, arena.id, "the spoilt one", kind)
    contest.database.execute("update arena_policies set detail = ? where id = ?", (detail, spoilt.id))
    wishes.choose(contest, CONFIG)  # as whoever starts the job does
    job = answered(contest, run_job)
    assert {name: len(found) for name, found in by_policy(contest, arena).items()} == {"base": 4, "the spoilt one": 0}
    (said,) = job.result.lacking
    assert said.startswith("the spoilt one cannot answer: ")


@pytest.mark.thorough
def test_the_best_of_n_is_the_best_by_the_reward_model(contest, run_job):
    """Of more answers the chosen one scores as high or higher, as the job `score` says it."""
    arena = heldout(contest)
    entered(contest, arena, f"two=best-of-2:{REWARD}", f"many=best-of-16:{POLICY}")
    assert arenas.policies(contest, arena.id)[1].detail == {"n": 16, "reference_of": POLICY}
    answered(contest, run_job)
    means = []
    for of in by_policy(contest, arena).values():
        scores = []
        for prompt in arenas.prompts(contest, arena.id):
            config = ScoreConfig(prompt=prompt.text, completions=(of[prompt.id].text,), reward_job=REWARD, trace=False)
            scores.append(run_job(contest, JobKind.SCORE, config).result.scores[0])
        means.append(sum(scores))
    assert means[1] > means[0]


@pytest.mark.thorough
def test_goes_on_where_it_was_stopped_and_draws_the_same(contest, run_job, monkeypatch):
    """A stop is heeded after each part, what was answered stays, and the rest is drawn as it would have been."""
    whole, broken = heldout(contest), heldout(contest, "Stopped")
    for arena in (whole, broken):
        entered(contest, arena, "base", f"run:{POLICY}@best", f"best-of-2:{REWARD}")
    answered(contest, run_job, replace(CONFIG, arena=whole.id))
    record, counts, stops = Recorder.record, [], [2, 6, 10, 99]

    def stopping(self, event):
        wanted = record(self, event)
        return "stop" if len(arenas.answers(contest, broken.id)) >= stops[0] else wanted

    job = queue.enqueue(contest, JobKind.ANSWER, config_values(replace(CONFIG, arena=broken.id)))
    while stops:
        with monkeypatch.context() as patched:
            patched.setattr(Recorder, "record", stopping)
            worker.run_job(contest, worker.claim(contest), {})
        counts.append((len(arenas.answers(contest, broken.id)), queue.get(contest, job.id).status))
        if stops.pop(0) < 99:
            queue.resume(contest, job.id)
    assert counts == [(2, "stopped"), (6, "stopped"), (10, "stopped"), (12, "done")]
    first, second = by_policy(contest, whole), by_policy(contest, broken)
    for name, of in first.items():
        assert [each.text for each in of.values()] == [each.text for each in second[name].values()]


def test_what_a_run_learnt_from_it_is_not_asked(contest, run_job):
    arena = arenas.create(contest, "Everything")
    arenas.add_prompts(contest, arena.id, prompts.listed(contest))
    entered(contest, arena, "base", f"run:{POLICY}")
    job = answered(contest, run_job)
    base, tuned = by_policy(contest, arena).values()
    held = set(prompts.ids(contest, split="heldout"))
    asked = {prompt.id: prompt.prompt_id for prompt in arenas.prompts(contest, arena.id)}
    assert (len(base), {asked[number] for number in tuned}) == (8, held)
    said = [row["text"] for row in job_log.lines(contest, job.id)]
    assert f"run {POLICY} is not asked everything: it trained on 4 of the 8 prompts of the arena." in said


def test_a_checkpoint_that_went_since_keeps_nobody_else_from_answering(contest, run_job):
    arena = heldout(contest)
    entered(contest, arena, "base", f"run:{POLICY}@2")
    shutil.rmtree(checkpoints.folder_of(contest, POLICY, 2))
    job = answered(contest, run_job)
    assert len(by_policy(contest, arena)["base"]) == 4
    (said,) = job.result.lacking
    kept = "it has those of the steps 1, 3."
    assert said == f"run {POLICY} step 2 cannot answer: Run {POLICY} keeps no checkpoint of step 2: {kept}"
    assert answered(contest, run_job, status="failed").error == said  # nobody else is left


def test_answers_of_one_arena_are_drawn_in_one_way(contest, run_job, plumbline):
    arena = heldout(contest)
    entered(contest, arena, "base")
    answered(contest, run_job)
    entered(contest, arena, f"run:{POLICY}")
    job = answered(contest, run_job, replace(CONFIG, temperature=0.5, seed=3), status="failed")
    assert "were drawn with --temperature 1.0, --seed 0" in job.error
    code, _, err = plumbline("arena", "answer", contest.folder, "All", "--temperature", 0.5, "--detach")
    assert (code, "--temperature 1.0:" in err) == (2, True)
    assert plumbline("arena", "answer", contest.folder, "All", "--detach")[0] == 0
    assert queue.listed(contest)[0].config == replace(AnswerConfig(max_new_tokens=6), arena=arena.id)


def test_nothing_leaves_the_machine_before_a_person_said_so(contest, run_job, chat, monkeypatch):
    """Any address that is not loopback would fail this test by the attempt alone."""
    reached = []
    connect = socket.socket.connect

    def watching(self, address):
        host = address[0] if isinstance(address, tuple) else address
        if host not in ("127.0.0.1", "::1", "localhost"):
            reached.append(address)
            raise OSError("blocked")
        return connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", watching)
    arena = heldout(contest)
    with pytest.raises(AskFirst, match=r"192\.0\.2\.1:8000/v1', which is not this machine, unencrypted") as asked:
        policies.add(contest, arena.id, "server:192.0.2.1:8000#big")
    assert arenas.policies(contest, arena.id) == []
    asked.value.allow()
    entered(contest, arena, "server:192.0.2.1:8000#big", f"server:{chat.url}#tiny")
    assert reached == []
    gate.revoke(contest)
    queue.enqueue(contest, JobKind.ANSWER, config_values(CONFIG))
    worker.run_job(contest, worker.claim(contest), {})
    job = queue.listed(contest)[0]
    assert (job.status, "This needs your word first" in job.error) == ("failed", True)
    assert (reached, chat.asked) == ([], [])
    assert {each.kind for each in wishes.of_project(contest)[0]} >= {"network", "server"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bse", "is no policy: write `base`"),
        ("run:99", "There is no job 99"),
        (f"run:{REWARD}", "has no tuned policy"),
        (f"run:{POLICY}@77", "keeps no checkpoint of step 77: it has those of the steps 1, 2, 3."),
        (f"best-of-1:{REWARD}", "The best of 1 is none"),
        ("best-of-4:1", "has no reward model"),
        ("adapter:/nowhere/at/all", "/nowhere/at/all is not there"),
        ("model:/nowhere/at/all", "/nowhere/at/all is not there"),
        ("server:http://127.0.0.1:1", "Name the model, too: server:http://127.0.0.1:1/v1#MODEL"),
        ("server:ftp://a#b", "no address of a server"),
        ("base", "There is a policy 'base' in this arena already"),
        ("server:http://127.0.0.1:1#a\x1bb", "no name of a model"),
    ],
)
def test_what_is_no_policy_gets_one_sentence(contest, plumbline, text, said):
    arena = heldout(contest)
    entered(contest, arena, "base")
    code, _, err = plumbline("arena", "add", contest.folder, "All", text)
    assert (code in (1, 2), said in err, "Traceback" in err) == (True, True, False), err
    assert len(arenas.policies(contest, arena.id)) == 1
