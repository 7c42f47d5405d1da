"""What the store says of prompts, completions, groups and labelers."""

import pytest

from core.errors import BadInput
from core.events import NewCompletion
from core.records import NewRanking, Prompt
from core.store import completions, counting, groups, judgements, labelers, pairs, prompts, rankings


@pytest.fixture
def me(filled):
    return labelers.named(filled, "me")


def order(project, group_id, *places):
    return dict(zip(completions.ids(project, group_id), places, strict=True))


def test_a_labeler_is_made_once_and_stays_what_it_is(filled, me):
    assert labelers.named(filled, " me ") == me
    assert labelers.newest_script(filled) is None
    labelers.named(filled, "robot", kind="scripted", detail="length")
    assert [(who.name, who.kind) for who in labelers.listed(filled)] == [("me", "person"), ("robot", "scripted")]
    assert labelers.newest_script(filled) == labelers.find(filled, "robot")
    with pytest.raises(BadInput, match="scripted labeler"):
        labelers.named(filled, "robot")
    with pytest.raises(BadInput, match="needs a name"):
        labelers.named(filled, "  ")


def test_prompts_are_found_in_any_letters_and_by_their_tags(project):
    prompts.add(
        project, [Prompt(0, "Ärger am Morgen", ("Oil",)), Prompt(0, "50% of it"), Prompt(0, "50 of it", ("x_y",))]
    )
    for search, found in {"ärger": [1], "ÄRGER": [1], "oil": [1], "0%": [2], "_": [3], "OF IT": [2, 3]}.items():
        assert prompts.ids(project, search=search) == found, search
    assert [prompt.id for prompt in prompts.listed(project, search="oil")] == [], "tags are not looked through here"
    assert [prompt.id for prompt in prompts.listed(project, limit=2)] == [1, 2]
    assert prompts.by_tag(project) == {"Oil": {1}, "x_y": {3}}


def test_a_line_counts_what_hangs_on_a_prompt(filled, me):
    rankings.add(filled, NewRanking(2, me.id, order(filled, 2, 1, 2, 3, 4)))
    taken_back = rankings.add(filled, NewRanking(3, me.id, order(filled, 3, 1, 2, 3, 4))).ids[0]
    rankings.retract(filled, taken_back)
    prompts.add(filled, [Prompt(0, "new")])
    lines = prompts.lines(filled, [7, 3, 2, 99])
    assert [(line.id, line.completions, line.rankings) for line in lines] == [(2, 1, 1), (3, 1, 0), (7, 0, 0)]
    assert lines[0].tags == ("test",)
    assert prompts.is_ranked(filled, 3) and not prompts.is_ranked(filled, 4)
    assert prompts.is_answered(filled, 4) and not prompts.is_answered(filled, 7)


def test_counts_stop_where_enough_is_known(filled, me):
    rankings.add(filled, NewRanking(1, me.id, order(filled, 1, 1, 2, 3, 4)))
    prompts.add(filled, [Prompt(0, "new")])
    assert (prompts.count_some(filled, 3), prompts.count_some(filled, 30)) == (3, 7)
    assert (prompts.count_unanswered(filled, 9), groups.count_unranked(filled, 9)) == (1, 5)
    assert groups.count_unranked(filled, 2) == 2
    assert (rankings.groups_ranked(filled, 9), rankings.groups_ranked(filled, 0)) == (1, 0)
    assert groups.without_rankings(filled) == [2, 3, 4, 5, 6]


