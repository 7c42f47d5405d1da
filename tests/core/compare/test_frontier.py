"""The frontier holds what was measured alike, and nothing else; the best of n is that of all subsets."""

import itertools
import json
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from core import worker
from core.config.frontier import MeasureFrontierConfig, PolicyState
from core.config.jobs import CompareConfig, ExportModelConfig, GenerateConfig, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.events import Progress, Sample
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.records import Prompt
from core.report import frontier
from core.store import chat_settings, prompts
from core.store.runs import checkpoints, job_log, job_samples
from tests.conftest import copied
from tests.core.conftest import made_once
from tests.jobs import set_job

POLICY = TrainPolicyConfig(
    algorithm="reinforce", steps=3, gold="regex:[a-m]", train_on_gold=True, learning_rate=5e-2, eval_prompts=3,
    max_new_tokens=5, batch_size=4, completions=2, lora_rank=2, checkpoint_every=1, reference_answers=False,
    missing_end="nothing",
)  # fmt: skip
MEASURE = MeasureFrontierConfig(answers=6, completions=2, batch_size=12)
OWN = ALGORITHMS["reinforce"].config()


def tune(project, run_job, **settings):
    job = run_job(project, JobKind.TRAIN_POLICY, replace(POLICY, **settings), OWN)
    assert job.status == "done", job.report or job.error
    return job


@pytest.fixture(scope="module")
def two_runs(tiny_model, tmp_path_factory):
    """Two runs that differ in their seed, made once; tests copy the project."""
    folder = tmp_path_factory.mktemp("frontier")
    with made_once(folder, tiny_model) as (found, run_job):
        prompts.add(found, [Prompt(0, f"prompt {i}", split="heldout" if i < 3 else "train") for i in range(8)])
        for seed in (0, 1):
            tune(found, run_job, seed=seed, keep_checkpoints=2 * seed)
    return folder / "project"


@pytest.fixture
def tuned(two_runs, tmp_path):
    with copied(two_runs, tmp_path / "project") as found:
        yield found


def measured(project, run_job, **settings):
    job = run_job(project, JobKind.MEASURE_FRONTIER, replace(MEASURE, **settings))
    assert job.status == "done", job.report or job.error
    return job


def by_subsets(project, job, n, column):
    """Of the best of n by score: the mean over all subsets of n, of equal ones the mean; and how often it beats one
    more answer."""
    rows = {}
    for row in job_samples.listed(project, job.id):
        if row["policy"] == "reference":
            rows.setdefault(row["prompt"], []).append(row)
    values, wins = [], []
    for answers in rows.values():
        for subset in itertools.combinations(answers, n):
            top = max(row["score"] for row in subset)
            values.append(np.mean([row[column] for row in subset if row["score"] == top]))
            others = [row["score"] for row in answers if row not in subset]
            wins += [0.5 if top == other else float(top > other) for other in others]
    return np.mean(values), np.mean(wins) if wins else None


def test_a_measurement_draws_the_curve_of_the_best_of_n_and_the_checkpoints_that_are_kept(tuned, run_job, plumbline):
    before = frontier.gather(tuned)
    assert [(point.run, point.step, point.answers) for point in before.points] == [(1, 3, 4), (2, 3, 4)]
    ends = {point.run: queue.get(tuned, point.run).result for point in before.points}
    for point in before.points:
        assert point.reward.value == pytest.approx(ends[point.run].reward_after)
        assert point.kl.value == pytest.approx(ends[point.run].kl)
    assert [each.n for each in before.best_of] == [1, 2, 4], "of the run's own answers of the reference"
    assert before.best_of[0].reward.value == pytest.approx(ends[2].reward_before)
    steps = {run: [step for step in checkpoints.kept(tuned, queue.get(tuned, run)) if step] for run in (1, 2)}
    assert steps[1] == [1, 2, 3], "all that this run wrote"
    assert before.unmeasured == [PolicyState(run, step) for run in (1, 2) for step in steps[run] if step != 3]

    job = measured(tuned, run_job)
    assert job.result.measured == tuple(before.unmeasured)
    found = frontier.gather(tuned)
    assert (found.reference_answers, found.unmeasured, found.left_out) == (6, [], [])
    assert {point.state for point in found.points} == {PolicyState(r, s) for r in steps for s in steps[r]}
    assert [each.n for each in found.best_of] == [1, 2, 4, 6]
    for each in found.best_of:
        reward, wins = by_subsets(tuned, job, each.n, "score")
        assert each.reward.value == pytest.approx(reward)
        assert each.gold.value == pytest.approx(by_subsets(tuned, job, each.n, "gold")[0])
        assert each.wins.value == (None if wins is None else pytest.approx(wins))
        assert each.kl == pytest.approx(np.log(each.n) - (each.n - 1) / each.n)
    rows = [row for row in job_samples.listed(tuned, job.id) if row["policy"] == before.unmeasured[0].name]
    point = next(point for point in found.points if point.state == before.unmeasured[0])
    assert point.reward.value == pytest.approx(np.mean([row["score"] for row in rows]))
    pairs = [
        0.5 if a["score"] == b["score"] else float(a["score"] > b["score"])
        for a in rows for b in job_samples.listed(tuned, job.id)
        if b["policy"] == "reference" and b["prompt"] == a["prompt"]
    ]  # fmt: skip
    assert point.wins.value == pytest.approx(np.mean(pairs))

    again = run_job(tuned, JobKind.MEASURE_FRONTIER, MEASURE)
    assert (again.status, "tune another policy" in str(again.error)) == ("failed", True), "nothing is drawn twice"

    out = tuned.folder / "frontier.svg"
    code, said, _ = plumbline("frontier", tuned.folder, "--by", "gold", "--out", out, "--json")
    told = json.loads(said.splitlines()[-1])
    assert code == 0 and [point["run"] for point in told["points"]] == [point.run for point in found.points]
    texts = [each.text for each in ElementTree.parse(out).iter() if each.tag.endswith("text")]
    assert {"run 1", "run 2", "best of 6", "KL, nats"} <= set(texts)
    code, said, _ = plumbline("frontier", tuned.folder)
    assert code == 0 and "best of 4, at most" in said and "run 1, step 3, REINFORCE" in said


