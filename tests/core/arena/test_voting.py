"""What a labeler is asked next, what becomes of votes, and scripts that vote by a known taste."""

import io
import sys
import time
from collections import Counter
from contextlib import suppress
from itertools import combinations

import numpy as np
import pytest

from core.arena import policies
from core.arena.asking import Asking
from core.arena.voting import VotingSession, ballot
from core.arena.whole import Outdated, WholeVoting
from core.errors import BadInput, KnownError
from core.records import Prompt
from core.store import arena_votes, arenas, guidelines, labelers
from core.store.arena_votes import NewVote
from core.store.arenas import NewAnswer


def session(project, arena, name="ann"):
    return VotingSession(project, arena, labelers.named(project, name))


def test_every_pair_is_asked_once_and_equal_answers_never(filled, voted_on):
    """18 pairs of six prompts, of which one has the same words twice."""
    asked, first = [], Counter()
    found = session(filled, voted_on)
    while found.question is not None:
        one, two = (each.id for each in found.answers)
        asked.append((found.prompt.id, *sorted((one, two))))
        first[one < two] += 1
        assert found.left == 17 - len(asked) + 1
        found.vote("first")
    assert len(asked) == len(set(asked)) == 17
    assert 3 < first[True] < 14, "the one that is shown first is drawn"
    equal = arenas.equal_answers(filled, voted_on.id)
    poor, fair, good = (policy.id for policy in arenas.policies(filled, voted_on.id))
    first_prompt, *others = (prompt.id for prompt in arenas.prompts(filled, voted_on.id))
    assert equal == [(first_prompt, fair, good)]
    assert {prompt for prompt, *_ in asked[:5]} == set(others), "those with a vote or a tie wait"
    of = {each.id: each.policy_id for each in arenas.answers(filled, voted_on.id)}
    assert poor in map(of.get, asked[0][1:]), "nobody voted on it, and the others have a tie"


def test_undo_asks_the_same_again_after_a_restart_too(filled, voted_on):
    found = session(filled, voted_on)
    asked = []
    for outcome in ("first", "tie", "both bad"):
        asked.append(found.question)
        found.vote(outcome)
    said = [(vote.won, vote.both_bad) for vote in arena_votes.counting(filled, voted_on.id)]
    assert said == [(1.0, False), (0.5, False), (0.5, True)]
    session(filled, voted_on, "bob").vote("second")
    found = session(filled, voted_on)
    for question in reversed(asked):
        found.undo()
    assert found.question.prompt_id in {each.prompt_id for each in asked}
    with pytest.raises(BadInput, match="no vote of yours"):
        found.undo()
    assert [vote.labeler for vote in arena_votes.counting(filled, voted_on.id)] == ["bob"]


@pytest.mark.parametrize("kind", [VotingSession, WholeVoting])
def test_a_vote_that_was_taken_back_and_given_again_is_undone_as_itself(filled, voted_on, kind):
    found = kind(filled, voted_on, labelers.named(filled, "ann"))
    said = "first" if kind is VotingSession else [found.question.shown]
    voted = found.step(found.vote(said), lambda: False)
    back = found.step(found.undo(), lambda: False, back=True)
    counts = []
    back_again = back.replay()
    counts.append(len(arena_votes.counting(filled, voted_on.id)))
    vote_again = voted.replay()
    counts.append(len(arena_votes.counting(filled, voted_on.id)))
    vote_again.replay()
    counts.append(len(arena_votes.counting(filled, voted_on.id)))
    back_again.replay()
    counts.append(len(arena_votes.counting(filled, voted_on.id)))
    given = len(found.project.database.column("select id from arena_votes where retracted_at is null"))
    assert counts == [counts[0], 0, counts[0], 0] and counts[0] > 0 and given == 0


def test_the_votes_of_scripts_and_judges_do_not_choose_what_people_are_asked(filled, voted_on):
    before = Asking(filled, voted_on.id, labelers.named(filled, "ann").id).next()
    script = labelers.named(filled, "simulated: x", kind="scripted")
    answers = arenas.answers(filled, voted_on.id)
    rules = guidelines.current_id(filled)
    arena_votes.cast(filled, [NewVote(answers[0].id, answers[6].id, script.id, rules, 1.0)])
    assert Asking(filled, voted_on.id, labelers.named(filled, "ann").id).next() == before
    with pytest.raises(BadInput, match="is a scripted labeler, and here people vote"):
        VotingSession(filled, voted_on, script)


