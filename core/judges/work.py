"""What a judge has to judge: groups of completions that it has not ranked, or pairs of an arena without its vote."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import combinations
from math import comb

from core.config.judging import JudgingConfig
from core.conversation import Conversation
from core.errors import BadInput
from core.store import Project, arena_votes, arenas, assignments, completions, labelers, rankings

#: For a judge that never judged here.
NOBODY = 0


@dataclass(frozen=True)
class Item:
    """The answers to one prompt by their numbers, and the pairs of them that are compared. It is the group `id`, to be
    ranked, or the prompt `id` of an arena, to be voted on."""

    id: int
    ranked: bool
    prompt_id: int
    conversation: Conversation
    prompt: str
    answers: Mapping[int, str]
    pairs: tuple[tuple[int, int], ...]


def items(project: Project, config: JudgingConfig, judge: str) -> list[Item]:
    """What is left for the judge of that name. Raises `BadInput` for names of an arena or of policies that there are
    not."""
    known = labelers.find(project, judge)
    who = known.id if known else NOBODY
    return _of_arena(project, config, who) if config.arena else _waiting(project, who)


def _waiting(project: Project, who: int) -> list[Item]:
    """What is least sure first, where a reward model said so."""
    doubts = assignments.priorities(project)
    waiting = sorted(completions.group_ids(project, unranked_by=who), key=lambda number: -doubts.get(number, -1.0))
    found = []
    for number in waiting:
        group = completions.group(project, number)
        answers = {item.id: item.text for item in group.completions}
        if len(answers) > 1:
            found.append(
                Item(
                    number, True, group.prompt.id, group.prompt.conversation, group.prompt.text, answers,
                    tuple(combinations(answers, 2)),
                )
            )  # fmt: skip
    return found


def _of_arena(project: Project, config: JudgingConfig, who: int) -> list[Item]:
    """Answers of the same words are a tie that nobody is asked about."""
    arena = arenas.called(project, config.arena)
    policies = {policy.id: policy.name for policy in arenas.policies(project, arena.id)}
    for name in config.policies:
        if name not in policies.values():
            raise BadInput(
                f"The arena {arena.name!r} has no policy {name!r:.120}: choose among {', '.join(policies.values())}."
            )
    wanted = {number for number, name in policies.items() if name in (config.policies or policies.values())}
    voted = votes_of(project, arena.id, who)
    answers: dict[int, dict[int, str]] = {}
    for answer in arenas.answers(project, arena.id):
        if answer.policy_id in wanted:
            answers.setdefault(answer.arena_prompt_id, {})[answer.id] = answer.text
    found = []
    for prompt in arenas.prompts(project, arena.id):
        texts = answers.get(prompt.id, {})
        pairs = tuple(
            (one, two)
            for one, two in combinations(texts, 2)
            if frozenset((one, two)) not in voted and texts[one].strip() != texts[two].strip()
        )
        if pairs:
            found.append(Item(prompt.id, False, prompt.prompt_id, prompt.conversation, prompt.text, texts, pairs))
    return found


def votes_of(project: Project, arena_id: int, who: int) -> set[frozenset[int]]:
    """The pairs of answers that a judge has voted on."""
    return {
        frozenset((vote.first_id, vote.second_id))
        for vote in arena_votes.counting(project, arena_id)
        if vote.labeler_id == who
    }


def done(project: Project, config: JudgingConfig, judge: str, chosen: Collection[int]) -> tuple[int, int]:
    """How many of the `chosen` groups that judge ranked, or its votes on the `chosen` prompts of the arena; and the
    pairs behind them."""
    known = labelers.find(project, judge)
    if known is None:
        return 0, 0
    if config.arena:
        arena = arenas.called(project, config.arena)
        votes = [each for each in arena_votes.counting(project, arena.id) if each.labeler_id == known.id]
        count = sum(vote.arena_prompt_id in chosen for vote in votes)
        return count, count
    ranked = rankings.groups_of(project, known.id) & set(chosen)
    return len(ranked), sum(comb(len(completions.ids(project, number)), 2) for number in ranked)
