"""An arena in a labeling pack: voted on elsewhere without knowing whose an answer is, and merged by its uids."""

import sqlite3
from contextlib import closing
from datetime import datetime, timedelta

import pytest

from core.arena.voting import VotingSession
from core.arena.whole import WholeVoting
from core.errors import BadInput
from core.labeling import pack as packs
from core.store import DATABASE, arena_votes, arenas, labelers, open_project, vote_remarks


def voter(project, name="ann"):
    arena = arenas.listed(project)[0]
    return VotingSession(project, arena, labelers.named(project, name))


def voted(project):
    return [(vote.labeler, vote.first_id, vote.second_id, vote.won) for vote in counting(project)]


def counting(project):
    return arena_votes.counting(project, arenas.listed(project)[0].id)


@pytest.fixture
def packed(filled, voted_on, tmp_path, plumbline):
    """The pack's folder, unpacked; Ann has one vote in the project, and Bob two."""
    voter(filled).vote("first")
    for outcome in ("first", "tie"):
        voter(filled, "bob").vote(outcome)
    code, out, err = plumbline("pack", filled.folder, tmp_path / "a.plumbpack", "--labeler", "ann", "--arena", "Three")
    assert (code, "and 6 of the arena 'Three' to vote on." in out) == (0, True), err
    return packs.unpack(tmp_path / "a.plumbpack", tmp_path / "there")


def test_an_order_of_all_answers_comes_home_as_one_ballot(filled, packed, tmp_path, plumbline):
    with closing(open_project(packed)) as there:
        session = WholeVoting(there, arenas.listed(there)[0], labelers.named(there, "ann"))
        while len(session.question.shown) < 3:
            session.put_off()
        one, two, three = session.question.shown
        session.vote([[two], [one, three]])
        session.all_bad()
    before, back = len(counting(filled)), tmp_path / "back.plumbpack"
    assert plumbline("pack", packed, back, "--labeler", "ann")[0] == 0
    assert plumbline("merge", filled.folder, back)[0] == 0
    came = counting(filled)[before:]
    first, second = dict.fromkeys(vote.ballot for vote in came)
    assert [vote.won for vote in came if vote.ballot == first] == [0.0, 0.5, 1.0]
    assert {(vote.won, vote.both_bad) for vote in came if vote.ballot == second} == {(0.5, True)}


def test_votes_come_home_once(filled, packed, tmp_path, plumbline):
    mine = [row for row in voted(filled) if row[0] == "ann"]
    with closing(open_project(packed)) as there:
        assert voted(there) == mine
        session = voter(there)
        session.vote("second")
        session.vote("both bad")
        session.undo()
        session.vote("tie")
    before = voted(filled)
    back = tmp_path / "back.plumbpack"
    assert plumbline("pack", packed, back, "--labeler", "ann")[0] == 0
    with pytest.raises(BadInput, match="not merged yet"):
        packs.pack(filled, back, "ann")
    code, out, err = plumbline("merge", filled.folder, back)
    assert (code, "2 votes in the arena are new." in out) == (0, True), err
    assert [row[3] for row in voted(filled)[len(before) :]] == [0.0, 0.5]
    after = voted(filled)
    assert packs.merge(filled, back).votes == 0
    assert voted(filled) == after
    with closing(open_project(packed)) as there:
        voter(there).undo()
        packs.pack(there, tmp_path / "again.plumbpack", "ann")
    report = packs.merge(filled, tmp_path / "again.plumbpack")
    assert (report.votes, report.retracted, voted(filled)) == (0, 1, after[:-1])


def test_an_older_copy_brings_no_vote_back(filled, packed, tmp_path):
    """Copies may come home in any order: what was taken back stays so."""
    with closing(open_project(packed)) as there:
        session = voter(there)
        session.vote("second")
        packs.pack(there, tmp_path / "old.plumbpack", "ann")
        session.undo()
        packs.pack(there, tmp_path / "new.plumbpack", "ann")
    before = voted(filled)
    for name in ("new", "old"):
        assert packs.merge(filled, tmp_path / f"{name}.plumbpack").votes == 0
    assert voted(filled) == before


