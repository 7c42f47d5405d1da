"""A page to rank in, in a real browser: keys, mouse and touch, reloads, kills, hostile texts, and its way back."""

import json
import random
import shutil
from contextlib import closing
from pathlib import Path

import pytest

from core.conversation import Conversation
from core.events import NewCompletion
from core.labeling import html_pack, pairwise
from core.labeling import pack as packs
from core.labeling.ordering import Ordering
from core.records import Prompt
from core.resources import resource
from core.store import Project, assignments, completions, create_project, guidelines, open_project, prompts
from tests import browser
from tests.pages import Filled
from tests.ranked import counting_rankings

pytestmark = [
    pytest.mark.thorough,
    pytest.mark.skipif(browser.CHROMIUM is None, reason=browser.MISSING),
]
PAGE = "document.body.dataset.page"
OF_ONE = {
    "placeLast": "place_last", "tieLast": "tie_last", "better": "better", "worse": "worse", "tieUp": "tie_up",
    "remove": "remove",
}  # fmt: skip
HOSTILE = (
    "<script>window.bad = 1</script></script><img src=x onerror='window.bad = 1'><!-- \u202egnp\u200b "
    "<svg onload=window.bad=1> javascript:window.bad=1"
)


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    with browser.browser(tmp_path_factory.mktemp("browser") / "profile") as found:
        yield found


def written(project: Project, folder: Path, name: str = "Bo") -> Path:
    html_pack.write(project, folder / "page.html", name)
    return folder / "page.html"


def begun(chromium: browser.Browser, path: Path, **more) -> browser.Tab:
    tab = chromium.open(path, **more)
    if tab.run(PAGE) == "start":
        tab.run("document.querySelector('#still-buttons button').click()")
        tab.wait(f"{PAGE} === 'board'")
    return tab


def press(tab: browser.Tab, names: str, placed: int | None = None) -> None:
    tab.keys(names)
    if placed is not None:
        tab.wait(f"document.querySelectorAll('.card.placed').length === {placed}")


LADDER = """[...document.querySelectorAll('.tier:not(.empty)')].map(
    (row) => [...row.querySelectorAll('.chip')].map((chip) => chip.innerText).join('=')).join(' > ')"""


def ladder(tab: browser.Tab, order: str) -> None:
    """The order is seen: `C > A=B`."""
    tab.wait(f"{LADDER} === {json.dumps(order)}")


def count(tab: browser.Tab, said: str) -> None:
    tab.wait(f"document.getElementById('count').innerText === {json.dumps(said)}")


def merged(project: Project, tab: browser.Tab, folder: Path) -> packs.Merged:
    return packs.merge(project, tab.answers(folder))


def load(tab: browser.Tab, script: str, name: str) -> None:
    """What a script of the page calls `name`, to be called from here."""
    tab.run((resource("pack_page") / script).read_text().replace(f"const {name}", f"window.{name}"))


def begin_answer(tab: browser.Tab, text: str) -> None:
    tab.wait("!document.querySelector('dialog[open]')")  # the one before closes once its answer is kept
    tab.key("w")
    tab.wait("document.getElementById('answer').open")
    tab.type(text)
    tab.click("#answer [data-close]")
    tab.wait("document.getElementById('write').innerText === 'Go on with your answer'")


def test_orders_change_as_the_programs_own_do(chromium, tmp_path):
    """At random, against `core.labeling.ordering`."""
    (tmp_path / "empty.html").write_text("<!doctype html><body data-page=board>")
    tab = chromium.open(tmp_path / "empty.html")
    load(tab, "ordering.js", "order")
    draw, ordering, steps, expected = random.Random(7), Ordering((1, 2, 3, 4, 5)), [], []
    for _ in range(400):
        item, other = draw.randint(1, 5), draw.randint(1, 5)
        index = draw.randint(0, 6)
        alike = {name: (python, [item]) for name, python in OF_ONE.items()} | {
            "tieWith": ("tie_with", [item, other]), "insert": ("insert", [item, index]),
            "toRank": ("to_rank", [item, index + 1]), "takeBack": ("take_back", []),
        }  # fmt: skip
        if ordering.tiers:
            alike["intoTier"] = ("into_tier", [item, draw.randrange(len(ordering.tiers))])
        name = draw.choice(sorted(alike))
        ordering = getattr(ordering, alike[name][0])(*alike[name][1])
        steps.append([name, alike[name][1]])
        expected.append([list(tier) for tier in ordering.tiers])
    found = tab.run(f"(() => {{ let t = []; return {json.dumps(steps)}.map(([n, a]) => t = order[n](t, ...a)); }})()")
    assert found == expected


