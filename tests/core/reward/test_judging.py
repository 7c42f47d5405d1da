"""Jobs that ask a reward model: scoring with a trace, a whole file, what to label next, and models made elsewhere."""

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from core import worker
from core.cli import run as cli
from core.config.jobs import CompareConfig, GenerateConfig, JobKind, config_values
from core.config.scoring import ScoreConfig, ScoreFileConfig, SuggestConfig
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainRewardConfig, TrainRewardJob
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.labeling import gold
from core.models.adapters import SharedModel
from core.records import Job, Prompt
from core.reward.model import encode
from core.reward.suggest_job import doubt
from core.reward.trace import trace
from core.runs import wishes
from core.store import Project, assignments, labelers, prompts
from core.store.runs import job_log, job_metrics
from tests.conftest import copied
from tests.core.conftest import made_once
from tests.core.reward.steps import fresh_model
from tests.jobs import set_job

Run = Callable[..., Job]
REWARD = TrainRewardConfig(epochs=2, learning_rate=5e-3, batch_prompts=3)


@pytest.fixture(scope="module")
def trained_project(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Path:
    """Eight ranked prompts, four unranked ones, and a reward model; made once, tests copy it."""
    with made_once(tmp_path_factory.mktemp("trained"), tiny_model) as (project, run):
        prompts.add(project, [Prompt(0, f"prompt {i}", split="heldout" if i % 4 == 0 else "train") for i in range(8)])
        run(project, JobKind.GENERATE, GenerateConfig(max_new_tokens=8))
        gold.rank_all(project, "regex:[a-m]")
        prompts.add(project, [Prompt(0, f"new prompt {i}") for i in range(4)])
        run(project, JobKind.GENERATE, GenerateConfig(max_new_tokens=8))
        job = run(project, JobKind.TRAIN_REWARD, REWARD)
        assert job.status == "done", job.report or job.error
        return project.folder


@pytest.fixture
def trained(trained_project: Path, tmp_path: Path) -> Iterator[Project]:
    with copied(trained_project, tmp_path / "project") as found:
        yield found


def test_a_trace_gives_each_beginning_the_reward_that_it_has_alone(base):
    shared = SharedModel(base)
    model = fresh_model(shared, TrainRewardConfig(), seed=0)
    with torch.no_grad():
        for weight in shared.parameters("reward"):
            weight.add_(0.02)
    ids, (answer,) = encode(base, "hello", ["so it is 你好"])
    found = trace(model, ids, answer)
    assert "".join(found.pieces) == "so it is 你好"
    assert len(found.rewards) == len(found.pieces) + 1 == len(answer)
    for place in (0, 3, len(answer) - 1):
        alone = model.reward(model.raw_scores([ids], [[[*answer[:place], answer[-1]]]])[0])
        assert found.rewards[place] == pytest.approx(float(alone), abs=1e-4)
    shared.close()


def test_scores_come_with_percentiles_probabilities_and_traces(trained, run_job):
    asked = ScoreConfig(prompt="prompt 1", completions=("aaa", "zzz", "aaa"))
    result = run_job(trained, JobKind.SCORE, asked).result
    a, b, c = result.scores
    assert a == pytest.approx(c, abs=1e-5), "the same text has the same reward"
    wins = torch.tensor(result.wins)
    torch.testing.assert_close(wins + wins.T, torch.ones(3, 3))
    std = queue.newest_run(trained, TrainRewardJob).result.reward_std
    assert result.wins[0][1] == pytest.approx(float(torch.sigmoid(torch.tensor((a - b) * std))), abs=1e-4)
    assert all(0 <= place <= 1 for place in result.percentiles)
    assert result.traces[1].rewards[-1] == pytest.approx(b, abs=1e-4)
    plain = run_job(trained, JobKind.SCORE, ScoreConfig(prompt="x", completions=("y",), trace=False))
    assert plain.result.traces == ()


def test_scores_never_go_over_the_file_that_is_scored(trained, run_job, tmp_path):
    source = tmp_path / "in.jsonl"
    source.write_text('{"prompt": "p", "completion": "a", "mine": 1}\n')
    before = source.read_bytes()
    job = run_job(
        trained, JobKind.SCORE_FILE, ScoreFileConfig(path=str(source), out=str(tmp_path / "x" / ".." / "in.jsonl"))
    )
    assert job.status == "failed" and "write another file" in job.error and source.read_bytes() == before


def test_a_whole_file_is_scored_and_goes_on_after_an_interruption(trained, run_job, tmp_path, monkeypatch):
    source = tmp_path / "in.jsonl"
    rows = [{"prompt": f"p {i}\u2028", "completions": ["aaa", "zzz"]} for i in range(4)]
    rows += [{"prompt": "one", "completion": "b"}, {"prompt": "none"}]
    rows += [{"prompt": "long", "completions": ["y", "x" * 400]}, {"prompt": "no list", "completions": "text"}]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    target = tmp_path / "out.jsonl"
    config = ScoreFileConfig(path=str(source), out=str(target))

    class Killed(BaseException):
        pass

    record = Recorder.record

    def die(self, event):
        if isinstance(event, worker.Progress) and event.stage.startswith("Scoring") and event.done == 3:
            raise Killed
        return record(self, event)

    monkeypatch.setattr(Recorder, "record", die)
    wishes.choose(trained, config)
    job = queue.enqueue(trained, JobKind.SCORE_FILE, config_values(config))
    with pytest.raises(Killed):
        worker.run_job(trained, worker.claim(trained), {})
    monkeypatch.setattr(Recorder, "record", record)
    assert not target.exists()
    partial = trained.run_folder(job.id) / "scores.jsonl"
    kept = partial.read_text()
    assert kept.count("\n") == 4, "the run that judges, and three prompts"
    partial.write_text(kept + '{"half a li')
    queue.mark_interrupted(trained)
    whole = source.read_text()
    source.write_text(json.dumps(rows[4]) + "\n" + whole)
    queue.resume(trained, job.id)
    worker.run_job(trained, worker.claim(trained), {})
    assert "is another file than the one that this run began to score" in queue.get(trained, job.id).error
    source.write_text(whole)
    queue.resume(trained, job.id)
    worker.run_job(trained, worker.claim(trained), {})
    done = queue.get(trained, job.id)
    assert done.status == "done", done.report or done.error
    found = [json.loads(line) for line in target.read_text().rstrip("\n").split("\n")]
    assert [row["completion"] for row in found] == ["aaa", "zzz"] * 4 + ["b", "y", "x" * 400]
    assert found[-1]["score"] is None
    assert found[-2]["score"] is not None, "its neighbour is scored all the same"
    assert done.result.too_long == 1
    said = " ".join(row["text"] for row in job_log.lines(trained, job.id))
    assert "2 rows of in.jsonl hold no completion and were left out: 6, 8" in said
    assert "1 completions are too long to score, in the rows 7" in said
    alone = run_job(trained, JobKind.SCORE, ScoreConfig(prompt="p 1\u2028", completions=("aaa", "zzz")))
    assert [row["score"] for row in found[2:4]] == pytest.approx(alone.result.scores, abs=1e-4)


def test_preference_files_are_scored_too_and_bad_ones_are_one_sentence(trained, run_job, tmp_path):
    source = tmp_path / "pairs.jsonl"
    source.write_text(json.dumps({"prompt": "p", "chosen": "aaa", "rejected": "zzz"}) + "\n")
    config = ScoreFileConfig(path=str(source), out=str(tmp_path / "out.jsonl"))
    assert run_job(trained, JobKind.SCORE_FILE, config).result.completions == 2
    source.write_bytes(b'{"prompt": "p", "completion": "\xff"}\n')
    assert "is not text in UTF-8" in run_job(trained, JobKind.SCORE_FILE, config).error
    missing = run_job(trained, JobKind.SCORE_FILE, ScoreFileConfig(path=str(tmp_path / "no"), out=str(tmp_path / "x")))
    assert "is not a file" in missing.error
    source.write_text(json.dumps({"prompt": "p", "context": "c", "completion": "aaa"}) + "\n")
    job = run_job(trained, JobKind.SCORE_FILE, config)
    said = " ".join(row["text"] for row in job_log.lines(trained, job.id))
    assert "1 rows of pairs.jsonl are scored without `context`: 1." in said
    source.write_text('{"prompt": "only a prompt"}\n')
    assert "holds no completions" in run_job(trained, JobKind.SCORE_FILE, config).error
    assert cli(["score-file", str(trained.folder)]) == 2


def test_what_the_model_doubts_comes_first_in_the_queue_behind_the_calibration_set(trained, run_job):
    job = run_job(trained, JobKind.SUGGEST, SuggestConfig())
    assert job.status == "done", job.report or job.error
    doubts = assignments.priorities(trained)
    assert len(doubts) == job.result.groups == 4
    me = labelers.named(trained, "me")
    waiting = assignments.queue(trained, me.id).waiting
    assert list(waiting[:4]) == sorted(doubts, key=lambda key: -doubts[key])
    assert set(waiting[4:]) == set(range(1, 9)), "then what is ranked by others, as before"
    assignments.forget_priorities(trained)
    assert list(assignments.queue(trained, me.id).waiting) == list(range(1, 13))


def test_doubt_is_entropy_for_one_model_and_disagreement_for_an_ensemble():
    even, sure = torch.zeros(1, 2), torch.tensor([[9.0, -9.0]])
    assert doubt(even) == pytest.approx(0.6931, abs=1e-3)
    assert doubt(sure) < 1e-3
    agreed = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    assert doubt(agreed) == pytest.approx(0.0, abs=1e-6), "all agree that it is a close call: nothing to learn"
    split = torch.tensor([[9.0, -9.0], [-9.0, 9.0]])
    assert doubt(split) == pytest.approx(0.6931, abs=1e-3)


def test_nothing_waiting_is_one_sentence(trained, run_job):
    gold.rank_all(trained, "regex:[a-m]")
    assert "Every group of completions is ranked" in run_job(trained, JobKind.SUGGEST, SuggestConfig()).error


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sequence classification model with one label and a tokenizer of its own, as one would fetch it."""
    from transformers import AutoTokenizer, LlamaConfig, LlamaForSequenceClassification

    from tests.tiny import make_tiny_model

    folder = make_tiny_model(tmp_path_factory.mktemp("elsewhere"), chat_template=None)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.pad_token = "<unk>"
    tokenizer.save_pretrained(folder)
    torch.manual_seed(1)
    config = LlamaConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, vocab_size=261, num_labels=1,
        max_position_embeddings=128, pad_token_id=4, eos_token_id=0, bos_token_id=1,
    )  # fmt: skip
    LlamaForSequenceClassification(config).save_pretrained(folder)
    return folder


def test_a_reward_model_made_elsewhere_scores_and_tunes(trained, run_job, elsewhere):
    config = ScoreConfig(prompt="p", completions=("aaa", "a longer zzz"), reward_model=str(elsewhere))
    job = run_job(trained, JobKind.SCORE, config)
    assert job.status == "done", job.report or job.error
    assert len(set(job.result.scores)) == 2
    each = [
        run_job(trained, JobKind.SCORE, ScoreConfig(prompt="p", completions=(text,), reward_model=str(elsewhere)))
        for text in config.completions
    ]
    assert [item.result.scores[0] for item in each] == pytest.approx(job.result.scores, abs=1e-4), "no padding"
    policy = TrainPolicyConfig(steps=2, reward_model=str(elsewhere), max_new_tokens=6, batch_size=8, eval_prompts=2)
    tuned = run_job(trained, JobKind.TRAIN_POLICY, policy, ALGORITHMS["ppo"].config())
    assert tuned.status == "done", tuned.report or tuned.error
    assert dict(job_metrics.series(trained, tuned.id)["objective/scores"])[1] == pytest.approx(0.0, abs=2.0)
    compared = run_job(trained, JobKind.COMPARE, CompareConfig(max_new_tokens=6))
    assert compared.status == "done", compared.report or compared.error
    assert compared.result.reward_before is not None


def test_a_model_that_is_no_reward_model_is_refused(trained, run_job, tmp_path, elsewhere):
    from transformers import AutoModelForSequenceClassification

    AutoModelForSequenceClassification.from_pretrained(
        elsewhere, num_labels=3, ignore_mismatched_sizes=True
    ).save_pretrained(tmp_path / "three")
    for path in elsewhere.glob("*token*"):
        (tmp_path / "three" / path.name).write_bytes(path.read_bytes())
    asked = {"prompt": "p", "completions": ("a",)}
    three = run_job(trained, JobKind.SCORE, ScoreConfig(**asked, reward_model=str(tmp_path / "three")))
    assert "has 3 labels, and a reward model has one" in three.error
    none = run_job(trained, JobKind.SCORE, ScoreConfig(**asked, reward_model=str(tmp_path / "none")))
    assert "is not there" in none.error
    both = run_job(trained, JobKind.SCORE, ScoreConfig(**asked, reward_model=str(elsewhere), reward_job=3))
    assert "not both" in both.error


@pytest.mark.thorough
def test_ppo_against_an_ensemble_shows_its_disagreement(trained, run_job):
    job = run_job(trained, JobKind.TRAIN_REWARD, replace(REWARD, members=2))
    assert job.status == "done", job.report or job.error
    policy = TrainPolicyConfig(steps=1, ensemble="worst", max_new_tokens=6, batch_size=8, eval_prompts=0)
    worst = run_job(trained, JobKind.TRAIN_POLICY, policy, ALGORITHMS["ppo"].config())
    mean = run_job(trained, JobKind.TRAIN_POLICY, replace(policy, ensemble="mean"), ALGORITHMS["ppo"].config())
    first = {run.id: job_metrics.series(trained, run.id) for run in (worst, mean)}
    assert first[worst.id]["objective/score_spread"] == first[mean.id]["objective/score_spread"]
    assert first[worst.id]["objective/score_spread"][0][1] > 0
    assert first[worst.id]["objective/scores"] != first[mean.id]["objective/scores"]


@pytest.mark.parametrize("left", ["nonsense\n", "5\n", '{"line": 1}\n'])
def test_scores_that_no_run_left_are_named(trained, tmp_path, left):
    source = tmp_path / "in.jsonl"
    source.write_text('{"prompt": "p", "completion": "a"}\n')
    config = ScoreFileConfig(path=str(source), out=str(tmp_path / "out.jsonl"))
    wishes.choose(trained, config)
    job = queue.enqueue(trained, JobKind.SCORE_FILE, config_values(config))
    (trained.make_run_folder(job.id) / "scores.jsonl").write_text(left)
    worker.run_job(trained, worker.claim(trained), {})
    assert "scores.jsonl is damaged" in queue.get(trained, job.id).error
    assert not (tmp_path / "out.jsonl").exists()


def go(project: Project, job_id: int, *, stop_at: int | None = None) -> Job:
    """Let a queued job run here, to its end or until so much of it is done."""

    def stop(job: Job) -> None:
        if stop_at is not None and job.status == "running" and job.done >= stop_at and job.total > stop_at:
            queue.want(project, job_id, "stop")

    worker.run_job(project, worker.claim(project, job_id), {}, on_change=stop)
    return queue.get(project, job_id)


def test_a_run_that_began_without_a_reward_model_goes_on_without_one_that_was_trained_since(trained, run_job):
    reward = queue.newest_run(trained, TrainRewardJob)
    set_job(trained, reward.id, status="stopped")
    config = TrainPolicyConfig(
        algorithm="sft", steps=3, gold="length", eval_prompts=2, max_new_tokens=6, batch_size=4, checkpoint_every=1,
        reference_answers=False, missing_end_penalty=0,
    )  # fmt: skip
    own = ALGORITHMS["sft"].config(answers="best-ranked")
    job = queue.enqueue(trained, JobKind.TRAIN_POLICY, config_values(config, own))
    begun = go(trained, job.id, stop_at=1)
    assert begun.status == "stopped" and begun.result.reward_job is None
    of_four_bits = config_values(replace(reward.config, base_bits="4"))
    set_job(trained, reward.id, status="done", config=json.dumps(of_four_bits))
    queue.resume(trained, job.id)
    ended = go(trained, job.id)
    assert ended.status == "done", ended.report or ended.error
    assert ended.result.reward_job is None
    assert ended.result.reward_after == ended.result.gold_after


def test_an_unfinished_reward_model_rewards_nothing(trained, run_job):
    set_job(trained, queue.newest_run(trained, TrainRewardJob).id, status="stopped")
    policy = TrainPolicyConfig(steps=1, max_new_tokens=6, batch_size=4, eval_prompts=0)
    asked = ((JobKind.SCORE, ScoreConfig(prompt="p", completions=("y",)), None),
             (JobKind.SUGGEST, SuggestConfig(), None),
             (JobKind.TRAIN_POLICY, policy, ALGORITHMS["ppo"].config()))  # fmt: skip
    for kind, config, own in asked:
        job = run_job(trained, kind, config, own)
        assert job.status == "failed" and "is not finished (the run is stopped)" in job.error, job.report


@pytest.mark.thorough
def test_what_a_reward_began_is_ended_by_the_same_weights_on_the_same_scale(trained, elsewhere, tmp_path, run_job):
    place = shutil.copytree(elsewhere, tmp_path / "reward")
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"prompt": "p", "completions": ["aaa"]}\n' * 3)
    scoring = ScoreFileConfig(path=str(source), out=str(target), reward_model=str(place))
    tuning = TrainPolicyConfig(
        steps=3, reward_model=str(place), max_new_tokens=6, batch_size=4, eval_prompts=0, checkpoint_every=1,
        reference_answers=False,
    )  # fmt: skip
    whole = run_job(trained, JobKind.TRAIN_POLICY, tuning, ALGORITHMS["ppo"].config())
    scored = queue.enqueue(trained, JobKind.SCORE_FILE, config_values(scoring)).id
    tuned = queue.enqueue(trained, JobKind.TRAIN_POLICY, config_values(tuning, ALGORITHMS["ppo"].config())).id
    wishes.choose(trained, scoring)
    for job in (scored, tuned):
        assert go(trained, job, stop_at=1).status == "stopped"
    weights = place / "model.safetensors"
    kept = weights.read_bytes()
    save_file({name: -each for name, each in load_file(weights).items()}, weights)
    for job in (scored, tuned):
        queue.resume(trained, job)
        assert "is not the one with which this began" in go(trained, job).error
    weights.write_bytes(kept)
    run_job(trained, JobKind.GENERATE, GenerateConfig(max_new_tokens=8, missing_only=False))
    for job in (scored, tuned):
        queue.resume(trained, job)
        ended = go(trained, job)
        assert ended.status == "done", ended.report or ended.error
    assert len({json.loads(line)["score"] for line in target.read_text().splitlines()}) == 1
    scores = [dict(job_metrics.series(trained, job)["objective/scores"]) for job in (whole.id, tuned)]
    assert scores[0] == scores[1], "though there are more answers now to measure a scale on"