def interrupted(project, monkeypatch, after, how):
    """A measurement that ends after so many batches, and is taken up again."""
    record, batches = Recorder.record, [0]

    class Killed(BaseException):
        pass

    def watching(self, event):
        if isinstance(event, Progress) and event.stage == "Measuring the frontier":
            batches[0] = event.done
        wanted = record(self, event)
        if batches[0] == after and how == "kill":
            raise Killed
        return "stop" if batches[0] >= after else wanted

    job = queue.enqueue(project, JobKind.MEASURE_FRONTIER, config_values(MEASURE))
    with monkeypatch.context() as patched:
        patched.setattr(Recorder, "record", watching)
        if how == "kill":
            with pytest.raises(Killed):
                worker.run_job(project, worker.claim(project), {})
            set_job(project, job.id, status="interrupted")
        else:
            worker.run_job(project, worker.claim(project), {})
            assert queue.get(project, job.id).status == "stopped"
    queue.resume(project, job.id)
    worker.run_job(project, worker.claim(project), {})
    found = queue.get(project, job.id)
    assert found.status == "done", found.report or found.error
    return found


@pytest.mark.parametrize(("after", "how"), [(1, "kill"), pytest.param(3, "stop", marks=pytest.mark.thorough)])
def test_a_measurement_that_was_interrupted_draws_the_same(two_runs, tmp_path, run_job, monkeypatch, after, how):
    found = []
    for name in ("whole", "resumed"):
        with copied(two_runs, tmp_path / name) as project:
            whole = name == "whole"
            job = measured(project, run_job) if whole else interrupted(project, monkeypatch, after, how)
            rows = job_samples.listed(project, job.id)
            found.append([(row["step"], row["policy"], row["completion"], row["score"], row["kl"]) for row in rows])
    assert found[0] == found[1] and len(found[0]) == 3 * (6 + 2 * len(job.result.measured))


OTHERWISE = [
    ({"missing_end": "subtract", "missing_end_penalty": 2.0}, "weights, rules or penalties"),
    ({"gold": "length"}, "its reward is the gold reward length"),
    ({"temperature": 0.7}, "at a temperature of 0.7, not 1"),
    ({"max_new_tokens": 4}, "up to 4 tokens, not 5"),
    ({"eval_prompts": 2}, "its held-out prompts are others"),
    ({"eval_prompts": 0}, "it was not measured on held-out prompts"),
    ({"start_from": "1"}, "its KL is measured to run 1, step 3"),
]