def test_questions_of_two_are_those_that_the_program_asks(chromium, tmp_path):
    (tmp_path / "empty.html").write_text("<!doctype html><body data-page=board>")
    tab = chromium.open(tmp_path / "empty.html")
    load(tab, "pairwise.js", "pairwise")
    draw = random.Random(11)
    for _ in range(30):
        shown = tuple(draw.sample(range(1, 50), draw.randint(1, 7)))
        answers, worth = [], {item: draw.randint(1, 4) for item in shown}
        while (asked := pairwise.question(shown, tuple(answers))) is not None:
            said = json.dumps([shown, answers])
            assert tab.run(f"pairwise.question(...{said})") == list(asked)
            assert tab.run(f"pairwise.left(...{said})") == pairwise.left(shown, tuple(answers))
            assert tab.run(f"pairwise.derive(...{said})") == []
            one, two = (worth[item] for item in asked)
            answers.append((*asked, (one > two) - (one < two)))
        found = tab.run(f"pairwise.derive(...{json.dumps([shown, answers])})")
        assert found == [list(tier) for tier in pairwise.derive(shown, tuple(answers))]
        assert tab.run(f"pairwise.question(...{json.dumps([shown, answers])})") is None


def test_two_at_a_time_by_keys_and_by_finger(filled, chromium, tmp_path):
    html_pack.write(filled, tmp_path / "page.html", "Eli", "pairwise")
    held = Filled(tmp_path / "page.html").held
    tab = begun(chromium, tmp_path / "page.html")
    seen = "[...document.querySelectorAll('.card')].filter((card) => card.offsetWidth).length"
    assert (tab.run(seen), tab.texts("#question button")) == (2, ["A is better", "Neither", "B is better"])
    tab.keys("Enter ArrowLeft")  # nothing is saved while there are questions
    tab.wait("document.getElementById('question').innerText.includes('Question 2')")
    tab.key("Backspace")
    tab.wait("document.getElementById('question').innerText.includes('Question 1,')")
    tab.reload()
    tab.keys("b ArrowDown")  # B is better; C is as good as the one that it is compared with
    tab.wait("document.getElementById('question').innerText.includes('Question 3')")
    while tab.run("!document.getElementById('question').hidden"):
        asked = tab.text("#question span")
        tab.key("ArrowRight")
        tab.wait(f"document.querySelector('#question span')?.innerText !== {json.dumps(asked)} || "
                 "document.getElementById('question').hidden")  # fmt: skip
    assert tab.run(seen) == 4
    tab.key("Enter")
    count(tab, "1 of 6 ranked")

    phone = begun(chromium, tmp_path / "page.html", width=390, height=844, touch=True)
    assert phone.run("document.documentElement.scrollWidth") == 390
    phone.tap("#question .right")
    phone.wait("document.getElementById('question').innerText.includes('Question 2')")
    phone.tap("#method")  # all at once, and what was answered is put aside
    phone.wait("document.getElementById('question').hidden")
    phone.tap(".card:nth-child(3) .toggle")
    phone.wait("document.querySelectorAll('.card.placed').length === 1")
    phone.tap("#method")
    phone.wait("document.getElementById('question').innerText.includes('Question 2')")
    assert phone.complaints() == []
    assert merged(filled, phone, tmp_path).added == 1
    (found,) = counting_rankings(filled)
    shown = held["items"][str(held["queue"][0]["group"])]["shown"]
    (method,) = filled.database.column("select method from rankings")
    assert method == "pairwise" and found.ranks[shown[1]] < found.ranks[shown[0]]
    phone.tap("#write")
    assert "asked about it" in phone.text("#answer-note")
    phone.type("my own")
    phone.tap("#answer-add")
    phone.wait("document.getElementById('said').innerText.endsWith('is asked about, too.')")


OWN = "what I would say \u202e instead"


