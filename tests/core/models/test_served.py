"""The model of a server writes completions: named with them, resumed, refused before anybody said yes."""

import threading

import pytest

from core import worker
from core.config.jobs import GenerateConfig, JobKind, config_values
from core.errors import BadInput
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.runs import wishes
from core.store import completions, prompts
from core.store.runs import job_log
from core.trust import gate
from core.trust.wish import AskFirst
from tests import chat_server
from tests.chat_server import says
from tests.transformers_serve import serving

#: Some seventy bytes, in which no tokenizer is asked.
DRAWN = {"completions": 2, "max_new_tokens": 7, "temperature": 0.6, "batch_size": 4}


@pytest.fixture
def chat():
    with chat_server.running() as found:
        found.answer = lambda question: says(f"{question['messages'][-1]['content']}: {question['seed'] % 100_000}")
        yield found


@pytest.fixture
def ours(asking):
    gate.made_here(asking)
    return asking


def config_of(chat, **more):
    return GenerateConfig(**DRAWN, server=chat.url, **more)


def test_writes_what_is_ranked(ours, run_job, chat):
    """Each prompt's turns are sent in the API's words, and who answered stays beside the answers."""
    job = run_job(ours, JobKind.GENERATE, config_of(chat))
    assert job.status == "done", job.error
    asked = prompts.listed(ours)
    groups = [completions.group(ours, number) for number in completions.group_ids(ours)]
    assert [group.prompt.id for group in groups] == [prompt.id for prompt in asked]
    for group in groups:
        texts = [item.text for item in group.completions]
        assert len(set(texts)) == 2
        assert all(text.startswith(f"{group.prompt.text}: ") for text in texts)
        assert {item.origin for item in group.completions} == {f"Written by tiny at {chat.url}"}
        assert all((item.tokens, item.ended, item.policy_job) == (3, True, None) for item in group.completions)
    assert {(one["max_tokens"], one["temperature"], one["model"]) for one in chat.questions} == {(7, 0.6, "tiny")}
    assert completions.answered_prompts(ours, None) == set()  # the base has not answered them


def test_only_what_is_missing(ours, run_job, chat):
    job = run_job(ours, JobKind.GENERATE, config_of(chat, limit=5))
    assert len(completions.prompts_of_job(ours, job.id)) == 5
    chat.models = ["tiny", "other"]
    job = run_job(ours, JobKind.GENERATE, config_of(chat, server_model="tiny"))
    assert len(completions.prompts_of_job(ours, job.id)) == len(prompts.listed(ours)) - 5
    job = run_job(ours, JobKind.GENERATE, config_of(chat, server_model="tiny"))
    assert (job.status, "from this server" in job.error) == ("failed", True)
    job = run_job(ours, JobKind.GENERATE, config_of(chat, server_model="other"))
    assert len(completions.prompts_of_job(ours, job.id)) == len(prompts.listed(ours))


def test_by_turns_with_the_base(ours, run_job, chat):
    job = run_job(ours, JobKind.GENERATE, config_of(chat, mix_with=0, limit=2))
    assert job.status == "done", job.error
    for number in completions.group_ids(ours):
        assert [item.origin for item in completions.group(ours, number).completions] == [
            f"Written by tiny at {chat.url}", "Written by the base model",
        ]  # fmt: skip


def test_resumed_asks_for_the_same(ours, run_job, chat, monkeypatch):
    """A stop is heeded while an answer is waited for, and the rest is asked with the seeds that it would have had."""
    whole = run_job(ours, JobKind.GENERATE, config_of(chat))

    def texts(job):
        sql = "select c.text from completions c join completion_groups g on g.id = c.group_id where g.job_id = ?"
        return sorted(ours.database.column(sql, job.id))

    record = Recorder.record

    def stopping(self, event):
        wanted = record(self, event)
        return "stop" if len(completions.prompts_of_job(ours, self.job_id)) >= 5 else wanted

    job = queue.enqueue(ours, JobKind.GENERATE, config_values(config_of(chat, missing_only=False)))
    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "record", stopping)
        worker.run_job(ours, worker.claim(ours), {})
    assert queue.get(ours, job.id).status == "stopped"
    assert 0 < len(texts(job)) < len(texts(whole))
    queue.resume(ours, job.id)
    worker.run_job(ours, worker.claim(ours), {})
    assert texts(job) == texts(whole)


