"""What a labeler began in a pack and did not save comes along when a second pack is opened where the first lies."""

from contextlib import closing

import pytest

from core.labeling import pack as packs
from core.labeling.answer_drafts import NEW, AnswerDrafts
from core.labeling.session import LabelingSession
from core.records import NewRanking
from core.store import Project, completions, drafts, labelers, open_project, prompts, rankings


def of_bo(project: Project) -> LabelingSession:
    return LabelingSession(project, labelers.named(project, "Bo"))


def begin(session: LabelingSession, group_id: int, *best: str, said: str = "") -> None:
    """Order completions by their texts, and leave it."""
    session.editor.open(group_id)
    texts = completions.texts(session.project, session.ordering.shown)
    for text in best:
        session.editor.change(session.ordering.place_last(next(item for item in texts if texts[item] == text)))
    session.editor.set_comment(said)


def order(session: LabelingSession, group_id: int) -> list[list[str]]:
    """What is on the table when a group is opened, as texts."""
    session.editor.open(group_id)
    texts = completions.texts(session.project, session.ordering.shown)
    return [[texts[item] for item in tier] for tier in session.ordering.tiers]


def texts_of(project: Project, group_id: int) -> list[str]:
    return list(completions.texts(project, completions.ids(project, group_id)).values())


@pytest.fixture
def second(filled, tmp_path):
    """Takes up another pack of Bo's, after something is done in the first one and something at home."""
    file, folder = tmp_path / "bo.plumbpack", tmp_path / "packs" / "bo"
    packs.pack(filled, file, "Bo")
    opened = []

    def take_up(work, at_home=lambda project: None) -> tuple[LabelingSession, packs.Merged]:
        with closing(open_project(packs.take_up(file, folder)[0])) as project:
            work(of_bo(project))
        at_home(filled)
        file.unlink()
        packs.pack(filled, file, "Bo")
        place, report = packs.take_up(file, folder)
        opened.append(open_project(place))
        return of_bo(opened[-1]), report

    yield take_up
    for project in opened:
        project.close()


def test_orders_that_were_begun_come_along_with_the_answers_that_are_in_them(filled, second):
    here = texts_of(filled, 1)

    def work(session):
        begin(session, 1, here[2], here[0], said="not sure")
        session.editor.write("my own")
        begin(session, 2, said="only a remark")

    def at_home(project):  # takes the number that Bo's own answer has in the pack
        completions.write(project, 3, labelers.named(project, "Ana").id, "by Ana")

    session, report = second(work, at_home)
    assert (report.begun, report.answers, report.refused) == (2, 1, [])
    assert order(session, 1) == [["my own"], [here[2]], [here[0]]] and session.ordering.comment == "not sure"
    assert order(session, 2) == [] and session.ordering.comment == "only a remark"


def test_answers_that_were_being_typed_come_along_and_know_what_they_mend(second):
    mended = []

    def work(session):
        mended.append(completions.ids(session.project, 1)[1])
        for text, of in (("half an", NEW), ("better", mended[0])):
            AnswerDrafts(session.project, session.labeler.id).keep(1, of, text)
        AnswerDrafts(session.project, session.labeler.id).keep(1, NEW, "in a second window")
        AnswerDrafts(session.project, session.labeler.id).keep(4, NEW, "to another prompt")

    session, report = second(work)
    assert (report.begun, report.refused) == (4, [])
    assert session.editor.answers.begun(1) == {NEW: "half an", mended[0]: "better"}
    assert (NEW, "in a second window") in session.editor.answers.texts(1)
    assert session.editor.answers.open(4, NEW) == "to another prompt"


def test_a_revision_that_was_begun_still_revises_its_ranking(filled, second):
    here = texts_of(filled, 1)

    def work(session):
        ranks = {item: place for place, item in enumerate(completions.ids(session.project, 1), 1)}
        for group_id in (2, 1):  # of which the newer pack gives other numbers
            items = dict(zip(completions.ids(session.project, group_id), ranks.values(), strict=True))
            rankings.add(session.project, NewRanking(group_id, session.labeler.id, items))
        session.editor.revise(rankings.latest(session.project, session.labeler.id).id)
        session.editor.change(session.ordering.remove(session.ordering.tiers[0][0]))

    def at_home(project):
        who = labelers.named(project, "Ana").id
        rankings.add(project, NewRanking(5, who, dict.fromkeys(completions.ids(project, 5), 1)))

    session, report = second(work, at_home)
    assert (report.added, report.begun, report.refused) == (2, 1, [])
    assert order(session, 1) == [[here[1]], [here[2]], [here[3]]] and session.editor.reviewing


def test_what_cannot_come_along_is_named_and_stays_where_it_is(filled, second, tmp_path):
    def work(session):
        for group_id in (1, 2, 3):
            begin(session, group_id, texts_of(session.project, group_id)[0])
        AnswerDrafts(session.project, session.labeler.id).keep(2, NEW, "of a prompt that is deleted")

    def at_home(project):
        who = labelers.named(project, "Bo").id
        rankings.add(project, NewRanking(1, who, dict.fromkeys(completions.ids(project, 1), 1)))
        prompts.delete(project, [2])

    session, report = second(work, at_home)
    assert report.begun == 1 and order(session, 3) == [[texts_of(filled, 3)[0]]]
    named = ["question 1?", "question 2?", "question 2?"]
    assert [next(name for name in named if name in said) for said in sorted(report.refused)] == named
    assert drafts.groups(session.project, session.labeler.id) == [3]
    with closing(open_project(tmp_path / "packs" / "bo")) as first:
        assert drafts.groups(first, labelers.named(first, "Bo").id) == [1, 2, 3]


def test_of_several_earlier_packs_the_newest_order_comes_along(filled, second):
    here = texts_of(filled, 1)
    second(lambda session: begin(session, 1, here[0]))[0].editor.open(1)

    def goes_on(project):
        with closing(open_project(filled.folder.parent / "packs" / "bo 2")) as project:
            begin(of_bo(project), 1, here[1])

    session, report = second(lambda session: None, goes_on)
    assert session.project.folder.name == "bo 3" and report.begun == 1
    assert order(session, 1) == [[here[0]], [here[1]]]
    assert len(report.refused) == 1 and "another order of it is begun here" in report.refused[0]