def test_an_answer_of_ones_own_is_ranked_and_comes_home(filled, chromium, tmp_path):
    path = written(filled, tmp_path, "Uma")
    group = Filled(path).held["queue"][0]["group"]
    tab = begun(chromium, path)
    press(tab, "a b c d", 4)
    begin_answer(tab, OWN[:5])
    tab.reload()  # what is begun is kept
    assert tab.text("#write") == "Go on with your answer"
    tab.key("Enter")
    tab.wait("document.getElementById('said').innerText.startsWith('You began an answer')")
    tab.key("w")
    tab.wait(f"document.getElementById('answer-text').value === {json.dumps(OWN[:5])}")
    tab.run("document.getElementById('answer-text').setSelectionRange(99, 99)")
    tab.type(OWN[5:])
    tab.key("Ctrl+Enter")
    ladder(tab, "E > A > B > C > D")
    assert tab.texts(".card:nth-child(5) .foot") == ["Written by hand"]
    tab.key("Ctrl+z")
    ladder(tab, "A > B > C > D")
    tab.key("Ctrl+y")
    ladder(tab, "E > A > B > C > D")
    tab.run("document.querySelector('.card:nth-child(2) .mend').click()")
    tab.wait("document.getElementById('answer-title').innerText === 'Mend B'")
    tab.click("#answer-add")
    tab.wait("document.getElementById('answer-said').innerText.startsWith('One of the answers says this already')")
    tab.type("mended: ")
    tab.click("#answer-add")
    ladder(tab, "F > E > A > B > C > D")
    tab.key("Enter")
    count(tab, "1 of 6 ranked")
    assert tab.complaints() == []
    file = tab.answers(tmp_path)

    other = chromium.open(path, fresh=True)
    other.choose("input[type=file]", file)
    count(other, "1 of 6 ranked")
    other.key("Ctrl+z")
    ladder(other, "F > E > A > B > C > D")
    other.key("Enter")
    count(other, "1 of 6 ranked")
    report = merged(filled, other, tmp_path)
    assert (report.added, report.answers, report.refused) == (1, 2, [])
    texts = {each.text: each for each in completions.group(filled, group).completions}
    mended = next(each for text, each in texts.items() if "mended: " in text)
    assert (texts[OWN].written_by, mended.mended is not None) == ("Uma", True)
    (found,) = counting_rankings(filled)
    assert (found.ranks[mended.id], found.ranks[texts[OWN].id]) == (1, 2)
    again = packs.merge(filled, file)
    assert (again.added, again.answers, len(counting_rankings(filled))) == (0, 0, 1)
    newer = written(filled, tmp_path, "Uma")
    tab = begun(chromium, newer)  # where they are completions as the others are
    count(tab, "0 of 5 ranked")


def test_a_copy_of_the_project_and_another_labeler_keep_their_work_apart(filled, chromium, tmp_path):
    tab = begun(chromium, written(filled, tmp_path, "a"))
    press(tab, "b", 1)
    tab.keys("Enter Enter")
    count(tab, "1 of 6 ranked")
    press(tab, "c", 1)
    (tmp_path / "page.html").rename(tmp_path / "first.html")
    filled.database.execute("update completions set text = text || ' and others here'")  # as a copy of it may have them
    tab = begun(chromium, written(filled, tmp_path, "a"))
    assert (tab.text("#count"), tab.run("document.querySelectorAll('.placed').length")) == ("0 of 6 ranked", 0)
    press(tab, "d", 1)
    tab.keys("Enter Enter")
    count(tab, "1 of 6 ranked")
    tab.key("w")
    tab.wait("document.getElementById('answer').open")
    tab.type("said to another prompt")
    tab.click("#answer-add")
    ladder(tab, "E")
    begin_answer(tab, "begun")
    tab = begun(chromium, tmp_path / "first.html")
    assert tab.text("#count") == "1 of 6 ranked"
    ladder(tab, "C")
    assert (tab.run("document.querySelectorAll('.card').length"), tab.text("#write")) == (4, "Write an answer")
    assert json.loads(tab.answers(tmp_path).read_text())["answers"] == []
    tab = begun(chromium, written(filled, tmp_path, "a/ranking"))
    assert tab.text("#count") == "0 of 6 ranked"
    tab = begun(chromium, tmp_path / "first.html")
    assert tab.text("#count") == "1 of 6 ranked"