def test_a_stop_does_not_wait_for_an_answer(ours, run_job, chat, monkeypatch):
    go, said = threading.Event(), []
    chat.answer = lambda question: go.wait(60) and says("late")
    record = Recorder.record

    def stopping(self, event):
        record(self, event)
        said.append(event)
        return "stop" if len(said) > 3 else "run"

    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "record", stopping)
        job = run_job(ours, JobKind.GENERATE, config_of(chat))
    go.set()
    assert job.status == "stopped"


@pytest.mark.parametrize(
    ("models", "model", "said"),
    [(["a", "b"], "", "several models"), ([], "", "no model loaded"), (["a"], "c", "has no model 'c'; it has a")],
)
def test_which_model(ours, run_job, chat, models, model, said):
    chat.models = models
    job = run_job(ours, JobKind.GENERATE, config_of(chat, server_model=model))
    assert (job.status, said in job.error) == ("failed", True), job.error


def test_refusals_keep_what_is_written(ours, run_job, chat):
    answer = chat.answer
    chat.answer = lambda question: b"{}" if question["messages"][-1]["content"] == "prompt 7" else answer(question)
    job = run_job(ours, JobKind.GENERATE, config_of(chat))
    assert (job.status, "OpenAI's chat API" in job.error) == ("failed", True)
    assert completions.prompts_of_job(ours, job.id)
    chat.answer = lambda question: says("")
    queue.resume(ours, job.id)
    worker.run_job(ours, worker.claim(ours), {})
    assert queue.get(ours, job.id).status == "done"
    assert any("completions are empty" in row["text"] for row in job_log.lines(ours, job.id))


def test_two_writers_are_not_guessed(ours):
    with pytest.raises(BadInput, match="not both"):
        GenerateConfig(server="127.0.0.1:1", policy_job=3)
    with pytest.raises(BadInput, match="with --server"):
        GenerateConfig(server_model="a")
    with pytest.raises(BadInput, match="no address"):
        wishes.from_here(GenerateConfig(server="ftp://127.0.0.1"))


def test_nothing_is_sent_before_a_person_said_so(ours, chat):
    """On this machine what a person types is the choice, in a project of theirs; elsewhere they are asked, by name;
    and a project from elsewhere asks always."""
    wishes.choose(ours, config_of(chat))
    there = GenerateConfig(server="http://192.0.2.1:8000/v1")
    with pytest.raises(AskFirst, match=r"192\.0\.2\.1:8000/v1', which is not this machine, unencrypted") as asked:
        wishes.choose(ours, there)
    with pytest.raises(AskFirst):
        wishes.check(ours, there)
    asked.value.allow()
    wishes.choose(ours, there)
    gate.revoke(ours)
    with pytest.raises(AskFirst, match="a server on this machine"):
        wishes.choose(ours, config_of(chat))
    queue.enqueue(ours, JobKind.GENERATE, config_values(config_of(chat)))
    worker.run_job(ours, worker.claim(ours), {})
    assert chat.asked == []


@pytest.mark.slow
def test_transformers_serve_writes(ours, run_job, tiny_model):
    """A real server of the API, which the test starts."""
    with serving(tiny_model) as address:
        job = run_job(ours, JobKind.GENERATE, GenerateConfig(**DRAWN, server=address, limit=3))
    assert job.status == "done", job.error
    found = [completions.group(ours, number).completions for number in completions.group_ids(ours)]
    assert len(found) == 3
    assert all(item.origin == f"Written by {tiny_model} at {address}" for each in found for item in each)
    assert all(0 < item.tokens <= 7 for each in found for item in each)
