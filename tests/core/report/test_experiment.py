"""The report of an experiment: what it says of runs whose numbers are known, and that a text stays a text."""

import json
import re
from html.parser import HTMLParser

import pytest

from core import cli
from core.config.jobs import CompareConfig, CompareResult, JobKind, config_values
from core.config.training import ALGORITHMS, TrainPolicyConfig, TrainPolicyResult, TrainRewardConfig, TrainRewardResult
from core.events import Metrics, NewCompletion, Result, Sample, Samples
from core.jobs import queue
from core.jobs.recorder import Recorder
from core.labeling import gold
from core.records import NewRanking, Prompt
from core.report import experiment, page, run_cards, story
from core.store import completions, guidelines, labelers, prompts, rankings
from tests.jobs import set_job

HOSTILE = "</div><script>alert(1)</script> \"quoted\" 'too' & <img src=x onerror=alert(2)> \u202eשלום 👩‍🚀\x00"
SEEN = HOSTILE.replace("\x00", "\ufffd")


class Reader(HTMLParser):
    """The page as a browser would have it: tags, attributes, and text without markup."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.attributes, self.text, self.open = set(), [], [], []
        self.feed(text)
        self.whole = "".join(self.text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += attrs
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} is closed where it is not open"

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)


def read(project):
    found = Reader(page.page(experiment.gather(project)))
    assert not found.open, "every tag is closed"
    return found


def tune(project, before, after, *, steps=10, status="done", **settings):
    """A run of the policy that ended: rewards of two answers to each prompt, before and after, and curves."""
    config = TrainPolicyConfig(**settings)
    own = ALGORITHMS[config.algorithm].config()
    job = queue.enqueue(project, JobKind.TRAIN_POLICY, config_values(config, own))
    record = Recorder(project, job.id).record
    for step, name, scores in ((0, "reference", before), (steps + 1, "tuned", after)):
        record(Samples(step, tuple(
            Sample(f"question {place // 2}? {HOSTILE}", f"{name} {HOSTILE}", policy=name, score=score, kl=2.0)
            for place, score in enumerate(scores)
        )))  # fmt: skip
    for step in range(1, steps + 1):
        record(Metrics(step, {"objective/scores": step / 10, "objective/kl": step / 5}))
    found = TrainPolicyResult(adapter="runs/1/x", steps=steps, stop_reason="maximum of steps", seconds=60.0)
    record(Result(found))
    set_job(project, job.id, status=status)
    project.database.conn.commit()
    return job.id


@pytest.fixture
def hostile(project):
    """A project in which every text that a person or a model can write tries to be markup."""
    project.set_setting("name", HOSTILE)
    text = f"Be **kind**.\n\n1. **{HOSTILE}** first\n2. `{HOSTILE}`\n\n# {HOSTILE}"
    guidelines.save(project, criteria=text, ties=HOSTILE, flags=f"- odd: {HOSTILE}", examples=HOSTILE)
    prompts.add(project, [Prompt(0, f"{HOSTILE} {n}", (HOSTILE,), "heldout", HOSTILE) for n in range(3)])
    for prompt in prompts.listed(project):
        rows = tuple(NewCompletion(f"{HOSTILE} {n}", 3, True, 0) for n in range(3))
        group = completions.add_group(project, prompt.id, rows)
        for name, order in (("ada", (1, 2, 3)), (HOSTILE, (1, 3, 2))):
            who = labelers.named(project, name)
            rankings.add(
                project, NewRanking(group, who.id, dict(zip(completions.ids(project, group), order, strict=True)))
            )
    tune(project, (0.0,) * 4, (1.0,) * 4, gold="length", rules=HOSTILE.replace("\x00", ""))
    failed = tune(project, (0.0,) * 4, (1.0,) * 4, status="failed")
    set_job(project, failed, error=HOSTILE)
    project.database.conn.commit()
    return project


def test_what_people_and_models_wrote_stays_text(hostile):
    found = read(hostile)
    assert not found.tags & {"script", "img", "iframe", "object", "link", "base", "form"}
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert {value[0] for name, value in found.attributes if name in ("href", "src")} == {"#"}, "nothing is fetched"
    assert ("dir", "auto") in found.attributes
    for text in (f"tuned {SEEN}", f"reference {SEEN}", f"question 0? {SEEN}"):
        assert text in found.whole
    assert found.whole.count("<script>alert(1)</script>") > 10
    assert any(name == "content" and value.startswith("default-src 'none'") for name, value in found.attributes)


def test_guidelines_keep_their_lists_and_bold_words(hostile):
    text = page.page(experiment.gather(hostile))
    assert '<p dir="auto">Be <b>kind</b>.</p>' in text
    assert {"ol", "li", "code"} <= read(hostile).tags
    assert "Version 1, written on" in text


def test_gain_interval_wins_and_settings_of_a_run_are_told(filled):
    tune(filled, (0.0, 1.0) * 8, (1.0, 3.0) * 8, kl_coef=0.2, seed=7, gold="length")
    found = experiment.gather(filled)
    run = found.leading
    assert run.measured.prompts == 8
    assert run.measured.answers == 16
    assert (run.measured.reward.before.value, run.measured.reward.after.value) == (0.5, 2.0)
    gain = run.measured.reward.gain
    assert (gain.value, gain.low, gain.high) == (1.5, 1.5, 1.5), "all prompts gained the same"
    assert (run.measured.wins.value, run.measured.kl.value) == (1.0, 2.0)
    assert {item.name: item.value for item in run.settings} == {"kl_coef": 0.2, "seed": 7, "gold": "length"}
    text = read(filled).whole
    for part in ("+1.50", "0.50 → 2.00", "100%", "maximum of steps", "kl_coef", "1.50 higher than before", "SmolLM2"):
        assert part in text


def test_a_column_says_what_differs_between_runs_and_what_each_had(filled):
    tune(filled, (0.0,) * 4, (1.0,) * 4, max_new_tokens=8, on_trouble="fail", kl_coef=0.2)
    tune(filled, (0.0,) * 4, (1.0,) * 4, kl_coef=0.2)
    found = experiment.gather(filled)
    table = run_cards.all_runs(found.outcomes, found.leading)
    heads = re.findall(r"<th[^>]*>([^<]*)</th>", table.split("</table>")[0])
    assert heads[-1] == "Max new tokens" and not {"on_trouble", "On trouble", "KL coefficient"} & set(heads)
    assert re.findall(r"<td[^>]*>(8|96)</td>", table.split("</table>")[0]) == ["96", "8"], "its default, too"


def test_the_headline_counts_the_pairs_that_the_model_learnt_from(hostile):
    job = queue.enqueue(hostile, JobKind.TRAIN_REWARD, config_values(TrainRewardConfig()))
    Recorder(hostile, job.id).record(Result(TrainRewardResult(adapter="runs/9/x", pairs=5, prompts=2, accuracy=0.7)))
    set_job(hostile, job.id, status="done")
    assert experiment.gather(hostile).data.counts.pairs > 5
    assert "from 5 of these pairs" in story.lead(experiment.gather(hostile))


def test_a_gain_that_may_be_chance_is_not_praised(filled):
    tune(filled, (0.0, 0.0, 1.0, 1.0) * 4, (1.0, 1.0, 0.2, 0.2) * 4)
    assert "no gain in reward can be told from chance" in story.lead(experiment.gather(filled))


def test_a_few_prompts_give_a_gain_but_no_interval(filled):
    tune(filled, (0.0, 0.0, 1.0, 1.0), (1.0, 1.0, 3.0, 3.0))
    found = experiment.gather(filled)
    gain = found.leading.measured.reward.gain
    assert (gain.value, gain.low, gain.high, gain.n) == (1.5, None, None, 2)
    assert "on 2 held-out prompts no gain in reward can be told from chance" in story.lead(found)


def test_a_comparison_stands_in_where_a_run_measured_nothing(filled):
    run = tune(filled, (), ())
    job = queue.enqueue(filled, JobKind.COMPARE, config_values(CompareConfig()))
    record = Recorder(filled, job.id).record
    record(Samples(0, tuple(Sample(f"q{n}", "before", policy="reference", score=0.0) for n in range(3))))
    record(Samples(0, tuple(Sample(f"q{n}", "after", policy="tuned", score=2.0, kl=1.0) for n in range(3))))
    record(Result(CompareResult(policy_job=run)))
    set_job(filled, job.id, status="done")
    filled.database.conn.commit()
    found = experiment.gather(filled).leading
    assert found.measured is None
    assert found.compared.reward.gain.value == 2.0
    assert [item.after for item in found.answers] == ["after"] * 3


def test_runs_are_drawn_on_one_scale(filled):
    tune(filled, (0.0,) * 4, (1.0,) * 4, steps=10)
    tune(filled, (0.0,) * 4, (1.0,) * 4, steps=40, kl_coef=0.5)
    text = page.page(experiment.gather(filled))
    assert "All runs together" in text
    cards = text.split('<div class="run">')[1:]
    assert len(cards) == 2
    ticks = [Reader(card[card.index("<svg") : card.index("</svg>") + 6]).text for card in cards]
    assert ticks[0] == ticks[1], "the same numbers along both axes"
    assert "40" in ticks[0]


def test_an_empty_project_says_what_is_missing_in_every_section(project):
    text = read(project).whole
    for line in (story.NO_PROMPTS, story.NO_RANKINGS, story.NO_GUIDELINES, story.NO_REWARD, story.NO_RUNS):
        assert line in text
    assert "None" not in text
    assert "nan" not in text


def test_prompts_without_rankings_read_well(filled):
    assert story.lead(experiment.gather(filled)) == "Nothing is ranked yet. Prompts so far: 6."


def test_simulated_labelers_are_named_as_such(filled):
    gold.rank_all(filled, "length")
    text = read(filled).whole
    assert "No person ranked anything here" in text
    assert "one simulated labeler" in text
    assert story.NO_AGREEMENT in text


@pytest.mark.thorough
def test_labelers_who_are_not_compared_or_not_listed_are_counted(filled):
    """Of 52 labelers at most fifty are compared, and twelve are listed."""
    with filled.write():
        ranks = {item: place for place, item in enumerate(completions.ids(filled, 1), 1)}
        for number in range(52):
            rankings.add(filled, NewRanking(1, labelers.named(filled, f"worker {number}").id, ranks))
    text = read(filled).whole
    assert "2 are left out" in text and "38 more of them are not listed" in text
    assert "40 more labelers are not listed" in text


def test_one_that_is_not_listed_is_one(filled):
    for number in range(13):
        labelers.named(filled, f"worker {number}")
        rankings.add(filled, NewRanking(1, number + 1, dict.fromkeys(completions.ids(filled, 1), 1)))
    text = read(filled).whole
    assert "1 more labeler is not listed" in text and "1 more of them is not listed" in text


def test_the_command_writes_a_page_and_prints_the_numbers(filled, tmp_path, capsys):
    tune(filled, (0.0, 1.0), (1.0, 3.0))
    out = tmp_path / "report.html"
    assert cli.run(["experiment", str(filled.folder), "--out", str(out), "--json"]) == 0
    found = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert found["outcomes"][0]["measured"]["reward"]["gain"]["value"] == 1.5
    assert found["versions"]["torch"]
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert cli.run(["experiment", str(filled.folder)]) == 0
    assert "+1.50" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["report.pdf", "nowhere/report.html"])
def test_a_place_that_cannot_be_written_is_refused_in_one_sentence(filled, tmp_path, capsys, name):
    assert cli.run(["experiment", str(filled.folder), "--out", str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.startswith("Error: ")
    assert list(tmp_path.glob("**/*.partial")) == []