def test_an_empty_answer_says_so_and_what_hides_is_named_and_mended_as_it_is(project, chromium, tmp_path):
    prompts.add(project, [Prompt(0, "What is left?")])
    texts = ["", " \n ", "<b>", "so\u200bon"]
    completions.add_group(project, prompts.listed(project)[-1].id, [NewCompletion(each, 1, True, 0) for each in texts])
    tab = begun(chromium, written(project, tmp_path, "Em"))
    while "What is left?" not in tab.text("#prompt"):
        before = tab.text("#prompt")
        tab.key("s")
        tab.wait(f"document.getElementById('prompt').innerText !== {json.dumps(before)}")
    shown = tab.texts(".answer")
    assert set(shown) == {"An empty answer", "Nothing but blanks", "<b>", "so‹U+200B›on"}
    tab.click(f".card:nth-child({1 + shown.index('so‹U+200B›on')}) .mend")
    tab.wait("document.getElementById('answer-text').value === 'so\\u200bon'")
    tab.click("#answer-add")
    tab.wait("document.getElementById('answer-said').innerText.startsWith('One of the answers says this already')")


def test_keys_rank_tie_flag_comment_and_undo_and_all_of_it_comes_home(filled, chromium, tmp_path):
    path = written(filled, tmp_path)
    held = Filled(path).held
    first, second, third = (each["group"] for each in held["queue"][:3])
    tab = begun(chromium, path)
    press(tab, "Enter", 0)  # nobody touched it
    tab.wait("document.getElementById('said').innerText.startsWith('Nothing is ranked yet')")
    press(tab, "c a Shift+B", 3)
    ladder(tab, "C > A=B")
    tab.keys("d Shift+ArrowUp")
    tab.wait("document.querySelectorAll('.tier:not(.empty)').length === 3")
    ladder(tab, "C > D > A=B")
    tab.keys("Ctrl+z Ctrl+z")
    tab.wait("document.querySelectorAll('.card.placed').length === 3")
    tab.keys("Ctrl+y + Ctrl+m")
    tab.wait("document.activeElement.id === 'comment'")
    tab.type("  so so")
    tab.keys("Ctrl+Enter")
    count(tab, "1 of 6 ranked")
    tab.key("x")
    tab.wait("document.getElementById('flags').open")
    tab.key("3")  # the whole prompt: unsafe
    tab.wait("!document.getElementById('note').hidden")
    tab.key("Enter")
    count(tab, "2 of 6 ranked")
    press(tab, "s", 0)
    tab.keys("a Enter Enter")
    count(tab, "3 of 6 ranked")
    tab.key("Ctrl+z")
    count(tab, "2 of 6 ranked")
    press(tab, "Backspace b", 1)
    tab.keys("Enter Enter")
    count(tab, "3 of 6 ranked")
    assert tab.complaints() == []
    report = merged(filled, tab, tmp_path)
    assert (report.added, report.refused) == (3, [])
    one, two, three = counting_rankings(filled)
    shown = held["items"][str(first)]["shown"]
    assert (one.group_id, two.group_id) == (first, second) and three.group_id not in (first, second, third)
    assert [one.ranks[item] for item in shown] == [2, 2, 1, 3]
    assert (one.comment, one.verdicts) == ("so so", {shown[3]: "good"}) and one.seconds < 120
    assert (two.flag, set(two.ranks.values())) == ("unsafe", {None})
    assert [three.ranks[item] for item in held["items"][str(three.group_id)]["shown"]] == [None, 1, None, None]
    again = merged(filled, tab, tmp_path)
    assert (again.added, again.known, again.conflicts) == (0, 4, 0)


