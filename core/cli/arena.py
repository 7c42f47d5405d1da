"""The commands of the arena: policies against each other, voted on blind."""

import shlex
from pathlib import Path
from typing import Any

import click

from core.arena import policies, settings, simulate
from core.arena.asking import Question
from core.arena.voting import Outcome, VotedElsewhere, VotingSession
from core.arena.whole import WholeVoting
from core.cli.arena_results import results_command
from core.cli.arena_whole import taken_back, walk_whole
from core.cli.jobs import detach_option, start
from core.cli.output import config_options, folder_argument, given, json_option, opened, quoted, say, show, table
from core.cli.trust import asking
from core.config.arena import AnswerConfig, AnswerJob
from core.config.jobs import JobKind
from core.errors import BadInput
from core.labeling import gold
from core.labeling.pack_check import LONGEST_COMMENT
from core.records import Job, Prompt
from core.runs import wishes
from core.store import Project, arena_votes, arenas, labelers, packed_rankings, prompts, vote_remarks
from core.store.arenas import Arena
from core.store.typed import both
from core.texts import whole as without_halves
from core.trust import gate

#: Which prompts, in `arena new`.
WHICH = "`heldout`, `all`, `train` or `tag:NAME`"
TAG = "tag:"
#: What is typed, and what it says of the two answers.
KEYS: dict[str, Outcome] = {"a": "first", "b": "second", "t": "tie", "x": "both bad"}
ASK = (
    "a or b is better, t for a tie, x for both bad, a comment behind it if you like; s for later, u to undo, q to leave"
)
ALL_VOTED = "Every pair of answers has your vote, or both say the same words."
ALL_ORDERED = (
    "Every prompt has a vote of yours, or its answers say the same words: without --whole the pairs that are left are "
    "asked."
)

name_argument = click.argument("name", metavar="NAME")


@click.group("arena")
def arena() -> None:
    """Let policies answer the same prompts, and vote on their answers blind."""


@arena.command("new")
@folder_argument
@name_argument
@click.option("--prompts", "which", default="heldout", show_default=True, help=f"Which prompts: {WHICH}.")
@click.option("--limit", default=0, type=click.IntRange(0), help="At most this many; 0 is all.")
@json_option
def new(folder: Path, name: str, which: str, limit: int, as_json: bool) -> None:
    """Make an arena of prompts, as they are worded now."""
    with opened(folder) as project:
        asked = _chosen(project, which)[: limit or None]
        with project.write():
            found = arenas.create(project, name)
            arenas.add_prompts(project, found.id, asked)
    text = f"The arena {found.name!r} has {len(asked)} prompts: `arena add` lets policies take part."
    show({"arena": found.id, "name": found.name, "prompts": len(asked)}, as_json, text)


def _chosen(project: Project, which: str) -> list[Prompt]:
    if which.startswith(TAG):
        tag = which.removeprefix(TAG).strip()
        found = [prompt for prompt in prompts.listed(project) if tag in prompt.tags]
        lacking = f"No prompt has the tag {tag!r:.80}: `prompts` shows the tags there are."
    elif which in ("heldout", "train", "all"):
        found = prompts.listed(project, split=which)
        lacking = "There are no such prompts: add or import some, or hold some out with `prompts --heldout 0.2`."
    else:
        raise BadInput(f"--prompts is {WHICH}, not {which!r:.80}.")
    if not found:
        raise BadInput(lacking)
    return found


@arena.command("add", short_help="Let policies take part.")
@folder_argument
@name_argument
@click.argument("policy", nargs=-1, required=True)
@json_option
def add(folder: Path, name: str, policy: tuple[str, ...], as_json: bool) -> None:
    added = []
    with opened(folder) as project:
        found = arenas.called(project, name)
        for text in policy:
            added.append(asking(lambda text=text: policies.add(project, found.id, text)))  # type: ignore[misc]
    rows = [(each.id, each.name, each.kind) for each in added]
    values = {"added": [{"id": number, "name": called, "kind": kind} for number, called, kind in rows]}
    show(values, as_json, table(rows, ("policy", "name", "kind")))


add.help = f"Let policies take part.\n\nEach POLICY is {policies.HELP}."