def test_an_order_is_one_ballot_that_stands_for_equal_answers_too(filled, voted_on):
    """Against an independent count: of the answers that differ, each two, as the order has them."""
    who = labelers.named(filled, "ann").id
    asking = Asking(filled, voted_on.id, who)
    tables = [asking.next_table(seed) for seed in range(40)]
    assert len({table.prompt_id for table in tables}) == 6
    table = next(each for each in tables if len(each.shown) == 2)
    (pair,) = [others for others in table.same.values() if others]
    best, last = sorted(table.shown, key=lambda number: not table.same[number])
    votes = ballot(table, [[best], [last]], who, guidelines.current_id(filled))
    ids, _ = arena_votes.cast(filled, votes)
    won = {(vote.first_id, vote.second_id): vote.won for vote in votes}
    for better in (best, *pair):
        assert won.get((better, last), 1 - won.get((last, better), 0)) == 1
    assert (len(won), len({vote.ballot for vote in votes})) == (2, 1)
    three = next(each for each in tables if len(each.shown) == 3)
    one, two, other = three.shown
    tied = ballot(three, [[two], [other, one]], who, guidelines.current_id(filled))
    assert [vote.won for vote in tied] == [0.0, 0.5, 1.0]
    assert [(vote.first_id, vote.second_id) for vote in tied] == list(combinations(three.shown, 2))
    with pytest.raises(BadInput, match="each of the answers once"):
        ballot(three, [[one], [two]], who, guidelines.current_id(filled))
    with pytest.raises(BadInput, match="in no order"):
        ballot(three, [[one], [two, other]], who, guidelines.current_id(filled), bad=True)
    assert arena_votes.newest_of(filled, voted_on.id, who) == ids
    session(filled, voted_on).undo()
    assert arena_votes.counting(filled, voted_on.id) == []


def test_scripts_of_known_taste_are_found_again(filled, voted_on, plumbline):
    """`length` without noise never errs, and with much noise is a coin; the same seed says the same."""

    def votes(noise, *more):
        code, out, err = plumbline(
            "arena", "simulate", filled.folder, "Three", "--gold", "length", "--noise", noise, *more
        )
        assert code == 0, err
        return out

    assert "voted 17 times" in votes(0)
    longer = {each.id: len(each.text.split()) for each in arenas.answers(filled, voted_on.id)}
    cast = arena_votes.counting(filled, voted_on.id)
    assert {each.kind for each in cast} == {"scripted"}
    assert all(each.won == float(longer[each.first_id] > longer[each.second_id]) for each in cast)
    assert "voted 9 times" in votes(1000, "--votes", 9)
    noisy = [each for each in arena_votes.counting(filled, voted_on.id) if "noise 1000" in each.labeler]
    right = [each.won == float(longer[each.first_id] > longer[each.second_id]) for each in noisy]
    assert 0 < sum(right) < 9
    assert "voted 9 times" in votes(1000, "--votes", 9, "--seed", 4), "another seed is another voter"
    cast = arena_votes.counting(filled, voted_on.id)
    said = {
        who: {(v.first_id, v.second_id): v.won for v in cast if v.labeler == who} for who in {v.labeler for v in cast}
    }
    one, two = (next(found for who, found in said.items() if who.endswith(end)) for end in ("noise 1000", "seed 4"))
    assert len(two) == 9 and one != two
    for wrong in (("--votes", 0), ("--noise", -1), ("--gold", "nothing:")):
        code, _, err = plumbline("arena", "simulate", filled.folder, "Three", *wrong)
        assert (code, "Traceback" in err) == (2, False)