def test_mouse_and_finger_place_tie_move_and_take_away(filled, chromium, tmp_path):
    tab = begun(chromium, written(filled, tmp_path, "Mia"))
    tab.click(".card:nth-child(2) .toggle")
    tab.wait("document.querySelectorAll('.card.placed').length === 1")
    tab.click(".card:nth-child(3) .tie")
    tab.drag(".card:nth-child(1) .card-head", ".tier.empty")
    tab.wait("document.querySelectorAll('.card.placed').length === 3")
    ladder(tab, "B=C > A")
    tab.drag(".card:nth-child(4) .card-head", ".card:nth-child(1)")
    tab.wait("document.querySelectorAll('.card.placed').length === 4")
    ladder(tab, "B=C > A=D")
    tab.drag(".tier .chip", ".box")
    tab.wait("document.querySelectorAll('.card.placed').length === 3")
    ladder(tab, "C > A=D")
    tab.click("#save")
    tab.wait("document.getElementById('said').innerText.startsWith('B has no place')")
    tab.click("#save")
    count(tab, "1 of 6 ranked")

    phone = begun(chromium, tmp_path / "page.html", width=390, height=844, touch=True)
    assert phone.run("document.documentElement.scrollWidth") == 390
    small = "[...document.querySelectorAll('button')].filter((b) => b.offsetWidth)"
    assert phone.run(f"{small}.filter((b) => b.offsetHeight < 44 || b.offsetWidth < 44).map((b) => b.innerText)") == []
    phone.tap(".card:nth-child(1) .toggle")
    phone.wait("document.querySelectorAll('.card.placed').length === 1")
    phone.drag(".card:nth-child(2) .card-head .chip", ".tier", touch=True)
    phone.wait("document.querySelectorAll('.card.placed').length === 2")
    ladder(phone, "A=B")
    phone.drag(".card:nth-child(1) .card-head .chip", ".tier.empty", touch=True)
    phone.wait("document.querySelectorAll('.tier:not(.empty)').length === 2")
    ladder(phone, "B > A")
    phone.tap("#save")
    phone.wait("document.getElementById('said').innerText.includes('Save again saves it so')")
    phone.tap("#save")
    count(phone, "2 of 6 ranked")
    assert phone.complaints() == []


def test_a_reload_goes_on_where_it_was_and_another_tab_is_told(filled, chromium, tmp_path):
    path = written(filled, tmp_path, "Rae")
    tab = begun(chromium, path)
    press(tab, "b Shift+C", 2)
    tab.keys("Enter Enter")
    count(tab, "1 of 6 ranked")
    press(tab, "s d a", 2)
    asked = tab.text("#prompt")
    tab.reload()
    ladder(tab, "D > A")
    assert (tab.text("#prompt"), tab.text("#count")) == (asked, "1 of 6 ranked")
    other = begun(chromium, path)
    ladder(other, "D > A")
    tab.key("b")
    tab.wait("!document.getElementById('trouble').hidden")
    assert "another tab" in tab.text("#trouble")
    ladder(tab, "D > A")
    press(other, "c", 3)
    other.reload()
    other.keys("Ctrl+z")  # after a reload undo takes back the ranking
    count(other, "0 of 6 ranked")
    ladder(other, "B=C")


def test_a_browser_that_is_killed_loses_nothing_that_was_shown(filled, tmp_path):
    path = written(filled, tmp_path)
    profile = tmp_path / "profile"
    for seen in range(3):
        chromium = browser.Browser(profile)
        tab = begun(chromium, path)
        assert tab.text("#count") == f"{seen} of 6 ranked"
        if seen:
            ladder(tab, "B > A")
        press(tab, "c", 3 if seen else 1)
        tab.keys("Enter Enter")
        count(tab, f"{seen + 1} of 6 ranked")
        press(tab, "b a", 2)
        chromium.kill()
    with browser.browser(profile) as chromium:
        tab = begun(chromium, path)
        assert tab.text("#count") == "3 of 6 ranked"
        ladder(tab, "B > A")
        report = merged(filled, tab, tmp_path)
    assert report.added == 3 and "1 order that is begun" in report.begun_left[0]


@pytest.mark.parametrize("gone", ["indexedDB", "indexedDB localStorage"])
def test_where_the_browser_keeps_less_it_goes_on_and_says_so(filled, chromium, tmp_path, gone):
    hidden = "Object.defineProperty(window, '{}', {{get() {{ throw new Error('no') }}}});"
    hide = "".join(map(hidden.format, gone.split()))
    tab = begun(chromium, written(filled, tmp_path, f"Kim {len(gone)}"), before=hide)
    kept = "localStorage" not in gone
    assert tab.run("document.getElementById('trouble').hidden") == kept
    press(tab, "a b", 2)
    tab.keys("Enter Enter")
    count(tab, "1 of 6 ranked")
    assert merged(filled, tab, tmp_path).added == 1
    if kept:
        tab.reload()
        assert tab.text("#count") == "1 of 6 ranked"
    else:
        assert "keeps nothing" in tab.text("#trouble")


