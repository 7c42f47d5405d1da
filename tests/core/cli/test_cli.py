"""Every command through its own door: what it prints, what it exits with, and never a traceback."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from core import cli, demo
from core.cli.output import table
from core.config.jobs import CompareJob
from core.config.training import TrainPolicyJob, TrainRewardJob
from core.errors import BadInput
from core.jobs import launch, queue
from core.labeling.written import parse_order
from core.preferences import agreement
from core.records import Prompt
from core.report import arena, frontier
from core.report.growth import growth
from core.runs import slides
from core.store import arenas, calibration, create_project, open_project, prompts, rankings
from core.store.runs import job_metrics, job_samples
from core.trust import gate
from tests.ranked import counting_rankings

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def plumbline(capsys):
    """Run a command in this process; returns (exit code, stdout, stderr)."""

    def run(*arguments):
        code = cli.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def last_json(output: str):
    return json.loads(output.strip().splitlines()[-1])


@pytest.mark.parametrize("name", sorted(cli.cli.commands))
def test_every_command_has_help(plumbline, name):
    code, out, _ = plumbline(name, "--help")
    assert code == 0
    assert out.startswith("Usage: plumbline " + name)
    assert len(cli.cli.commands[name].help) > 20


def test_a_reader_who_leaves_is_no_error():
    """As `head` does, which has seen enough."""
    command = [sys.executable, str(ROOT / "main.py"), "algorithms"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        process.stdout.close()
        assert process.stderr.read() == ""


def test_the_help_names_the_algorithms_that_have_another_default(plumbline):
    said = " ".join(plumbline("train-policy", "--help")[1].split())
    assert "[default: reward; GRPO: loss]" in said and "[default: k2; GRPO: k3]" in said
    assert "default: 0.0; DQN: 0.003; Soft Q-learning: 0.003]" in said
    assert "from 1, to 20, default: 1]" in said, "one default where there is one"


def test_from_a_new_project_to_pairs_without_a_model(plumbline, tmp_path, tiny_model):
    folder = tmp_path / "p"
    assert plumbline("new", folder, "--name", "Mine", "--model", tiny_model)[0] == 0
    (tmp_path / "prompts.txt").write_text("hello\nworld\n")
    code, out, _ = plumbline("import", folder, tmp_path / "prompts.txt", "--json")
    assert (code, last_json(out)["added"]) == (0, 2)
    assert "Criteria" in plumbline("guidelines", folder)[1]
    (tmp_path / "g.md").write_text("## Criteria\nBe brief.\n## Flags\n- odd: strange\n")
    assert last_json(plumbline("guidelines", folder, "--file", tmp_path / "g.md", "--json")[1])["flags"] == {
        "odd": "strange"
    }
    assert len(last_json(plumbline("guidelines", folder, "--history", "--json")[1])["versions"]) == 2
    (tmp_path / "g.md").write_text(plumbline("guidelines", folder)[1] + "\nAn example.\n")
    (tmp_path / "h.md").write_text("## Criteria\nBe true.\n## Ties\nNever.\n## Flags\n- odd: strange\n")
    assert plumbline("guidelines", folder, "--file", tmp_path / "h.md", "--begun", 2)[0] == 0
    assert "Be true." in (out := plumbline("guidelines", folder, "--file", tmp_path / "g.md", "--begun", 2)[1])
    assert "Never." in out and "An example." in out
    code, _, said = plumbline("guidelines", folder, "--file", tmp_path / "h.md", "--begun", 1)
    assert code == 2 and "Examples changed" in said and "saved elsewhere since" in said
    assert len(last_json(plumbline("guidelines", folder, "--history", "--json")[1])["versions"]) == 4
    assert last_json(plumbline("pairs", folder, "--json")[1])["pairs"] == 0
    assert last_json(plumbline("model", folder, "--json")[1])["ready"] is True
    plumbline("prompts", folder, "--add", "third", "--heldout", "0.34")
    assert [row["split"] for row in last_json(plumbline("prompts", folder, "--json")[1])["prompts"]].count(
        "heldout"
    ) == 1


def test_ranking_by_order_by_flag_and_by_script(plumbline, filled):
    folder = filled.folder
    assert plumbline("rank", folder, "--order", "2>1=3", "--labeler", "ada")[0] == 0
    found = counting_rankings(filled)[0]
    shown = rankings.shown_order(1, found.labeler.id, sorted(found.ranks))
    assert [found.ranks[item] for item in shown] == [2, 1, 2, None]
    assert plumbline("rank", folder, "--flag", "unsafe", "--labeler", "ada")[0] == 0
    code, _, err = plumbline("rank", folder, "--flag", "nonsense", "--labeler", "ada")
    assert (code, "no flag" in err) == (2, True)
    assert plumbline("rank", folder, "--scripted", "length")[0] == 0
    assert last_json(plumbline("pairs", folder, "--json")[1])["scripted"] == 6
    assert plumbline("export", folder, filled.folder / "out.jsonl", "--format", "trl")[0] == 0


def test_orders_as_people_write_them():
    assert parse_order(" 2 > 1 = 3", [10, 20, 30]) == {10: 2, 20: 1, 30: 2}
    assert parse_order("1", [10, 20]) == {10: 1, 20: None}
    for wrong in ("", "4>1", "1>1", "a>b", "1>>2", "0"):
        with pytest.raises(BadInput):
            parse_order(wrong, [10, 20, 30])


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("pairs", "nowhere"), 2, "not a Plumbline project"),
        (("import", "PROJECT", "nowhere.txt"), 2, "not a file"),
        (("train-policy", "PROJECT", "--kl-coef", "-2"), 2, "--kl-coef must be at least -1"),
        (("train-policy", "PROJECT", "--kl-coef", "-0.5"), 2, "--kl-coef must be at least 0, or -1"),
        (("watch", "PROJECT", "77"), 2, "There is no job 77"),
        (("guidelines", "PROJECT", "--template", "none"), 2, "There is no template"),
        (("new", "PROJECT"), 2, "not empty"),
        (("new", "fresh", "--model", "/no/such/model"), 1, "is not there"),
        (("generate",), 2, "Missing argument"),
        (("dance",), 2, "No such command"),
    ],
)
def test_bad_input_is_one_sentence_and_an_exit_code(plumbline, project, tmp_path, monkeypatch, arguments, code, words):
    monkeypatch.chdir(tmp_path)
    given = [project.folder if item == "PROJECT" else item for item in arguments]
    found, out, err = plumbline(*given)
    assert (found, words in err) == (code, True), err
    assert "Traceback" not in out + err


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command as a person types it, in a process of its own."""
    env = os.environ | {"PLUMBLINE_DTYPE": "float32"} | environment
    command = [sys.executable, str(ROOT / "main.py"), arguments[0], str(folder), *arguments[1:]]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


