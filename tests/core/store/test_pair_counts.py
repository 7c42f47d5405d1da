"""Counts and pages of pairs, which are computed without listing all pairs, against the list."""

import itertools
import random
from collections import Counter
from dataclasses import replace

from core.preferences.judged_groups import judged_groups
from core.records import NewRanking
from core.store import completions, labelers, pairs, rankings
from core.store.pairs import Filter


def rank_at_random(project, drawn: random.Random) -> None:
    """By three labelers and in every way: ties, gaps, unranked, flags, decisions, and some are taken back."""
    people = [labelers.named(project, name).id for name in ("Ada", "Bo", "Cy")]
    for group in completions.group_ids(project):
        ids = completions.ids(project, group)
        for who in drawn.sample(people, drawn.randint(1, 3)):
            order = {each: drawn.choice((1, 2, 3, None)) for each in ids}
            order[ids[0]] = 1
            new = NewRanking(
                group, who, order, method=drawn.choice(("order", "best-worst")),
                flag="unsafe" if drawn.random() < 0.15 else None,
                flags={ids[1]: "broken"} if drawn.random() < 0.3 else {},
                adjudicates=drawn.random() < 0.15,
            )  # fmt: skip
            made = rankings.add(project, new)
            if drawn.random() < 0.2:
                rankings.retract(project, made.ids[0])
            elif drawn.random() < 0.3:
                rankings.add(project, replace(new, ranks=dict.fromkeys(ids, 1)))


def test_what_is_counted_is_what_is_listed(filled):
    drawn = random.Random(3)
    for _ in range(4):
        rank_at_random(filled, drawn)
        everything, counts = pairs.listed(filled), pairs.counts(filled)
        assert counts.pairs == len(everything) > 0
        assert counts.ranked_prompts == len({pair.prompt_id for pair in everything})
        assert counts.ties == ties(filled)
        for limit, chosen in itertools.product((1, 2, 7, 1000), (Filter(), Filter(margin=2), Filter(labeler_id=2))):
            assert pairs.listed(filled, chosen, limit=limit) == pairs.listed(filled, chosen)[:limit]
        people = labelers.ids_of(filled, "people")
        whole = judged_groups(filled)
        assert pairs.groups(filled, people) == [(each.group_id, each.prompt_id, each.split) for each in whole]
        assert pairs.groups(filled, ()) == []


def ties(project) -> int:
    """Pairs of completions that a ranking that counts puts in one place, and did compare."""
    rows = project.database.rows(
        "select r.id, i.rank from counting_rankings r join ranking_items i on i.ranking_id = r.id"
        " where r.flag is null and i.flag is null and i.rank is not null and r.method != 'best-worst'"
    )
    sizes = Counter((row["id"], row["rank"]) for row in rows)
    return sum(size * (size - 1) // 2 for size in sizes.values())
