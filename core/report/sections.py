"""The sections of the experiment's page, from what came of it down to what it rests on. Each reads well when empty."""

from collections import defaultdict
from dataclasses import replace

from core.preferences.agreement import Agreement
from core.preferences.statistics import NOTHING
from core.report import run_cards, story
from core.report.experiment import Experiment
from core.report.export import headline, interval, plots
from core.report.markup import figure, folded, markdown, name, nothing, paragraphs, quote, said, table
from core.report.run_cards import settings
from core.report.story import number
from core.store.guidelines import SECTIONS

#: Rows of a table that has one for each tag, source or labeler.
ROWS = 12
MISTAKES = 3
#: What is told of the rankings even where there is none of it.
ALWAYS = ("pairs", "ties, which give no pair", "flagged prompts, which give none")
LONGEST_GUIDELINES = 40_000
MEASURES = (
    ("pairwise", "Pairs judged alike", "{:.0%}", "Of the pairs that two labelers both ordered; chance is near 50%."),
    ("alpha", "Krippendorff's alpha", "{:.2f}", "1 is perfect, 0 is chance; below 0.67 nothing should rest on it."),
    ("w", "Kendall's W", "{:.2f}", "How far the orders of one prompt concur: 0 not at all, 1 wholly."),
    ("tau_b", "Kendall's tau-b", "{:.2f}", "From -1, opposite orders, to 1, the same order."),
)
WORDS = (
    ("Prompt, completion", "What a person asks, and one answer that a model wrote to it."),
    ("Held-out prompts", "Prompts kept out of training, so that they show what was learnt and not what was memorised."),
    ("Ranking, pair", "A labeler's order of the answers to one prompt, and each two answers that it puts in order."),
    ("Reward model", "A model that learnt from the pairs to score an answer. It stands in for the labelers, and errs."),
    (
        "Reward",
        "That score, in standard deviations of the original model's answers: 0 is an average answer.",
    ),
    ("Gold reward", "A score computed by a known rule, drawn beside the learned one to see whether both agree."),
    ("Policy, reference", "The model that is tuned, and the same model as it was before."),
    ("Step, rollout", "One round of tuning, and an answer that the policy wrote in it."),
    ("KL", "How far the policy's answers have moved from the reference's, in nats per answer: 0 is not at all."),
    ("95% interval", "Where the number would likely lie, had other prompts been drawn: from the low to the high end."),
)


def answers(found: Experiment) -> str:
    run = found.leading
    if run is None or not run.answers:
        return nothing(story.NO_RUNS if run is None else story.NO_ANSWERS)
    best = run.best_known
    assert best is not None
    about = (
        f"{number(len(run.answers), 'prompt')} of the {best.prompts:,} that were measured, spread evenly and not "
        f"picked by hand: the first answer of {found.model} and of the policy tuned in run {run.job_id}."
    )
    return paragraphs([about], "muted") + run_cards.samples(run)


def policy(found: Experiment) -> str:
    going = f"{number(found.going, 'run')} still to end: not in this report." if found.going else ""
    if not found.outcomes:
        return nothing(story.NO_RUNS) + paragraphs([going], "muted")
    return run_cards.all_runs(found.outcomes, found.leading) + paragraphs([going], "muted")


def reward(found: Experiment) -> str:
    if found.report is None:
        return nothing(story.NO_REWARD)
    report = replace(found.report, by_tag=found.report.by_tag[:ROWS], by_labeler=found.report.by_labeler[:ROWS])
    model = next(each for each in found.reward_models if each.job_id == report.job_id)
    about = f"Reward model {report.job_id}, trained on {story.day(model.created_at)}."
    if model.pairs is not None and model.prompts is not None:
        about = about[:-1] + f" from {number(model.pairs, 'pair')} of {number(model.prompts, 'prompt')}."
    rows = [[said(what), said(value)] for what, value in headline(report)]
    figures = "".join(figure(plot, caption) for caption, plot in plots(report).values()) if report.pairs else ""
    wrong = "".join(
        f'<div class="sample"><div class="prompt" dir="auto">{said(item.prompt, 600)}</div><div class="sides">'
        f'<div><div class="kind">{name(item.labeler)} prefers</div>{quote(item.chosen)}</div>'
        f'<div><div class="kind">The model prefers, at {1 - item.probability:.0%}</div>{quote(item.rejected)}</div>'
        "</div></div>"
        for item in report.mistakes[:MISTAKES]
    )
    others = [
        [
            str(each.job_id), story.day(each.created_at), _or_dash(each.pairs), _share(each.accuracy),
            settings(each.settings),
        ]
        for each in found.reward_models
    ]  # fmt: skip
    return (
        paragraphs([about], "muted")
        + table(("", ""), rows)
        + paragraphs([report.length.verdict, report.growth.verdict])
        + f'<div class="figures">{figures}</div>'
        + (folded("Its worst errors", wrong) if wrong else "")
        + f"<h3>{'All reward models' if len(others) > 1 else 'Training'}</h3>"
        + table(
            ("Run", "Trained on", "Pairs", "Held-out accuracy then", "Settings unlike the defaults"), others,
            numbers=(2, 3),
        )
    )  # fmt: skip


