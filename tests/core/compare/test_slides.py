"""One prompt at each checkpoint of a run: what is written, what is known of its tokens, and what is shown of it."""

import json
from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from core import worker
from core.compare import slide_job
from core.config.jobs import JobKind, config_values
from core.config.slider import SlideConfig
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.jobs import queue
from core.runs import slides
from core.store import chat_settings, prompts
from core.store.runs import checkpoints, job_log, job_samples

GOLD = "regex:[a-m]"
POLICY = TrainPolicyConfig(
    steps=3, learning_rate=2e-2, eval_prompts=0, max_new_tokens=6, batch_size=8, lora_rank=4, checkpoint_every=1,
    keep_checkpoints=9, gold=GOLD, train_on_gold=True, missing_end_penalty=0.0, kl_coef=0.3,
)  # fmt: skip
TEXT = "tell me of boats"


def trained(project, run_job, algorithm="ppo", settings=POLICY, **options):
    config, own = replace(settings, algorithm=algorithm), ALGORITHMS[algorithm].config(**options)
    job = run_job(project, JobKind.TRAIN_POLICY, config, own)
    assert job.status == "done", job.report or job.error
    return job


def written(project, run_job, run, **settings):
    job = run_job(project, JobKind.SLIDE, SlideConfig(policy_job=run.id, **settings))
    assert job.status == "done", job.report or job.error
    return job


def shown(project, run, text):
    series = next(each for each in slides.series_of(project, run) if each.prompt == text)
    return slides.slides_of(project, run, series)


def log_probabilities(model, prompt, answer):
    """Of each token of an answer, by the plain model."""
    with torch.no_grad():
        logits = model(torch.tensor([prompt + answer])).logits[0].log_softmax(-1)
    return [float(logits[len(prompt) + t - 1, token]) for t, token in enumerate(answer)]


def hidden(model, prompt, answer):
    """The last layer's states (T, d) before each token of an answer."""
    with torch.no_grad():
        states = model(torch.tensor([prompt + answer]), output_hidden_states=True).hidden_states[-1][0]
    return states[len(prompt) - 1 : -1]


def gae_by_hand(rewards, values, gamma, lam):
    """A_t = sum over l of (gamma lam)^l delta_{t+l}, as Schulman et al. 2015 write it out (equation 16)."""
    ends = [*values[1:], 0.0]
    deltas = [r + gamma * after - v for r, v, after in zip(rewards, values, ends, strict=True)]
    return [sum((gamma * lam) ** (k - t) * deltas[k] for k in range(t, len(deltas))) for t in range(len(deltas))]


def test_the_numbers_of_tokens_are_those_of_the_plain_model_and_gae_by_hand(asking, run_job, monkeypatch, tiny_model):
    drawn = []
    from core.rl import evaluate

    def remembering(*args, **how):
        for part in answered(*args, **how):
            drawn.append(part.rollout.rows.response_ids[0, : int(part.rollout.rows.lengths[0])].tolist())
            yield part

    answered = evaluate.answered
    run = trained(asking, run_job, gamma=0.9, lam=0.8)
    with monkeypatch.context() as patch:
        patch.setattr(evaluate, "answered", remembering)
        job = written(asking, run_job, run, prompts=(TEXT,))
    assert job.result.steps == (0, 1, 2, 3) and not job.result.lacks
    found = shown(asking, run, TEXT)
    assert [each.step for each in found] == [0, 1, 2, 3]
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    prompt = tokenizer.apply_chat_template(
        [{"role": "user", "content": TEXT}], add_generation_prompt=True, tokenize=True, return_dict=False
    )
    for slide, answer in zip(found[1:], drawn[1:], strict=True):
        plain = AutoModelForCausalLM.from_pretrained(tiny_model)
        folder = checkpoints.folder_of(asking, run.id, slide.step)
        reference, states = log_probabilities(plain, prompt, answer), hidden(plain, prompt, answer)
        policy = log_probabilities(PeftModel.from_pretrained(plain, folder / "policy"), prompt, answer)
        kl = [p - r for p, r in zip(policy, reference, strict=True)]
        assert slide.trace.kl == pytest.approx(kl, abs=2e-3)
        assert slide.kl == pytest.approx(sum(kl), abs=2e-3)
        head = load_file(folder / "value.safetensors")
        values = (states @ head["linear.weight"][0] + head["linear.bias"]).tolist()
        assert slide.trace.value == pytest.approx(values, abs=2e-3)
        coef = json.loads((folder / "loop.json").read_text())["live"]["kl_coef"]
        rewards = [-coef * each for each in kl]
        rewards[-1] += slide.score
        assert slide.trace.advantage == pytest.approx(gae_by_hand(rewards, values, 0.9, 0.8), abs=5e-3)
    assert set(found[0].trace.kl) == {0.0} and found[0].trace.value is None, "nothing was learnt before the first step"