def test_nothing_in_a_pack_tells_whose_an_answer_is(filled, packed, plumbline):
    content = (packed / DATABASE).read_bytes()
    for name in (b"poor", b"fair", b"bob"):
        assert name not in content
    with closing(open_project(packed)) as there:
        of = arenas.listed(there)[0].id
        assert [policy.name for policy in arenas.policies(there, of)] == ["A", "B", "C"]
        known = {policy.id for policy in arenas.policies(filled, arenas.listed(filled)[0].id)}
        assert known.isdisjoint(policy.id for policy in arenas.policies(there, of)), "they tell who was added first"
        assert {(policy.kind, policy.job_id, policy.step) for policy in arenas.policies(there, of)} == {
            ("base", None, None)
        }
        assert {(each.tokens, each.seed, each.kl) for each in arenas.answers(there, of)} == {(0, 0, None)}
        assert len({policy.name for policy in arenas.policies(there, of)}) == 3
    for command in (("add", packed, "Three", "base"), ("answer", packed, "Three", "--detach")):
        code, _, err = plumbline("arena", *command)
        assert (code, "in which people only vote" in err) == (2, True), err


def test_a_vote_made_here_meanwhile_stays(filled, packed, tmp_path):
    with closing(open_project(packed)) as there:
        session = voter(there)
        question = session.question
        session.vote("first")
        packs.pack(there, tmp_path / "back.plumbpack", "ann")
    here = voter(filled)
    here.show(question)
    here.vote("tie")
    before = voted(filled)
    report = packs.merge(filled, tmp_path / "back.plumbpack")
    assert (report.votes, report.refused[0].endswith("is left out: ann voted on the same answers here.")) == (0, True)
    assert voted(filled) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("update arena_votes set won = 0.7", "its record is damaged"),
        ("update arena_votes set both_bad = 1", "its record is damaged"),
        ("update arena_votes set uid = 'x' || uid", "its record is damaged"),
        ("update arena_votes set ballot = 'mine'", "its record is damaged"),
        ("update arena_votes set seconds = -1", "its record is damaged"),
        ("update arena_votes set seconds = 9e999", "its record is damaged"),
        ("update arena_votes set created_at = 'now'", "its record is damaged"),
        ("update arena_votes set comment = hex(zeroblob(600000))", "its record is damaged"),
        ("update arena_answers set text = text || '!'", "its answers are not here, or say other words here"),
        ("update arena_prompts set text = text || '!'", "its answers are not here, or say other words here"),
        ("update arena_votes set uid = '{bob}'", "it goes by the number of another vote"),
    ],
)
def test_what_nobody_could_have_voted_is_left_out(filled, packed, tmp_path, change, said):
    bob = filled.database.value(
        "select uid from arena_votes v join labelers l on l.id = v.labeler_id where l.name = 'bob'"
    )
    with closing(open_project(packed)) as there:
        voter(there).vote("first")
        packs.pack(there, tmp_path / "back.plumbpack", "ann")
    with closing(sqlite3.connect(tmp_path / "back.plumbpack", isolation_level=None)) as connection:
        newest = " where id = (select max(id) from arena_votes)" if "arena_votes" in change else ""
        connection.execute(change.format(bob=bob) + newest)
    before = voted(filled)
    report = packs.merge(filled, tmp_path / "back.plumbpack")
    assert voted(filled) == before
    assert report.votes == 0 and report.refused and all(said in each for each in report.refused), report


@pytest.mark.parametrize("merged_before", [True, False])
def test_a_vote_that_stands_in_its_pack_again_stands_at_home_again(filled, packed, tmp_path, merged_before):
    with closing(open_project(packed)) as there:
        session = voter(there)
        session.vote("second")
        if merged_before:
            packs.pack(there, tmp_path / "1.plumbpack", "ann")
            packs.merge(filled, tmp_path / "1.plumbpack")
        back = session.undo()
        packs.pack(there, tmp_path / "2.plumbpack", "ann")
        packs.merge(filled, tmp_path / "2.plumbpack")
        session.step(back, lambda: False, back=True).replay()
        packs.pack(there, tmp_path / "3.plumbpack", "ann")
        expected = [row for row in voted(there) if row[0] == "ann"]
    with pytest.raises(BadInput, match="not merged yet"):
        packs.pack(filled, tmp_path / "3.plumbpack", "ann")
    report = packs.merge(filled, tmp_path / "3.plumbpack")
    assert (report.votes, report.refused) == (1, [])
    assert [row for row in voted(filled) if row[0] == "ann"] == expected and len(expected) == 2


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_clock_that_is_an_hour_off_loses_no_vote_and_brings_none_back(filled, packed, tmp_path, monkeypatch, hours):
    right, file = arena_votes.now, tmp_path / "back.plumbpack"

    def off() -> str:
        return (datetime.fromisoformat(right()) + timedelta(hours=hours)).isoformat(timespec="milliseconds")

    def sent() -> int:
        packs.pack(there, file, "ann")
        packs.merge(filled, file)
        return len([row for row in voted(filled) if row[0] == "ann"])

    with closing(open_project(packed)) as there:
        session = voter(there)
        with monkeypatch.context() as clock:
            clock.setattr(arena_votes, "now", off)
            back = session.step(session.undo(), lambda: False, back=True)
            assert sent() == 0
            back.replay()
            assert sent() == 1
            voter(there).vote("second")
        assert sent() == 2
        voter(filled).undo()
        assert sent() == 1


