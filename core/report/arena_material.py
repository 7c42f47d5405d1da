"""What was asked, answered and voted in an arena, as arrays to count with. No torch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.preferences.votes import Floats, Numbers, Votes
from core.records import LabelerKind
from core.store import Project, arena_votes, arenas, judged, labelers
from core.store.arenas import ArenaPolicy


@dataclass(frozen=True)
class Cast:
    """Votes of one voice, (V,) each, by places of policies and prompts in the material. `number` is the vote's."""

    number: Numbers
    prompts: Numbers
    first: Numbers
    second: Numbers
    won: Floats
    both_bad: NDArray[np.bool_]
    labelers: Numbers

    def __len__(self) -> int:
        return len(self.won)

    def at(self, rows: NDArray[np.bool_]) -> "Cast":
        return replace(self, **{name: column[rows] for name, column in vars(self).items()})

    @property
    def votes(self) -> Votes:
        return Votes(self.prompts, self.first, self.second, self.won)


@dataclass(frozen=True)
class Voice:
    """Those whose votes count together: all people, all scripts, or one judge, of which `detail` tells more."""

    name: str
    kind: LabelerKind
    cast: Cast
    detail: str = ""


@dataclass(frozen=True)
class Material:
    """Of K policies and M prompts. `lengths` are letters of the answers, (M, K), nan where there is none, and `texts`
    numbers them so that equal texts have equal numbers, -1 where there is none. `both_orders` is by vote: what the
    answer that the judge read first got in that order, and in the other one."""

    name: str
    policies: tuple[ArenaPolicy, ...]
    tags: tuple[frozenset[str], ...]
    lengths: Floats
    texts: Numbers
    voices: tuple[Voice, ...]
    both_orders: Mapping[int, tuple[float, float]]

    def same(self, one: int, two: int) -> NDArray[np.bool_]:
        """The prompts that both gave equal answers to, (M,)."""
        return (self.texts[:, one] == self.texts[:, two]) & (self.texts[:, one] >= 0)

    def answered(self, one: int, two: int) -> int:
        """How many prompts both answered."""
        return int(((self.texts[:, one] >= 0) & (self.texts[:, two] >= 0)).sum())

    def longer(self, cast: Cast) -> Floats:
        """How many letters the first answer of each vote is longer, (V,)."""
        return self.lengths[cast.prompts, cast.first] - self.lengths[cast.prompts, cast.second]

    def tagged(self, tag: str) -> "Material":
        """Only prompts with this tag; their places stay."""
        here = np.array([tag in each for each in self.tags], dtype=bool)
        return replace(
            self,
            lengths=np.where(here[:, None], self.lengths, np.nan),
            texts=np.where(here[:, None], self.texts, -1),
            voices=tuple(replace(each, cast=each.cast.at(here[each.cast.prompts])) for each in self.voices),
        )


def read(project: Project, arena_id: int, name: str = "") -> Material:
    policies, prompts = arenas.policies(project, arena_id), arenas.prompts(project, arena_id)
    policy = {each.id: place for place, each in enumerate(policies)}
    prompt = {each.id: place for place, each in enumerate(prompts)}
    lengths = np.full((len(prompts), len(policies)), np.nan)
    texts = np.full(lengths.shape, -1)
    numbers: dict[str, int] = {}
    for answer in arenas.answers(project, arena_id):
        place = prompt[answer.arena_prompt_id], policy[answer.policy_id]
        lengths[place] = len(answer.text)
        texts[place] = numbers.setdefault(answer.text.strip(), len(numbers))
    votes = arena_votes.counting(project, arena_id)
    voices: dict[tuple[str, str], list[tuple[float, ...]]] = {("people", "person"): []}
    for vote in votes:
        who = {"person": "people", "scripted": "simulated labelers"}.get(vote.kind, vote.labeler)
        voices.setdefault((who, vote.kind), []).append((
            vote.id, prompt[vote.arena_prompt_id], policy[vote.first_policy], policy[vote.second_policy], vote.won,
            vote.both_bad, vote.labeler_id,
        ))  # fmt: skip
    order: tuple[LabelerKind, ...] = ("person", "scripted", "judge")
    known = labelers.listed(project)
    details = {each.name: each.detail for each in known}
    judges = [each.id for each in known if each.kind == "judge"]
    return Material(
        name,
        tuple(policies),
        tuple(frozenset(each.tags) for each in prompts),
        lengths,
        texts,
        tuple(
            Voice(who, kind, _cast(rows), details[who] if kind == "judge" else "")
            for kind in order
            for (who, of), rows in voices.items()
            if of == kind
        ),
        {
            each.of: (each.forward, 1 - each.backward)
            for judge in judges
            for each in judged.in_both_orders(project, judge, arena_id)
        },
    )


def _cast(rows: list[tuple[float, ...]]) -> Cast:
    table = np.array(rows, dtype=float).reshape(-1, 7)
    number, prompts, first, second, labelers = (table[:, place].astype(np.int64) for place in (0, 1, 2, 3, 6))
    return Cast(number, prompts, first, second, table[:, 4], table[:, 5] > 0, labelers)