@pytest.mark.parametrize(
    ("algorithm", "options", "value", "advantage", "says"),
    [
        ("grpo", {}, False, False, "weighs a completion as a whole"),
        ("reinforce", {"baseline": "batch"}, False, False, "no value of single states"),
        pytest.param("reinforce", {}, True, True, "", marks=pytest.mark.thorough),
        pytest.param("soft-q", {}, True, False, "without advantages", marks=pytest.mark.thorough),
        pytest.param("dqn", {}, True, False, "without advantages", marks=pytest.mark.thorough),
        pytest.param("nlpo", {}, True, True, "", marks=pytest.mark.thorough),
        pytest.param("trpo", {}, True, True, "", marks=pytest.mark.thorough),
        pytest.param("a2c", {"value_model": "adapter", "kl_in": "loss"}, True, True, "", marks=pytest.mark.thorough),
    ],
)
def test_each_algorithm_says_what_it_does_not_know_of_tokens(
    asking, run_job, algorithm, options, value, advantage, says
):
    run = trained(asking, run_job, algorithm, replace(POLICY, steps=1), **options)
    job = written(asking, run_job, run, prompts=(TEXT,))
    last = shown(asking, run, TEXT)[-1].trace
    assert (last.value is not None, last.advantage is not None) == (value, advantage)
    assert says in job.result.lacks and bool(says) == bool(job.result.lacks)
    assert len(last.kl) == len(last.pieces)


def stopped_and_resumed(project, values):
    """A slide of two prompts that was stopped after two checkpoints, and went on."""
    job = queue.enqueue(project, JobKind.SLIDE, values)

    def stop(job):
        if job.done == 4:
            queue.want(project, job.id, "stop")

    worker.run_job(project, worker.claim(project), {}, on_change=stop)
    assert queue.get(project, job.id).status == "stopped"
    assert len(job_samples.listed(project, job.id)) < 8
    queue.resume(project, job.id)
    worker.run_job(project, worker.claim(project), {})
    return job


@pytest.mark.thorough
def test_a_job_that_stood_still_goes_on_where_it_was_and_writes_the_same(asking, run_job, monkeypatch):
    run = trained(asking, run_job)
    numbers = tuple(prompt.id for prompt in prompts.listed(asking, split="heldout")[:2])
    whole = written(asking, run_job, run, prompt_ids=numbers)
    texts = [(row["step"], row["prompt"], row["completion"]) for row in job_samples.listed(asking, whole.id)]
    assert [step for step, _, _ in texts] == [0, 0, 1, 1, 2, 2, 3, 3]

    half = stopped_and_resumed(asking, config_values(SlideConfig(policy_job=run.id, prompt_ids=numbers)))
    assert queue.get(asking, half.id).result == whole.result
    again = [(row["step"], row["prompt"], row["completion"]) for row in job_samples.listed(asking, half.id)]
    assert again == texts, "the same seed gives the same answers"
    tokens = [slides.read_tokens(checkpoints.on_disk(asking, job.id)[0][1]) for job in (whole, half)]
    assert tokens[0] == tokens[1]
    chat_settings.choose(asking, replace(chat_settings.get(asking), system_prompt="Be brief."))
    asked = written(asking, run_job, run, prompt_ids=numbers)
    again = [(row["step"], row["prompt"], row["completion"]) for row in job_samples.listed(asking, asked.id)]
    assert again == texts, "conversations are put as they were in the run"

    with monkeypatch.context() as patch:
        patch.setattr(slide_job, "MOST_TOKENS", 5)
        full = stopped_and_resumed(asking, config_values(SlideConfig(policy_job=run.id, prompt_ids=numbers)))
    said = [row["text"] for row in job_log.lines(asking, full.id)]
    assert [text[:11] for text in said if "too many" in text] == ["From step 0"], "what was full stays full"


@pytest.mark.thorough
def test_a_run_keeps_as_many_checkpoints_as_it_was_told_to(asking, run_job):
    few = trained(asking, run_job, settings=replace(POLICY, keep_checkpoints=2))
    assert len(checkpoints.on_disk(asking, few.id)) <= 3, "the newest two, and the best one"
    job = written(asking, run_job, few, prompts=(TEXT,))
    assert job.result.steps[0] == 0 and len(job.result.steps) >= 3, "before the first step it is the reference"


