"""The report on a reward model, from scores that are known, through the store, the measures and the files."""

import json
import math
import random
from dataclasses import replace

import numpy as np
import pytest

from core.cli import run as cli
from core.config.jobs import JobKind, config_values
from core.config.training import Scale, TrainedModel, TrainRewardConfig, TrainRewardResult
from core.events import NewCompletion, Result, Score, Scores
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.labeling import gold
from core.preferences import bias
from core.records import NewRanking, Prompt
from core.report import calibration, export, scores
from core.report.growth import extrapolate
from core.report.measure import measure
from core.runs.learnt_rankings import KEPT, Numbers
from core.store import Project, completions, labelers, pairs, prompts, rankings
from tests.jobs import set_job

WORDS = ("a", "a a", "a a a", "a a a a")  # the gold reward counts letters: more is better


@pytest.fixture
def judged(project: Project) -> Project:
    """40 held-out prompts whose longer completions are better, ranked by a script."""
    fill(project)
    gold.rank_all(project, "regex:a")
    return project


def fill(project: Project) -> None:
    splits = ("heldout",) * 40 + ("train",) * 10
    prompts.add(
        project,
        [Prompt(0, f"prompt {i}", ("even" if i % 2 == 0 else "odd",), split) for i, split in enumerate(splits)],
    )
    for prompt in prompts.listed(project):
        completions.add_group(
            project, prompt.id, tuple(NewCompletion(f"{text} {prompt.id}", len(text), True, 0) for text in WORDS)
        )


