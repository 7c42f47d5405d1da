"""What a labeler began in a pack and did not save comes along when a second pack is opened where the first lies."""

from contextlib import closing

import pytest

from core.labeling import pack as packs
from core.labeling.answer_drafts import NEW, AnswerDrafts
from core.labeling.ordering import Ordering
from core.labeling.session import LabelingSession
from core.records import NewRanking
from core.store import Project, completions, drafts, labelers, open_project, packed_rankings, prompts, rankings


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
        begin(session, 4, *texts_of(session.project, 4)[:1])
        session.editor.write("put aside with the order")
        session.editor.use("pairwise")

    def at_home(project):  # takes the number that Bo's own answer has in the pack
        completions.write(project, 3, labelers.named(project, "Ana").id, "by Ana")

    session, report = second(work, at_home)
    assert (report.begun, report.answers, report.refused) == (3, 2, [])
    assert order(session, 1) == [["my own"], [here[2]], [here[0]]] and session.ordering.comment == "not sure"
    assert order(session, 2) == [] and session.ordering.comment == "only a remark"
    assert order(session, 4) == []
    session.editor.use("order")
    assert len(order(session, 4)) == 2 and order(session, 4)[0] == ["put aside with the order"]


def test_what_is_begun_and_not_saved_is_told_of_where_a_pack_is_sent_and_merged(filled, tmp_path):
    file, folder = tmp_path / "bo.plumbpack", tmp_path / "bo"
    begin(of_bo(filled), 4, said="the same here")
    packs.pack(filled, file, "Bo")
    with closing(open_project(packs.unpack(file, folder))) as packed:
        begin(of_bo(packed), 1, texts_of(filled, 1)[0], said="only Enter is missing")
        packs.pack(packed, file, "Bo")
        assert "begun for 2 prompts and not saved" in packed_rankings.not_sent_back(packed, "Bo")
    report = packs.merge(filled, file)
    prompt = prompts.get(filled, completions.group(filled, 1).prompt.id).text
    assert len(report.begun_left) == 1 and "1 order" in report.begun_left[0] and prompt in report.begun_left[0]


def test_a_comment_without_a_ranking_comes_home_in_a_pack(filled, tmp_path):
    file, folder = tmp_path / "bo.plumbpack", tmp_path / "bo"
    begin(of_bo(filled), 3, said="an older one")
    packs.pack(filled, file, "Bo")
    for group, text in ((2, "typed here"), (3, "a newer one")):
        begin(of_bo(filled), group, said=text)
    with closing(open_project(packs.unpack(file, folder))) as packed:
        begin(of_bo(packed), 1, texts_of(filled, 1)[0], said="only Enter is missing")
        begin(of_bo(packed), 2, said="both are wrong")
        packs.pack(packed, file, "Bo")
    report = packs.merge(filled, file)
    assert (report.remarks, len(report.begun_left)) == (2, 1) and "1 order" in report.begun_left[0]
    assert packs.merge(filled, file).remarks == 0
    session = of_bo(filled)
    assert order(session, 1) == [] and session.ordering.comment == "only Enter is missing"
    assert order(session, 2) == [] and session.ordering.comment == "typed here\nboth are wrong"
    assert order(session, 3) == [] and session.ordering.comment == "a newer one", "nobody typed on it in the pack"


def test_a_comment_that_cannot_be_read_keeps_no_ranking_from_coming_home(filled, tmp_path):
    file, folder = tmp_path / "bo.plumbpack", tmp_path / "bo"
    packs.pack(filled, file, "Bo")
    with closing(open_project(packs.unpack(file, folder))) as packed:
        begin(of_bo(packed), 2, said="both are wrong")
        packed.database.execute("update drafts set draft = '{'")
        packed.database.execute("insert into settings (key, value) values ('draft/arena', '{')")
        ids = completions.ids(packed, 1)
        rankings.add(packed, NewRanking(1, labelers.named(packed, "Bo").id, dict.fromkeys(ids, 1)))
    report = packs.merge(filled, folder)
    assert (report.added, report.remarks, len(report.begun_left)) == (1, 0, 2)


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
    assert [next(name for name in named if name in said) for said in sorted(report.begun_left)] == named
    assert all("in the earlier project “bo”" in said for said in report.begun_left)
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
    assert report.begun_left == []  # the first one's went on in the second