def data(found: Experiment) -> str:
    known = found.data
    if not known.prompts:
        return nothing(story.NO_PROMPTS)
    by_source: dict[str, dict[str, int]] = defaultdict(lambda: {"train": 0, "heldout": 0})
    for source in known.sources:
        by_source[source.name or "by hand"][source.split] += source.prompts
    rows = [[name(source), f"{part['train']:,}", f"{part['heldout']:,}"] for source, part in by_source.items()]
    rest = f"{len(rows) - ROWS} more sources are not listed." if len(rows) > ROWS else ""
    total = ["All", f"{known.prompts - known.heldout:,}", f"{known.heldout:,}"]
    about = f"{number(known.prompts, 'prompt')} with {number(known.completions, 'completion')}."
    text = paragraphs([about]) + table(
        ("Prompts from", "To train on", "Held out"), [*rows[:ROWS], total], numbers=(1, 2)
    )
    text += paragraphs([rest], "muted") + "<h3>Rankings</h3>"
    if not known.counts.rankings:
        return text + nothing(story.NO_RANKINGS)
    people = [[name(who.name) + (" (simulated)" if who.kind == "scripted" else ""), f"{count:,}"]
              for who, count in known.labelers[:ROWS]]  # fmt: skip
    counted = [
        [said(rule.capitalize()), f"{count:,}"] for rule, count in known.rules.items() if count or rule in ALWAYS
    ]
    flags = ", ".join(f"{name(flag)} {count:,}" for flag, count in known.flags.items())
    return (
        text
        + table(("Labeler", "Rankings"), people, numbers=(1,))
        + table(("What became of them", ""), counted, numbers=(1,))
        + (f"<p>Flags: {flags}.</p>" if flags else "")
        + (f"<h3>Rounds</h3>{paragraphs(known.rounds)}" if len(known.rounds) > 1 else "")
    )


def agreement(found: Experiment) -> str:
    agreed = found.agreed
    text = ""
    if agreed.overall.groups:
        rows = [
            [said(title), said(interval(getattr(agreed.overall, field), form)), said(meaning)]
            for field, title, form, meaning in MEASURES
        ]
        who = "" if agreed.people else " Simulated labelers are among them."
        text = (
            paragraphs([f"Over {number(agreed.overall.groups, 'prompt')} that at least two of "
                        f"{agreed.overall.labelers} labelers ranked.{who}"], "muted")
            + table(("", "Agreement", ""), rows)
        )  # fmt: skip
    else:
        text = nothing(story.NO_AGREEMENT if found.data.counts.rankings else story.NO_RANKINGS)
    names = list(dict.fromkeys([*agreed.labelers, *agreed.steady]))
    people = [
        [name(who), *_two(agreed.labelers.get(who)), said(interval(agreed.steady.get(who, NOTHING), "{:.0%}"))]
        for who in names[:ROWS]
    ]
    header = ("Labeler", "Pairs judged as others do", "Alpha with others", "With themselves, asked again")
    return text + (table(header, people) if people else "")


def guidelines(found: Experiment) -> str:
    text = found.guidelines
    if not text.id:
        return nothing(story.NO_GUIDELINES)
    parts = "".join(
        f"<h3>{title}</h3>{markdown(getattr(text, part)[:LONGEST_GUIDELINES])}"
        for part, title in SECTIONS.items()
        if getattr(text, part)
    )
    about = f"Version {text.id}, written on {story.day(text.created_at)}. What the labelers were asked to go by."
    return paragraphs([about], "muted") + parts


def made(found: Experiment) -> str:
    seeds = [f"reward model {each.job_id}: {each.seed}" for each in found.reward_models[:1] if each.seed is not None]
    seeds += [f"run {each.job_id}: {each.seed}" for each in found.outcomes[:ROWS] if each.seed is not None]
    rows = [
        ["Base model", name(found.model)],
        ["Seeds", said("; ".join(seeds) or "none yet")],
        *[[said(what), said(value)] for what, value in found.versions.items()],
    ]
    about = "Versions are those installed where the report was made. The same seed gives the same run there."
    return table(("", ""), rows) + paragraphs([about], "muted")


def words(found: Experiment) -> str:
    return "<dl>" + "".join(f"<dt>{said(word)}</dt><dd>{said(meaning)}</dd>" for word, meaning in WORDS) + "</dl>"


def _two(found: Agreement | None) -> tuple[str, str]:
    if found is None:
        return "–", "–"
    return said(interval(found.pairwise, "{:.0%}")), said(interval(found.alpha, "{:.2f}"))


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _or_dash(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
