"""KTO: its loss and gradient beside those of plain transformers and peft, what it learns from, and its balance."""

from dataclasses import replace

import pytest
import torch

from core.config.algorithms import KTO, SFT
from core.config.jobs import JobKind
from core.config.training import ALGORITHMS, TrainPolicyConfig
from core.events import NewCompletion
from core.models.adapters import REFERENCE, SharedModel
from core.models.chat import completion_ids, prompt_ids
from core.models.rows import from_lists
from core.projects import trash
from core.records import NewRanking, Prompt
from core.rl import reference_logps, verdict_source
from core.rl.batches import VerdictBatch
from core.rl.pinned_answers import demonstrations_of, learnt_before, parted
from core.rl.rollout import POLICY, logprobs
from core.store import completions, labelers, prompts, rankings
from core.store.runs import job_log, job_metrics
from tests.core.conftest import ARCHITECTURES, loaded
from tests.core.rl.rollouts import CONFIG, gradient, learner_of
from tests.thorough import represented

RUN = TrainPolicyConfig(
    algorithm="kto", steps=6, learning_rate=1e-2, eval_prompts=0, max_new_tokens=4, batch_size=4, lora_rank=4,
    checkpoint_every=2, reference_answers=False,
)  # fmt: skip
SAID = [("What is red?", "A rose."), ("What is blue?", "The sky, by day."), ("Say it", "no"), ("Count", "1 2 3")]
WEIGHT = [1.0, -1.5, -1.5, 1.0]


@pytest.fixture(params=represented(ARCHITECTURES, "llama"))
def base(request, monkeypatch):
    return loaded(request, monkeypatch)


def alone(model, prompt, answer):
    """log pi of an answer, in a pass by itself; without its adapter where that is turned off."""
    out = model(input_ids=torch.tensor([prompt + answer])).logits[0].float().log_softmax(-1)
    places = torch.arange(len(prompt) - 1, len(prompt) + len(answer) - 1)
    return out[places, torch.tensor(answer)].sum()


@pytest.mark.parametrize("sign", [1, -1])
def test_loss_and_gradient_are_those_of_plain_transformers_with_each_answer_alone(base, sign):
    asked = [prompt_ids(base, prompt) for prompt, _ in SAID]
    answers = [completion_ids(base, answer) for _, answer in SAID]
    beside = answers[-1:] + answers[:-1]
    shared = SharedModel(base)
    shared.add(POLICY, CONFIG, seed=0)
    towards = -sign if base.model.config.model_type == "gpt2" else sign
    with torch.no_grad():  # somewhere else than the reference, so that z0 is not 0
        for place, weight in enumerate(shared.parameters(POLICY)):
            drawn = torch.randn(weight.shape, generator=torch.Generator().manual_seed(place))
            weight.copy_(0.05 * (towards if place % 2 else 1) * drawn)

    def rows(texts):
        made = from_lists(asked, [[text] for text in texts], base.pad_id, base.device)
        return made, logprobs(shared, REFERENCE, made, 1.0, 3)[0]

    batch = VerdictBatch(*rows(answers), torch.tensor(WEIGHT), rows(beside))
    learner = learner_of(shared, "kto")
    ours = gradient(learner, batch)

    with torch.no_grad(), shared.role(REFERENCE) as model:
        ref = torch.stack([alone(model, *row) for row in zip(asked, answers, strict=True)])
        ref_beside = torch.stack([alone(model, *row) for row in zip(asked, beside, strict=True)])
    with shared.role(POLICY, train=True) as model:
        with torch.no_grad():
            moved = torch.stack([alone(model, *row) for row in zip(asked, beside, strict=True)]) - ref_beside
        z0 = max(0.0, float(moved.mean()))
        h = torch.stack([alone(model, *row) for row in zip(asked, answers, strict=True)]) - ref
        value = torch.stack([
            w * torch.sigmoid(0.1 * (x - z0)) if w > 0 else -w * torch.sigmoid(0.1 * (z0 - x))
            for w, x in zip(WEIGHT, h, strict=True)
        ])  # fmt: skip
        loss = (torch.tensor(WEIGHT).abs() - value).mean()
        for weight in shared.parameters(POLICY):
            weight.grad = None
        loss.backward()
    theirs = torch.cat([weight.grad.flatten() for weight in shared.parameters(POLICY)])
    for weight in shared.parameters(POLICY):
        weight.grad = None
    said = learner_of(shared, "kto").update(batch, 0)
    assert (z0 > 0.1) is (sign > 0), "above 0, and held at 0"
    assert said["loss"] == pytest.approx(float(loss.detach()), abs=1e-5) and said["kl"] == pytest.approx(z0, abs=1e-4)
    assert torch.allclose(ours, theirs, atol=1e-5, rtol=1e-4) and float(theirs.norm()) > 1e-3
    good = torch.tensor(WEIGHT) > 0
    h = h.detach()
    margin = 0.1 * float(h[good].mean() - h[~good].mean())
    assert said["rewards/margins"] == pytest.approx(margin, abs=1e-5)
    shared.close()


