"""A run that begins from another one's policy, or from an adapter of somebody: what it draws, and what KL is of."""

import json
import shutil
from dataclasses import replace

import pytest

from core.config.jobs import CompareConfig, GenerateConfig, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.errors import BadInput
from core.jobs import queue
from core.labeling import gold, sending
from core.machine import base_models
from core.models.adapters import SharedModel
from core.models.load import load
from core.projects import trash
from core.records import Prompt
from core.report import outcomes
from core.rl import reference_logps
from core.rl.rollout import POLICY as ROLE
from core.runs import dependents, origins, preflight, wishes
from core.store import prompts
from core.store.runs import job_log, job_metrics, job_samples
from core.trust import gate
from core.trust.wish import AskFirst
from desktop.policy.run_result import said_of
from tests.conftest import copied
from tests.core.conftest import made_once
from tests.core.rl.test_steering import at_step, killed_and_resumed, numbers
from tests.thorough import represented

GOLD = "regex:[a-m]"
POLICY = TrainPolicyConfig(
    steps=2, gold=GOLD, train_on_gold=True, learning_rate=2e-2, eval_prompts=2, max_new_tokens=6, batch_size=8,
    lora_rank=4, reference_answers=False,
)  # fmt: skip


def tuned(project, run_job, **settings):
    config = replace(POLICY, **settings)
    job = run_job(project, JobKind.TRAIN_POLICY, config, ALGORITHMS[config.algorithm].config())
    assert job.status == "done", job.report or job.error
    return job


def first_kl(project, job):
    return job_metrics.series(project, job.id)["objective/kl"][0][1]


def first_answers(project, job):
    return [row["completion"] for row in job_samples.listed(project, job.id, step=1) if row["policy"] == "policy"]


def log(project, job):
    return " ".join(row["text"] for row in job_log.lines(project, job.id))


@pytest.fixture(scope="module")
def begun_project(tmp_path_factory, tiny_model):
    with made_once(tmp_path_factory.mktemp("begun"), tiny_model) as (project, run):
        texts = [Prompt(0, f"prompt {i}", split="heldout" if i % 4 == 0 else "train") for i in range(12)]
        prompts.add(project, texts)
        tuned(project, run)
        return project.folder


@pytest.fixture
def begun(begun_project, tmp_path):
    """A project with one run, which has left the base."""
    with copied(begun_project, tmp_path / "project") as found:
        yield found


def test_a_start_changes_what_is_drawn_and_kl_is_0_to_it_alone(begun, run_job):
    first = queue.get(begun, 1)
    from_it = tuned(begun, run_job, start_from="1")
    from_base = tuned(begun, run_job, start_from="1", reference="base")
    to_a_run = tuned(begun, run_job, reference="1")
    assert first_answers(begun, first) == first_answers(begun, to_a_run) != first_answers(begun, from_it)
    assert first_answers(begun, from_it) == first_answers(begun, from_base)
    assert first_kl(begun, first) == first_kl(begun, from_it) == 0.0
    assert first_kl(begun, from_base) != 0.0 != first_kl(begun, to_a_run)
    assert (from_it.result.start, from_it.result.reference) == ("run 1, step 2", "run 1, step 2")
    assert (from_base.result.start, from_base.result.reference) == ("run 1, step 2", "")
    assert (to_a_run.result.start, to_a_run.result.reference) == ("", "run 1, step 2")
    assert "Begins from run 1, step 2; KL is measured to the base." in log(begun, from_base)


@pytest.mark.parametrize("name", represented([name for name in ALGORITHMS if not ALGORITHMS[name].offline], "nlpo"))
def test_every_algorithm_begins_where_it_is_told_with_the_shape_that_lies_there(begun, run_job, name):
    job = tuned(begun, run_job, start_from="1", algorithm=name, lora_rank=8, steps=1, kl_coef=0.1)
    charged = job_metrics.series(begun, job.id)["objective/non_score_reward"][0][1]
    assert charged == 0.0, "the policy is its reference; a guide may still draw from another"
    assert (first_kl(begun, job) == 0.0) != ALGORITHMS[name].config.GUIDED
    assert "keeps the shape that it has (rank 4, alpha 32)" in log(begun, job)
    saved = json.loads((queue.adapter_of(begun, job) / ROLE / "adapter_config.json").read_text(encoding="utf-8"))
    assert saved["r"] == 4


