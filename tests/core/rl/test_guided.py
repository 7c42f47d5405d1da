"""Policies that learn within a part of the vocabulary are drawn from within it, wherever they answer."""

import json
import math
import shutil
from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from core.config.jobs import CompareConfig, ExportModelConfig, GenerateConfig, JobKind
from core.config.training import ALGORITHMS
from core.jobs import checkpoint_files, queue
from core.models import sampling
from core.rl import rollout
from core.store.runs import job_log, job_metrics, job_samples
from tests.core.rl.test_steering import POLICY

RUN = replace(POLICY, steps=2, learning_rate=2e-2, max_new_tokens=5, eval_prompts=3)
END = 0
COMPARE = CompareConfig(max_new_tokens=5, completions=4)


@pytest.fixture
def drawn(monkeypatch):
    """Every batch of completions that is drawn, as lists of prompt and completion ids."""
    found, draw = [], sampling.sample_with_logp

    def watched(*given, **how):
        came = draw(*given, **how)
        rows = came.rows
        prompts = [ids[mask].tolist() for ids, mask in zip(rows.prompt_ids, rows.is_prompt, strict=True)]
        answers = [ids[mask].tolist() for ids, mask in zip(rows.response_ids, rows.is_response, strict=True)]
        found.append([(prompts[of], answer) for of, answer in zip(rows.prompt_of.tolist(), answers, strict=True)])
        return came

    for module in (sampling, rollout):
        monkeypatch.setattr(module, "sample_with_logp", watched)
    return found


def tuned(project, run_job, name, **options):
    job = run_job(project, JobKind.TRAIN_POLICY, replace(RUN, algorithm=name), ALGORITHMS[name].config(**options))
    assert job.status == "done", job.report or job.error
    return job


def logits_of(model, prompt, answer):
    """What transformers says at each token of one answer (T, V), without padding and without anything of ours."""
    with torch.no_grad():
        return model(input_ids=torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1]


def theirs(tiny_model, folder=None):
    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    return PeftModel.from_pretrained(model, folder) if folder else model


def within(logits, share, fewest):
    """The ids of the fewest likeliest tokens that hold the share, one token after the other; and the end."""
    kept, held = {END}, 0.0
    for number, token in enumerate(logits.argsort(descending=True).tolist()):
        if held >= share and number >= fewest:
            return kept
        kept.add(token)
        held += float(logits.softmax(-1)[token])
    return kept


def jobs_of(project, run_job, job, drawn):
    """What `compare` and `generate` draw from the run's policy: the drawn rows and the comparison."""
    drawn.clear()
    compared = run_job(project, JobKind.COMPARE, COMPARE)
    assert compared.status == "done", compared.report or compared.error
    answers = drawn[1]  # behind the reference's
    drawn.clear()
    written = run_job(project, JobKind.GENERATE, GenerateConfig(policy_job=job.id, max_new_tokens=5, completions=3))
    assert written.status == "done", written.report or written.error
    return answers, [row for batch in drawn for row in batch], compared