BLOCKED = """
import socket, sys
def refuse(*_, **__): raise OSError("the network is blocked in this test")
socket.socket.connect = refuse
socket.create_connection = refuse
socket.getaddrinfo = refuse
"""


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """Block sockets in every Python process that is started, the worker's too."""
    (tmp_path / "blocked").mkdir()
    (tmp_path / "blocked" / "sitecustomize.py").write_text(BLOCKED)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "blocked"))


@pytest.mark.thorough
def test_the_whole_loop_runs_in_a_worker_process_offline(offline, tmp_path, tiny_model, plumbline):
    """`run-demo` as a person runs it, on the tiny model and with sockets blocked."""
    folder = tmp_path / "demo"
    done = run(folder, "run-demo", "--model", str(tiny_model), "--steps", "2", "--gold", "regex:[a-m]", "--json")
    assert done.returncode == 0, done.stderr
    found = last_json(done.stdout)
    assert set(found) == {
        "pairs",
        "reward_model_accuracy",
        "reward_before",
        "reward_after",
        "gold_before",
        "gold_after",
        "kl",
        "seconds",
    }
    assert found["pairs"] > 0
    project = open_project(folder)
    assert [job.kind for job in queue.listed(project)] == ["compare", "train-policy", "train-reward", "generate"]
    assert all(job.status == "done" for job in queue.listed(project))
    again = plumbline("run-demo", folder, "--model", tiny_model, "--steps", 2, "--gold", "regex:[a-m]", "--json")[1]
    assert last_json(again)["kl"] == found["kl"], "a second call takes up what is done"
    scored = run(folder, "score", "--prompt", "hi", "--completion", "a", "--completion", "b", "--json")
    assert len(last_json(scored.stdout)["scores"]) == 2
    project.close()


@pytest.fixture(scope="module")
def at_work(tmp_path_factory, tiny_model):
    """A project with prompts, a data folder, and a worker that several tests share: it loads torch once."""
    place = tmp_path_factory.mktemp("at-work")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLUMBLINE_DATA", str(place / "data"))
        patch.setenv("PLUMBLINE_DTYPE", "float32")
        patch.setenv("HF_HUB_OFFLINE", "1")
        project = create_project(place / "project", model=str(tiny_model))
        gate.made_here(project)
        prompts.add(project, [Prompt(0, f"question {number}?") for number in range(6)])
        project.close()
        process = launch.ensure_worker(place / "project", idle=300)
    yield place
    process.kill()
    process.wait()