def test_the_reference_wrote_what_nobody_imported_and_no_policy_wrote(filled):
    job = filled.database.insert("insert into jobs (kind, name, config, created_at) values (:kind, '', '{}', '')",
                                 {"kind": "train-policy"})  # fmt: skip
    completions.add_group(filled, 1, (NewCompletion("imported", 1, True, 0),), sampling={"imported": "a.jsonl"})
    completions.add_group(filled, 1, (NewCompletion("tuned", 1, False, 0, policy_job=job),))
    written = completions.written_here(filled, 100)
    assert len(written) == 24
    assert not {"imported", "tuned"} & {answer.text for answer in written}
    spread = completions.groups_written_here(filled, 2)
    assert len({answer.group_id for answer in spread}) == 2
    others = completions.groups_written_here(filled, 2, but={answer.prompt_id for answer in spread})
    assert len({answer.group_id for answer in others}) == 2, "as many as were asked for, though these come first"
    assert not {answer.prompt_id for answer in spread} & {answer.prompt_id for answer in others}
    assert completions.texts(filled, [25, 26]) == {25: "imported", 26: "tuned"}
    assert completions.unended(filled) == {26}
    assert completions.writers(filled)[8] == [job] and completions.writers(filled)[1] == [None]
    assert completions.count_of_policy(filled, job) == 1 and completions.by_tuned_policies(filled)
    assert completions.texts_by_group(filled, 1)[7] == ("imported",)


def test_what_is_said_of_completions_is_read_row_by_row(filled, me):
    bo = labelers.named(filled, "Bo")
    first, *_ = ids = completions.ids(filled, 1)
    mine = rankings.add(
        filled, NewRanking(1, me.id, order(filled, 1, 1, 2, 3, None), flags={first: "broken"}, seconds=4.0)
    )
    theirs = rankings.add(
        filled, NewRanking(1, bo.id, order(filled, 1, 4, 3, 2, 1), comment="so", shown=ids, method="pairwise")
    )
    assert [(said.labeler_id, said.rank) for said in judgements.shared(filled, people_only=True)] == [
        (me.id, 1), (me.id, 2), (me.id, 3), (me.id, None), (bo.id, 4), (bo.id, 3), (bo.id, 2), (bo.id, 1),
    ]  # fmt: skip
    assert first not in judgements.orders(filled, mine.ids)[mine.ids[0]] and judgements.flags(filled) == ["broken"]
    assert [(shown.position, shown.rank) for shown in judgements.positions(filled)] == [(1, 4), (2, 3), (3, 2), (4, 1)]
    assert [(timed.id, timed.seconds) for timed in judgements.times(filled)] == [(mine.ids[0], 4.0)]
    counted = (
        counting.unranked_completions(filled), counting.flagged_completions(filled), counting.flagged_prompts(filled),
        counting.comments(filled), counting.labelers(filled), counting.other_methods(filled),
    )  # fmt: skip
    assert counted == (1, 1, 0, 1, 2, 1)
    assert pairs.contradictions(filled) == 3
    decided = rankings.add(filled, NewRanking(1, me.id, order(filled, 1, 1, 1, 1, 2), adjudicates=True))
    assert judgements.adjudicated(filled) == {1} and counting.overruled(filled) == 1
    assert [ranking.id for ranking in counting.listed(filled)] == [decided.ids[0]]
    assert rankings.count_by_labeler(filled) == {me.id: 1, bo.id: 1} and theirs.ids


def test_pairs_are_filtered_by_all_that_is_chosen(filled, me):
    rankings.add(
        filled, NewRanking(1, me.id, order(filled, 1, 1, 2, 3, 4), criteria={"brief": order(filled, 1, 2, 1, 3, 3)})
    )
    rankings.add(filled, NewRanking(6, labelers.named(filled, "Bo").id, order(filled, 6, 1, 1, 2, 2)))
    wanted = {
        pairs.Filter(): 10, pairs.Filter(labeler_id=me.id): 6, pairs.Filter(split="heldout"): 4,
        pairs.Filter(criterion="brief"): 5, pairs.Filter(tag="test", search="QUESTION 1"): 6,
        pairs.Filter(version=9): 0, pairs.Filter(margin=3): 1,
        pairs.Filter(labeler_id=me.id, margin=2, split="train"): 3, pairs.Filter(tag="none"): 0,
    }  # fmt: skip
    for chosen, count in wanted.items():
        assert (pairs.count(filled, chosen), len(pairs.listed(filled, chosen))) == (count, count), chosen
    assert len(pairs.listed(filled, limit=7)) == 7
    assert pairs.prompts(filled) == (2, True)
