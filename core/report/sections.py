"""The sections of the experiment's page, from what came of it down to what it rests on. Each reads well when empty."""

from collections import defaultdict
from dataclasses import replace

from markupsafe import Markup

from core.preferences.agreement import Agreement
from core.preferences.interval import NOTHING
from core.report import run_cards, story
from core.report.arena_words import points
from core.report.experiment import Experiment
from core.report.export import headline, interval, plots
from core.report.run_cards import Figure, settings
from core.report.story import number
from core.report.templates import name, render
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


def answers(found: Experiment) -> Markup:
    run = found.leading
    if run is None or not run.answers:
        return _nothing(story.NO_RUNS if run is None else story.NO_ANSWERS)
    best = run.best_known
    assert best is not None
    about = (
        f"{number(len(run.answers), 'prompt')} of the {best.prompts:,} that were measured, spread evenly and not "
        f"picked by hand: the first answer of {found.model} and of the policy tuned in run {run.job_id}."
    )
    return render("answers.html.j2", about=about, answers=run.answers)


def arena(found: Experiment) -> Markup:
    """Nothing where there is no arena."""
    told = [
        {
            "title": name(each.name),
            "about": f"{number(standing.votes, 'vote')} of {standing.voice} on {number(standing.prompts, 'prompt')}.",
            "places": [
                [place.rank or "–", name(place.name), points(place.points), f"{place.votes:,}"]
                for place in standing.table.places
            ],
            "sentences": standing.sentences,
        }
        for each in found.arenas
        for standing in each.standings
        if standing.votes
    ]
    judged = [sentence for each in found.arenas for said in each.judge_sentences for sentence in said]
    waiting = story.NO_VOTES if found.arenas and not told else ""
    return render("arena.html.j2", told=told, judged=judged, waiting=waiting) if found.arenas else Markup("")


def policy(found: Experiment) -> Markup:
    runs = run_cards.all_runs(found.outcomes, found.leading) if found.outcomes else _nothing(story.NO_RUNS)
    going = f"{number(found.going, 'run')} still to end: not in this report." if found.going else ""
    return render("policy.html.j2", runs=runs, going=going)


def reward(found: Experiment) -> Markup:
    if found.report is None:
        return _nothing(story.NO_REWARD)
    report = replace(found.report, by_tag=found.report.by_tag[:ROWS], by_labeler=found.report.by_labeler[:ROWS])
    model = next(each for each in found.reward_models if each.job_id == report.job_id)
    about = f"Reward model {report.job_id}, trained on {story.day(model.created_at)}."
    if model.pairs is not None and model.prompts is not None:
        about = about[:-1] + f" from {number(model.pairs, 'pair')} of {number(model.prompts, 'prompt')}."
    models = [
        [each.job_id, story.day(each.created_at), _or_dash(each.pairs), _share(each.accuracy), settings(each.settings)]
        for each in found.reward_models
    ]
    return render(
        "reward.html.j2",
        about=about,
        report=report,
        headline=headline(report),
        figures=[Figure(plot, caption) for caption, plot in plots(report).values()] if report.pairs else [],
        mistakes=report.mistakes[:MISTAKES],
        models=models,
    )


def data(found: Experiment) -> Markup:
    known = found.data
    if not known.prompts:
        return _nothing(story.NO_PROMPTS)
    by_source: dict[str, dict[str, int]] = defaultdict(lambda: {"train": 0, "heldout": 0})
    for source in known.sources:
        by_source[source.name or "by hand"][source.split] += source.prompts
    sources = [[name(source), f"{part['train']:,}", f"{part['heldout']:,}"] for source, part in by_source.items()]
    total = ["All", f"{known.prompts - known.heldout:,}", f"{known.heldout:,}"]
    labelers = [[name(who.name) + who.mark, f"{count:,}"] for who, count in known.labelers[:ROWS]]
    return render(
        "data.html.j2",
        about=f"{number(known.prompts, 'prompt')} with {number(known.completions, 'completion')}.",
        sources=[*sources[:ROWS], total],
        rest=_unlisted(source=len(sources), labeler=len(known.labelers)),
        ranked=known.counts.rankings,
        no_rankings=story.NO_RANKINGS,
        labelers=labelers,
        counted=[
            [rule.capitalize(), f"{count:,}"] for rule, count in known.rules.items() if count or rule in ALWAYS
        ],
        flags={flag: f"{count:,}" for flag, count in known.flags.items()},
        rounds=known.rounds,
    )  # fmt: skip


def agreement(found: Experiment) -> Markup:
    agreed = found.agreed
    measures = [
        [title, interval(getattr(agreed.overall, field), form), meaning] for field, title, form, meaning in MEASURES
    ]
    who = "" if agreed.people else " Simulated labelers are among them."
    known = list(dict.fromkeys([*agreed.labelers, *agreed.steady]))
    labelers = [
        [name(each), *_two(agreed.labelers.get(each)), interval(agreed.steady.get(each, NOTHING), "{:.0%}")]
        for each in known[:ROWS]
    ]
    more = len(known) - ROWS
    rest = f" {more:,} more of them {_are(more)} not listed." if more > 0 else ""
    return render(
        "agreement.html.j2",
        about=(
            f"Over {number(agreed.overall.groups, 'prompt')} that at least two of {agreed.overall.labelers} labelers "
            f"ranked.{who}{' ' + agreed.lacks if agreed.lacks else ''}{rest}"
        ),
        measures=measures if agreed.overall.groups else [],
        missing=story.NO_AGREEMENT if found.data.counts.rankings else story.NO_RANKINGS,
        labelers=labelers,
    )


def guidelines(found: Experiment) -> Markup:
    text = found.guidelines
    if not text.id:
        return _nothing(story.NO_GUIDELINES)
    parts = [(title, getattr(text, part)[:LONGEST_GUIDELINES]) for part, title in SECTIONS.items()]
    about = f"Version {text.id}, written on {story.day(text.created_at)}. What the labelers were asked to go by."
    return render("guidelines.html.j2", about=about, parts=[(title, part) for title, part in parts if part])


def made(found: Experiment) -> Markup:
    seeds = [f"reward model {each.job_id}: {each.seed}" for each in found.reward_models[:1] if each.seed is not None]
    seeds += [f"run {each.job_id}: {each.seed}" for each in found.outcomes[:ROWS] if each.seed is not None]
    rows = [("Base model", name(found.model)), ("Seeds", "; ".join(seeds) or "none yet"), *found.versions.items()]
    return render("made.html.j2", rows=rows)


def words(found: Experiment) -> Markup:
    return render("words.html.j2", words=WORDS)


def _nothing(text: str) -> Markup:
    """The line that stands for a section that has nothing yet."""
    return render("nothing.html.j2", text=text)


def _unlisted(**counts: int) -> str:
    """How many of each go over the rows of a table; empty where all are listed."""
    over = {noun: count - ROWS for noun, count in counts.items() if count > ROWS}
    more = " and ".join(number(count, f"more {noun}") for noun, count in over.items())
    return f"{more} {_are(sum(over.values()))} not listed." if more else ""


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _two(found: Agreement | None) -> tuple[str, str]:
    if found is None:
        return "–", "–"
    return interval(found.pairwise, "{:.0%}"), interval(found.alpha, "{:.2f}")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _or_dash(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