def test_nlpo_answers_within_its_mask_everywhere_and_its_kl_is_that_of_what_drew(
    asking, run_job, drawn, tiny_model, tmp_path
):
    job = tuned(asking, run_job, "nlpo", top_mask=0.5, fewest_tokens=2, mask_refresh=1)
    base = theirs(tiny_model)
    first = next(
        batch for batch in drawn if len(batch) == RUN.batch_size
    )  # policy, mask and reference are the base yet
    held = 0.0
    for prompt, answer in first:
        for logits, token in zip(logits_of(base, prompt, answer), answer, strict=True):
            allowed = within(logits, 0.5, 2)
            assert token in allowed
            held -= math.log(float(logits.softmax(-1)[list(allowed)].sum()))
    assert held / len(first) > 0.5
    assert dict(job_metrics.series(asking, job.id)["objective/kl"])[1] == pytest.approx(held / len(first), abs=1e-4)

    checkpoint = queue.adapter_of(asking, job)
    mask, policy = theirs(tiny_model, checkpoint / "masking"), theirs(tiny_model, checkpoint / "policy")
    answers, written, compared = jobs_of(asking, run_job, job, drawn)
    for prompt, answer in answers + written:
        for logits, token in zip(logits_of(mask, prompt, answer), answer, strict=True):
            assert token in within(logits, 0.5, 2)
    rows = [row for row in job_samples.listed(asking, compared.id) if row["policy"] == "tuned"]
    for row, (prompt, answer) in zip(sorted(rows, key=lambda row: row["id"]), answers, strict=True):
        kl = 0.0
        told = (logits_of(model, prompt, answer) for model in (policy, mask, base))
        for own, masking, reference, token in zip(*told, answer, strict=True):
            allowed = sorted(within(masking, 0.5, 2))
            kl += float(own[token] - own[allowed].logsumexp(-1) - reference.log_softmax(-1)[token])
        assert row["kl"] == pytest.approx(kl, abs=1e-3)
    own = [row["completion"] for row in job_samples.listed(asking, job.id) if row["policy"] == "tuned"]
    assert sorted(own) == sorted(row["completion"] for row in rows), "the run measured the same policy"

    plain = replace(RUN, steps=1, eval_prompts=0, start_from=str(job.id))
    onward = run_job(asking, JobKind.TRAIN_POLICY, plain, ALGORITHMS["ppo"].config())
    assert any("taken without that" in row["text"] for row in job_log.lines(asking, onward.id))

    out = tmp_path / "out"
    exported = run_job(asking, JobKind.EXPORT_MODEL, ExportModelConfig(out=str(out), policy_job=job.id)).result
    assert "the tokens that hold 50% of what an older copy of it says" in exported.lacks
    assert exported.lacks in (out / "README.md").read_text()

    shutil.rmtree(checkpoint / "masking")  # as a run that kept none
    (checkpoint / checkpoint_files.SEAL).unlink()
    again = run_job(asking, JobKind.GENERATE, GenerateConfig(policy_job=job.id, max_new_tokens=2, missing_only=False))
    assert again.status == "done", again.error
    assert any("drawn from without it" in row["text"] for row in job_log.lines(asking, again.id))


@pytest.mark.thorough
def test_dqn_draws_from_its_candidates_by_their_q_wherever_it_answers(asking, run_job, drawn, tiny_model):
    job = tuned(asking, run_job, "dqn", candidates=4)
    policy, base = theirs(tiny_model, queue.adapter_of(asking, job) / "policy"), theirs(tiny_model)
    answers, written, compared = jobs_of(asking, run_job, job, drawn)

    def candidates(reference):
        likeliest = [token for token in reference.argsort(descending=True).tolist() if token != END]
        return [END, *likeliest[:3]]

    kl = 0.0
    for prompt, answer in answers:
        told = zip(logits_of(policy, prompt, answer), logits_of(base, prompt, answer), answer, strict=True)
        for own, reference, token in told:
            kl += float(own[token] - own[candidates(reference)].logsumexp(-1) - reference.log_softmax(-1)[token])
    for prompt, answer in answers + written:
        for reference, token in zip(logits_of(base, prompt, answer), answer, strict=True):
            assert token in candidates(reference)
    assert compared.result.kl == pytest.approx(kl / len(answers), abs=1e-3)
    assert job.result.kl == pytest.approx(compared.result.kl, abs=1e-5)
    assert len({tuple(answer) for _, answer in written}) > len(written) / 3, "what is to be ranked differs"


@pytest.mark.thorough
def test_dqn_pays_no_kl_unless_it_is_told_to(asking, run_job):
    from core.config.jobs import config_values
    from core.config.training import TrainPolicyConfig
    from core.errors import BadInput

    asked = {name: config_values(TrainPolicyConfig(algorithm=name))["kl_coef"] for name in ("ppo", "dqn")}
    assert asked == {"ppo": 0.05, "dqn": 0.0}
    assert config_values(TrainPolicyConfig(algorithm="dqn", kl_coef=0.05))["kl_coef"] == 0.05
    with pytest.raises(BadInput, match="at least 0, or -1"):
        TrainPolicyConfig(kl_coef=-0.5)
    job = tuned(asking, run_job, "dqn")
    assert {value for _, value in job_metrics.series(asking, job.id)["objective/kl_coef"]} == {0.0}
    with asking.write() as database:  # as an earlier version kept it
        database.execute("update jobs set config = json_set(config, '$.kl_coef', 0.05)")
    assert queue.get(asking, job.id).config.price == 0.05
    assert json.loads(asking.database.value("select config from jobs"))["kl_coef"] == 0.05
