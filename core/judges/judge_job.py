"""The job `judge`: a reward function scores answers, or a model is asked which of each two is better, in both orders.

What it says becomes rankings to learn from (RLAIF: Lee et al. 2023, arXiv 2309.00267), or votes on an arena, of a
labeler that is marked as a judge.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from core.config.judging import JudgingConfig, JudgingResult
from core.errors import NothingToDo
from core.events import Event, JudgedGroup, JudgedPair, Note, Progress, Result, Said
from core.jobs.context import Events, JobContext
from core.judges import kept, round_robin, verdict, work
from core.judges.kept import Begun, Kept
from core.judges.opening import Opened, opened_judge
from core.judges.question import Question, question, rubric
from core.judges.scores import Scores
from core.judges.work import Item
from core.runs import preflight
from core.store import guidelines

Judging = Generator[Event, None, None]
Pair = tuple[int, int]
STAGE = "Judging"
#: Questions of which answers are waited for before the next are looked for, for each that is asked at once.
AHEAD = 4
#: Pairs without a verdict that are shown one by one, and letters of what was said instead.
SHOWN, LETTERS = 5, 120
LITTLE = (
    "On average the judge gave the letters of a verdict {:.0%} of the probability: it hardly answers what it is asked. "
    "Look at how far it agrees with people before anything learns from it."
)


@dataclass
class Told:
    """What came of the work so far."""

    judged: int
    pairs: int
    unread: int = 0
    shown: int = 0
    """Pairs or prompts without a verdict that were told one by one."""


def run(context: JobContext) -> Events:
    """Yields what was judged prompt by prompt. Whoever resumes it asks only what was not answered yet."""
    config: JudgingConfig = context.config
    preflight.check(context.project, config)
    context.project.make_run_folder(context.job_id)
    path = context.project.run_file(context.job_id, kept.NAME)
    rows = kept.read(path)
    with ExitStack() as stack:
        judge = yield from opened_judge(context, stack, rows)
        items = work.items(context.project, config, judge.name)
        if rows:
            begun = Begun(**rows[0])
            chosen = set(begun.items)
            items = [item for item in items if item.id in chosen]
        else:
            items = items[: config.limit or None]
            if not items:
                raise NothingToDo(nothing(config, judge.name))
            numbers = [item.id for item in items]
            before, _ = work.done(context.project, config, judge.name, numbers)
            begun = Begun(judge.name, judge.weights, numbers, before)
        answers = stack.enter_context(Kept(path, replace(begun, judge=judge.name), rows))
        judged, pairs = work.done(context.project, config, judge.name, begun.items)
        told = Told(judged - begun.before, pairs - begun.before)
        yield Result(JudgingResult(judge.name, told.judged, told.pairs))
        yield from _judged(context, judge, items, answers, told)
        yield Result(JudgingResult(judge.name, told.judged, told.pairs, told.unread, answers.mass))
        if answers.mass is not None and answers.mass < verdict.MOST:
            yield Note(LITTLE.format(answers.mass))


def nothing(config: JudgingConfig, judge: str) -> str:
    if config.arena:
        return f"{judge!r} has voted on all of that in the arena {config.arena!r}: add policies, prompts or answers."
    return f"{judge!r} has ranked all that waits: generate more completions first."


def _judged(context: JobContext, judge: Opened, items: Sequence[Item], answers: Kept, told: Told) -> Events:
    total = told.pairs + sum(len(item.pairs) for item in items)
    yield Progress(told.pairs, total, STAGE)
    judging = (
        _by_scores(context, judge, judge.scores, items, told, total)
        if judge.scores is not None
        else _by_asking(context, judge, items, answers, told, total)
    )
    for event in judging:
        yield event
        if context.stopping and isinstance(event, Progress):
            break
    judging.close()
    yield from judge.told()


# --- scores -------------------------------------------------------------------------------------------------------


def _by_scores(
    context: JobContext, judge: Opened, scores: Scores, items: Sequence[Item], told: Told, total: int
) -> Judging:
    version = guidelines.current(context.project).id
    done = told.pairs
    for item in items:
        found = scores.scored(item.conversation, list(item.answers.values()))
        done += len(item.pairs)
        if found.why:
            told.unread += len(item.pairs)
            yield from _unread(item, found.why, told)
        else:
            place = {number: index for index, number in enumerate(item.answers)}
            won = {(one, two): found.wins[place[one]][place[two]] for one, two in item.pairs}
            ranks = round_robin.by_scores(dict(zip(item.answers, found.scores, strict=True)))
            yield from _out(judge, item, version, won, ranks, "order", {}, told)
        yield from judge.told()
        yield Progress(done, total, STAGE)


# --- asking -------------------------------------------------------------------------------------------------------


def _by_asking(
    context: JobContext, judge: Opened, items: Sequence[Item], answers: Kept, told: Told, total: int
) -> Judging:
    config: JudgingConfig = context.config
    assert judge.model is not None
    rules = guidelines.current(context.project)
    by = rubric(rules)
    done = 2 * told.pairs  # answers
    for part in _parts(items, AHEAD * config.at_once):
        questions = [_questions(item, by, config.explain) for item in part]
        every = [each for both in questions for each in both]
        missing = [each for each in every if answers.find(each) is None]
        done += len(every) - len(missing)
        asking = judge.model.ask(missing) if missing else iter(())
        for found in asking:
            if found is not None:
                answers.add(missing[found[0]], found[1])
                done += 1
            yield Progress(done // 2, total, STAGE)
        for item, both in zip(part, questions, strict=True):
            yield from _settled(judge, item, rules.id, both, answers, told)


def _parts(items: Sequence[Item], questions: int) -> Iterator[list[Item]]:
    """Prompts together, as many as give so many questions, so that no server waits for the last answer of each."""
    part: list[Item] = []
    for item in items:
        part.append(item)
        if sum(2 * len(each.pairs) for each in part) >= questions:
            yield part
            part = []
    if part:
        yield part


def _questions(item: Item, by: str, explain: bool) -> list[Question]:
    """Each pair in both orders."""
    orders = [order for one, two in item.pairs for order in ((one, two), (two, one))]
    return [
        question(by, item.conversation, (one, item.answers[one]), (two, item.answers[two]), explain=explain)
        for one, two in orders
    ]


def _settled(judge: Opened, item: Item, version: int, asked: Sequence[Question], answers: Kept, told: Told) -> Judging:
    """What both orders of each pair come to. A group of which one pair has no verdict is not ranked."""
    won, said = dict[Pair, float](), dict[Pair, tuple[Said, ...]]()
    for pair, first, second in zip(item.pairs, asked[::2], asked[1::2], strict=True):
        forward, backward = answers.of(first), answers.of(second)
        if forward.won is None or backward.won is None:
            told.unread += 1
            unread = forward if forward.won is None else backward
            yield from _unread(item, f"the judge said {_short(unread.said)}", told)
            continue
        won[pair] = verdict.of_both(forward.won, 1 - backward.won)
        said[pair] = tuple(
            Said(each.first_id, each.second_id, each.text, answer.said, answer.won)
            for each, answer in ((first, forward), (second, backward))
        )
    if len(won) == len(item.pairs) or not item.ranked:
        yield from _out(
            judge, item, version, won, round_robin.by_pairs(list(item.answers), won), "pairwise", said, told
        )


# --- what comes of it ---------------------------------------------------------------------------------------------


def _out(
    judge: Opened, item: Item, version: int, won: dict[Pair, float], ranks: dict[int, int | None], method: str,
    said: dict[Pair, tuple[Said, ...]], told: Told,
) -> Judging:  # fmt: skip
    """The order of a group, or the votes on an arena's pairs."""
    told.pairs += len(won)
    told.judged += 1 if item.ranked else len(won)
    if item.ranked:
        every = tuple(each for both in said.values() for each in both)
        yield JudgedGroup(
            judge.name, judge.detail, item.id, version, ranks, method, item.prompt, dict(item.answers), every
        )
        return
    for (one, two), got in won.items():
        yield JudgedPair(judge.name, judge.detail, one, two, version, got, said.get((one, two), ()))


def _unread(item: Item, why: str, told: Told) -> Judging:
    """What came to no verdict is shown, the first few; the others are counted."""
    told.shown += 1
    if told.shown <= SHOWN:
        yield Note(f"No verdict on prompt {item.prompt_id}: {why}.")


def _short(text: str) -> str:
    flat = " ".join(text.split())
    return repr(flat if len(flat) <= LETTERS else flat[:LETTERS] + " …")