@pytest.fixture
def worked_on(at_work, monkeypatch):
    monkeypatch.setenv("PLUMBLINE_DATA", str(at_work / "data"))
    return at_work / "project"


@pytest.mark.thorough
def test_a_failed_job_is_a_sentence_and_exit_code_1(worked_on):
    done = run(worked_on, "train-reward")
    assert done.returncode == 1
    assert "no pairs" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_run_demo_on_the_real_model(tmp_path, monkeypatch):
    """From nothing to a tuned policy: the reward on held-out prompts must truly rise."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "main.py"), "run-demo", str(tmp_path / "demo"), "--json"],
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = last_json(done.stdout)
    assert found["reward_model_accuracy"] > 0.55
    assert found["reward_after"] > found["reward_before"] + 0.3
    assert found["kl"] < 20


def test_the_demo_project_is_full_at_once(tmp_path):
    folder = demo.install(tmp_path / "demo")
    project = open_project(folder)
    assert project.database.value("select count(*) from prompts") >= 48
    assert {row["kind"] for row in project.database.rows("select distinct kind from labelers")} <= {"scripted", "judge"}
    assert job_samples.listed(project, queue.listed(project, CompareJob)[0].id)
    agreed = agreement.measure(project, by_tag=False)
    assert len(agreed.labelers) >= 2 and agreed.overall.groups > 20 and len(calibration.keys(project)) >= 8
    reward = queue.newest_run(project, TrainRewardJob)
    assert len(growth(project, reward, resamples=10).measured) >= 3, "a learning curve"
    policy = queue.newest_run(project, TrainPolicyJob)
    assert policy.result.gold_after > policy.result.gold_before + 0.3
    (place,) = arenas.listed(project)
    votes = {standing.kind: standing.votes for standing in arena.results(project, place.name).standings}
    assert votes["scripted"] >= 40 and votes["judge"] > 0
    found = frontier.gather(project)
    assert len(found.points) >= 3 and len(found.best_of) >= 3
    assert max(series.steps for series in slides.series_of(project, policy)) >= 4
    assert demo.install(tmp_path / "demo") == folder
    with pytest.raises(BadInput, match="not empty"):
        demo.install(tmp_path)
    project.close()


def test_what_the_demo_shows_ends_by_itself(tmp_path):
    """Of the completions to be ranked, of the answers before and after on held-out prompts, and of those in the arena:
    95 of 100 at least."""
    with closing(open_project(demo.install(tmp_path / "demo"))) as project:
        written = project.database.column("select ended from completions")
        voted_on = project.database.column("select ended from arena_answers")
        samples = job_samples.listed(project, queue.listed(project, CompareJob)[0].id)
    for shown in (written, voted_on, [sample["tokens"] < demo.TOKENS for sample in samples]):
        assert sum(shown) >= 0.95 * len(shown) > 20


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent as a signal")
def test_ctrl_c_stops_the_job_with_a_checkpoint_and_says_how_to_go_on(worked_on, plumbline):
    folder = worked_on
    command = [sys.executable, str(ROOT / "main.py"), "train-policy", str(folder), "--steps", "5000"]
    command += ["--gold", "regex:[a-m]", "--train-on-gold", "--max-new-tokens", "8"]
    heeds = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731  where tests run in the background
    project = open_project(folder)
    number = len(queue.listed(project)) + 1
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"PLUMBLINE_DTYPE": "float32"}, preexec_fn=heeds
    )
    deadline = time.monotonic() + 60
    while not job_metrics.series(project, number).get("objective/kl"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "resume" in err
    job = queue.get(project, number)
    assert job.status == "stopped"
    last = max(step for step, _ in job_metrics.series(project, number)["objective/kl"])
    assert project.database.value("select max(step) from checkpoints where job_id = ?", number) == last
    assert plumbline("resume", folder, number, "--detach")[0] == 0
    while max(step for step, _ in job_metrics.series(project, number)["objective/kl"]) <= last + 1:
        assert time.monotonic() < deadline + 60
        time.sleep(0.05)
    assert plumbline("stop", folder, number)[0] == 0
    project.close()


@pytest.mark.thorough
def test_the_commands_around_a_policy(plumbline, tmp_path, tiny_model, monkeypatch):
    """Algorithms are listed, a sweep is queued and run, its runs compared, a setting steered, rounds shown."""
    monkeypatch.setenv("PLUMBLINE_DTYPE", "float32")
    listed = last_json(plumbline("algorithms", "--json")[1])["algorithms"]
    assert {"ppo", "reinforce", "rloo", "a2c", "trpo", "nlpo", "soft-q", "dqn", "grpo", "dpo", "sft", "kto"} == {
        kind["name"] for kind in listed
    }
    assert all(kind["summary"] and "settings" in kind for kind in listed)
    assert "arXiv 1502.05477" in plumbline("algorithms")[1]

    folder = tmp_path / "p"
    plumbline("new", folder, "--model", tiny_model)
    for number in range(4):
        plumbline("prompts", folder, "--add", f"prompt {number}")
    small = ("--gold", "length", "--train-on-gold", "--steps", "2", "--batch-size", "4", "--max-new-tokens", "4")
    code, out, err = plumbline(
        "sweep", folder, "--vary", "kl-coef=0.02,0.1", "--algorithm", "rloo", *small, "--eval-prompts", "0", "--json"
    )
    assert code == 0, err
    runs = last_json(out)["runs"]
    assert [run["steps"] for run in runs] == [2, 2]
    assert [run["name"] for run in runs] == ["Sweep: kl_coef 0.02", "Sweep: kl_coef 0.1"]
    table = plumbline("runs", folder)[1]
    assert "kl_coef" in table.splitlines()[0]
    assert "learning_rate" not in table, "only what differs is shown"
    assert "KL coefficient 0.02" in table
    named = ("--name", "warm start", "--tags", "paper, draft", "--note", "Of May.")
    assert (
        plumbline("name-run", folder, runs[0]["job"], *named)[1].strip().endswith("warm start · paper, draft · Of May.")
    )
    told = last_json(plumbline("runs", folder, "--json")[1])["runs"][-1]
    assert (told["name"], told["tags"], told["note"]) == ("warm start", ["paper", "draft"], "Of May.")
    code, _, err = plumbline("steer", folder, runs[0]["job"], "kl_coef", "0.3")
    assert (code, "not a run of a policy that goes on" in err) == (2, True)
    code, _, err = plumbline("train-policy", folder, "--algorithm", "rloo", "--ppo-epochs", "3")
    assert (code, "not an option of rloo" in err) == (2, True)
    code, _, err = plumbline("sweep", folder, "--vary", "kl_coef", *small)
    assert (code, "names no values" in err) == (2, True)
    assert "no completions" in plumbline("rounds", folder)[1]


def test_small_numbers_in_a_table_keep_their_digits():
    rows = table([[0.0003, 0.663, -2e-5, 12.0, None]], ["a", "b", "c", "d", "e"]).splitlines()
    assert rows[1].split() == ["0.0003", "0.663", "-2e-05", "12.000"]


def test_the_launcher_is_written_for_this_installation_and_taken_away(plumbline, tmp_path, monkeypatch):
    if not sys.platform.startswith("linux"):
        pytest.skip("desktop entries are for Linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert plumbline("launcher")[0] == 0
    entry = (tmp_path / "applications" / "plumbline.desktop").read_text()
    command = next(line for line in entry.splitlines() if line.startswith("Exec=")).removeprefix("Exec=")
    program = shlex.split(command)[0]
    assert Path(program).is_file() and os.access(program, os.X_OK)
    drawing = (tmp_path / "icons" / "hicolor" / "scalable" / "apps" / "plumbline.svg").read_text()
    assert "currentColor" not in drawing and "<svg" in drawing
    assert plumbline("launcher", "--remove")[0] == 0
    assert not list(tmp_path.rglob("plumbline.*"))


def test_a_file_that_may_hold_answers_is_asked_about(plumbline, project, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("question,good,bad\nWhich?,this,that\n", encoding="utf-8")
    code, _, told = plumbline("import", project.folder, path)
    assert code == 2
    assert "--prompts-only" in told and "--map prompt=question,chosen=good,rejected=bad" in told
    mapped = ("--map", "prompt=question,chosen=good,rejected=bad", "--keep-map", "mine")
    code, out, _ = plumbline("import", project.folder, path, *mapped, "--json")
    assert (code, last_json(out)["what"], last_json(out)["added"]) == (0, "rankings", 1)
    assert last_json(plumbline("import", project.folder, path, "--map", "mine", "--json")[1])["known"] == 1
    assert plumbline("import", project.folder, path, "--map", "other")[0] == 2
    path.write_text("question,note that is long enough\nWho?,a text of several words\n", encoding="utf-8")
    assert plumbline("import", project.folder, path)[0] == 2
    assert plumbline("import", project.folder, path, "--prompts-only")[0] == 0