@pytest.mark.parametrize(
    ("settings", "why"), [OTHERWISE[0], *(pytest.param(*each, marks=pytest.mark.thorough) for each in OTHERWISE[1:])]
)
def test_what_was_measured_otherwise_is_left_out_with_its_reason(tuned, run_job, settings, why):
    other = tune(tuned, run_job, steps=1, **settings)
    found = frontier.gather(tuned, 2)
    assert other.id not in {point.run for point in found.points}
    assert [text for text in found.left_out if text.startswith(f"Run {other.id} is left out: ") and why in text]
    joins = not set(settings) & {"start_from"}
    assert (PolicyState(other.id, 1) in found.unmeasured) == joins, "what can be measured anew by the same reward"
    if joins:
        measured(tuned, run_job, policy_job=2, answers=2)
        found = frontier.gather(tuned, 2)
        assert PolicyState(other.id, 1) in {point.state for point in found.points}
        assert not [text for text in found.left_out if text.startswith(f"Run {other.id} ")]


@pytest.mark.thorough
def test_conversations_that_were_put_otherwise_measure_otherwise(tuned, run_job):
    how = {"policy_job": 2, "answers": 2, "completions": 0, "missing_only": False}
    before = measured(tuned, run_job, **how)
    chat_settings.choose(tuned, replace(chat_settings.get(tuned), system_prompt="Be brief."))
    other = tune(tuned, run_job, steps=1)
    left_out = f"Run {other.id} is left out: its chat settings are others (system prompt)."
    assert left_out in frontier.gather(tuned, 2).left_out
    after = measured(tuned, run_job, **how)
    first, second = ([row["completion"] for row in job_samples.listed(tuned, job.id)] for job in (before, after))
    assert first == second, "it asks as run 2 did, whatever was chosen since"


def test_the_newest_run_that_was_measured_measures_the_others(tuned, run_job):
    tune(tuned, run_job, steps=1, eval_prompts=0)
    assert frontier.gather(tuned).yardstick == 2


def test_what_a_run_was_trained_on_measures_it_not(tuned, run_job):
    with tuned.write() as database:
        database.execute("update prompts set split = 'train' where text = 'prompt 0'")
    other = tune(tuned, run_job, steps=1, eval_prompts=2)
    found = frontier.gather(tuned, 2)
    assert f"Run {other.id} is left out: it was trained on prompts that are held out here." in found.left_out
    assert not [state for state in found.unmeasured if state.run == other.id]


@pytest.mark.thorough
def test_a_checkpoint_that_is_damaged_is_left_out_and_the_others_are_measured(tuned, run_job):
    first, *others = frontier.gather(tuned).unmeasured
    (checkpoints.folder_of(tuned, first.run, first.step) / "policy" / "adapter_config.json").unlink()
    job = measured(tuned, run_job)

    told = " ".join(line["text"] for line in job_log.lines(tuned, job.id))
    assert f"Step {first.step} of run {first.run} is left out" in told
    assert frontier.gather(tuned).unmeasured == [first] and others


def test_a_checkpoint_is_chosen_by_its_step(tuned, run_job, tmp_path):
    run = queue.get(tuned, 2)
    step = next(step for step in checkpoints.kept(tuned, run) if step not in (0, 3))
    job = run_job(tuned, JobKind.COMPARE, CompareConfig(policy_job=2, checkpoint=str(step), limit=2, max_new_tokens=5))
    assert job.status == "done"
    held = [row for row in job_samples.listed(tuned, job.id) if row["policy"] == "tuned"]
    last = run_job(tuned, JobKind.COMPARE, CompareConfig(policy_job=2, limit=2, max_new_tokens=5))
    assert [row["kl"] for row in held] != [
        row["kl"] for row in job_samples.listed(tuned, last.id) if row["policy"] == "tuned"
    ]
    job = run_job(
        tuned, JobKind.GENERATE, GenerateConfig(policy_job=2, checkpoint=str(step), limit=1, max_new_tokens=5)
    )
    assert job.status == "done"
    config = ExportModelConfig(policy_job=2, checkpoint="9", out=str(tmp_path / "out"), format="adapter")
    job = run_job(tuned, JobKind.EXPORT_MODEL, config)
    kept = ", ".join(map(str, checkpoints.kept(tuned, run)))
    assert job.error == f"Run 2 keeps no checkpoint of step 9: it has those of the steps {kept}."


def test_a_name_of_no_checkpoint_is_refused(plumbline, tuned):
    code, _, err = plumbline("compare", tuned.folder, "--checkpoint", "first")
    assert (code, "must be last, best or the number of a step, not 'first'" in err) == (2, True)


@pytest.mark.thorough
def test_a_name_that_nobody_gave_a_checkpoint_stands_for_none(tuned, run_job):
    job = measured(tuned, run_job, answers=2, completions=1)
    (state, *_) = job.result.measured
    job_samples.add(tuned, job.id, 1, [Sample("prompt 0", "a", f"run {'9' * 5000}, step 1")])
    assert state in {point.state for point in frontier.gather(tuned, 1).points}