def test_criteria_and_conversations_and_hostile_texts(project, chromium, tmp_path):
    guidelines.save(
        project, criteria=f"1. **Kind.** {HOSTILE}\n2. **True.** y", ties="", flags="- bad: x", examples=HOSTILE
    )
    project.set_setting("rank_by_criteria", True)
    talk = Conversation.read([
        {"role": "system", "content": HOSTILE}, {"role": "user", "content": "one"},
        {"role": "assistant", "content": HOSTILE}, {"role": "user", "content": HOSTILE},
    ])  # fmt: skip
    prompts.add(project, [Prompt.of(talk)])
    answers = [NewCompletion(f"{HOSTILE} {text}", 1, True, 0) for text in ("x", "y")]
    completions.add_group(project, prompts.listed(project)[-1].id, answers)
    group = completions.group_ids(project)[-1]
    tab = begun(chromium, written(project, tmp_path, "Cy"))
    while HOSTILE[:20] not in tab.text("#prompt"):
        before = tab.text("#prompt")
        tab.key("s")
        tab.wait(f"document.getElementById('prompt').innerText !== {json.dumps(before)}")
    assert tab.run("document.querySelectorAll('.turn').length") == 1
    tab.key("t")
    assert tab.texts(".speaker") == ["System", "User", "Assistant", "User"]
    assert "‹U+202E›" in tab.text(".answer") and "‹U+200B›" in tab.text(".said")
    press(tab, "a b", 2)
    tab.key("Enter")
    tab.wait("document.getElementById('said').innerText === 'Now the order by: true.'")
    press(tab, "b", 1)
    tab.key("Enter")
    press(tab, "b a", 2)
    tab.key("Enter")
    count(tab, "1 of 1 ranked")
    assert tab.run("window.bad") is None and tab.complaints() == []
    assert tab.run("document.querySelectorAll('img, svg, iframe, a').length") == 0
    assert merged(project, tab, tmp_path).added == 1
    (found,) = counting_rankings(project)
    one, two = Filled(tmp_path / "page.html").held["items"][str(group)]["shown"]
    assert found.ranks == {two: 1, one: 2}
    assert found.criteria == {"kind": {one: 1, two: 2}, "true": {two: 1, one: None}}


def test_hidden_repeats_come_as_in_the_window(chromium, tmp_path):
    """After each sixth ranking the first one comes again that was not asked for, once there are more than ten."""
    with closing(create_project(tmp_path / "many", "Many")) as project:
        guidelines.save(project, criteria="x", ties="", flags="", examples="")
        many(project, 14)
        project.set_setting(assignments.REPEAT_EVERY, 6)
        path = written(project, tmp_path)
        held = Filled(path).held
        tab = begun(chromium, path)
        for number in range(1, 16):
            tab.keys("a b c d Enter")
            count(tab, f"{number} of {14 + (number >= 12)} ranked")
        tab.wait(f"{PAGE} === 'end'")
        assert "15 prompts" in tab.text("#still-text")
        report = merged(project, tab, tmp_path)
        assert (report.added, report.refused) == (15, [])
        rows = project.database.rows("select id, group_id, repeat_of from rankings order by created_at")
        (repeat,) = (row for row in rows if row["repeat_of"])
        assert (rows.index(repeat), repeat["repeat_of"], repeat["group_id"]) == (14, 1, held["queue"][0]["group"])
        sql = "select completion_id, position from ranking_items where ranking_id = ?"
        items = project.database.rows(sql, repeat["id"])
        again = held["items"][str(repeat["group_id"])]["again"]
        assert [each["completion_id"] for each in sorted(items, key=lambda each: each["position"])] == again


def many(project: Project, number: int) -> None:
    texts = [f"answer {index} " + "words and words " * 60 for index in range(4)]
    prompts.add(project, [Prompt(0, f"question {index}?") for index in range(number)])
    with project.write():
        for prompt in prompts.listed(project)[-number:]:
            completions.add_group(project, prompt.id, [NewCompletion(text, 9, True, 0) for text in texts])


def test_five_hundred_prompts_open_at_once_and_every_key_is_quick(chromium, tmp_path):
    with closing(create_project(tmp_path / "many", "Many")) as project:
        many(project, 500)
        path = written(project, tmp_path)
        tab = begun(chromium, path)
        tab.reload()
        spent = "performance.getEntriesByType('navigation')[0]"
        assert tab.run(f"{spent}.domContentLoadedEventEnd - {spent}.responseEnd") < 1000
        for number in range(1, 21):
            tab.keys("b a Shift+C d Enter")
            count(tab, f"{number} of 500 ranked")
        tab.reload()
        assert tab.text("#count") == "20 of 500 ranked"
        assert merged(project, tab, tmp_path).added == 20


