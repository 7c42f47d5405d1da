"""Arenas in a project's file: what they keep, what a vote is, and that nothing of them is learnt from."""

import pytest

from core.conversation import Conversation
from core.errors import BadInput
from core.records import Prompt
from core.store import Project, arena_votes, arenas, guidelines, labelers, prompts
from core.store.arena_votes import Asked, NewVote
from core.store.arenas import NewAnswer


@pytest.fixture
def arena(project: Project) -> int:
    """Two policies that answered the two prompts of an arena."""
    found = arenas.create(project, "Base and tuned").id
    (first,) = prompts.add(project, [Prompt(0, "Say hello.", ("short",))]).ids
    talk = Conversation.read([
        {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Yes?"}, {"role": "user", "content": "Bye"},
    ])  # fmt: skip
    assert arenas.add_prompts(project, found, [prompts.get(project, first), Prompt.of(talk, id=77)]) == 2
    for name in ("base", "tuned"):
        policy = arenas.add_policy(project, found, name, "base")
        for prompt in arenas.unanswered(project, policy.id):
            arenas.add_answers(project, policy.id, [NewAnswer(prompt.id, f"{name} answers", 3)])
    return found


def test_words_stay_though_the_prompt_goes(project: Project, arena: int) -> None:
    asked = arenas.prompts(project, arena)
    prompts.delete(project, [asked[0].prompt_id])

    assert [prompt.text for prompt in arenas.prompts(project, arena)] == [prompt.text for prompt in asked]
    assert asked[0].tags == ("short",) and asked[1].conversation.messages[1].content == "Yes?"


def test_a_policy_answers_once(project: Project, arena: int) -> None:
    policy = arenas.policies(project, arena)[0]
    assert arenas.unanswered(project, policy.id) == []
    arenas.add_answers(project, policy.id, [NewAnswer(arenas.prompts(project, arena)[0].id, "again")])

    assert [each.text for each in arenas.answers(project, arena) if each.policy_id == policy.id] == ["base answers"] * 2


def test_the_newest_vote_counts_in_either_order(project: Project, arena: int) -> None:
    one, _, two, _ = (each.id for each in arenas.answers(project, arena))
    who, rules = labelers.named(project, "ann").id, guidelines.current_id(project)
    asked = (Asked(one, two, "Which?", "A", 1.0), Asked(two, one, "Which?", "A", 1.0))
    (first,), _ = arena_votes.cast(project, [NewVote(one, two, who, rules, 1.0, asked=asked)])
    (second,), _ = arena_votes.cast(project, [NewVote(two, one, who, rules, 0.5, both_bad=True)])

    (vote,) = arena_votes.counting(project, arena)
    assert (vote.id, vote.won, vote.both_bad, vote.labeler) == (second, 0.5, True, "ann")
    assert tuple(arena_votes.asked(project, vote_id=first)) == asked
    arena_votes.retract(project, [second])
    assert arena_votes.counting(project, arena) == []
    assert project.database.value("select count(*) from pairs") == 0


def test_a_vote_is_on_one_prompt_and_two_policies(project: Project, arena: int) -> None:
    answers = arenas.answers(project, arena)
    who, rules = labelers.named(project, "ann").id, guidelines.current_id(project)
    for one, two in ((0, 1), (0, 3), (0, 0)):
        with pytest.raises(BadInput, match="two policies to one prompt"):
            arena_votes.cast(project, [NewVote(answers[one].id, answers[two].id, who, rules, 1.0)])


def test_the_same_vote_comes_in_once(project: Project, arena: int) -> None:
    one, _, two, _ = (each.id for each in arenas.answers(project, arena))
    vote = NewVote(one, two, labelers.named(project, "ann").id, guidelines.current_id(project), 0.0, uid="u" * 32)

    assert [len(arena_votes.cast(project, [vote])[0]) for _ in range(2)] == [1, 0]


def test_names_are_told_apart(project: Project, arena: int) -> None:
    for refused in (lambda: arenas.create(project, "Base and tuned"), lambda: arenas.create(project, " ")):
        with pytest.raises(BadInput, match="arena"):
            refused()
    with pytest.raises(BadInput, match="already"):
        arenas.add_policy(project, arena, "base", "base")
