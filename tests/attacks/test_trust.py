"""What comes from elsewhere runs nothing: code that a project names, its jobs, and what reaches beyond its folder."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import click
import pytest

from core import cli, demo, worker
from core.config.jobs import CompareConfig, ExportModelConfig, FetchModelConfig, GenerateConfig, JobKind, config_values
from core.config.scoring import ScoreFileConfig
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyResult
from core.errors import BadInput, ModelError, ProjectMoved
from core.jobs import lock, queue
from core.labeling import gold, pack, simulate
from core.machine import base_models, model_cache
from core.models import fetch
from core.projects import archive
from core.runs import preflight, sweep, wishes
from core.store import DATABASE, labelers, open_project
from core.trust import code, gate, registry
from core.trust.wish import AskFirst, of_file, of_model, of_reward_model
from tests.jobs import add_job, set_job
from tests.older import TO_M005
from tests.tiny import make_tiny_model

ROOT = Path(cli.__file__).parents[2]
PPO = ALGORITHMS["ppo"].config()


@pytest.fixture
def mine(tmp_path):
    """A reward that leaves a mark where it runs; returns its name, and whether it ran."""
    file = tmp_path / "evil.py"
    mark = tmp_path / "ran"
    file.write_text(f"open({str(mark)!r}, 'w').close()\ndef score(prompt, completion):\n    return 1.0\n")
    return f"{file}:score", mark.exists


@pytest.fixture
def foreign(filled, tmp_path):
    """A copy of a project that is trusted, made by hand: it carries the same identity."""
    filled.database.conn.execute("pragma wal_checkpoint(truncate)")
    shutil.copytree(filled.folder, tmp_path / "foreign", ignore=shutil.ignore_patterns("worker.*"))
    with closing(open_project(tmp_path / "foreign")) as project:
        yield project


def run_queued(project):
    """As the worker does, with all that comes before."""
    gate.arrive(project, worker=True)
    while (job := worker.claim(project)) is not None:
        worker.run_job(project, job, {})


# --- what is trusted ---------------------------------------------------------------------------------------------


def test_what_is_made_here_is_trusted(plumbline, tmp_path):
    assert plumbline("new", tmp_path / "new")[0] == 0
    demo.install(tmp_path / "demo")
    archive.duplicate(tmp_path / "new", tmp_path / "copy")
    for name in ("new", "demo", "copy"):
        with closing(open_project(tmp_path / name)) as project:
            assert gate.is_trusted(project), name


def test_a_project_that_moves_on_its_disk_stays_trusted(filled, tmp_path):
    filled.close()
    filled.folder.rename(tmp_path / "moved")
    with closing(open_project(tmp_path / "moved")) as project:
        assert gate.is_trusted(project)


def test_what_carries_the_identity_of_a_trusted_one_is_not_trusted(filled, foreign, tmp_path):
    assert gate.is_trusted(filled)
    assert foreign.setting("identity") == filled.setting("identity")
    assert not gate.is_trusted(foreign)
    archive.restore(archive.archive(filled.folder, tmp_path / "a.plumbline.zip"), tmp_path / "restored")
    pack.pack(filled, tmp_path / "me.plumbpack", "me")
    pack.unpack(tmp_path / "me.plumbpack", tmp_path / "unpacked")
    for name in ("restored", "unpacked"):
        with closing(open_project(tmp_path / name)) as project:
            assert not gate.is_trusted(project), name
            assert project.setting("identity") != filled.setting("identity"), name


def test_a_file_put_in_a_trusted_folder_is_not_trusted(filled, foreign):
    foreign.close()
    filled.close()
    os.replace(foreign.folder / DATABASE, filled.folder / DATABASE)
    with closing(open_project(filled.folder)) as project:
        assert not gate.is_trusted(project)


def test_trust_is_kept_outside_the_project(filled):
    inside = {path.name for path in filled.folder.rglob("*")}
    assert not [name for name in inside if "trust" in name]
    assert filled.setting("trusted") is None


def test_a_damaged_registry_trusts_nothing(filled, tmp_path):
    for file in (registry.base_models.data_folder() / "trust").iterdir():
        file.write_text('{"trusted": true', encoding="utf-8")
    assert not gate.is_trusted(filled)


def test_a_disk_that_is_numbered_anew_keeps_trust_where_the_project_lay(filled):
    place = registry.ProjectFile.of(filled)
    assert registry.standing(replace(place, device=place.device + 1)) == registry.Standing(trusted=True, made=True)
    assert registry.standing(replace(place, device=place.device + 1, path="elsewhere")) is None


def test_a_project_of_an_older_version_works_and_is_asked_only_for_code(foreign, mine, plumbline):
    foreign.database.conn.executescript(TO_M005)
    foreign.close()
    assert plumbline("rank", foreign.folder, "--scripted", "warmth")[0] == 0
    assert plumbline("pairs", foreign.folder)[0] == 0
    assert plumbline("generate", foreign.folder, "--detach")[0] == 0
    exit_code, _, err = plumbline("rank", foreign.folder, "--scripted", mine[0])
    assert exit_code == 2
    assert "evil.py" in err
    with closing(open_project(foreign.folder)) as project:
        assert project.setting("identity")


def test_a_data_folder_that_cannot_be_written_stops_nobody_from_looking(foreign, plumbline, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PLUMBLINE_DATA", str(tmp_path / "file"))
    add_job(foreign, TrainPolicyConfig(train_on_gold=True, gold="length"))
    assert plumbline("jobs", foreign.folder)[0] == 0
    assert plumbline("rank", foreign.folder, "--order", "1>2>3>4")[0] == 0
    exit_code, _, err = plumbline("trust", foreign.folder, "--yes")
    assert exit_code in (1, 2)
    assert "data folder" in err or "cannot be written" in err


# --- code --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["cProfile:run", "os:system", "subprocess:run", "os.path:join", "builtins:exec", "core.projects.trash:delete"],
)
@pytest.mark.parametrize("trusted", [True, False])
def test_python_and_the_program_hold_no_rewards(filled, foreign, plumbline, name, trusted):
    project = filled if trusted else foreign
    if trusted:
        gate.trust(project)
    with pytest.raises(BadInput, match="holds no rewards"):
        gold.rank_all(project, name)
    for command in (("rank", project.folder, "--scripted", name), ("simulate", project.folder, "--gold", name)):
        exit_code, _, err = plumbline(*command)
        assert exit_code == 2
        assert "holds no rewards" in err
    assert plumbline("trust", "--module", name.split(":")[0])[0] == 2


LIBRARY = os.path.dirname(os.__file__)
PROGRAM = os.path.dirname(os.path.dirname(cli.__file__))


@pytest.mark.parametrize(
    "file",
    [
        f"{LIBRARY}/cProfile.py",
        f"{LIBRARY}/importlib/../timeit.py",
        f"{PROGRAM}/projects/trash.py",
        os.path.dirname(click.__file__) + "/utils.py",
        "/opt/other/lib/python3.9/dist-packages/tool.py",
    ],
)
def test_files_of_python_of_packages_and_of_the_program_hold_no_rewards(filled, plumbline, file):
    """`cProfile.py:run` runs the text of a prompt: a yes to that names nothing of what runs."""
    name = f"{file}:run"
    with pytest.raises(BadInput, match="holds no rewards"):
        gate.choose(filled, wishes.of_gold(name))
    exit_code, _, err = plumbline("rank", filled.folder, "--scripted", name)
    assert exit_code == 2 and "holds no rewards" in err


def test_neither_a_link_nor_another_python_hides_that_it_is_pythons(filled, tmp_path):
    other = tmp_path / "lib" / "python2.7"
    other.mkdir(parents=True)
    for name in ("os.py", "abc.py", "cProfile.py"):
        (other / name).write_text("def run(prompt, completion): ...")
    (tmp_path / "mine.py").symlink_to(f"{LIBRARY}/cProfile.py")
    (tmp_path / "link").symlink_to(PROGRAM)
    for file in (other / "cProfile.py", tmp_path / "mine.py", tmp_path / "link" / "projects" / "trash.py"):
        with pytest.raises(BadInput, match="holds no rewards"):
            gate.choose(filled, wishes.of_gold(f"{file}:run"))


@pytest.mark.parametrize(
    "function",
    ["warmth, which comes with Plumbline" + " " * 3000 + "x", "score\nx", "a.b", "s" * 101, "\u3164 x"],
)
def test_a_function_is_a_name_and_no_sentence(filled, tmp_path, function):
    with pytest.raises(BadInput, match="no name of a function"):
        wishes.of_gold(f"{tmp_path / 'evil.py'}:{function}")


@pytest.mark.parametrize("blank", [" ", "\u3164", "\u2800 ", "\n", "\t", "\u2003", "\u200b"])
def test_no_blanks_push_a_file_out_of_a_question(blank):
    for wish in (*wishes.of_gold(f"/x/{blank * 900}/evil.py:score"), *of_file(f"/x/{blank * 900}/out")):
        assert not re.search("  |[\u2800\u3164\u2003\u200b\n\t]", wish.words)
    with pytest.raises(BadInput, match="longer than any path"):
        of_file("/x" * 3000)


def test_a_link_asks_for_where_it_leads(foreign, mine, tmp_path):
    (tmp_path / "kind.py").symlink_to(tmp_path / "evil.py")
    for name, leads in (("results", "modules"), ("base", "theirs"), ("judge", "private"), ("adapter", "inside")):
        (tmp_path / name).symlink_to(tmp_path / leads)
    adapted = base_models.with_adapter(base_models.parse("embedded"), str(tmp_path / "adapter"), "0" * 64).text
    doors = {
        "evil": lambda: gold.find(foreign, f"{tmp_path / 'kind.py'}:score"),
        "modules": lambda: gate.check(foreign, of_file(str(tmp_path / "results" / "out.jsonl"))),
        "theirs": lambda: gate.check(foreign, of_model(str(tmp_path / "base"))),
        "private": lambda: gate.check(foreign, of_reward_model(str(tmp_path / "judge"))),
        "inside": lambda: gate.check(foreign, of_model(adapted)),
    }
    for leads, door in doors.items():
        with pytest.raises(AskFirst) as first:
            door()
        assert leads not in str(first.value), "it is not looked at yet"
        first.value.allow()
        assert leads != "evil" or not mine[1]()
        with pytest.raises(AskFirst, match=rf"which leads to .*{leads}") as second:
            door()
        second.value.allow()
        door()
    for name in ("results", "base", "judge", "adapter"):
        (tmp_path / name).unlink()
        (tmp_path / name).symlink_to("/net/stranger.example/m")
    for leads in ("modules", "theirs", "private", "inside"):
        with pytest.raises(AskFirst, match=r"which leads to .*stranger\.example"):
            doors[leads]()


def test_a_link_that_a_person_named_as_the_base_asks_nothing_until_it_leads_elsewhere(plumbline, tmp_path):
    base = make_tiny_model(tmp_path / "base")
    (tmp_path / "link").symlink_to(base)
    assert plumbline("new", tmp_path / "new", "--model", tmp_path / "link")[0] == 0
    assert plumbline("generate", tmp_path / "new", "--detach")[0] == 0
    assert plumbline("model", tmp_path / "new", tmp_path / "link")[0] == 0
    (tmp_path / "link").unlink()
    (tmp_path / "link").symlink_to(tmp_path / "another")
    exit_code, _, err = plumbline("generate", tmp_path / "new", "--detach")
    assert exit_code == 2 and "another" in err


@pytest.fixture
def looked(monkeypatch):
    """Places below /net/stranger.example that anybody looks at."""
    found = []

    def look(real, path, *more, **named):
        found.extend([path] if "stranger.example" in str(path) else [])
        return real(path, *more, **named)

    for name in ("stat", "lstat", "readlink", "open", "scandir"):
        monkeypatch.setattr(os, name, partial(look, getattr(os, name)))
    return found


def test_what_a_foreign_project_names_is_not_looked_at_before_somebody_agreed(foreign, plumbline, looked):
    there = "/net/stranger.example"
    run = TrainPolicyConfig(gold=f"{there}/g.py:f", rules=f"2*{there}/r.py:f", reward_model=f"{there}/rm")
    add_job(foreign, run, status="done", result='{"adapter": "runs/1/step-1"}')
    add_job(foreign, run, status="interrupted")
    add_job(foreign, ScoreFileConfig(path=f"{there}/in.jsonl", out=f"{there}/out"), status="interrupted")
    commands = (
        ["trust"],
        ["compare"],
        ["resume", 2],
        ["resume", 3],
        ["train-policy", "--gold", f"{there}/g.py:f", "--train-on-gold"],
    )
    for name, *more in commands:
        code, _, told = plumbline(name, foreign.folder, *more)
        assert code == 2 and "stranger.example" in told, name
    assert not looked
    code, _, told = plumbline("trust", foreign.folder, "--yes")
    assert code == 0 and "Not allowed" in told and looked, "once somebody agreed, it is said that it is not there"


def test_no_door_runs_what_nobody_allowed(foreign, mine):
    name, ran = mine
    doors = {
        "find": lambda: gold.find(foreign, name),
        "rank": lambda: gold.rank_all(foreign, name),
        "simulate": lambda: simulate.simulate(foreign, name, "careful"),
        "sweep": lambda: sweep.enqueue(foreign, TrainPolicyConfig(gold=name, train_on_gold=True), PPO, {"seed": ["1"]}),
        "start": lambda: wishes.choose(foreign, TrainPolicyConfig(rules=f"2*{name}")),
    }
    for door, run in doors.items():
        with pytest.raises(AskFirst, match=r"evil\.py"):
            run()
        assert not ran(), door
    assert not queue.listed(foreign)


@pytest.mark.parametrize(
    "config",
    [
        TrainPolicyConfig(gold="MINE", train_on_gold=True),
        TrainPolicyConfig(rules="0.5*length; 2*MINE"),
        CompareConfig(gold="MINE"),
    ],
)
def test_the_worker_is_the_last_door(foreign, mine, config):
    name, ran = mine
    gate.arrive(foreign)
    fields = {field: value.replace("MINE", name) for field, value in vars(config).items() if isinstance(value, str)}
    job = add_job(foreign, replace(config, **fields))
    run_queued(foreign)
    ended = queue.get(foreign, job.id)
    assert ended.status == "failed"
    assert "evil.py" in ended.error
    assert "trust" in ended.error
    assert ended.report is None
    assert not ran()


def test_a_comparison_does_not_run_what_the_run_before_names(foreign, mine):
    name, ran = mine
    gate.arrive(foreign)
    run = add_job(foreign, TrainPolicyConfig(rules=name), status="done", result='{"adapter": "runs/1/step-1"}')
    assert isinstance(run.result, TrainPolicyResult)
    job = add_job(foreign, CompareConfig(policy_job=run.id))
    run_queued(foreign)
    assert "evil.py" in queue.get(foreign, job.id).error
    assert not ran()


def test_what_a_compared_run_names_does_not_count_as_typed(filled, mine):
    run = add_job(filled, TrainPolicyConfig(gold=mine[0]), status="done", result='{"adapter": "runs/1/step-1"}')
    for config in (CompareConfig(policy_job=run.id, gold=mine[0]), CompareConfig(policy_job=run.id)):
        with pytest.raises(AskFirst, match=r"evil\.py"):
            wishes.choose(filled, config)
    with pytest.raises(AskFirst) as asked:
        wishes.choose(filled, TrainPolicyConfig(gold=mine[0]), taken=run.config)
    asked.value.allow()
    wishes.choose(filled, CompareConfig(policy_job=run.id, gold=mine[0]))


@pytest.mark.parametrize(
    ("name", "detail", "suggested"),
    [
        ("scripted: x", "/home/them/evil.py:score", ""),
        ("scripted: x", "their_module:score", ""),
        ("simulated: careful, x", "their_module:score (careful)", ""),
        ("simulated: careful, length", "length (careful)", "length"),
        ("simulated: hasty, regex:a (b)", "regex:a (b) (hasty, noise 0.2)", "regex:a (b)"),
        ("scripted: regex:a (b)", "regex:a (b)", "regex:a (b)"),
        ("scripted: regex:(", "regex:(", ""),
        ("scripted: regex", f"regex:{'a' * 300}", ""),
        ("scripted: warmth", "warmth", "warmth"),
    ],
)
def test_only_rewards_of_ours_are_suggested(filled, name, detail, suggested):
    labelers.named(filled, name, kind="scripted", detail=detail)
    assert gold.suggested(filled) == suggested


def test_typing_it_in_a_project_of_ones_own_is_the_choice(filled, mine, plumbline, monkeypatch):
    name, ran = mine
    assert plumbline("rank", filled.folder, "--scripted", name)[0] == 0
    assert ran()
    file = name.rpartition(":")[0]
    monkeypatch.chdir(os.path.dirname(file))
    with open(file, "a") as source:
        source.write("# changed\n")
    assert plumbline("simulate", filled.folder, "--gold", "evil.py:score")[0] == 0


def test_a_module_of_ones_own_can_be_typed_and_chosen(filled, foreign, plumbline, tmp_path, monkeypatch):
    package = tmp_path / "modules" / "my_rewards"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit('run before it was allowed')\n")
    (package / "kind.py").write_text("def score(prompt, completion):\n    return len(completion)\n")
    monkeypatch.syspath_prepend(tmp_path / "modules")
    with pytest.raises(BadInput, match=r"trust -m my_rewards\.kind"):
        gold.find(foreign, "my_rewards.kind:score")
    assert plumbline("trust", "--module", "my_rewards.kind")[1].endswith("my_rewards.kind.\n")
    with pytest.raises(AskFirst, match=r"kind\.py"):
        gold.find(foreign, "my_rewards.kind:score")
    (package / "__init__.py").write_text("")
    gate.trust(foreign, wishes.of_gold("my_rewards.kind:score"))
    assert gold.find(foreign, "my_rewards.kind:score")("", "four") == 4
    plumbline("trust", "--revoke", "--module", "my_rewards.kind")
    assert not registry.modules()
    gate.choose(filled, wishes.of_gold("my_rewards.kind:score"))
    assert gold.find(filled, "my_rewards.kind:score")("", "four") == 4


def test_code_that_changed_is_asked_for_again(filled, mine):
    name, _ = mine
    gate.choose(filled, wishes.of_gold(name))
    gold.find(filled, name)
    with open(name.rpartition(":")[0], "a") as source:
        source.write("import os\n")
    with pytest.raises(AskFirst, match="has changed since you allowed it"):
        gold.find(filled, name)


def test_code_of_a_project_that_was_trusted_is_asked_for_when_it_changes(foreign, mine, plumbline):
    name, _ = mine
    add_job(foreign, TrainPolicyConfig(rules=name), status="done")
    assert plumbline("trust", foreign.folder, "--yes")[0] == 0
    assert plumbline("rank", foreign.folder, "--scripted", name)[0] == 0
    with open(name.rpartition(":")[0], "a") as source:
        source.write("import os\n")
    exit_code, _, err = plumbline("rank", foreign.folder, "--scripted", name)
    assert exit_code == 2
    assert "has changed since you allowed it" in err


def test_code_may_be_broken_without_a_traceback(filled, tmp_path):
    for text in ("def score(", "raise ValueError('no')", "score = 1/0", "\0"):
        (tmp_path / "broken.py").write_text(text)
        name = f"{tmp_path / 'broken.py'}:score"
        gate.choose(filled, wishes.of_gold(name))
        with pytest.raises(BadInput, match="cannot be loaded"):
            gold.find(filled, name)


def test_built_in_rewards_are_free(foreign):
    assert len(gold.rank_all(foreign, "length").ids) == 6
    assert not wishes.named(foreign, TrainPolicyConfig(gold="warmth", rules="0.5*sentiment; -0.01*regex:a:b"))


# --- jobs --------------------------------------------------------------------------------------------------------


@pytest.fixture
def loaded(foreign):
    """Jobs that wait, run and are paused came with it."""
    for status in ("queued", "running", "paused"):
        add_job(foreign, TrainPolicyConfig(train_on_gold=True, gold="length"), status=status)
    return foreign


def statuses(project):
    return {job.status for job in queue.listed(project)}


def test_no_job_of_a_foreign_project_starts_by_itself(loaded):
    run_queued(loaded)
    assert statuses(loaded) == {"stopped"}
    assert {job.error for job in queue.listed(loaded)} == {gate.AT_REST}
    assert {job.attempt for job in queue.listed(loaded)} == {0}


@pytest.mark.parametrize("command", [("jobs",), ("watch", 1), ("worker", "--idle", "0")])
def test_no_command_starts_jobs_that_came_along(loaded, plumbline, command):
    name, *more = command
    arguments = (name, *more, loaded.folder) if name == "worker" else (name, loaded.folder, *more)
    _, _, err = plumbline(*arguments)
    assert statuses(loaded) == {"stopped"}
    assert "Traceback" not in err


def test_restored_and_unpacked_jobs_stand_still_before_they_are_opened(loaded, tmp_path):
    shutil.make_archive(str(tmp_path / "a"), "zip", loaded.folder, DATABASE)
    loaded.database.conn.execute("pragma wal_checkpoint(truncate)")
    shutil.make_archive(str(tmp_path / "a"), "zip", loaded.folder, DATABASE)
    archive.restore(tmp_path / "a.zip", tmp_path / "restored")
    loaded.set_setting("pack", "me")
    loaded.database.conn.execute("pragma wal_checkpoint(truncate)")
    pack.unpack(loaded.folder / DATABASE, tmp_path / "unpacked")
    for name in ("restored", "unpacked"):
        with closing(open_project(tmp_path / name)) as project:
            assert not statuses(project) & {"queued", "running", "paused"}, name


def test_a_person_may_resume_them(loaded, plumbline):
    gate.arrive(loaded)
    assert plumbline("resume", loaded.folder, 1, "--detach")[0] == 0
    gate.arrive(loaded, worker=True)
    assert queue.get(loaded, 1).status == "queued", "the worker takes what was resumed here"


def test_resuming_says_what_it_would_run(loaded, plumbline, mine):
    job = set_job(loaded, 1, config=json.dumps(config_values(TrainPolicyConfig(rules=mine[0]), PPO)))
    exit_code, _, err = plumbline("resume", loaded.folder, job.id, "--detach")
    assert exit_code == 2
    assert "evil.py" in err
    assert queue.get(loaded, job.id).status == "stopped"


def test_jobs_of_ones_own_go_on(filled):
    job = add_job(filled, TrainPolicyConfig(train_on_gold=True, gold="length"))
    assert not gate.arrive(filled, worker=True)
    assert not gate.arrive(filled, anew=True)
    assert queue.get(filled, job.id).status == "queued"


def test_a_project_at_which_a_worker_is_at_work_is_left_alone(loaded):
    guard = lock.acquire(loaded.folder)
    assert not gate.arrive(loaded, anew=True)
    assert "queued" in statuses(loaded)
    guard.close()
    assert gate.arrive(loaded, anew=True)


# --- beyond the folder -------------------------------------------------------------------------------------------


def test_neither_a_model_nor_a_file_that_came_along_is_followed(foreign, tmp_path):
    gate.arrive(foreign)
    victim = tmp_path / "victim.txt"
    victim.write_text("kept")
    (tmp_path / "in.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    configs = [
        ScoreFileConfig(path=str(tmp_path / "in.jsonl"), out=str(victim)),
        ScoreFileConfig(path=str(tmp_path / "in.jsonl"), out=str(victim), reward_model="hub:somebody/model"),
        ExportModelConfig(out=str(tmp_path / "out")),
        TrainPolicyConfig(reward_model="hub:somebody/model"),
        TrainPolicyConfig(reward_model=str(tmp_path)),
    ]
    for config in configs:
        add_job(foreign, config)
    run_queued(foreign)
    for job in queue.listed(foreign):
        assert job.status == "failed"
        assert "needs your word" in job.error
    assert victim.read_text() == "kept"


def test_the_base_is_not_fetched_unasked(foreign, filled, plumbline):
    for project in (foreign, filled):
        project.set_setting("model", "hub:somebody/model")
    exit_code, _, err = plumbline("generate", foreign.folder, "--detach")
    assert exit_code == 2
    assert "fetches the model 'somebody/model'" in err
    assert not queue.listed(foreign)
    exit_code, _, err = plumbline("generate", filled.folder, "--detach")
    assert exit_code == 2 and "somebody/model" in err, "nobody here named it"
    for project in (foreign, filled):
        assert plumbline("model", project.folder, "hub:somebody/model")[0] == 0, "typing it is the choice"
        assert plumbline("generate", project.folder, "--detach")[0] == 0


def test_the_question_says_that_a_token_is_shown_to_the_hub(foreign, plumbline, hub, monkeypatch, tmp_path):
    """And where that was not asked, or is switched off, none is."""
    hub.put("somebody/model", "model.safetensors", b"0", "main")
    foreign.set_setting("model", "hub:somebody/model")
    with monkeypatch.context() as without:
        without.setenv("HF_TOKEN", "")
        with pytest.raises(AskFirst) as asked:
            wishes.check(foreign, FetchModelConfig())
        assert "token" not in str(asked.value)
        asked.value.allow()
    for name, value in (("HF_TOKEN", "hf_secret"), ("HF_TOKEN_PATH", str(tmp_path / "token"))):
        monkeypatch.setenv("HF_TOKEN", "")
        (tmp_path / "token").write_text("hf_secret")
        monkeypatch.setenv(name, value)
        with pytest.raises(AskFirst, match=r"shows the hub your token to fetch the model 'somebody/model'") as asked:
            wishes.check(foreign, FetchModelConfig())
    with monkeypatch.context() as switched_off:
        switched_off.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
        wishes.check(foreign, FetchModelConfig())
        list(fetch.ensure(base_models.parse("hub:somebody/model")))
    assert {token for _, token in hub.asked} == {None}
    asked.value.allow()
    shutil.rmtree(base_models.parse("hub:somebody/model").folder)
    wishes.check(foreign, FetchModelConfig())
    list(fetch.ensure(base_models.parse("hub:somebody/model")))
    assert "Bearer hf_secret" in {token for _, token in hub.asked}


def test_a_base_that_was_typed_or_used_before_asks_at_most_once(filled, plumbline, tmp_path, monkeypatch):
    base = make_tiny_model(tmp_path / "base")
    for number, name in enumerate(("embedded", "hub:somebody/model", str(base))):
        assert plumbline("new", tmp_path / f"{number}", "--model", name, "--json")[0] == 0
        assert plumbline("generate", tmp_path / f"{number}", "--detach")[0] == 0, name
    filled.set_setting("model", str(base))  # as an older version left it, which kept no word of the base
    assert plumbline("generate", filled.folder, "--detach")[0] == 2
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert plumbline("generate", filled.folder, "--detach")[0] == 0
    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert plumbline("generate", filled.folder, "--detach")[0] == 0


@pytest.mark.parametrize("name", ["m", "m.gguf"])
def test_a_base_that_lies_elsewhere_is_not_even_looked_at_unasked(foreign, plumbline, monkeypatch, name):
    """On Windows a look at `\\\\host\\share` tells the host who looks, with the hash of a password."""
    place = f"/net/stranger.example/{name}"
    foreign.set_setting("model", place)
    looks = []

    def spy(real):
        def look(path, *args, **options):
            looks.extend([path] if "stranger.example" in str(path) else [])
            return real(path, *args, **options)

        return look

    for call in ("stat", "lstat", "open", "scandir", "listdir", "readlink"):
        monkeypatch.setattr(os, call, spy(getattr(os, call)))
    assert model_cache.listed([foreign.folder]) == []
    assert place in plumbline("model", foreign.folder)[1]
    for words in (("read", foreign.folder, "hello"), ("generate", foreign.folder, "--detach")):
        exit_code, _, err = plumbline(*words)
        assert exit_code == 2 and f"it uses the model in '{place}'" in err
    add_job(foreign, FetchModelConfig())
    run_queued(foreign)
    assert "needs your word" in queue.listed(foreign)[0].error
    assert looks == []
    gate.trust(foreign, wishes.base(foreign))
    assert "is not there" in plumbline("read", foreign.folder, "hello")[2]
    assert looks


def test_a_base_whose_name_no_path_has_is_a_sentence(filled, plumbline):
    filled.set_setting("model", "a\0b")
    for words in (("model", filled.folder), ("read", filled.folder, "hello"), ("trust", filled.folder, "--yes")):
        assert "is no name of a model" in "".join(plumbline(*words)[1:])


# --- the command -------------------------------------------------------------------------------------------------


def test_trust_shows_what_wants_to_run_and_asks_once(foreign, mine, plumbline, tmp_path):
    name, ran = mine
    foreign.set_setting("model", "hub:somebody/model")
    add_job(foreign, TrainPolicyConfig(rules=f"{name}; os:system; length"), status="done")
    add_job(foreign, ScoreFileConfig(path=str(tmp_path / "in"), out=str(tmp_path / "out")), status="stopped")
    exit_code, _, err = plumbline("trust", foreign.folder)
    assert exit_code == 2, "nobody can be asked"
    for words in ("'score' of", "evil.py", "somebody/model", str(tmp_path / "out"), "os' is of Python's standard"):
        assert words in err
    assert not gate.is_trusted(foreign)
    assert plumbline("trust", foreign.folder, "--yes")[0] == 0
    assert gate.is_trusted(foreign)
    assert not ran()
    gold.find(foreign, name)
    assert ran()
    assert plumbline("trust", foreign.folder, "--revoke")[0] == 0
    assert not gate.is_trusted(foreign)
    with pytest.raises(AskFirst):
        gold.find(foreign, name)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_in_a_terminal_it_is_asked_once_and_remembered(foreign, mine, plumbline, monkeypatch):
    name, ran = mine
    monkeypatch.setattr("sys.stdin", Terminal("n\n"))
    assert plumbline("rank", foreign.folder, "--scripted", name)[0] == 130
    assert not ran()
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    exit_code, _, err = plumbline("rank", foreign.folder, "--scripted", name)
    assert exit_code == 0
    assert "'score' of" in err
    assert ran()
    monkeypatch.setattr("sys.stdin", Terminal(""))
    assert plumbline("rank", foreign.folder, "--scripted", name)[0] == 0, "it was allowed"
    assert plumbline("trust", foreign.folder)[0] == 130, "a question without an answer trusts nothing"
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    assert plumbline("trust", foreign.folder)[0] == 0
    assert gate.is_trusted(foreign)


def test_trust_without_anything_to_trust_says_how(plumbline):
    exit_code, _, err = plumbline("trust")
    assert exit_code == 2
    assert "--module" in err


def test_allowing_one_thing_allows_no_other(foreign, mine):
    name, _ = mine
    with pytest.raises(AskFirst) as asked:
        gold.find(foreign, name)
    asked.value.allow()
    gold.find(foreign, name)
    assert not gate.is_trusted(foreign)
    with pytest.raises(AskFirst):
        gate.check(foreign, [code.wish_of(name.replace("score", "other"))])


def test_run_demo_follows_only_what_was_typed(foreign, mine, plumbline):
    exit_code, _, err = plumbline("run-demo", foreign.folder, "--gold", mine[0])
    assert exit_code == 2
    assert "evil.py" in err
    assert not mine[1]()
    assert JobKind.GENERATE not in [job.kind for job in queue.listed(foreign)]


def test_files_outside_are_asked_for_in_a_project_of_ones_own_too(filled, tmp_path):
    """Its database may be another's by now: a folder that was written over keeps its numbers."""
    config = ScoreFileConfig(path=str(tmp_path / "in.jsonl"), out=str(tmp_path / "out.jsonl"))
    with pytest.raises(AskFirst):
        wishes.check(filled, config)
    wishes.choose(filled, config)  # as whoever types it does
    wishes.check(filled, config)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes in folders")