def test_what_has_no_reward_is_left_out(filled, voted_on, plumbline, tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("def score(prompt, completion):\n    return None if 'same' in completion else len(completion)\n")
    code, out, err = plumbline("arena", "simulate", filled.folder, "Three", "--gold", f"{path}:score")
    assert code == 0, err
    assert "voted 15 times" in out and "2 answers have no reward" in out


def test_voting_in_the_terminal_is_blind_and_harmless(filled, voted_on, plumbline, monkeypatch):
    policy = arenas.add_policy(filled, voted_on.id, "the secret one", "base")
    rows = [NewAnswer(each.id, "red \x1b[31m\nb  fake") for each in arenas.unanswered(filled, policy.id)]
    arenas.add_answers(filled, policy.id, rows)
    monkeypatch.setattr(sys, "stdin", io.StringIO("a\nz\ns\nb\nt\nu\nx\nq\n"))
    code, out, err = plumbline("arena", "vote", filled.folder, "Three", "--labeler", "ann", "--json")
    assert code == 0, err
    assert '"votes": 3, "left": 32' in out
    assert "\x1b[31m" not in err and "‹U+001B›[31m\n   | b  fake" in err
    for name in ("secret", "poor", "fair", "good"):
        assert name not in out + err
    said = [(each.won, each.both_bad) for each in arena_votes.counting(filled, voted_on.id)]
    assert said == [(1.0, False), (0.0, False), (0.5, True)]
    assert all(each.seconds is not None for each in arena_votes.counting(filled, voted_on.id))
    assert "'z' is none of these." in err


def test_a_whole_ranking_in_the_terminal_is_one_ballot_blind_and_harmless(filled, voted_on, plumbline, monkeypatch):
    """Against the texts as they were printed: who stood at which letter is read off the screen."""
    texts = {"second": "blue", "third": "green", "the secret one": "red \x1b[31m\nb  fake"}
    for name, text in texts.items():
        policy = arenas.add_policy(filled, voted_on.id, name, "base")
        rows = [NewAnswer(each.id, f"{text} {each.id}") for each in arenas.unanswered(filled, policy.id)]
        arenas.add_answers(filled, policy.id, rows)

    def whole(*typed):
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join([*typed, "q", ""])))
        code, out, err = plumbline("arena", "vote", filled.folder, "Three", "--labeler", "ann", "--whole", "--json")
        assert code == 0, err
        return out, err

    def on_disk():
        return arena_votes.counting(filled, voted_on.id)

    policies_there = arenas.policies(filled, voted_on.id)
    for policy in policies_there[:2]:  # four other texts to every prompt
        arenas.remove_policy(filled, policy.id)
    out, err = whole("b>a=z>c", "b>a=c", "b>a>a=c>d", "b>a=d>", "\x1b[31m", "B > a=d>c")
    for said in (
        "'z' is no answer: write an order such as b>a=c, with letters up to d.", "The order leaves d out",
        "a is in the order twice", "'' is no answer",
    ):  # fmt: skip
        assert err.count(said) == 1
    assert '"orders": 1, "left": 5' in out
    assert "\x1b[31m" not in err and "‹U+001B›[31m\n   | b  fake" in err
    assert not any(each.name in out + err for each in policies_there)
    first = err.split("An order of all")[0]
    words = {each.id: each.text.split()[0] for each in arenas.answers(filled, voted_on.id)}
    at = {line.split()[1]: line.split()[0] for line in first.splitlines() if line[:2] == "  " and line[2:3] in "abcd"}
    place = {"b": 1, "a": 2, "d": 2, "c": 3}
    votes = on_disk()
    assert (len(votes), len({each.ballot for each in votes}), {each.labeler for each in votes}) == (6, 1, {"ann"})
    for each in votes:
        one, two = (place[at[words[number]]] for number in (each.first_id, each.second_id))
        assert each.won == (0.5 if one == two else float(one < two))
        assert not each.both_bad and each.seconds is not None
    out, err = whole("s", "x", "u", "a>b>c>d", "u", "u", "u")
    assert '"orders": 0, "left": 6' in out and on_disk() == []
    assert err.count("The last order is taken back (6 votes).") == 3, "that of the first session, too"
    assert err.count("There is no vote of yours to take back.") == 1
    out, _ = whole(*["x"] * 6)
    assert '"orders": 6, "left": 0' in out and all((each.won, each.both_bad) == (0.5, True) for each in on_disk())
    assert "without --whole the pairs" in whole()[1]


def test_a_whole_ranking_yields_to_what_was_done_elsewhere(filled, voted_on):
    def order(found):
        return [[number] for number in found.question.shown]

    found, other = (WholeVoting(filled, voted_on, labelers.named(filled, "ann")) for _ in range(2))
    poor = arenas.policies(filled, voted_on.id)[0].id
    three = found.question.shown
    arenas.remove_policy(filled, poor)
    with pytest.raises(Outdated, match="taken out of the arena"):
        found.vote(order(found))
    found.refresh(), other.refresh()
    assert found.question == other.question and len(found.question.shown) == 2 < len(three)
    again = found.question
    found.vote(order(found))
    with pytest.raises(Outdated, match="elsewhere since"):
        other.vote(order(other))
    assert len(arena_votes.counting(filled, voted_on.id)) == 1
    found.undo()
    assert found.question == again, "what was ordered is asked again, in the order in which it was shown"
    for number in range(15):
        arenas.add_policy(filled, voted_on.id, f"more {number}", "base")
    with pytest.raises(BadInput, match="17 policies are too many to order at once"):
        WholeVoting(filled, voted_on, labelers.named(filled, "ann"))


