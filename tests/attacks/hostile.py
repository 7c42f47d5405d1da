"""A project whose every text would be something else, if anybody took it for more than a text."""

from core.config.jobs import CompareConfig, CompareResult, GenerateConfig
from core.config.training import TrainPolicyConfig, TrainPolicyResult
from core.events import Metrics, NewCompletion, Result, Sample, Samples
from core.jobs.recorder import Recorder
from core.records import NewRanking, Prompt
from core.store import Project, calibration, completions, guidelines, labelers, prompts, rankings
from tests.jobs import add_job, set_job

#: HTML, Markdown, links that open a file, marks of keys, formulas, what a terminal obeys, what turns and hides.
TEXTS = (
    '<img src="file:///dev/zero">',
    "<b>bold</b> R&D",
    "![x](file:///dev/zero) ![y](http://localhost:1/p.png)",
    "[x](file:///etc/passwd) [y](/etc/passwd) <file:///etc/passwd>",
    "[x](javascript:alert(1)) <a href='javascript:alert(1)'>y</a>",
    '=HYPERLINK("http://localhost:1")',
    "\x1b[2J\x1b]0;title\x07\x9b31m\rover",
    "user\u202egpj.exe \u2066a\u2069 pay\u200bpal \U000e0041",
)
EVERYTHING = " ".join(TEXTS)


def fill(project: Project) -> None:
    """Put hostile texts wherever the project takes one."""
    project.set_setting("name", EVERYTHING)
    guidelines.save(
        project, criteria=f"1. **Honest.** {EVERYTHING}\n2. **Kind.** {EVERYTHING}\n\n{EVERYTHING}", ties=EVERYTHING,
        flags=f"- unsafe: {EVERYTHING}", examples=EVERYTHING,
    )  # fmt: skip
    prompts.add(project, [Prompt(0, f"{number} {text}", (text, EVERYTHING)) for number, text in enumerate(TEXTS)])
    people = [labelers.named(project, f"{name} {EVERYTHING}") for name in ("me", "you")]
    for prompt in prompts.listed(project):
        rows = tuple(NewCompletion(f"{number} {EVERYTHING}", 9, False, 0) for number in range(2))
        group = completions.add_group(project, prompt.id, rows)
        answers = completions.ids(project, group)
        for who, ranks in zip(people, ((1, 2), (2, 1)), strict=True):
            made = NewRanking(
                group, who.id, dict(zip(answers, ranks, strict=True)), flags={answers[0]: EVERYTHING},
                comment=EVERYTHING,
            )  # fmt: skip
            ranking = rankings.add(project, made).ids[0]
    calibration.add(project, ranking)
    _runs(project)


def _runs(project: Project) -> None:
    run = add_job(project, TrainPolicyConfig(), name=EVERYTHING)
    record = Recorder(project, run.id).record
    record(Samples(1, (Sample(EVERYTHING, EVERYTHING, policy="policy", score=1.0),)))
    record(Metrics(1, {"objective/scores": 1.0, EVERYTHING: 2.0}))
    record(Result(TrainPolicyResult(adapter="runs/1/x", steps=1, reward_after=1.0)))
    set_job(project, run.id, status="done", error=EVERYTHING, stage=EVERYTHING, doing=EVERYTHING)
    compared = add_job(project, CompareConfig(policy_job=run.id), name=EVERYTHING)
    record = Recorder(project, compared.id).record
    for policy in ("reference", "tuned"):
        record(Samples(0, (Sample(EVERYTHING, EVERYTHING, policy=policy, score=1.0),)))
    record(Result(CompareResult(policy_job=run.id, prompts=1)))
    set_job(project, compared.id, status="done")
    failed = add_job(project, GenerateConfig(), name=EVERYTHING)
    set_job(project, failed.id, status="failed", error=EVERYTHING, report=EVERYTHING, stage=EVERYTHING)
