"""The results of an arena: from stored votes to numbers and sentences, ready to be shown. No torch.

Each voice (people, scripts, each judge) has its own table: their votes are never mixed. It takes up to a second; a
window reads it in the background.
"""

from dataclasses import dataclass

import numpy as np

from core.errors import BadInput
from core.preferences.interval import NOTHING, Interval
from core.preferences.judge_agreement import JudgeAgreement, mutual_agreement
from core.preferences.votes import win_rate
from core.records import LabelerKind
from core.report import arena_words as words
from core.report.arena_judges import Judge, judges, verdict
from core.report.arena_material import Cast, Material, Voice, read
from core.report.arena_pairs import Pair, Table, standing
from core.store import Project, arenas


@dataclass(frozen=True)
class Standing:
    """What one voice says. `shown_first` is the share of votes for what was shown first; `agreement` is between people
    who voted on the same answers, None where no two did. `sentences` are to be read in this order, `pair_sentences` is
    one for each of `pairs`."""

    voice: str
    kind: LabelerKind
    votes: int
    labelers: int
    prompts: int
    ties: int
    both_bad: int
    table: Table
    pairs: tuple[Pair, ...]
    pair_sentences: tuple[str, ...]
    shown_first: Interval
    agreement: JudgeAgreement | None
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class ArenaResults:
    """`names` are the policies', by their places in tables and pairs. `standings` has people first, even where they did
    not vote. `judges` and `judge_sentences` go together. With a `tag` only its prompts count."""

    name: str
    tag: str
    names: tuple[str, ...]
    tags: tuple[str, ...]
    prompts: int
    standings: tuple[Standing, ...]
    judges: tuple[Judge, ...]
    judge_sentences: tuple[tuple[str, ...], ...]

    @property
    def people(self) -> Standing:
        return self.standings[0]

    def of_judge(self, name: str) -> Standing:
        """Raises `BadInput` where no judge of this name gave a verdict."""
        for each in self.standings:
            if each.kind == "judge" and each.voice == name:
                return each
        known = [each.voice for each in self.standings if each.kind == "judge"]
        there = f"there are verdicts of {', '.join(known)}" if known else "no judge gave a verdict yet"
        raise BadInput(f"No judge {name!r} voted in the arena {self.name!r}: {there}.")


def results(project: Project, name: str, *, tag: str = "") -> ArenaResults:
    """Of the arena called `name`. Raises `BadInput` where there is none, and for a tag that none of its prompts has."""
    arena = arenas.called(project, name)
    return computed(read(project, arena.id, arena.name), tag=tag)


def computed(material: Material, *, tag: str = "") -> ArenaResults:
    """From what was read. Raises `BadInput` for a tag that no prompt has."""
    tags = tuple(sorted(frozenset().union(*material.tags)))
    if tag and tag not in tags:
        raise BadInput(f"No prompt of the arena has the tag {tag!r}. Tags: {', '.join(tags) or 'none'}.")
    if tag:
        material = material.tagged(tag)
    family = len(tags) if tag else 1
    standings = tuple(_standing(material, voice, family) for voice in material.voices)
    names = tuple(each.name for each in material.policies)
    found = judges(material, standings[0].pairs)
    return ArenaResults(
        material.name, tag, names, tags, int((material.texts >= 0).any(axis=1).sum()), standings, found,
        tuple(tuple(words.of_judge(judge, names)) for judge in found),
    )  # fmt: skip


def _standing(material: Material, voice: Voice, family: int) -> Standing:
    cast = voice.cast
    table, pairs = standing(material, cast, family=family)
    names = [each.name for each in material.policies]
    comparisons = len(pairs) * family
    prompts = len(np.unique(cast.prompts))
    said = tuple(words.verdict(pair, names, len(cast), prompts, comparisons) for pair in pairs)
    first = win_rate(cast.prompts, cast.won) if len(cast) else NOTHING
    agreed = _agreement(cast) if voice.kind == "person" else None
    sentences = [words.about(voice)]
    if not len(cast):
        sentences.append("Nobody voted here yet.")
    else:
        sentences += [words.leader(table, pairs), *said]
        sentences += [remark for pair in pairs for remark in words.remarks(pair, names)]
        sentences += words.best_of_n(material, pairs)
        sentences += table.lacks
        if voice.kind == "person":
            sentences.append(words.first_shown(first, voice.name))
            sentences.append(words.agreement(agreed))
    return Standing(
        voice.name, voice.kind, len(cast), len(np.unique(cast.labelers)), prompts,
        int((cast.won == 0.5).sum()), int(cast.both_bad.sum()), table, pairs, said, first, agreed,
        tuple(filter(None, sentences)),
    )  # fmt: skip


def _agreement(cast: Cast) -> JudgeAgreement | None:
    """Between people; None where no two of them voted on the same answers."""
    low, high = np.minimum(cast.first, cast.second), np.maximum(cast.first, cast.second)
    keys = np.unique(np.stack([cast.prompts, low, high]), axis=1, return_inverse=True)[1].reshape(-1)
    if len(np.unique(keys)) == len(keys):
        return None
    won = np.where(cast.first == low, cast.won, 1 - cast.won)
    return mutual_agreement(keys, cast.prompts, cast.labelers, verdict(won))