def run_with(project: Project, score, *, members=("reward",), models=(), std=2.0, size=len) -> int:
    """A finished run whose models gave every held-out completion `score(place, completion id, model)`."""
    job = queue.enqueue(project, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    recorder = Recorder(project, job.id)
    rows = project.database.rows(
        "select c.id, c.text, p.split from completions c join completion_groups g on g.id = c.group_id"
        " join prompts p on p.id = g.prompt_id order by c.id"
    )
    names = dict.fromkeys([*members, *(item.model for item in models)])
    found = [
        Score("heldout", name, "overall", row["id"], score(row["text"].count("a"), row["id"], name), size(row["text"]))
        for row in rows
        if row["split"] == "heldout"
        for name in names
    ]
    recorder.record(Scores(tuple(found)))
    reference = tuple(Score("reference", "reward", "overall", row["id"], float(row["id"]), 1) for row in rows[:9])
    recorder.record(Scores(reference))
    scale = {name: Scale((0.0,), (std,)) for name in names}
    found = TrainRewardResult("runs/x", members=tuple(members), columns=("overall",), scale=scale, models=tuple(models))
    recorder.record(Result(found))
    set_job(project, job.id, status="done")
    project.database.conn.commit()
    return job.id


def test_a_model_that_is_always_right_and_one_that_is_always_wrong(judged):
    right = measure(judged, run_with(judged, lambda place, key, name: 3.0 * place))
    assert (right.prompts, right.pairs) == (40, 240)
    assert right.accuracy.value == right.top.value == 1.0
    for share in (right.top, right.length.people, right.length.model, right.length.baseline):
        assert (share.low, share.high) == (pytest.approx(40 / (40 + 1.959964**2)), 1), "40 of 40 is Wilson's"
    assert right.log_loss.value < 0.05
    assert not right.mistakes
    wrong = measure(judged, run_with(judged, lambda place, key, name: -3.0 * place))
    assert wrong.accuracy.value == wrong.top.value == 0.0
    assert wrong.log_loss.value > 3
    first = wrong.mistakes[0]
    assert first.probability == pytest.approx(1 / (1 + math.exp(9)))
    assert (first.chosen[:7], first.rejected[:2]) == ("a a a a", "a ")
    assert first.gap == 3


def test_an_error_says_which_answer_was_written_by_hand(judged, tmp_path):
    ana = labelers.named(judged, "Ana <b>").id
    judged.database.execute("update completions set written_by = ? where text like 'a a a a%'", (ana,))
    report = measure(judged, run_with(judged, lambda place, key, name: -3.0 * place))
    assert (report.mistakes[0].chosen_by, report.mistakes[0].rejected_by) == ("Ana <b>", "")
    page = export.write(judged, report, tmp_path / "report.html").read_text()
    assert "written by hand by <bdi>Ana &lt;b&gt;</bdi>" in page
    assert "written by hand by Ana \\<b\\>" in export.write(judged, report, tmp_path / "report.md").read_text()


def test_a_report_says_on_which_rankings_its_figures_rest_and_what_came_since(judged, plumbline):
    job = run_with(judged, lambda place, key, name: 3.0 * place)
    set_job(judged, job, created_at="2020-01-01T10:30:00.000+00:00", started_at=None)
    judged.database.execute("update rankings set created_at = '2020-01-01T09:00:00.000+00:00'")
    judged.database.conn.commit()
    then = measure(judged, job).basis
    assert (then.measured, then.newer, then.since, then.learnt) == (40, 0, 0, None)
    numbers = [row["id"] for row in judged.database.rows("select id from rankings order by id")]
    folder = judged.folder / "runs" / str(job)
    folder.mkdir(parents=True, exist_ok=True)
    kept = {"learnt": Numbers.of(numbers[40:]), "tested": Numbers.of(numbers[:40])}
    (folder / KEPT).write_text(json.dumps({name: f"{found.bits:x}" for name, found in kept.items()}))
    ana = labelers.named(judged, "Ana").id
    for group in completions.group_ids(judged)[39:41]:  # one that is held out, and one to learn from
        ranks = {item: place for place, item in enumerate(completions.ids(judged, group), 1)}
        rankings.add(judged, NewRanking(group, ana, ranks))
    # As a pack does that was made elsewhere, before the run began.
    judged.database.execute(
        "update rankings set created_at = '2020-01-01T10:00:00.000+00:00' where labeler_id = ?", (ana,)
    )
    judged.database.conn.commit()
    now = measure(judged, job).basis
    assert (now.measured, now.newer, now.since, now.learnt) == (41, 1, 2, 10)
    said = (
        "These figures rest on 41 rankings as they count now, the newest of 2020-01-01 10:00 UTC; 1 of them came after"
    )
    code, out, _ = plumbline("report", judged.folder, "--run", job)
    assert code == 0 and said in out and "learnt from 10 rankings of then. 2 rankings have come since" in out
    judged.database.execute("update jobs set result = json_set(result, '$.accuracy', 0.66, '$.heldout_pairs', 230)")
    found = measure(judged, job).basis.sentences(lambda moment: moment[:4])
    assert found[1] == (
        "The accuracy of 0.66 beside the run's name rests on 230 pairs, as they were ranked when it began, 2020."
    )


def test_constant_scores_are_chance_and_called_collapsed(judged):
    report = measure(judged, run_with(judged, lambda place, key, name: 0.25))
    assert report.accuracy.value == 0.5
    assert report.top.value == pytest.approx(0.25), "one of four at the top is the best"
    assert report.log_loss.value == pytest.approx(math.log(2))
    assert report.collapsed
    assert "learnt nothing" in " ".join(export.warnings(report))


def test_a_collapse_is_seen_whatever_scale_was_made_of_it(judged):
    noise = random.Random(3)
    job = run_with(judged, lambda place, key, name: noise.gauss(0, 1e-5), std=1e-5)
    assert measure(judged, job).collapsed


def test_an_accuracy_that_cannot_be_told_from_chance_is_called_out(judged):
    noise = random.Random(3)
    report = measure(judged, run_with(judged, lambda place, key, name: noise.gauss(0, 1)))
    assert report.accuracy.low < 0.5 < report.accuracy.high
    assert "cannot be told from chance" in " ".join(export.warnings(report))


def test_slices_add_up_and_have_the_right_names(judged):
    noise = random.Random(1)
    report = measure(judged, run_with(judged, lambda place, key, name: place + noise.gauss(0, 1.5)))
    assert [item.name for item in report.by_distance] == ["1 rank apart", "2 ranks apart", "3 ranks apart"]
    assert [item.pairs for item in report.by_distance] == [120, 80, 40]
    assert report.by_distance[2].accuracy.value > report.by_distance[0].accuracy.value, "clear cases are easier"
    assert {item.name for item in report.by_tag} == {"even", "odd"}
    assert sum(item.pairs for item in report.by_tag) == report.pairs
    assert [item.pairs for item in report.by_labeler] == [240]
    total = sum(item.accuracy.value * item.pairs for item in report.by_distance)
    assert total == pytest.approx(report.accuracy.value * report.pairs)
    assert report.accuracy.low < report.accuracy.value < report.accuracy.high


def test_length_alone_is_the_baseline_and_a_bias_beyond_the_labelers_is_called_out(judged):
    longer = measure(judged, run_with(judged, lambda place, key, name: float(place)))
    assert longer.length.rule == "the longer one"
    assert longer.length.baseline.value == 1.0
    assert longer.length.people.value == longer.length.model.value == 1.0
    assert not longer.length.biased
    assert "would do as well" in " ".join(export.warnings(longer))
    assert longer.length.correlation > 0.9


def test_what_is_said_of_length_is_one_verdict_and_has_the_numbers_of_the_page_on_bias(judged, tmp_path):
    """The trained prompts are ranked the other way: the shorter one is better there, and the rule."""
    person = labelers.named(judged, "person")
    for prompt in prompts.listed(judged)[40:]:
        group = completions.group(judged, prompt.id)
        rankings.add(judged, NewRanking(group.id, person.id, {c.id: n for n, c in enumerate(group.completions, 1)}))
    known = bias.lengths(judged).longer_wins.value
    noise = random.Random(2)
    for score in (
        lambda place, key, name: float(place),
        lambda place, key, name: -float(place),
        lambda place, key, name: noise.gauss(0, 1),
    ):
        report = measure(judged, run_with(judged, score))
        assert report.length.everywhere == pytest.approx(known)
        assert f"{known:.0%} of all pairs" in report.length.verdict
        assert ("no sign" in report.length.verdict) != report.length.warns
        page = export.write(judged, report, tmp_path / "report.html").read_text()
        assert page.count("The model prefers the longer one") == 1
        gain = report.accuracy.value - report.length.baseline.value
        assert report.length.gain.value == pytest.approx(gain)
        assert report.length.warns == (report.length.gain.low <= 0 or report.length.biased)


def test_a_report_says_which_held_out_prompts_it_is_not_measured_on(judged):
    job = run_with(judged, lambda place, key, name: float(place))
    assert measure(judged, job).missing == "", "all are there, also while it trains"
    done = queue.get(judged, job).result
    Recorder(judged, job).record(Result(replace(done, accuracy=1.0, heldout_prompts=40)))
    assert measure(judged, job).missing == ""
    Recorder(judged, job).record(Result(replace(done, accuracy=1.0, heldout_prompts=43, heldout_too_long=2)))
    report = measure(judged, job)
    assert "3 held-out prompts are missing: their rankings" in report.missing
    assert "2 held-out prompts are missing: no pair of them fits into 1,024 tokens" in report.missing
    assert report.missing in dict(export.headline(report)).values()
    job = run_with(judged, lambda place, key, name: float(place))
    judged.database.execute("delete from scores where completion_id > 16 and part = 'heldout' and job_id = ?", (job,))
    assert measure(judged, job).missing.startswith("36 of 40 held-out prompts are missing: while a run trains")


def test_where_all_are_as_long_nothing_is_warned_of_and_it_is_said_why(judged):
    judged.database.execute("update completions set text = substr(text || '          ', 1, 10)")
    wrong = measure(judged, run_with(judged, lambda place, key, name: -1.0 * place, size=lambda text: 7))
    assert wrong.length.baseline.value is None and not wrong.length.biased
    assert "nothing to measure a bias towards length on" in wrong.length.verdict
    assert "would do as well" not in " ".join(export.warnings(wrong))


def test_errors_that_favour_a_length_are_called_out_and_others_are_not(project):
    fill(project)
    chance = random.Random(5)
    person = labelers.named(project, "person")
    liked: dict[int, float] = {}
    for group_id in completions.group_ids(project):
        ids = completions.ids(project, group_id)
        order = chance.sample(ids, len(ids))
        liked |= {key: -float(place) for place, key in enumerate(order)}
        rankings.add(project, NewRanking(group_id, person.id, {key: place for place, key in enumerate(order, 1)}))
    noise = random.Random(2)
    fair = measure(project, run_with(project, lambda place, key, name: liked[key] + noise.gauss(0, 1.5)))
    assert 0.6 < fair.accuracy.value < 0.9
    assert not fair.length.biased, fair.length.verdict
    short = measure(project, run_with(project, lambda place, key, name: liked[key] - place))
    assert short.length.biased
    assert "its errors favour shorter completions" in short.length.verdict
    long = measure(project, run_with(project, lambda place, key, name: liked[key] + place))
    assert "its errors favour longer completions" in long.length.verdict


def test_an_ensemble_is_judged_by_its_mean_probability_and_its_members_one_by_one(judged):
    signs = {"reward": 1.0, "reward1": 1.0, "reward2": -0.5}
    job = run_with(judged, lambda place, key, name: signs[name] * place, members=tuple(signs))
    report = measure(judged, job)
    assert report.accuracy.value == 1.0
    assert [item.accuracy.value for item in report.by_member] == [1.0, 1.0, 0.0]
    assert report.disagreement > 0.1
    found = scores.compared(judged, queue.get(judged, job))
    gap = found.gaps[0]
    p = (2 / (1 + math.exp(-gap)) + 1 / (1 + math.exp(gap / 2))) / 3
    assert found.difference[0] == pytest.approx(math.log(p / (1 - p)))


def test_the_curve_of_labels_is_measured_and_led_on(judged):
    noise = {"curve0": 6.0, "curve1": 3.0, "curve2": 1.5, "reward": 0.8}
    chance = random.Random(0)
    models = [
        TrainedModel(name, prompts=size, pairs=6 * size)
        for name, size in {"curve0": 10, "curve1": 20, "curve2": 40, "reward": 80}.items()
    ]
    job = run_with(judged, lambda place, key, name: place + chance.gauss(0, noise[name]), models=models)
    growth = measure(judged, job).growth
    assert [point.prompts for point in growth.measured] == [10, 20, 40, 80]
    accuracies = [point.accuracy.value for point in growth.measured]
    assert accuracies == sorted(accuracies)
    assert [point.prompts for point in growth.forecast] == [160, 320]
    assert growth.forecast[0].accuracy.value > accuracies[-2]
    assert growth.forecast[0].accuracy.low <= growth.forecast[0].accuracy.value <= growth.forecast[0].accuracy.high
    assert "With 160 labeled prompts instead of 80" in growth.verdict
    assert measure(judged, run_with(judged, lambda place, key, name: place)).growth.verdict == ""


def test_extrapolation_follows_the_law_that_it_assumes_and_never_passes_1():
    sizes = np.array([10.0, 20.0, 40.0, 80.0])
    assert extrapolate(sizes, 0.9 - 0.8 / np.sqrt(sizes), 320) == pytest.approx(0.9 - 0.8 / math.sqrt(320))
    assert extrapolate(sizes, np.array([0.7, 0.7, 0.7, 0.7]), 320) == pytest.approx(0.7)
    assert extrapolate(sizes, np.array([0.8, 0.7, 0.6, 0.6]), 320) == pytest.approx(0.675), "it is not led on downwards"
    assert extrapolate(sizes, np.array([0.1, 0.4, 0.7, 1.0]), 320) <= 1.0


def test_calibration_by_hand():
    sure = np.array([4.0] * 30 + [-4.0] * 30)
    bins = calibration.reliability(sure)
    assert sum(item.pairs for item in bins) == 60
    assert calibration.calibration_error(bins) == pytest.approx(1 / (1 + math.exp(-4)) - 0.5, abs=0.05)
    assert calibration.calibration_error([]) is None
    rng = np.random.default_rng(0)
    true = rng.normal(0, 2, 4000)
    labels = np.where(rng.random(4000) < calibration.sigmoid(true), 1, -1)
    honest = true * labels
    assert calibration.calibration_error(calibration.reliability(honest)) < 0.03
    assert calibration.temperature(honest) == pytest.approx(1.0, abs=0.1)
    assert calibration.temperature(3 * honest) == pytest.approx(3.0, abs=0.3)
    assert calibration.right(np.array([1.0, 0.0, -1.0])).tolist() == [1.0, 0.5, 0.0]


@pytest.mark.parametrize("sharpness", [1.0, 3.0], ids=["calibrated", "three times too sure"])
def test_a_calibration_error_is_told_apart_from_its_noise(sharpness):
    """60 rankings of four (360 pairs), drawn by repeated choice with probabilities in proportion to exp(score) (Luce):
    the expected error of a calibrated model is simulated that way, without a line of the code."""
    rng = np.random.default_rng(5)
    score = rng.normal(size=(60, 4))

    def ranked():
        found = []
        for row in score:
            left = list(range(4))
            while left:
                weights = np.exp(row[left])
                best = left.pop(rng.choice(len(left), p=weights / weights.sum()))
                found += [(best, other) for other in left]
        return np.array(found).reshape(60, 6, 2)

    def error(outcome):
        difference = np.take_along_axis(score, outcome[..., 0], 1) - np.take_along_axis(score, outcome[..., 1], 1)
        return difference.ravel(), calibration.calibration_error(
            calibration.reliability(sharpness * difference.ravel())
        )

    outcome = ranked()
    difference, found = error(outcome)
    group = np.repeat(np.arange(60), 6)
    keys = 4 * group[:, None] + outcome.reshape(-1, 2)
    floor = calibration.noise_floor(sharpness * difference, group, *keys.T)
    if sharpness == 1:
        simulated = [error(ranked())[1] for _ in range(60)]
        assert floor.expected == pytest.approx(np.mean(simulated), abs=4 * np.std(simulated) / math.sqrt(60))
        assert found <= floor.high
        assert "is no more than that" in floor.sentence(found)
    else:
        assert found > floor.high
        assert f"{found:.1%} is more than that" in floor.sentence(found)


def test_percentiles_are_among_the_references_completions(judged):
    job = queue.get(judged, run_with(judged, lambda place, key, name: place))
    reference = scores.reference_rewards(judged, job)
    assert reference.tolist() == [key / 2 for key in range(1, 10)], "divided by the standard deviation of 2"
    assert scores.percentile(reference, 2.5) == pytest.approx(0.5)
    assert scores.percentile(reference, -1.0) == 0.0
    assert scores.percentile(reference, 99.0) == 1.0
    assert scores.percentile(np.zeros(0), 1.0) is None


def test_later_labels_of_the_same_prompts_count_too(judged):
    job = run_with(judged, lambda place, key, name: float(place))
    person = labelers.named(judged, "person")
    group = completions.group(judged, 1)
    rankings.add(judged, NewRanking(1, person.id, {item.id: place for place, item in enumerate(group.completions, 1)}))
    report = measure(judged, job)
    assert report.pairs == 246
    assert {item.name: item.accuracy.value for item in report.by_labeler}["person"] == 0.0
    assert pairs.contradictions(judged) == 6


def test_the_report_is_written_as_a_page_as_markdown_with_plots_and_as_json(judged, tmp_path, capsys):
    noise = random.Random(1)
    job = run_with(judged, lambda place, key, name: place + noise.gauss(0, 1.5))
    for name in ("r.html", "r.md", "r.json"):
        assert cli(["report", str(judged.folder), "--run", str(job), "--out", str(tmp_path / name)]) == 0
    said = capsys.readouterr().out
    assert "Held-out accuracy" in said
    page = (tmp_path / "r.html").read_text()
    assert page.count("<svg") >= 5
    assert "Worst errors" in page
    assert "On as many pairs a perfectly calibrated model has an error of" in page
    names = ("http://www.w3.org/2000/svg", "http-equiv")  # no addresses
    assert "http" not in page.replace(names[0], "").replace(names[1], ""), "nothing is fetched"
    text = (tmp_path / "r.md").read_text()
    plots = {path.name for path in (tmp_path / "r_plots").iterdir()}
    assert plots >= {"reliability.svg", "scores.svg", "by-tag.svg"}
    assert all(f"(r_plots/{name})" in text for name in plots)
    values = json.loads((tmp_path / "r.json").read_text())
    assert values["pairs"] == 240
    assert cli(["report", str(judged.folder), "--out", str(tmp_path / "r.pdf")]) == 2
    assert cli(["report", str(judged.folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["accuracy"]["value"] == values["accuracy"]["value"]


def test_texts_cannot_break_out_of_the_page(judged, tmp_path):
    judged.database.execute("update completions set text = '<script>alert(1)</script>' || text")
    judged.database.conn.commit()
    job = run_with(judged, lambda place, key, name: -float(place))
    export.write(judged, measure(judged, job), tmp_path / "r.html")
    assert "<script>" not in (tmp_path / "r.html").read_text()


def test_without_a_reward_model_there_is_one_sentence(judged, capsys):
    assert cli(["report", str(judged.folder)]) == 2
    assert "no reward model yet" in capsys.readouterr().err