def test_weights_balance_what_there_is_more_of():
    for good, bad in ((10, 30), (30, 10), (7, 7)):
        desirable, undesirable = verdict_source.weights(KTO(), good, bad)
        assert 1 <= desirable * good / (undesirable * bad) <= 4 / 3 and min(desirable, undesirable) == 1
    assert verdict_source.weights(KTO(desirable_weight=2.0), 10, 40) == (2.0, 0.5)
    assert verdict_source.weights(KTO(desirable_weight=2.0, undesirable_weight=3.0), 10, 40) == (2.0, 3.0)


def judge(project, *, kinds=("good", "bad")):
    """Answers to each prompt, of which Ada says whether they are good or bad; every other order is a ranking, too."""
    ada = labelers.named(project, "Ada").id
    for number in prompts.ids(project):
        texts = tuple(NewCompletion(text, 0, True, 0) for text in ("yes yes", "no no"))
        ids = completions.ids(project, group := completions.add_group(project, number, texts))
        ranks = dict(zip(ids, (2, 1) if number % 2 else (None, None), strict=True))
        verdicts = dict(zip(ids, kinds, strict=False))
        rankings.add(project, NewRanking(group, ada, ranks, verdicts=verdicts))


def test_it_learns_what_is_good_and_measures_what_is_held_out(asking, run_job):
    judge(asking)
    job = run_job(asking, JobKind.TRAIN_POLICY, RUN, ALGORITHMS["kto"].config())
    assert job.status == "done", job.report or job.error
    series = job_metrics.series(asking, job.id)
    assert series["rewards/margins"][-1][1] > 0.05 and series["loss"][-1][1] < series["loss"][0][1]
    assert series["eval/rewards/margins"][-1][1] > 0 == series["eval/rewards/margins"][0][1]
    assert series["eval/verdict_loss"][-1][1] < series["eval/verdict_loss"][0][1]
    said = " ".join(line["text"] for line in job_log.lines(asking, job.id))
    assert "9 good and 9 bad" in said and "6 held-out" in said


def test_what_is_learnt_is_chosen_and_what_is_too_little_is_said(asking, run_job):
    nothing = run_job(asking, JobKind.TRAIN_POLICY, RUN, KTO())
    assert nothing.status == "failed" and "no verdicts" in nothing.error
    judge(asking, kinds=("good",))
    one_kind = run_job(asking, JobKind.TRAIN_POLICY, RUN, KTO())
    assert one_kind.status == "failed" and "All 9 verdicts to learn from are good" in one_kind.error
    single, ranked, both = (verdict_source.judged_answers(asking, kind) for kind in ("single", "ranked", "both"))
    assert len(single) == 12 and all(each.good and not each.ranked for each in single)
    assert {(each.text, each.good) for each in ranked} == {("no no", True)}, "nobody called that otherwise"
    assert len(ranked) == 6 and len(both) == 18, "an own verdict comes before a rank"