def test_commands_tell_and_refuse(filled, voted_on, plumbline):
    for wrong, said in (
        (("new", "Three"), "There is an arena 'Three' already"),
        (("new", "Other", "--prompts", "some"), "--prompts is `heldout`"),
        (("new", "Other", "--prompts", "tag:none"), "No prompt has the tag 'none'"),
        (("show", "Four"), "There is no arena called 'Four': there is 'Three'."),
        (("remove", "Three", "x"), "There is no policy 'x' in this arena: there is 'poor', 'fair', 'good'."),
    ):
        code, _, err = plumbline("arena", wrong[0], filled.folder, *wrong[1:])
        assert (code, said in err) == (2, True), err
    assert len(arenas.listed(filled)) == 1
    assert plumbline("arena", "new", filled.folder, "Other; ls", "--prompts", "tag:test", "--limit", 2)[0] == 0
    session(filled, voted_on).vote("first")
    code, out, _ = plumbline("arena", "list", filled.folder)
    assert [line.split() for line in out.splitlines()[1:]] == [["Other;", "ls", *"0200"], ["Three", "3", "6", "18", "1"]]
    code, out, _ = plumbline("arena", "show", filled.folder, "Three")
    assert "6/6" in out and "1 pairs of equal answers" in out and "ann" in out
    voted = {each.policy_id for each in arenas.answers(filled, voted_on.id)} - _unvoted(filled, voted_on)
    for policy in arenas.policies(filled, voted_on.id):
        code, _, err = plumbline("arena", "remove", filled.folder, "Three", policy.name)
        assert code == (2 if policy.id in voted else 0), err
    code, _, err = plumbline("arena", "vote", filled.folder, "Other; ls", "--labeler", "ann")
    assert (code, f"`arena answer {filled.folder} 'Other; ls'`" in err) == (0, True)


def _unvoted(project, arena):
    cast = arena_votes.counting(project, arena.id)
    voted = {number for each in cast for number in (each.first_policy, each.second_policy)}
    return {policy.id for policy in arenas.policies(project, arena.id)} - voted


@pytest.mark.thorough
def test_the_next_question_is_there_before_anybody_waits(project):
    """500 prompts, six policies, 5,000 votes: under 50 ms of this process's time."""
    found = arenas.create(project, "Large")
    arenas.add_prompts(project, found.id, [Prompt(number, f"question {number}?") for number in range(1, 501)])
    rng = np.random.default_rng(0)
    for number in range(6):
        policy = arenas.add_policy(project, found.id, str(number), "base")
        rows = [NewAnswer(each.id, f"{rng.random()} " * 50) for each in arenas.unanswered(project, policy.id)]
        arenas.add_answers(project, policy.id, rows)
    of_prompt = {}
    for each in arenas.answers(project, found.id):
        of_prompt.setdefault(each.arena_prompt_id, []).append(each.id)
    pairs = [pair for of in of_prompt.values() for pair in combinations(of, 2)]
    people = [labelers.named(project, name).id for name in ("ann", "bob")]
    rules = guidelines.current_id(project)
    chosen = rng.choice(len(pairs), 5000)
    arena_votes.cast(
        project, [NewVote(*pairs[i], people[n % 2], rules, float(n % 3 == 0)) for n, i in enumerate(chosen)]
    )
    spent = []
    for _ in range(5):
        began = time.process_time()
        assert Asking(project, found.id, people[0]).next() is not None
        spent.append(time.process_time() - began)
    assert min(spent) < 0.05, spent


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("table", "column"), [("arena_policies", "detail"), ("arena_prompts", "tags"), ("arena_prompts", "messages")]
)
def test_a_cell_that_holds_anything_ends_in_a_sentence(filled, voted_on, plumbline, monkeypatch, table, column):
    """`plumbline` raises what is a bug."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("q\n" * 99))
    kinds = ("base", "run", "best-of-n", "adapter", "model", "server") if column == "detail" else ("base",)
    for value in ("", "{", "null", "5", "[[1]]", '{"folder": [1], "address": {}, "model": 3, "n": "x"}', "[" * 5000):
        for kind in kinds:
            with filled.write() as database:
                database.execute(f"update {table} set {column} = ?", (value,))
                database.execute("update arena_policies set kind = ?", (kind,))
            for command in (("list",), ("show", "Three"), ("vote", "Three"), ("answer", "Three", "--detach")):
                code, _, err = plumbline("arena", command[0], filled.folder, *command[1:])
                assert code in (0, 1, 2), (command, err)
    arena = arenas.listed(filled)[0]
    with suppress(KnownError):
        assert all(policies.lack(filled, each) for each in arenas.policies(filled, arena.id) if each.kind != "base")


def test_an_arena_has_no_more_policies_than_can_be_asked_about(filled, voted_on, monkeypatch):
    with monkeypatch.context() as patched:
        patched.setattr(arenas, "MOST_POLICIES", 3)
        with pytest.raises(BadInput, match="holds 3 policies"):
            arenas.add_policy(filled, voted_on.id, "one more", "base")
        patched.setattr(arenas, "MOST_POLICIES", 2)
        with pytest.raises(BadInput, match="too many to vote on"):
            session(filled, voted_on)