def test_a_pipe_in_place_of_code_is_not_waited_for(filled, tmp_path):
    os.mkfifo(tmp_path / "g.py")
    with pytest.raises(BadInput, match="is not a file"):
        gate.choose(filled, wishes.of_gold(f"{tmp_path / 'g.py'}:score"))


@pytest.mark.parametrize("words", [["--version"], ["prompts", "."]])
def test_no_command_imports_from_where_the_person_stands(filled, words):
    """An installation in place may put a relative entry onto Python's path; its pickle asks for `org`."""
    hook = "__editable__.plumbline-0.1.0.finder.__path_hook__"
    (filled.folder / hook).mkdir()
    for name in ("org", "pandas", "pynvml", "pysqlite3"):
        (filled.folder / hook / f"{name}.py").write_text("open('ran', 'w')")
    begin = f"import sys; sys.path.append({hook!r}); sys.argv[1:] = {words!r}; import main; sys.exit(main.main())"
    done = subprocess.run(
        [sys.executable, "-P", "-c", begin], cwd=filled.folder, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (filled.folder / "ran").exists()


def test_a_place_that_was_typed_means_the_same_from_everywhere(filled, plumbline, tmp_path, monkeypatch):
    base = make_tiny_model(tmp_path / "work" / "base")
    monkeypatch.chdir(tmp_path / "work")
    assert plumbline("new", tmp_path / "made", "--model", "base")[0] == 0
    assert plumbline("model", filled.folder, "base")[0] == 0
    with closing(open_project(tmp_path / "made")) as made:
        assert made.setting("model") == filled.setting("model") == str(base)
    config = TrainPolicyConfig(reward_model="base")
    assert wishes.from_here(config).reward_model == str(base)


def test_a_place_is_the_same_for_the_question_and_for_the_job(foreign, plumbline, tmp_path, monkeypatch):
    home, here = tmp_path / "home", tmp_path / "here"
    for folder in (home, here, here / "~", tmp_path / "precious"):
        folder.mkdir()
    (here / "~" / "link").symlink_to(tmp_path / "precious")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    monkeypatch.chdir(here)
    assert [each.file for each in of_file("~/m")] == [preflight.free_folder("~/m")] == [home / "m"]
    (here / "in.jsonl").write_text('{"prompt": "a", "completion": "b"}\n')
    typed = ("--path", "in.jsonl", "--out", "~/scores.jsonl")
    assert plumbline("score-file", foreign.folder, *typed, "--detach")[0] == 0
    (job,) = queue.listed(foreign)
    assert (job.config.path, job.config.out) == (str(here / "in.jsonl"), str(home / "scores.jsonl"))
    theirs = [
        add_job(foreign, ScoreFileConfig(path="in.jsonl", out=str(home / "b"))).id,
        add_job(foreign, ExportModelConfig(out="../precious/m")).id,
    ]
    code, _, told = plumbline("trust", foreign.folder, "--yes")
    assert code == 0 and told.count("only a part of a path") == 2
    run_queued(foreign)
    assert ["only a part of a path" in queue.get(foreign, each).error for each in theirs] == [True, True]


def test_code_stands_next_to_the_question_however_much_else_is_named(foreign, mine, plumbline):
    queue.enqueue(foreign, JobKind.TRAIN_POLICY, config_values(TrainPolicyConfig(gold=mine[0]), PPO))
    for number in range(200):
        config = TrainPolicyConfig(reward_model=f"hub:openai/reward-{number}")
        queue.enqueue(foreign, JobKind.TRAIN_POLICY, config_values(config, PPO))
    foreign.close()
    _, _, told = plumbline("trust", foreign.folder)
    lines = [line for line in told.splitlines() if line]
    place = next(number for number, line in enumerate(lines) if "evil.py" in line)
    assert len(lines) > 200 and place > 198 and any("at last 1 that run code" in line for line in lines[place:])


@pytest.mark.thorough
def test_fetching_a_model_imports_nothing_from_where_the_person_stands(tmp_path, monkeypatch):
    (tmp_path / "pip.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(ModelError):
        list(fetch.ensure(base_models.parse(base_models.EMBEDDED)))
    assert not (tmp_path / "ran").exists()


def test_a_file_that_was_never_seen_here_is_read_to_its_end_before_it_is_believed(foreign, plumbline):
    root = foreign.database.value("select rootpage from sqlite_master where name = 'ranking_items'")
    size = foreign.database.value("pragma page_size")
    foreign.close()
    with (foreign.folder / DATABASE).open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    code, _, told = plumbline("jobs", foreign.folder)
    assert code != 0 and "is damaged" in told


def written_over(project, other):
    """`other`'s rows in the very file of `project`, as `cp` writes them: it keeps its number."""
    for each in (project, other):
        each.database.conn.execute("pragma wal_checkpoint(truncate)")
        each.close()
    (project.folder / DATABASE).write_bytes((other.folder / DATABASE).read_bytes())
    return closing(open_project(project.folder))


def opened_again(project, times):
    for _ in range(times):
        gate.arrive(project, worker=True)


def test_a_trusted_project_that_is_written_over_with_what_others_made_of_it_is_not_trusted(filled, foreign):
    opened_again(filled, 2)
    add_job(foreign, GenerateConfig(), status="queued")
    with written_over(filled, foreign) as project:
        assert not gate.is_trusted(project)
        run_queued(project)
        assert [job.status for job in queue.listed(project)] == ["stopped"]


def test_what_others_put_in_place_of_one_that_was_opened_by_commands_alone_is_not_trusted(filled, foreign, plumbline):
    for _ in range(2):
        assert plumbline("prompts", filled.folder)[0] == 0
    foreign.set_setting("model", "hub:stranger/evil")
    add_job(foreign, GenerateConfig(), status="queued")
    with written_over(filled, foreign) as project:
        assert not gate.is_trusted(project)
        run_queued(project)
        assert [job.status for job in queue.listed(project)] == ["stopped"]


def test_a_base_that_nobody_here_named_is_not_fetched_in_a_trusted_project(filled):
    """As others who may write into its folder leave it."""
    filled.set_setting("model", "hub:stranger/evil")
    add_job(filled, GenerateConfig(), status="queued")
    run_queued(filled)
    (job,) = queue.listed(filled)
    assert job.status == "failed" and "fetches the model 'stranger/evil'" in job.error


def test_a_project_that_was_looked_at_and_is_written_over_starts_no_job(foreign, filled):
    gate.arrive(foreign, anew=True)
    opened_again(foreign, 2)
    add_job(filled, GenerateConfig(), status="queued")
    with written_over(foreign, filled) as project:
        run_queued(project)
        assert [job.status for job in queue.listed(project)] == ["stopped"]


def test_opening_one_s_own_project_often_asks_nothing(filled, mine):
    opened_again(filled, 5)
    question = AskFirst(registry.ProjectFile.of(filled), [code.wish_of(mine[0])])
    opened_again(filled, 5)
    question.allow()
    assert gate.is_trusted(filled)
    gate.check(filled, [code.wish_of(mine[0])])


def test_a_file_of_no_identity_is_never_taken_for_one_that_was_trusted(filled, tmp_path):
    """Numbers of files that were deleted are given to others: with no identity nothing else would tell them apart."""
    with filled.write() as database:
        database.execute("delete from settings where key = 'identity'")
    assert not registry.ProjectFile.of(filled).identity
    place = registry.ProjectFile.of(filled)
    registry.keep(place, registry.Standing(trusted=True))
    assert registry.standing(place) is None
    packed = archive.archive(filled.folder, tmp_path / "a.plumbline.zip")
    for name in ("first", "second"):
        with closing(open_project(archive.restore(packed, tmp_path / name))) as project:
            assert project.setting("identity")
    gate.arrive(filled)
    assert filled.setting("identity")


def test_a_number_of_a_deleted_file_given_to_another_that_carries_its_identity_is_not_taken_for_it(filled, foreign):
    for seen in (registry.Standing(trusted=True), registry.Standing()):
        registry.keep(registry.ProjectFile.of(foreign), seen)
        gate.arrive(foreign)
        place = registry.ProjectFile.of(foreign)
        assert registry.standing(place) == seen
        assert registry.standing(replace(place, word="")) is None, "the file of a maker who gave both the same identity"


def test_a_pack_that_is_unpacked_has_an_identity(filled, tmp_path):
    pack.pack(filled, tmp_path / "a.plumbpack", "bea")
    with closing(open_project(pack.unpack(tmp_path / "a.plumbpack", tmp_path / "unpacked"))) as project:
        assert project.setting("identity")


@pytest.mark.parametrize("path", ["a\0b", "~nobody-of-this-name/x"])
def test_a_path_that_is_none_is_a_sentence(filled, plumbline, path):
    add_job(filled, ScoreFileConfig(path=path, out=path))
    filled.set_setting("identity", "another")
    code, _, told = plumbline("trust", filled.folder, "--yes")
    assert code == 0 and "is no path" in told


@pytest.mark.parametrize("pattern", ["a{99999999999999}", "(" * 3000])
def test_a_pattern_that_python_refuses_is_a_sentence(filled, pattern):
    with pytest.raises(BadInput, match="is not a regular expression"):
        gold.find(filled, f"regex:{pattern}")


def test_a_module_that_changed_runs_as_it_was_allowed_the_last_time(filled, tmp_path, monkeypatch):
    package = tmp_path / "modules" / "changing_rewards"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from changing_rewards.kind import score\n")
    (package / "kind.py").write_text("def score(prompt, completion):\n    return 1.0\n")
    monkeypatch.syspath_prepend(tmp_path / "modules")
    name = "changing_rewards.kind:score"
    gate.choose(filled, wishes.of_gold(name))
    registry.choose_modules(frozenset({"changing_rewards.kind"}))
    assert gold.find(filled, name)("", "") == 1.0
    (package / "kind.py").write_text("def score(prompt, completion):\n    return 22.0\n")
    with pytest.raises(AskFirst, match="changed since you allowed it") as asked:
        gold.find(filled, name)
    asked.value.allow()
    assert gold.find(filled, name)("", "") == 22.0


def test_trust_is_for_what_was_looked_at_and_not_for_what_lies_there_by_then(foreign, filled, tmp_path):
    shutil.copy(filled.folder / DATABASE, tmp_path / "another")
    (tmp_path / "another").replace(foreign.folder / DATABASE)
    with pytest.raises(ProjectMoved):
        gate.trust(foreign)
    with closing(open_project(foreign.folder)) as there:
        assert not gate.is_trusted(there)