def test_what_is_taken_back_in_the_pack_last_is_taken_back_at_home(filled, packed, tmp_path):
    """Though the vote was taken back and given again at home meanwhile."""
    home = voter(filled)
    (mine,) = (vote.id for vote in counting(filled) if vote.labeler == "ann")
    given = home.step(filled.changed("Vote", "arena_votes", ids=(mine,)), lambda: False)
    given.replay().replay()
    assert len([row for row in voted(filled) if row[0] == "ann"]) == 1
    with closing(open_project(packed)) as there:
        voter(there).undo()
        packs.pack(there, tmp_path / "back.plumbpack", "ann")
    assert packs.merge(filled, tmp_path / "back.plumbpack").retracted == 1
    assert not [row for row in voted(filled) if row[0] == "ann"]


def test_whose_clock_is_behind_gives_a_vote_again(filled, packed, tmp_path, monkeypatch):
    """Though every time of the pack's machine is before the one at which the vote was given at home."""
    with closing(open_project(packed)) as there, monkeypatch.context() as elsewhere:
        elsewhere.setattr(arena_votes, "now", lambda: "2020-01-01T10:00:00.000+00:00")
        session = voter(there)
        back = session.undo()
        packs.pack(there, tmp_path / "1.plumbpack", "ann")
        assert packs.merge(filled, tmp_path / "1.plumbpack").retracted == 1
        session.step(back, lambda: False, back=True).replay()
        packs.pack(there, tmp_path / "2.plumbpack", "ann")
        assert packs.merge(filled, tmp_path / "2.plumbpack").votes == 1
        back = session.undo()
        packs.pack(there, tmp_path / "3.plumbpack", "ann")
    assert packs.merge(filled, tmp_path / "3.plumbpack").retracted == 1
    assert packs.merge(filled, tmp_path / "2.plumbpack").votes == 0


def test_what_is_taken_back_here_stays_so_though_it_was_given_by_a_clock_ahead(filled, packed, tmp_path, monkeypatch):
    with closing(open_project(packed)) as there, monkeypatch.context() as elsewhere:
        elsewhere.setattr(arena_votes, "now", lambda: "2190-01-01T10:00:00.000+00:00")
        voter(there).vote("second")
        packs.pack(there, tmp_path / "back.plumbpack", "ann")
    before = voted(filled)
    assert packs.merge(filled, tmp_path / "back.plumbpack").votes == 1
    voter(filled).undo()
    assert packs.merge(filled, tmp_path / "back.plumbpack").votes == 0
    assert voted(filled) == before


def test_a_comment_on_a_pair_without_a_vote_comes_home_and_nobody_elses_goes_out(filled, packed, tmp_path):
    back, others, me = tmp_path / "back.plumbpack", tmp_path / "b.plumbpack", labelers.named(filled, "ann").id
    bob = labelers.named(filled, "bob").id
    with closing(open_project(packed)) as there:
        session = voter(there)
        first, second = ((found := session.question).first_id, found.second_id)
        session.put_off()
        voted_on = session.question.first_id, session.question.second_id
        who = labelers.named(there, "ann").id
        typed = {(first, second): "half a thought", voted_on: "A is kinder"}
        vote_remarks.write(there, {vote_remarks.name_of(pair, who): text for pair, text in typed.items()}, {})
        packs.pack(there, back, "ann")
    typed_here = {vote_remarks.name_of((first, second), who): text for who, text in ((me, "here"), (bob, "of Bob"))}
    vote_remarks.write(filled, typed_here, {})
    report = packs.merge(filled, back)
    assert (report.remarks, report.votes, report.begun_left) == (2, 0, []) and packs.merge(filled, back).remarks == 0
    found = vote_remarks.of(vote_remarks.read(filled), me)
    assert found == {frozenset((first, second)): "here\nhalf a thought", frozenset(voted_on): "A is kinder"}
    with closing(open_project(packed)) as there:
        session = voter(there)
        session.put_off()
        session.vote("first", "A is kinder, by far")
        packs.pack(there, back, "ann")
    packs.merge(filled, back)
    assert vote_remarks.of(vote_remarks.read(filled), me).keys() == {frozenset((first, second))}
    packs.pack(filled, others, "ann", "Three")
    with closing(open_project(packs.unpack(others, tmp_path / "others"))) as there:
        assert list(vote_remarks.read(there)) == [vote_remarks.name_of((first, second), me)]