def test_a_newer_page_for_the_same_labeler_goes_on_with_the_work_in_the_older_one(filled, chromium, tmp_path):
    path = written(filled, tmp_path, "Noa")
    tab = begun(chromium, path)
    press(tab, "a", 1)
    tab.keys("Enter Enter")
    count(tab, "1 of 6 ranked")
    press(tab, "b", 1)
    many(filled, 1)
    newer = written(filled, tmp_path, "Noa")
    shutil.move(newer, tmp_path / "newer.html")
    tab = begun(chromium, tmp_path / "newer.html")
    assert tab.text("#count") == "1 of 7 ranked"
    ladder(tab, "B")
    tab.keys("Enter Enter")
    count(tab, "2 of 7 ranked")
    assert merged(filled, tab, tmp_path).added == 2
    with closing(open_project(filled.folder)) as project:
        html_pack.write(project, tmp_path / "third.html", "Noa")
    tab = begun(chromium, tmp_path / "third.html")
    assert tab.text("#count") == "0 of 5 ranked"


def test_another_browser_goes_on_from_the_answers_of_this_one(filled, chromium, tmp_path):
    path = written(filled, tmp_path, "Ida")
    tab = begun(chromium, path)
    tab.keys("a Enter Enter b Enter Enter")
    count(tab, "2 of 6 ranked")
    tab.key("Ctrl+z")
    count(tab, "1 of 6 ranked")
    file = tab.answers(tmp_path)
    other = chromium.open(path, fresh=True)
    assert other.run(PAGE) == "start"
    for foreign in ({"project": "0"}, {"rankings": [1]}):
        wrong = tmp_path / "wrong.json"
        wrong.write_text(json.dumps(json.loads(file.read_text()) | foreign))
        other.choose("input[type=file]", wrong)
        other.wait("!document.getElementById('trouble').hidden")
        other.run("document.getElementById('trouble').hidden = true")
    other.choose("input[type=file]", file)
    count(other, "1 of 6 ranked")
    assert other.run(PAGE) == "board"
    other.keys("c Enter Enter")
    count(other, "2 of 6 ranked")
    assert merged(filled, other, tmp_path).added == 2
    report = merged(filled, tab, tmp_path)
    assert (report.added, report.conflicts, len(counting_rankings(filled))) == (0, 0, 2)


#: A database that opens later than the page has patience for.
SLOW = """
const real = IDBFactory.prototype.open;
IDBFactory.prototype.open = function (...args) {
  const asked = real.apply(this, args), late = new EventTarget();
  for (const name of ["result", "error"]) Object.defineProperty(late, name, { get: () => asked[name] });
  asked.onupgradeneeded = (event) => late.onupgradeneeded?.(event);
  asked.onsuccess = (event) => setTimeout(() => late.onsuccess?.(event), 4500);
  return late;
};
"""


def test_what_is_ranked_while_the_database_does_not_answer_joins_what_is_in_it(filled, chromium, tmp_path):
    path = written(filled, tmp_path, "Sol")
    tab = begun(chromium, path)
    press(tab, "a b c d", 4)
    tab.key("Enter")
    count(tab, "1 of 6 ranked")
    press(tab, "s a", 1)
    begin_answer(tab, "before")
    slow = begun(chromium, path, before=SLOW)
    assert "did on this page before: reload it" in slow.text("#trouble")
    slow.key("s")
    press(slow, "b a c d", 4)
    slow.key("Enter")
    count(slow, "1 of 6 ranked")
    press(slow, "c d", 2)
    begin_answer(slow, "now")
    again = begun(chromium, path)
    assert again.text("#count") == "2 of 6 ranked"
    ladder(again, "C > D")
    again.key("w")
    again.wait("document.getElementById('answer-text').value === 'before\\n\\nnow'")
    again.click("#answer [data-close]")
    assert again.run("document.getElementById('trouble').hidden")
    assert merged(filled, again, tmp_path).added == 2


TYPED = "document.getElementById('answer-text').value"