def test_what_was_finished_or_thrown_away_in_a_pack_does_not_come_again_from_the_one_before(second):
    def first(session):
        answers = AnswerDrafts(session.project, session.labeler.id)
        for group_id, text in ((1, "half an"), (4, "thrown away"), (5, "goes on")):
            answers.keep(group_id, NEW, text)
        for group_id in (2, 3):
            begin(session, group_id, texts_of(session.project, group_id)[0])

    assert second(first)[1].begun == 5

    def then(session):
        for group_id, text in ((1, "half an answer"), (4, "")):
            session.editor.answers.open(group_id, NEW)
            session.editor.answers.keep(group_id, NEW, text)
        session.editor.open(1)
        session.editor.write("half an answer")
        session.editor.change(Ordering(session.ordering.shown))
        order(session, 2)
        session.editor.change(Ordering(session.ordering.shown))
        order(session, 3)
        ranks = dict.fromkeys(session.ordering.shown, 1)
        rankings.add(session.project, NewRanking(3, session.labeler.id, ranks))
        drafts.keep(session.project, session.labeler.id, 3, None)

    session, report = second(then)
    assert session.project.folder.name == "bo 3"
    assert report == packs.Merged(added=1, answers=1, begun=1)  # of which the begun one still goes on in the second
    assert [session.editor.answers.texts(group_id) for group_id in (1, 4, 5)] == [[], [], [(NEW, "goes on")]]
    assert order(session, 2) == [] and "half an answer" in texts_of(session.project, 1)


def test_what_was_begun_in_an_earlier_pack_since_a_newer_one_was_opened_comes_along(filled, second):
    second(lambda session: AnswerDrafts(session.project, session.labeler.id).keep(1, NEW, "came along"))

    def goes_on_in_the_first(project):
        with closing(open_project(filled.folder.parent / "packs" / "bo")) as project:
            AnswerDrafts(project, of_bo(project).labeler.id).keep(2, NEW, "begun since")

    session, report = second(lambda session: None, goes_on_in_the_first)
    assert session.editor.answers.texts(2) == [(NEW, "begun since")] and report.begun == 2


def test_an_earlier_pack_with_a_damaged_ranking_keeps_no_newer_one_from_opening(second):
    def work(session):
        ranks = dict.fromkeys(completions.ids(session.project, 1), 1)
        rankings.add(session.project, NewRanking(1, session.labeler.id, ranks))
        session.project.database.execute("update rankings set comment = cast(x'ff' as text)")
        begin(session, 2, texts_of(session.project, 2)[0])

    session, report = second(work)
    assert session.project.folder.name == "bo 2" and (report.added, report.begun) == (0, 1)
    assert len(report.refused) == 1 and "damaged" in report.refused[0] and report.begun_left == []


@pytest.mark.parametrize(
    "setting", ["handed_out", "pack", "uid"], ids=["which pack it is", "whose it is", "of which project"]
)
def test_an_earlier_pack_with_a_damaged_setting_is_passed(second, setting):
    def work(session):
        session.project.database.execute("update settings set value = cast(x'ff' as text) where key = ?", (setting,))

    assert second(work)[0].project.folder.name == "bo 2"


def test_what_cannot_be_read_leaves_behind_only_itself(second):
    def work(session):
        begin(session, 1, texts_of(session.project, 1)[0])
        begin(session, 2, texts_of(session.project, 2)[0])
        begin(session, 5, texts_of(session.project, 5)[0])
        for group_id, text in ((1, "beside an order"), (4, "no JSON"), (4, "beside it"), (5, "of a damaged prompt")):
            AnswerDrafts(session.project, session.labeler.id).keep(group_id, NEW, text)
        database = session.project.database
        database.execute("update drafts set draft = cast(x'ff' as text) where group_id = 1")
        database.execute("update settings set value = 'x' where key like 'draft/answer/%' and value like '%no JSON%'")
        database.execute("update completions set text = cast(x'ff' as text) where group_id = 5")

    session, report = second(work)
    assert [session.editor.answers.texts(group_id) for group_id in (1, 4, 5)] == [
        [(NEW, "beside an order")],
        [(NEW, "beside it")],
        [],
    ]
    assert order(session, 2) == [[texts_of(session.project, 2)[0]]] and report.begun == 3
    stays = "What was begun for {} stays in the earlier project “bo”: it cannot be read."
    prompts_left = ["“question 1?”", "“question 4?”", "a prompt", "a prompt"]
    assert report.begun_left == [stays.format(prompt) for prompt in prompts_left]
