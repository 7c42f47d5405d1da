"""A person's own reward function costs the completions that it fails on, and never the run or an order."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from core import cli
from core.config.jobs import CompareConfig, GenerateConfig, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.errors import BadInput
from core.events import Sample
from core.jobs import queue
from core.labeling import gold, own_reward
from core.labeling.own_reward import Lost
from core.machine import compute_settings
from core.report import outcomes
from core.runs import wishes
from core.store.runs import job_log, job_metrics, job_samples
from core.trust import gate
from core.trust.wish import AskFirst

FUNCTIONS = '''
import json, os, subprocess, time
from pathlib import Path

def note(completions):
    """Who was asked, for how many, and what of the parent it knows."""
    seen = [os.getpid(), len(completions), os.environ.get("HF_TOKEN")]
    with Path(__file__).with_name("asked").open("a") as file:
        file.write(json.dumps(seen) + "\\n")

def lists(prompts, completions):
    note(completions)
    return [None if len(text) % 3 == 0 else 1.0 for text in completions]

def each(prompt, completion):
    if sum(map(ord, completion)) % 5 == 0:
        os._exit(7)
    if sum(map(ord, completion)) % 5 == 1:
        raise ValueError("too odd")
    return float(len(completion))

def one_bad(completions, **more):
    if any("0" in text for text in completions):
        raise ValueError("it holds a 0")
    return [more["prompts"][0] == "a" for _ in completions]

def picky(prompt, completion):
    return float("nan") if completion == "no 3" else len(completion)

def never(prompt, completion):
    return "7/10"

def dies(prompt, completion):
    os._exit(7)

def sleeps(prompt, completion):
    if completion:  # a process of its own keeps the answers open
        subprocess.Popen(["sleep", "60"], close_fds=False)
        time.sleep(60)
    return 1.0

def changes(prompt, completion):
    with open(__file__, "a") as file:
        file.write("#")
    os._exit(1)
'''
RUN = TrainPolicyConfig(
    algorithm="rloo", steps=3, learning_rate=1e-2, kl_coef=0, eval_prompts=0, max_new_tokens=6, batch_size=8,
    checkpoint_every=3, train_on_gold=True, reference_answers=False, missing_end_penalty=0.0,
)  # fmt: skip


@pytest.fixture
def own(tmp_path):
    """The name of a function."""
    (tmp_path / "own.py").write_text(FUNCTIONS)
    return lambda name: f"{tmp_path / 'own.py'}:{name}"


def tune(project, run_job, **values):
    config = replace(RUN, **values)
    return run_job(project, JobKind.TRAIN_POLICY, config, ALGORITHMS[config.algorithm].config())


def found(project, name):
    gate.choose(project, wishes.of_gold(name))
    return gold.find(project, name)


def told(project, job):
    return [row["text"] for row in job_log.lines(project, job.id)]


def test_a_function_of_lists_is_asked_once_a_step_and_nothing_is_learnt_of_what_it_leaves_out(
    asking, run_job, own, tmp_path, monkeypatch
):
    monkeypatch.setenv("HF_TOKEN", "secret")
    job = tune(asking, run_job, gold=own("lists"))
    assert job.status == "done", job.report or job.error
    asked = [json.loads(line) for line in (tmp_path / "asked").read_text().splitlines()]
    assert asked == [[asked[0][0], 8, None]] * 3, "one process, one question a step, no token"
    assert asked[0][0] != os.getpid()
    series = {name: [value for _, value in points] for name, points in job_metrics.series(asking, job.id).items()}
    steps = [[row for row in job_samples.listed(asking, job.id) if row["step"] == step] for step in (1, 2, 3)]
    for rows, unscored in zip(steps, series["objective/unscored"], strict=True):
        assert len(rows) == 8 and all((row["score"] is None) == (len(row["completion"]) % 3 == 0) for row in rows)
        assert unscored == sum(row["score"] is None for row in rows)
    assert 0 < sum(series["objective/unscored"]) < 24
    assert series["objective/scores"] == [1.0] * 3
    # All that have a reward have the same one, so that no advantage is left. A reward of 0, or a nan, would move it.
    assert series["objective/kl"] == [0.0] * 3 and series["grad_norm"] == [0.0] * 3
    [said] = [text for text in told(asking, job) if "own.py:lists" in text]
    assert "left out: it gave None, which is no number" in said


OTHERS = ("grpo", "dqn", "soft-q", "trpo", "nlpo", "a2c", "reinforce")


@pytest.mark.parametrize("algorithm", ["ppo", *(pytest.param(name, marks=pytest.mark.thorough) for name in OTHERS)])
def test_what_raises_or_dies_costs_its_completions_alone(asking, run_job, own, algorithm):
    job = tune(
        asking, run_job, algorithm=algorithm, gold="length", rules=f"0.5*{own('each')}", eval_prompts=2,
        reference_answers=True, kl_coef=0.05,
    )  # fmt: skip
    assert job.status == "done", job.report or job.error
    series = job_metrics.series(asking, job.id)
    for step, mean in series["objective/scores"]:
        rows = [row for row in job_samples.listed(asking, job.id) if (row["step"], row["policy"]) == (step, "policy")]
        good = [row for row in rows if sum(map(ord, row["completion"])) % 5 > 1]
        expected = [len(row["completion"].split()) + 0.5 * len(row["completion"]) for row in good]
        assert [row["score"] for row in rows if row["score"] is not None] == pytest.approx(expected)
        assert mean == pytest.approx(sum(expected) / len(expected))
        assert dict(series["objective/unscored"])[step] == len(rows) - len(good)
    said = " ".join(told(asking, job))
    assert "raised ValueError: too odd" in said and "ended its process with status 7" in said
    assert "answers have no reward" in said and job.result.reward_after is not None
    compared = run_job(asking, JobKind.COMPARE, CompareConfig(max_new_tokens=6, completions=4))
    assert compared.status == "done", compared.report or compared.error
    assert "answers have no reward" in " ".join(told(asking, compared))


def test_a_step_without_any_reward_ends_the_run_unless_nothing_is_learnt_from_it(asking, run_job, own):
    job = tune(asking, run_job, gold=own("never"))
    assert job.status == "failed"
    assert f"No completion of step 1 has a reward: {own('never')} gave '7/10', which is no number" in job.error
    assert run_job(asking, JobKind.GENERATE, GenerateConfig(max_new_tokens=6)).status == "done"
    gold.rank_all(asking, "length")
    measured = tune(asking, run_job, algorithm="dpo", kl_coef=-1, gold=own("never"), eval_prompts=1)
    assert measured.status == "done", measured.report or measured.error
    assert "objective/scores" not in job_metrics.series(asking, measured.id)
    assert measured.result.reward_before is None
    assert "4 of 4 answers have no reward" in " ".join(told(asking, measured))


def test_a_process_that_ends_again_and_again_ends_the_run(asking, own, monkeypatch):
    function = found(asking, own("dies"))
    with monkeypatch.context() as patched:
        patched.setattr(own_reward, "MOST_ENDS", 3)
        with pytest.raises(
            BadInput, match=r"own\.py:dies ended its process with status 7, and ended so 3 times in a row"
        ):
            function.values([("", "")] * 3)


def test_what_takes_too_long_is_lost_and_the_next_is_asked(asking, own):
    compute_settings.choose("function_seconds", 0.5)
    began = time.monotonic()
    assert found(asking, own("sleeps")).values([("", "long"), ("", "")]) == [
        Lost(own("sleeps"), "took longer than 0.5 seconds"), 1.0,
    ]  # fmt: skip
    assert time.monotonic() - began < 30


def test_a_list_that_fails_is_asked_for_one_by_one(asking, own):
    values = found(asking, own("one_bad")).values([("a", "1"), ("a", "0"), ("b", "2")])
    assert values == [1.0, Lost(own("one_bad"), "raised ValueError: it holds a 0"), 0.0]


def test_code_that_changed_is_not_started_again(asking, own):
    with pytest.raises(AskFirst, match="has changed since you allowed it"):
        found(asking, own("changes")).values([("", "")] * 2)


@pytest.mark.skipif(sys.platform == "win32", reason="nobody is killed so")
def test_the_process_ends_with_a_parent_that_was_killed(asking, own):
    name = own("sleeps")
    gate.choose(asking, wishes.of_gold(name))
    script = (
        "import sys\nfrom pathlib import Path\nfrom core.labeling import gold\nfrom core.store import open_project\n"
        "found = gold.find(open_project(Path(sys.argv[1])), sys.argv[2])\nprint(found._process.pid, flush=True)\n"
        "found('', 'long')"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, asking.folder, name], stdout=subprocess.PIPE, cwd=Path(cli.__file__).parents[2]
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if Path(f"/proc/{child}/stat").exists() and " Z " in Path(f"/proc/{child}/stat").read_text():
            return  # nobody is left to bury it
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the function goes on without anybody who asked")


def test_a_prompt_of_which_a_completion_has_no_value_stays_unranked_and_is_counted(filled, own, capsys):
    name = own("picky")
    for command in (["rank", "--scripted", name], ["simulate", "--gold", name]):
        assert cli.run([command[0], str(filled.folder), *command[1:]]) == 0
        said = capsys.readouterr().out
        assert "ranked 5 prompts. 1 prompt stays unranked" in said.replace(f" by the script {name!r}", "").lower()
        assert "own.py:picky gave nan" in said
    names = [row["text"] for row in filled.database.rows("select text from prompts order by id")]
    ranked = filled.database.column(
        "select p.text from rankings r join completion_groups g on g.id = r.group_id"
        " join prompts p on p.id = g.prompt_id order by r.id"
    )
    assert ranked == 2 * [text for text in names if text != "question 3?"]


def test_means_before_and_after_are_of_the_answers_that_both_have_a_score(asking):
    job = queue.enqueue(asking, JobKind.TRAIN_POLICY, config_values(RUN, ALGORITHMS["rloo"].config()))
    for step, policy, scores in ((0, "reference", (1.0, 4.0, None)), (2, "tuned", (2.0, None, 9.0))):
        rows = [Sample("prompt", "text", policy, score=score, gold=score) for score in scores]
        job_samples.add(asking, job.id, step, rows)
    measured = outcomes.measure(asking, job.id)
    assert measured is not None
    for change in (measured.reward, measured.gold):
        assert (change.before.value, change.after.value, change.gain.value) == (1.0, 2.0, 1.0)