def test_an_answer_beside_a_prompt_that_is_not_its_own_is_cut_to_the_room_there(asking, run_job, monkeypatch):
    lengths = []

    def made(asked, answers, *rest):
        lengths.extend(len(prompt) + len(answer) for prompt, (answer,) in zip(asked, answers, strict=True))
        return from_lists(asked, answers, *rest)

    monkeypatch.setattr(reference_logps, "from_lists", made)
    ada = labelers.named(asking, "Ada").id
    for asked, text, verdict in (("why? " * 37, "no", "bad"), ("How?", "so " * 60, "good")):
        number = prompts.add(asking, [Prompt(0, asked, split="train")]).ids[0]
        ids = completions.ids(
            asking, group := completions.add_group(asking, number, (NewCompletion(text, 0, True, 0),))
        )
        rankings.add(asking, NewRanking(group, ada, {ids[0]: None}, verdicts={ids[0]: verdict}))
    job = run_job(asking, JobKind.TRAIN_POLICY, replace(RUN, steps=1), KTO(max_length=200))
    assert job.status == "done", job.report or job.error
    assert max(lengths) == 200


def test_what_anybody_flagged_or_calls_otherwise_is_not_learnt(asking):
    ada, bo, ruth = (labelers.named(asking, name).id for name in ("Ada", "Bo", "Ruth"))

    def answers(*texts):
        group = completions.add_group(asking, 1, tuple(NewCompletion(text, 0, True, 0) for text in texts))
        return group, completions.ids(asking, group)

    def learnt(wanted):
        return [(each.text, each.good) for each in verdict_source.judged_answers(asking, wanted)]

    flagged, (first, second) = answers("a bomb", "no")
    verdicts = {first: "good", second: "bad"}
    rankings.add(asking, NewRanking(flagged, ada, {first: 1, second: 2}, verdicts=verdicts))
    rankings.add(asking, NewRanking(flagged, bo, {first: None, second: 1}, flags={first: "unsafe"}))
    assert [learnt(wanted) for wanted in ("single", "ranked", "both")] == [[("no", False)]] * 3

    group, (best, worst) = answers("X", "Y")
    rankings.add(asking, NewRanking(group, ada, {best: 1, worst: 2}, verdicts={best: "bad"}))
    assert ("X", True) not in learnt("ranked") and ("X", False) in learnt("both")

    group, (best, worst) = answers("V", "W")
    rankings.add(asking, NewRanking(group, ada, {best: None, worst: None}, verdicts={best: "bad"}))
    rankings.add(asking, NewRanking(group, ruth, {best: 1, worst: 2}, adjudicates=True))
    assert ("V", False) in learnt("single") and ("V", True) not in learnt("ranked")
    assert demonstrations_of(asking, "best-ranked") == []


@pytest.mark.thorough
def test_what_its_start_learnt_is_not_measured_as_held_out_also_once_that_run_is_gone(asking, run_job):
    for prompt in prompts.listed(asking, split="heldout"):
        prompts.edit(asking, prompt.id, split="train")
    judge(asking)
    options = KTO(heldout_fraction=0.25)
    first = run_job(asking, JobKind.TRAIN_POLICY, RUN, options)
    learnt = learnt_before(asking, replace(RUN, start_from=str(first.id)))
    assert len(learnt) == 9, "three are held out"
    taken = min(learnt)
    prompts.edit(asking, taken, split="heldout")
    beside = {
        each.prompt_id
        for wanted in ("best-ranked", "both")
        for each in parted(
            asking, replace(RUN, algorithm="sft", start_from=str(first.id)), SFT(answers=wanted)
        ).measured
    }
    assert taken not in beside
    second = run_job(asking, JobKind.TRAIN_POLICY, replace(RUN, start_from=str(first.id)), options)
    said = " ".join(line["text"] for line in job_log.lines(asking, second.id))
    assert "none is held out, without 2 that the run learnt before it began here" in said
    trash.delete_run(asking, first.id)
    assert taken in learnt_before(asking, replace(RUN, start_from=str(second.id)))