@pytest.mark.thorough
def test_a_run_goes_on_with_the_same_bits_although_the_run_that_it_began_from_is_removed(begun, run_job, monkeypatch):
    config = replace(POLICY, start_from="1", steps=3, checkpoint_every=1)
    own = ALGORITHMS["ppo"].config()
    whole = run_job(begun, JobKind.TRAIN_POLICY, config, own)
    resumed = killed_and_resumed(
        begun, monkeypatch, config, own, at_step(2), meanwhile=lambda: trash.delete_run(begun.folder, 1)
    )
    assert numbers(begun, resumed) == numbers(begun, whole)
    compared = run_job(begun, JobKind.COMPARE, CompareConfig(max_new_tokens=6, temperature=1.0, completions=4, limit=2))
    assert compared.status == "done", compared.report or compared.error
    assert compared.result.kl == pytest.approx(resumed.result.kl), "to the same reference"
    assert compared.result.reference == "run 1, step 2"
    sent = [answer for each in sending.of_comparison(begun, compared) for answer in each.answers]
    assert {answer.policy_job for answer in sent} == {None, resumed.id}
    assert {how.get("imported") for each in sending.of_comparison(begun, compared) for how in each.sampling} == {
        None, "run 1, step 2"
    }, "what the base did not write is not said to be the base's"  # fmt: skip


@pytest.mark.thorough
def test_what_any_of_its_starts_learnt_from_is_measured_neither_in_the_run_nor_by_compare(begun, run_job):
    taken = prompts.listed(begun, split="train")[0]
    second = tuned(begun, run_job, start_from="1", steps=1)
    prompts.edit(begun, taken.id, split="heldout")
    third = tuned(begun, run_job, start_from=str(second.id), steps=1, eval_prompts=9)
    assert taken.text not in {row["prompt"] for row in job_samples.listed(begun, third.id)}
    for number in (1, second.id):
        trash.delete_run(begun.folder, number)
    compared = run_job(begun, JobKind.COMPARE, CompareConfig(max_new_tokens=6))
    assert (compared.result.prompts, compared.result.left_out) == (3, 1)
    assert f"Left out: run {third.id} or its start trained on 1 of the 4 held-out prompts." in log(begun, compared)


@pytest.mark.thorough
def test_the_reward_before_is_that_of_the_policy_before_its_first_step_and_says_whose(begun, run_job):
    kept = tuned(begun, run_job, start_from="1", steps=1)
    to_base = tuned(begun, run_job, start_from="1", reference="base", steps=1)
    fresh = tuned(begun, run_job, reference="1", steps=1)
    assert to_base.result.reward_before == kept.result.reward_before == queue.get(begun, 1).result.reward_after
    assert fresh.result.reward_before == queue.get(begun, 1).result.reward_before != to_base.result.reward_before
    for job, whose in ((kept, ""), (to_base, "run 1, step 2"), (fresh, "the base")):
        text = said_of(job)
        assert (f"the reward before is that of {whose}." in text) == bool(whose), text
    assert "It began from run 1, step 2; KL is measured to the base;" in said_of(to_base)
    (measured,) = (outcomes.measure(begun, to_base.id),)
    assert measured.reward.before.value == pytest.approx(to_base.result.reward_before)
    earlier = replace(to_base, result=replace(to_base.result, from_start=False))
    assert "the reward before is that of the base." in said_of(earlier), "as earlier versions measured it"


def test_a_loss_without_a_reference_reads_none_and_its_report_speaks_of_none(begun, run_job, monkeypatch):
    drawn = run_job(begun, JobKind.GENERATE, GenerateConfig(completions=2, max_new_tokens=6))
    assert drawn.status == "done", drawn.report or drawn.error
    gold.rank_all(begun, GOLD)
    config = replace(
        POLICY, algorithm="dpo", start_from="1", reference="base", gold="", train_on_gold=False, steps=1, eval_prompts=0
    )  # fmt: skip
    options = replace(ALGORITHMS["dpo"].config(), dpo_loss="simpo")

    def unwanted(*given, **named):
        raise AssertionError("nothing that is learnt depends on it")

    with monkeypatch.context() as patch:
        patch.setattr(reference_logps, "logprobs", unwanted)
        job = run_job(begun, JobKind.TRAIN_POLICY, config, options)
    assert job.status == "done", job.report or job.error
    assert "It began from run 1, step 2." in said_of(job) and "KL" not in said_of(job)


