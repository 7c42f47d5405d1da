"""What a person is told of long runs: set by a command, told by a command or a webhook of theirs, never in the way."""

import json
import sys
import time

import pytest

from core.config.jobs import JobKind
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.events import Metrics
from core.jobs import queue
from core.runs import alerting, alerts
from core.runs.alerting import Watch
from core.store.runs import job_log
from tests.chat_server import running
from tests.jobs import add_job

#: Appends what it is given to a file: the input, and a variable.
TELL = "import os, sys; open(sys.argv[1], 'a').write(sys.stdin.read() + ' ' + os.environ['PLUMBLINE_TEXT'] + chr(10))"


@pytest.fixture
def told(tmp_path):
    """The file that the command writes, and the words of the command."""
    script = tmp_path / "tell me.py"
    script.write_text(TELL)
    return tmp_path / "told", f"'{sys.executable}' '{script}' '{tmp_path / 'told'}'"


def watched(project):
    return Watch(project, queue.get(project, add_job(project, TrainPolicyConfig(), status="running").id))


def seen(watch, *rewards, kl=0.0):
    return [
        text
        for step, reward in enumerate(rewards)
        for text in watch.see(Metrics(step + 1, {"objective/scores": reward, "objective/kl": kl}))
    ]


def test_a_rule_is_told_once_with_what_came_true(project, plumbline, told):
    path, command = told
    assert plumbline("alert", "--when", "reward", "--above", 0.5, "--command", command)[0] == 0
    assert plumbline("alert", "--when", "kl", "--above", 20, "--command", command)[0] == 0
    watch = watched(project)
    assert seen(watch, 0.0, 3.0, 0.0, 0.0, 3.0, 0.0) == [] and not path.exists(), "means of three: 1, 1, 1, 1"
    assert seen(watch, 0.0, 0.0, 0.0, kl=21) == []
    lines = path.read_text().splitlines()
    found = [json.loads(line[: line.rindex("}") + 1]) for line in lines]
    assert [each["rule"] for each in found] == ["kl 20", "reward 0.5"]
    assert "21.00 nats" in found[0]["text"] and "fell by 1.00" in found[1]["text"]
    assert [line.endswith(each["text"]) for line, each in zip(lines, found, strict=True)] == [True] * 2
    assert found[0]["project"] == str(project.folder)


def test_an_end_is_told_to_a_webhook_of_this_machine(project, plumbline):
    with running() as server:
        address = server.url.removesuffix("/v1") + "/hook"
        assert plumbline("alert", "--when", "failed", "--webhook", address)[0] == 0
        watch = watched(project)
        assert list(watch.ended("done", "")) == [] and not server.asked
        assert list(watch.ended("failed", "The disk is full.")) == []
        ((path, _, message),) = server.asked
        assert path == "/hook" and message["text"].endswith("It is failed. The disk is full.")
        assert plumbline("alert", "--test", 1)[0] == 0 and len(server.asked) == 2
        server.refuse.append((302, {"location": f"{address}/other"}, b""))
        assert "answered 302" in "".join(watch.ended("failed", "")), "nobody is followed elsewhere"
    assert "could not be reached" in "".join(watch.ended("failed", ""))


def test_a_command_that_fails_or_does_not_end_is_a_sentence(project, plumbline, monkeypatch):
    monkeypatch.setattr(alerting, "LIMIT", 1.0)
    for words in ("no-such-program-here", f"'{sys.executable}' -c 'raise SystemExit(3)'",
                  f"'{sys.executable}' -c 'import time; time.sleep(60)'"):  # fmt: skip
        assert plumbline("alert", "--when", "ended", "--command", words)[0] == 0
    began = time.monotonic()
    said = list(watched(project).ended("done", ""))
    assert time.monotonic() - began < 30
    assert ["could not be started" in said[0], "ended with 3" in said[1], "took longer" in said[2]] == [True] * 3


def test_a_run_goes_on_whatever_becomes_of_its_alerts(asking, run_job, plumbline, told):
    path, command = told
    assert plumbline("alert", "--when", "ended", "--command", "no-such-program-here")[0] == 0
    assert plumbline("alert", "--when", "ended", "--command", command)[0] == 0
    config = TrainPolicyConfig(
        algorithm="reinforce", steps=2, gold="length", train_on_gold=True, eval_prompts=0, max_new_tokens=4,
        batch_size=8, learning_rate=1e-2, lora_rank=4, reference_answers=False,
    )  # fmt: skip
    job = run_job(asking, JobKind.TRAIN_POLICY, config, ALGORITHMS["reinforce"].config())
    assert job.status == "done", job.error
    assert f"Run {job.id}" in path.read_text() and "It is done." in path.read_text()
    notes = [row["text"] for row in job_log.lines(asking, job.id) if "could not be told" in row["text"]]
    assert len(notes) == 1 and "no-such-program-here" in notes[0]


def test_a_shell_reads_nothing_and_no_text_of_a_project_is_an_argument(project, plumbline, tmp_path):
    made = tmp_path / "made"
    assert plumbline("alert", "--when", "ended", "--command", f"echo hello; touch '{made}' $(touch '{made}')")[0] == 0
    list(watched(project).ended("done", "$(touch x)"))
    assert not made.exists()


@pytest.mark.parametrize(
    "words",
    [
        ["--when", "kl", "--command", "true"],
        ["--when", "ended", "--above", "1", "--command", "true"],
        ["--when", "ended"],
        ["--when", "ended", "--command", "true", "--webhook", "127.0.0.1:9/x"],
        ["--when", "ended", "--command", "'open"],
        ["--when", "ended", "--command", "sub/tell.sh"],
        ["--when", "ended", "--webhook", "ftp://127.0.0.1/x"],
        ["--when", "kl", "--above", "nan", "--command", "true"],
        ["--command", "true"],
        ["--remove", "1"],
        ["--test", "1"],
    ],
)
def test_what_tells_nobody_or_nothing_is_refused(plumbline, words):
    code, _, err = plumbline("alert", *words)
    assert code == 2 and err and not alerts.file().exists()


def test_another_machine_is_told_only_after_a_yes(plumbline, monkeypatch):
    asked = []
    monkeypatch.setattr("click.confirm", lambda text, **_: asked.append(text))
    assert plumbline("alert", "--when", "ended", "--webhook", "http://127.0.0.1:9/x")[0] == 0 and not asked
    assert plumbline("alert", "--when", "ended", "--webhook", "http://example.org/x")[0] == 0
    assert "http://example.org/x" in asked[0] and "others on the way" in asked[0]


def test_a_file_that_is_damaged_tells_nobody_and_the_command_says_so(project, plumbline):
    for text in ("{", "[1]", '[{"when": "ended", "above": 0, "command": "rm", "webhook": ""}]',
                 '[{"when": "never", "above": 0, "command": ["x"], "webhook": ""}]'):  # fmt: skip
        alerts.file().write_text(text)
        assert list(watched(project).ended("done", "")) == []
        code, _, err = plumbline("alert")
        assert code == 2 and "alerts.json" in err