def test_undo_and_redo_of_an_own_answer_keep_what_is_typed_since(filled, chromium, tmp_path):
    tab = begun(chromium, written(filled, tmp_path, "Ivo"))

    def typed(text: str) -> None:
        tab.wait("!document.querySelector('dialog[open]')")
        tab.key("w")
        tab.wait(f"document.getElementById('answer').open && {TYPED} === {json.dumps(text)}")
        tab.run("document.getElementById('answer-text').setSelectionRange(99, 99)")

    press(tab, "a b c d", 4)
    typed("")
    tab.type("first")
    tab.key("Ctrl+Enter")
    ladder(tab, "E > A > B > C > D")
    begin_answer(tab, "second")
    tab.key("Ctrl+z")
    ladder(tab, "A > B > C > D")
    tab.key("Ctrl+y")  # nobody typed meanwhile: as it was
    ladder(tab, "E > A > B > C > D")
    typed("second")
    tab.click("#answer [data-close]")
    tab.key("Ctrl+z")
    ladder(tab, "A > B > C > D")
    tab.reload()
    typed("first\n\nsecond")
    tab.key("Ctrl+Enter")
    ladder(tab, "E > A > B > C > D")
    tab.key("Ctrl+z")
    ladder(tab, "A > B > C > D")
    typed("first\n\nsecond")
    tab.type(" and more")
    tab.click("#answer [data-close]")
    tab.key("Ctrl+y")
    ladder(tab, "E > A > B > C > D")
    tab.reload()
    typed("first\n\nsecond and more")


def test_a_comment_that_is_typed_after_undo_is_stored_by_redo(filled, chromium, tmp_path):
    tab = begun(chromium, written(filled, tmp_path, "Oda"))
    press(tab, "a b c d", 4)
    tab.click("#comment")
    tab.type("A is right")
    tab.keys("Escape Enter")
    count(tab, "1 of 6 ranked")
    tab.key("Ctrl+z")
    tab.wait("document.getElementById('comment').value === 'A is right'")
    tab.run("document.getElementById('comment').setSelectionRange(99, 99)")
    tab.click("#comment")
    tab.key("End")
    tab.type(", B is not")
    tab.keys("Escape Ctrl+y")
    count(tab, "1 of 6 ranked")
    assert merged(filled, tab, tmp_path).added == 1
    (found,) = counting_rankings(filled)
    assert found.comment == "A is right, B is not"


def test_what_is_done_again_while_the_database_does_not_answer_is_the_later(filled, chromium, tmp_path):
    """Ranked twice, ranked and begun anew, begun and ranked, skipped: nothing counts twice, and no comment is lost."""
    path = written(filled, tmp_path, "Pia")
    comment = "document.getElementById('comment').value"
    tab = begun(chromium, path)
    tab.keys("a b c d Enter")
    count(tab, "1 of 6 ranked")
    tab.keys("a b c d Enter")
    count(tab, "2 of 6 ranked")
    press(tab, "b", 1)
    tab.click("#comment")
    tab.type("third")
    tab.key("Escape")
    ladder(tab, "B")
    slow = begun(chromium, path, before=SLOW)
    slow.keys("d c b a Enter")
    count(slow, "1 of 6 ranked")
    press(slow, "c", 1)
    slow.click("#comment")
    slow.type("second")
    slow.keys("Escape s a Enter Enter")
    count(slow, "2 of 6 ranked")
    slow.key("Shift+S")
    count(slow, "2 of 5 ranked")
    again = begun(chromium, path)
    slow.key("a")
    slow.wait("document.getElementById('trouble').innerText.includes('another tab')")
    assert again.text("#count") == "2 of 5 ranked"
    again.key("Ctrl+z")
    ladder(again, "A")
    assert again.run(comment) == "third"
    again.key("Ctrl+y")
    again.keys("a Enter Enter a Enter Enter")
    count(again, "4 of 5 ranked")
    ladder(again, "C")
    assert again.run(comment) == "second"
    again.keys("Enter Enter")
    again.wait(f"{PAGE} === 'end'")
    assert "5 prompts and skipped 1" in again.text("#still-text")
    assert again.run("Object.keys(localStorage).filter((key) => key.includes('/Pia/')).length") == 2
    report = merged(filled, again, tmp_path)
    assert (report.added, report.refused, len(counting_rankings(filled))) == (5, [], 5)