def test_a_run_that_another_waits_to_begin_from_stays(begun):
    waiting = queue.enqueue(begun, JobKind.TRAIN_POLICY, config_values(replace(POLICY, start_from="1")))
    assert f"Job {waiting.id}" in (dependents.why_kept(begun, queue.get(begun, 1)) or "")
    preflight.check(begun, replace(POLICY, start_from=str(waiting.id)))  # it will be there by then
    queue.want(begun, waiting.id, "stop")
    assert dependents.why_kept(begun, queue.get(begun, 1)) is None


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"start_from": "9"}, "no job 9"),
        ({"start_from": "adapter"}, "whole path"),
        ({"reference": "9"}, "no job 9"),
        ({"reference": "/adapter"}, "must be base, start or the number of a run"),
    ],
)
def test_what_names_nothing_is_refused_at_the_door(asking, settings, word):
    with pytest.raises(BadInput, match=word):
        preflight.check(asking, replace(POLICY, **settings))


def test_a_folder_is_kept_by_its_whole_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    typed = [wishes.from_here(TrainPolicyConfig(start_from=text)).start_from for text in ("", "3", "mine")]
    assert typed == ["", "3", str(tmp_path / "mine")]


def folder_of(project, tmp_path, **changes):
    """The adapter of the first run as it would come from elsewhere, its config changed."""
    folder = tmp_path / "mine"
    shutil.copytree(queue.adapter_of(project, queue.get(project, 1)) / ROLE, folder)
    config = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    (folder / "adapter_config.json").write_text(json.dumps(config | changes), encoding="utf-8")
    return folder


def test_an_adapter_from_elsewhere_is_asked_about_once_and_then_kept(begun, run_job, tmp_path):
    config = replace(POLICY, start_from=str(folder_of(begun, tmp_path)))
    gate.ask_from_now_on(begun)
    with pytest.raises(AskFirst, match="it uses the file or folder"):
        wishes.check(begun, config)
    job = tuned(begun, run_job, start_from=config.start_from)
    assert job.result.start == f"the adapter in {config.start_from}"
    assert first_answers(begun, job) == first_answers(begun, tuned(begun, run_job, start_from="1"))
    shutil.rmtree(config.start_from)
    assert wishes.named(begun, CompareConfig(policy_job=job.id)) == [], "comparing needs it no more"
    again = CompareConfig(policy_job=job.id, max_new_tokens=6)
    assert run_job(begun, JobKind.COMPARE, again).status == "done"
    kept = begun.run_folder(job.id) / origins.START
    kept.rename(tmp_path / "elsewhere")
    kept.symlink_to(tmp_path / "elsewhere")
    assert "is a link out of the project" in run_job(begun, JobKind.COMPARE, again).error


def test_what_is_no_policy_for_this_base_is_refused_in_a_sentence(begun, run_job, tmp_path, tiny_gpt2):
    def error(folder):
        config = replace(POLICY, start_from=str(folder))
        return run_job(begun, JobKind.TRAIN_POLICY, config, ALGORITHMS["ppo"].config()).error

    folder = folder_of(begun, tmp_path, target_modules="(a+)+$")
    assert "which is not read: choose a plain LoRA adapter" in error(folder)
    shutil.rmtree(folder)
    folder = folder_of(begun, tmp_path)
    (folder / "adapter_model.safetensors").rename(folder / "adapter_model.bin")
    assert "only safetensors are loaded" in error(folder)
    other = SharedModel(load(base_models.parse(str(tiny_gpt2))))
    other.add("a", POLICY, seed=0)
    other.save("a", tmp_path / "gpt2")
    other.close()
    assert "does not fit" in error(tmp_path / "gpt2")
    assert "is not there" in error(tmp_path / "nowhere")
    kept = begun.run_folder(1) / origins.KEPT
    kept.write_text(json.dumps(json.loads(kept.read_text()) | {"base": "another"}), encoding="utf-8")
    assert "was tuned on another base model" in error("1")