@arena.command("remove")
@folder_argument
@name_argument
@click.argument("policy")
@json_option
def remove(folder: Path, name: str, policy: str, as_json: bool) -> None:
    """Take the policy called POLICY out of an arena with its answers, as long as nobody voted on them."""
    with opened(folder) as project:
        there = arenas.policies(project, arenas.called(project, name).id)
        chosen = next((each for each in there if each.name == policy), None)
        if chosen is None:
            names = ", ".join(repr(each.name) for each in there)
            raise BadInput(f"There is no policy {policy!r:.80} in this arena: there is {names or 'none'}.")
        arenas.remove_policy(project, chosen.id)
    show({"removed": chosen.name}, as_json, f"{chosen.name!r} is not in the arena any more.")


@arena.command("answer")
@folder_argument
@name_argument
@json_option
@detach_option
@config_options(AnswerConfig, leave_out=("arena",))
def answer(folder: Path, name: str, as_json: bool, detach: bool, **options: Any) -> None:
    """Let each policy answer what it was not asked yet, all in the same way; where no settings are given, as before."""
    chosen = given(options, AnswerConfig)
    with opened(folder) as project:
        policies.refuse_pack(project)
        found = arenas.called(project, name)
        config = AnswerConfig(**chosen, arena=found.id)
        config = settings.as_before(project, found.id, config, set(chosen))
        settings.check(project, found.id, config)

    def tell(project: Project, job: Job) -> str:
        assert isinstance(job, AnswerJob)
        there = f"{job.result.answers} answers of this job are in the arena: `arena vote` asks about them."
        return "\n".join([there, *job.result.lacking])

    start(folder, JobKind.ANSWER, config, as_json, detach, tell=tell)


@arena.command("vote")
@folder_argument
@name_argument
@click.option("--labeler", default="", help="Your name. Without one: who a labeling pack is for, else “me”.")
@click.option("--whole", is_flag=True, help="Order all answers to a prompt at once, such as b>a=d>c.")
@json_option
def vote(folder: Path, name: str, labeler: str, whole: bool, as_json: bool) -> None:
    """Say which of two answers is better, without knowing whose they are: one question after the other. What follows
    the letter is kept as a comment on the two: `b says why`."""
    with opened(folder) as project:
        who = labelers.named(project, packed_rankings.labeler_here(project, labeler) or "me")
        found = arenas.called(project, name)
        session = (WholeVoting if whole else VotingSession)(project, found, who)
        if session.question is None:
            say(_nothing(project, found, ALL_ORDERED if whole else ALL_VOTED), err=True)
        count = walk_whole(session) if isinstance(session, WholeVoting) else _walk(session)
        left = session.left
    if whole:
        show({"orders": count, "left": left}, as_json, f"{count} orders; {left} prompts are left.")
    else:
        show({"votes": count, "left": left}, as_json, f"{count} votes; {left} pairs of answers are left.")


def _nothing(project: Project, arena: Arena, otherwise: str) -> str:
    """Why nothing is asked."""
    there = {each.policy_id for each in arenas.answers(project, arena.id)}
    if len(there) < 2:
        command = f"arena answer {shlex.quote(str(project.folder))} {shlex.quote(arena.name)}"
        return f"Fewer than two policies have answered: `arena add` and `{command}` first."
    return otherwise


def _walk(session: VotingSession) -> int:
    """Ask until nothing is left or the voter leaves; returns how many votes were given. Aborts at the input's end."""
    count, last = 0, None
    while session.question is not None:
        if session.question != last:
            _show_question(session)
        last = session.question
        typed = str(click.prompt(ASK, err=True)).strip()
        key, comment = _said(typed)
        try:
            if key == "q":
                break
            if key == "u":
                say(taken_back(session.undo()), err=True)
                count, last = count - 1, None
            elif key == "s":
                if not session.put_off():
                    say("There is nothing else to ask now.", err=True)
            elif len(comment) > LONGEST_COMMENT:
                say(f"A comment has at most {LONGEST_COMMENT:,} letters: this vote is not kept.", err=True)
            elif key in KEYS:
                session.vote(KEYS[key], both(_remark(session, last), comment))
                vote_remarks.forget_voted(session.project, session.labeler.id)
                count += 1
                if comment:
                    say(f"With your comment: {quoted(comment)}", err=True)
            else:
                say(f"{typed!r:.40} is none of these.", err=True)
        except VotedElsewhere as error:
            say(str(error), err=True)
            session.refresh()
        except BadInput as error:
            say(str(error), err=True)
    return max(count, 0)


