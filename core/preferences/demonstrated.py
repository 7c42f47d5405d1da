"""The answers of a project that show how it is done: what supervised tuning learns, alone or mixed in."""

from dataclasses import dataclass, replace

from core.conversation import Conversation
from core.preferences.judged_groups import JudgedGroup, best_of, judged_groups
from core.store import Project, cells, completions, demonstrations, verdicts


@dataclass(frozen=True)
class Demonstration:
    """A prompt with an answer to learn; `messages` are the prompt's turns as they are stored."""

    completion_id: int = 0
    prompt_id: int = 0
    prompt: str = ""
    messages: str | None = None
    split: str = "train"
    text: str = ""
    ended: bool = True
    """False where it was cut off when it was drawn: nobody wrote an end there."""

    @property
    def conversation(self) -> Conversation:
        return cells.conversation(self.prompt, self.messages, self.prompt_id)


def demonstrations_of(project: Project, wanted: str, whose: str = "everybody") -> list[Demonstration]:
    """The answers that `wanted` names (see the option `answers`), each once, in the order in which they came; ranked
    by everybody, or as `whose` says (see `judged_groups`).

    Of what stands beside others only what was ranked best counts, whoever wrote it; or, where nobody's order counts,
    what a person wrote here. The rejected answer of an imported pair is none, whatever becomes of its ranking, nor is
    one that came with a bad verdict until somebody calls it good; and what any of the labelers flagged or calls bad is
    none.
    """
    said = verdicts.counting(project)
    bad = {each.completion_id for each in said if not each.good}
    judged = {group.group_id: group for group in judged_groups(project, criteria=False, whose=whose)}
    found: list[Demonstration] = []
    if wanted != "best-ranked":
        alone = demonstrations.alone(project)
        doubted = verdicts.ever_doubted(project).difference(each.completion_id for each in said)
        found += [
            Demonstration(each.completion_id, each.prompt_id, each.prompt, each.messages, each.split, each.text)
            for each in demonstrations.written(project)
            if (
                each.completion_id in best_of(judged[each.group_id])
                if each.group_id in judged
                else each.by_hand or (each.group_id in alone and each.completion_id not in doubted)
            )
        ]
    if wanted != "written":
        found += [each for group in judged.values() for each in _best(group)]
    cut_off, unfit = completions.unended(project), bad | verdicts.flagged(project)
    fit = sorted((each for each in found if each.completion_id not in unfit), key=lambda each: each.completion_id)
    different = {(each.prompt_id, each.text): each for each in fit}
    return [replace(each, ended=each.completion_id not in cut_off) for each in different.values()]


def to_learn(project: Project, wanted: str, whose: str = "everybody") -> list[Demonstration]:
    """Those that answer training prompts."""
    return [each for each in demonstrations_of(project, wanted, whose) if each.split != "heldout"]


def _best(group: JudgedGroup) -> list[Demonstration]:
    best = best_of(group)
    return [
        Demonstration(number, group.prompt_id, group.prompt, group.messages, group.split, text)
        for number, text in zip(group.completion_ids, group.completions, strict=True)
        if number in best
    ]