def test_what_a_run_keeps_by_itself_is_shown_without_a_job(asking, run_job):
    run = trained(asking, run_job, settings=replace(POLICY, eval_prompts=2, keep_checkpoints=2))
    found = slides.series_of(asking, run)
    asked = [each for each in found if each.prompt_id is not None]
    assert asked and all(each.job_id == run.id and each.steps > 1 for each in asked)
    held = prompts.listed(asking, split="heldout")[0]
    first, last = shown(asking, run, held.text)
    assert (first.step, first.when, last.when) == (0, "Before step 1", f"After step {run.result.steps}")
    row = job_samples.listed(asking, run.id, step=run.result.steps + 1)[0]
    assert (last.text, last.score) == (row["completion"], row["score"])


@pytest.mark.thorough
def test_damaged_checkpoints_are_left_out_and_damaged_numbers_are_no_numbers(asking, run_job):
    run = trained(asking, run_job)
    (checkpoints.folder_of(asking, run.id, 2) / "policy" / "adapter_model.safetensors").write_bytes(b"nothing")
    job = written(asking, run_job, run, prompts=(TEXT,))
    assert job.result.steps == (0, 1, 3)
    path = checkpoints.on_disk(asking, job.id)[0][1] / slides.TOKENS
    good = json.loads(path.read_text())
    huge = "1" + "0" * 400
    for wrong in ("kl", "value"):
        for value in ("NaN", "Infinity", huge, '"one"', "true", "[1]"):
            bad = json.dumps([each | {wrong: [0.5] * len(each["pieces"])} for each in good])
            path.write_text(bad.replace("0.5", value, 1))
            assert [each.trace for each in shown(asking, run, TEXT)] == [None] * 3, (wrong, value)
    for bad in ("{}", "[1]", "[{}]", "[" * 9000, json.dumps([{**good[0], "pieces": [1] * 6}])):
        path.write_text(bad)
        assert [each.trace for each in shown(asking, run, TEXT)] == [None] * 3
    path.write_text(json.dumps(good))
    assert None not in [each.trace for each in shown(asking, run, TEXT)]


@pytest.mark.thorough
def test_a_run_that_was_packed_without_what_a_resume_needs_is_asked_too(asking, run_job):
    run = trained(asking, run_job, settings=replace(POLICY, steps=1))
    folder = checkpoints.folder_of(asking, run.id, 1)
    for name in ("loop.json", "learner.json", "policy-optimizer.safetensors", "checksums.json"):
        (folder / name).unlink(missing_ok=True)
    job = written(asking, run_job, run, prompts=(TEXT,))
    assert job.result.steps == (0, 1)
    assert shown(asking, run, TEXT)[1].trace.advantage is not None


@pytest.mark.thorough
def test_the_command_shows_lists_and_writes(asking, run_job, plumbline):
    folder = asking.folder
    code, _, err = plumbline("slide", folder)
    assert code == 2 and "no tuned policy" in err
    run = trained(asking, run_job, settings=replace(POLICY, steps=2, eval_prompts=1))
    listed = json.loads(plumbline("slide", folder, "--json")[1].splitlines()[-1])
    held = prompts.listed(asking, split="heldout")[0]
    assert held.id in [each["prompt_id"] for each in listed["prompts"]]
    text = plumbline("slide", folder, run.id, "--prompt", held.id)[1]
    assert "Before step 1" in text and "After step 2" in text and held.text in text
    code, out, _ = plumbline("slide", folder, run.id, "--text", TEXT, "--detach", "--json")
    assert code == 0
    waiting = worker.claim(asking)
    assert waiting.id == json.loads(out.splitlines()[-1])["job"]
    worker.run_job(asking, waiting, {})
    found = json.loads(plumbline("slide", folder, run.id, "--text", TEXT, "--json")[1].splitlines()[-1])
    assert [each["step"] for each in found["written"][0]["slides"]] == [0, 1, 2]
    assert found["written"][0]["slides"][1]["trace"]["kl"]
    assert plumbline("slide", folder, "--prompt", 999)[0] == 2
    assert plumbline("slide", folder, "--prompt", 1, "--text", "a")[0] == 2


def test_what_is_new_in_an_answer_is_marked():
    assert slides.marked("the cat sat", [(4, 7)]) == "the {+cat+} sat"
    assert slides.marked("a b c", [(0, 1), (4, 5)]) == "{+a+} b {+c+}"