def _said(typed: str) -> tuple[str, str]:
    """The key, and the comment that follows that of a vote. Whatever else has words behind it is none of the keys."""
    key, _, comment = typed.partition(" ")
    return (key.lower(), without_halves(comment.strip())) if not comment or key.lower() in KEYS else ("", "")


def _remark(session: VotingSession, on: Question) -> str:
    return vote_remarks.on(session.project, (on.first_id, on.second_id), session.labeler.id)


def _show_question(session: VotingSession) -> None:
    assert session.prompt is not None and session.question is not None
    if remark := _remark(session, session.question):
        say(f"\nWith this vote goes what you said of it:\n{quoted(remark)}", err=True)
    say(f"\n{quoted(session.prompt.text)}\n", err=True)
    for mark, found in zip("ab", session.answers, strict=True):
        say(quoted(found.text, f"  {mark}  ") + "\n", err=True)


@arena.command("simulate")
@folder_argument
@name_argument
@click.option("--gold", "reward", default="sentiment", show_default=True, help=f"What it prefers: {gold.HELP}.")
@click.option("--noise", default=0.0, show_default=True, help="In units of the gold reward; 0 follows it exactly.")
@click.option("--votes", default=100, show_default=True, help="How many votes, at most.")
@click.option("--seed", default=0, show_default=True)
@json_option
def simulate_command(
    folder: Path, name: str, reward: str, noise: float, votes: int, seed: int, as_json: bool
) -> None:  # fmt: skip
    """Let a script vote by a gold reward; its votes are marked as a script's."""
    with opened(folder) as project:
        found = arenas.called(project, name)
        asking(lambda: gate.choose(project, wishes.of_gold(reward)))
        done = simulate.asked(project, found, reward, noise=noise, votes=votes, seed=seed)()
    lost = f" {done.unscored} answers have no reward, because {done.why}." if done.unscored else ""
    values = {"labeler": done.labeler, "votes": done.votes, "unscored": done.unscored}
    show(values, as_json, f"{done.labeler!r} voted {done.votes} times.{lost}")


@arena.command("list")
@folder_argument
@json_option
def list_command(folder: Path, as_json: bool) -> None:
    """List the arenas, the newest first."""
    with opened(folder) as project:
        rows = [
            (
                each.name, len(arenas.policies(project, each.id)), len(arenas.prompts(project, each.id)),
                len(arenas.who_asked(project, each.id)), len(arena_votes.outcomes(project, each.id)),
            )
            for each in arenas.listed(project)
        ]  # fmt: skip
    columns = ("name", "policies", "prompts", "answers", "votes")
    values = {"arenas": [dict(zip(columns, row, strict=True)) for row in rows]}
    show(values, as_json, table(rows, columns) if rows else "There is no arena yet: `arena new` makes one.")


@arena.command("show")
@folder_argument
@name_argument
@json_option
def show_command(folder: Path, name: str, as_json: bool) -> None:
    """Show who takes part in an arena, what each answered, and who voted how often."""
    with opened(folder) as project:
        found = arenas.called(project, name)
        asked = len(arenas.prompts(project, found.id))
        cast = arena_votes.counting(project, found.id)
        said = [each.policy_id for each in arenas.answers(project, found.id)]
        voted = [number for each in cast for number in (each.first_policy, each.second_policy)]
        rows = [
            (each.id, each.name, each.kind, f"{said.count(each.id)}/{asked}", voted.count(each.id))
            for each in arenas.policies(project, found.id)
        ]
        equal = len(arenas.equal_answers(project, found.id))
    columns = ("policy", "name", "kind", "answers", "votes")
    voters = {who: sum(each.labeler == who for each in cast) for who in dict.fromkeys(each.labeler for each in cast)}
    told = [table(rows, columns), table(list(voters.items()), ("labeler", "votes")) if voters else "Nobody voted yet."]
    if equal:
        told.append(f"{equal} pairs of equal answers are ties that nobody is asked about.")
    values = {
        "name": found.name, "prompts": asked, "equal": equal, "voters": voters,
        "policies": [dict(zip(columns, row, strict=True)) for row in rows],
    }  # fmt: skip
    show(values, as_json, "\n\n".join(told))


arena.add_command(results_command)
COMMANDS = (arena,)
