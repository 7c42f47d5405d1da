"""Texts of strangers: never HTML, a file, a link, a formula, a command to a terminal, and never too long to show."""

import csv
import json
import re
import shutil
import time
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PySide6.QtCore import QModelIndex, Qt, QUrl
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLabel,
    QTableView,
    QTextBrowser,
    QTextEdit,
    QWidget,
)

from core import cli, data
from core.conversation import Conversation, Message
from core.data.hub import Part
from core.errors import known
from core.labeling import gold
from core.labeling.ordering import Ordering
from core.machine.hub import HubFile
from core.markdown import to_html
from core.preferences.interval import Interval
from core.records import Completion, Group, Prompt
from core.report import experiment, export, page
from core.report.growth import Growth
from core.report.measure import Length, Mistake, RewardReport, Slice
from core.store import completions, create_project, open_project, prompts
from desktop import errors, user_settings
from desktop.compare.duel import Answers, Duel
from desktop.conversation.bubbles import ConversationView
from desktop.guide.pages import Pages
from desktop.instructions.hub_dialog import HubDialog
from desktop.instructions.import_dialog import ImportDialog
from desktop.places import PageId, TabId
from desktop.rank.board import RankingBoard
from desktop.rank.card import RankingCard
from desktop.widgets import markdown_view, message_boxes
from desktop.widgets.basics import label
from desktop.widgets.markdown_view import MarkdownView
from desktop.widgets.strangers import tip
from desktop.widgets.tables import fill as fill_table
from desktop.widgets.tables import table
from tests.attacks.hostile import EVERYTHING, TEXTS, fill
from tests.desktop.conftest import *  # noqa: F403

ESCAPED = '<p style="white-space: pre-wrap">'
ADDRESSES = ("file:///etc/hostname", "/etc/hostname", "http://localhost:1/p.png", "data:text/plain;base64,aGFsbG8=")
#: What a terminal obeys or hides.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\U000e0000-\U000e007f]")
MB = 1024 * 1024
#: Twice what is promised, because the other test processes share the processor's cores and slow each thread down.
AT_ONCE = 0.2
#: What hides in a window, which takes a carriage return for a line's end.
HIDES = re.compile(OBEYED.pattern.replace("\x0b-\x1f", "\x0b\x0c\x0e-\x1f"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "hostile"
    project = create_project(folder)
    fill(project)
    project.close()
    return folder


@pytest.fixture
def hostile(made, tmp_path):
    """The folder of a project that is hostile all over."""
    return Path(shutil.copytree(made, tmp_path / "hostile"))


# --- the window ------------------------------------------------------------------------------------------------------


def test_no_text_in_the_window_is_taken_for_more_than_text(open_window, hostile, qtbot, monkeypatch):
    monkeypatch.setattr(markdown_view.QDesktopServices, "openUrl", lambda url: pytest.fail(f"{url} was opened"))
    user_settings.set_labeler_name(f"me {EVERYTHING}")
    window = open_window(hostile)
    qtbot.waitUntil(lambda: window.page is not None)
    seen = 0
    for tab in TabId:
        found = window.page.open_tab(tab)
        for number in range(len(found.info.pages) or 1):
            if found.pages is not None:
                found.pages.setCurrentIndex(number)
            if tab == TabId.RANK:
                for panel in (PageId.HISTORY, PageId.RULES):
                    found.show_panel(panel)
                    seen += check(window)
            qtbot.wait(30)
            seen += check(window)
    window.page.show_jobs()
    errors.show(known(ValueError("x")) or ValueError(EVERYTHING), window)
    message_boxes.ask(window, EVERYTHING, EVERYTHING, "Yes", lambda: None)
    for top in QApplication.topLevelWidgets():
        seen += check(top)
        if top is not window:
            top.close()
    assert seen > 100, "the window shows the texts"


def test_the_columns_of_a_file_and_the_parts_of_a_data_set_are_text(qtbot, session, tmp_path):
    data.keep_mapping(EVERYTHING.replace("=", ""), data.Columns.parse("prompt=ask"))
    (tmp_path / "odd.jsonl").write_text(json.dumps({f"{EVERYTHING}{n}": EVERYTHING for n in range(3)}) + "\n")
    owner = QWidget()
    qtbot.addWidget(owner)
    dialog = ImportDialog(session, owner, what="rankings")
    dialog.look(tmp_path / "odd.jsonl")
    qtbot.waitUntil(lambda: not dialog.is_reading)
    table = dialog.columns.mapper.table
    for role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
        names = [str(table.model().headerData(0, Qt.Orientation.Horizontal, role))]
        assert not any(HIDES.search(name) for name in names)
    is_safe_tip(names[0])
    assert check(dialog) > 3
    hub = HubDialog(owner)
    odd = HubFile("a/b/c.parquet", 5, "", "")
    hub.show_parts([Part(EVERYTHING, EVERYTHING, EVERYTHING, "main", (odd,))])
    assert check(hub) > 1


def check(top: QWidget) -> int:
    """Every widget below `top`; returns how many of them show something hostile."""
    seen = 0
    for widget in [top, *top.findChildren(QWidget)]:
        is_safe_tip(widget.toolTip())
        if isinstance(widget, QLabel):
            seen += is_plain(widget)
        elif isinstance(widget, QAbstractButton):
            assert not re.search("(?<!&)&(?!&)[^ ]*D", widget.text()), "an ampersand of theirs is no mark of a key"
        elif isinstance(widget, QComboBox):
            assert not any(HIDES.search(widget.itemText(place)) for place in range(widget.count()))
        elif isinstance(widget, QAbstractItemView) and widget.model() is not None:
            seen += check_model(widget)
        elif isinstance(widget, QTextEdit):
            seen += check_document(widget)
    for action in top.findChildren(QAction):
        is_safe_tip(action.toolTip())
        assert "R&D" not in action.text() or "R&&D" in action.text()
    return seen


def is_plain(label: QLabel) -> bool:
    shown = "dev/zero" in label.text() or "R&D" in label.text()
    assert label.textFormat() == Qt.TextFormat.PlainText or not shown, label.text()
    assert not shown or not HIDES.search(label.text().replace("\u200b", "")), label.text()
    return shown


def is_safe_tip(text: str) -> None:
    assert "<" not in text or text.startswith(ESCAPED), text
    assert text.count("<") <= 2 or "R&D" not in text, text
    assert not HIDES.search(text), text


def check_model(view: QAbstractItemView) -> int:
    model, seen = view.model(), 0
    for row in range(min(50, model.rowCount())):
        for column in range(model.columnCount(QModelIndex()) if isinstance(view, QTableView) else 1):
            index = model.index(row, column)
            is_safe_tip(str(model.data(index, Qt.ItemDataRole.ToolTipRole) or ""))
            text = str(model.data(index, Qt.ItemDataRole.DisplayRole) or "")
            assert len(text) < 2000 and not HIDES.search(text), text
            seen += "dev/zero" in text
    return seen


def check_document(edit: QTextEdit) -> int:
    document = edit.document()
    for kind in QTextDocument.ResourceType:
        for address in ADDRESSES:
            assert not document.loadResource(kind.value, QUrl(address))
            assert not document.resource(kind.value, QUrl(address))
            if isinstance(edit, QTextBrowser):
                assert not edit.loadResource(kind.value, QUrl(address))
    html = document.toHtml()
    assert "<img" not in html and "javascript:" not in re.findall('href="([^"]*)', html)
    assert not HIDES.search(document.toPlainText())
    return "dev/zero" in document.toPlainText()


@pytest.mark.parametrize(
    "address", ["file:///etc/passwd", "/etc/passwd", "javascript:x", "smb://x/y", "data:,x", "x.md"]
)
def test_a_link_in_a_text_opens_nothing_but_the_web(qtbot, monkeypatch, address):
    opened = []
    monkeypatch.setattr(markdown_view.QDesktopServices, "openUrl", opened.append)
    view = MarkdownView()
    qtbot.addWidget(view)
    view.show_markdown(f"[x]({address}) stays")
    view.anchorClicked.emit(QUrl(address))
    assert opened == [] and "stays" in view.toPlainText()
    view.anchorClicked.emit(QUrl("https://example.org"))
    assert opened == [QUrl("https://example.org")]


@pytest.mark.parametrize(
    ("link", "handed"),
    [
        ("mailto:a.b+c@example.org", "mailto:a.b+c@example.org"),
        ("mailto:a@example.org?attach=/etc/passwd", "mailto:a@example.org"),
        ("mailto:a@example.org?subject=a%20b&attachment=/etc/passwd&body=x", "mailto:a@example.org?subject=a%20b"),
        ("mailto:a@example.org?subject=x%26attach=/etc", "mailto:a@example.org?subject=x%26attach%3D%2Fetc"),
        ("mailto:a@example.org?subject=x%0D%0AAttach:y", "mailto:a@example.org?subject=x%20Attach%3Ay"),
        ("MAILTO:a@example.org?subject=x#y", "mailto:a@example.org?subject=x"),
        ("mailto:a@example.org%3Fattach=/etc/passwd", None),
        ("mailto:a@example.org%0AAttach:/etc/passwd", None),
        ("mailto:?attach=/etc/passwd", None),
        ("mailto://host/?attach=/etc/passwd", None),
    ],
)  # fmt: skip
def test_a_letter_that_a_text_begins_takes_nothing_along(monkeypatch, link, handed):
    opened = []
    monkeypatch.setattr(
        markdown_view.QDesktopServices, "openUrl", lambda url: opened.append(bytes(url.toEncoded()).decode())
    )
    markdown_view.follow(QUrl(link))
    assert opened == ([] if handed is None else [handed])


def test_the_guide_shows_its_own_pictures_and_no_others(qtbot):
    pages = Pages()
    qtbot.addWidget(pages)
    pages.open("labeling")
    assert pages.loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl("rank.png")).width() > 100
    for address in (*ADDRESSES, "../icons/rank.svg"):
        assert not pages.document().loadResource(QTextDocument.ResourceType.ImageResource.value, QUrl(address))


# --- long ones -------------------------------------------------------------------------------------------------------

LONG = {
    "no space": "x" * 10 * MB,
    "words": "lorem ipsum " * (10 * MB // 12),
    "lines": "a\n" * (5 * MB),
    "brackets": "[" * 10 * MB,
    "table": "|a|b|\n|-|-|\n" + "|1|2|\n" * MB,
    "right to left": "س" * 5 * MB,
    "turned": "\u202e" * 5 * MB,
}


def seconds_for(show) -> float:
    """What it takes of the processor, the best of three: other processes share the machine."""
    found = []
    for _ in range(3):
        began = time.thread_time()
        show()
        found.append(time.thread_time() - began)
    return min(found)


@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
@pytest.mark.parametrize("markdown", [False, True], ids=["raw", "Markdown"])
def test_10_mb_are_shown_at_once_and_said_to_be_cut(qtbot, text, markdown):
    user_settings.set_card_view("markdown", markdown)
    card = RankingCard(Completion(1, 1, 1, "short"), "A")
    qtbot.addWidget(card)
    card.resize(400, 300)
    card.show()

    def show():
        card.show_completion(Completion(1, 1, 1, text))
        card.text.document().size()

    assert seconds_for(show) < AT_ONCE
    assert "Cut here: " in card.text.toPlainText() and "Ctrl+C" in card.text.toPlainText()


def test_two_completions_of_10_mb_are_on_the_board_at_once(qtbot):
    answers = tuple(Completion(number, 1, 1, LONG["words"] + str(number)) for number in (1, 2))
    board = RankingBoard()
    qtbot.addWidget(board)
    board.resize(1200, 800)
    board.show()
    group = Group(1, Prompt(1, LONG["no space"]), answers)
    assert seconds_for(lambda: board.show_item(group, Ordering((1, 2)))) < 3 * AT_ONCE  # of three texts


EARLIER = (Message("user", "Why?"), Message("assistant", "So."))
SHOWS = {
    "prompt": lambda text: ConversationView().show_conversation(Conversation.of_text(text)),
    "last turn": lambda text: ConversationView().show_conversation(Conversation((*EARLIER, Message("user", text)))),
    "guidelines": lambda text: MarkdownView().show_markdown(text),
    "label": lambda text: label(text, wrap=True).heightForWidth(300),
    "card in Compare": lambda text: Duel(
        Answers(text, *({"score": 1.0, "gold": None, "completion": text} for _ in range(2)))
    ).sizeHint(),
    "cell": lambda text: fill_table(table("t", ("a",)), [(text,)]),
    "tooltip": lambda text: tip(text),
    "message": lambda text: message_boxes.box(None, text, text).sizeHint(),
}  # fmt: skip


@pytest.mark.parametrize("text", [LONG["no space"], LONG["words"]], ids=["no space", "words"])
@pytest.mark.parametrize("show", SHOWS.values(), ids=SHOWS.keys())
def test_10_mb_are_shown_at_once_wherever_a_text_is_shown(qtbot, show, text):
    assert seconds_for(lambda: show(text)) < AT_ONCE


@pytest.mark.thorough
def test_a_prompt_of_1_mb_can_be_chosen_and_is_not_lost_by_saving_its_tags(open_window, tmp_path, qtbot):
    folder = tmp_path / "p"
    project = create_project(folder)
    prompts.add(project, [Prompt(0, "x" * MB)])
    project.close()
    window = open_window(folder)
    qtbot.waitUntil(lambda: window.page is not None)
    tab = window.page.open_tab(TabId.INSTRUCTIONS)
    tab.open_page(PageId.PROMPTS)
    assert seconds_for(lambda: (tab.prompts.table.clearSelection(), tab.prompts.table.selectRow(0))) < AT_ONCE
    assert tab.prompts.selected.text.isReadOnly() and "too long to be edited" in tab.prompts.selected.text.toPlainText()
    tab.prompts.selected.tags.setText("long")
    tab.prompts.selected.save()
    found = prompts.listed(window.workspace.session.project)[0]
    assert (found.tags, len(found.text)) == (("long",), MB)


def test_what_is_cut_can_be_copied_whole(qtbot):
    shown = label(LONG["words"])
    qtbot.addWidget(shown)
    assert shown.whole == LONG["words"] and "Right-click it to copy all of it." in shown.text()


# --- terminal, spreadsheets, pages ------------------------------------------------------------------------------------


@pytest.fixture
def plumbline(capfd):
    """Run a command; returns its exit code and all that it wrote, by whatever way."""

    def run(*arguments):
        code = cli.run([str(argument) for argument in arguments])
        said = capfd.readouterr()
        return code, said.out, said.err

    return run


#: Commands that only look, with what they need.
LOOKS = {
    "agreement": (), "bias": (), "conflicts": (), "guidelines": (), "jobs": (), "model": (), "pairs": (), "prompts": (),
    "rounds": (), "runs": (), "pack": ("pack.plumbpack", "--labeler", EVERYTHING), "watch": ("1",), "pause": ("1",),
    "steer": ("1", EVERYTHING, "1"), "assign": (EVERYTHING,), "export": ("\x1b[31mout.jsonl",), "resume": ("99",),
    "archive": ("\x1b[31mout.plumbline",), "report": (), "import": ("\x1b[31mnone.csv",), "merge": ("\x1b[31mnone",),
    "experiment": ("--out", "\x1b[31mout.html"), "export-metrics": ("1", "out.csv"), "remove-run": ("77",),
    "rank": ("--flag", EVERYTHING), "duplicate": ("\x1b[31mcopy",),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(LOOKS))
def test_no_command_writes_what_a_terminal_would_obey(plumbline, hostile, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    code, out, err = plumbline(name, hostile, *LOOKS[name])
    assert code in (0, 1, 2)
    assert out + err
    assert not OBEYED.search(out + err), out + err


def test_a_wrong_word_is_said_without_what_a_terminal_would_obey(plumbline):
    for name in cli.cli.commands:
        code, out, err = plumbline(name, "--\x1b[2Jx\u202e")
        assert (code, out) == (2, "") and not OBEYED.search(err), err
        code, out, err = plumbline(name, *["\x1b[2J\u202e"] * 9)
        assert code == 2 and not OBEYED.search(err), err


def test_commands_speak_through_one_door():
    written = {path.name: path.read_text(encoding="utf-8") for path in Path(cli.__file__).parent.glob("*.py")}
    assert [name for name, text in written.items() if re.search(r"\b(click\.s?echo|print)\(", text)] == ["output.py"]


def test_texts_are_ranked_in_the_terminal_without_being_obeyed(plumbline, hostile, monkeypatch):
    monkeypatch.setattr("sys.stdin", type("Typed", (list,), {"readline": lambda self: "s\n"})())
    _, out, err = plumbline("rank", hostile, "--labeler", "new")
    assert "dev/zero" in err and not OBEYED.search(out + err)


def test_json_has_the_texts_as_they_are(plumbline, hostile):
    out = plumbline("prompts", hostile, "--json")[1]
    assert [found["text"] for found in json.loads(out.splitlines()[-1])["prompts"]] == [
        f"{number} {text}" for number, text in enumerate(TEXTS)
    ]
    assert not OBEYED.search(out)


FORMULAS = ("=1+1", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "'=1", "-5", "+x", "＝1")


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_no_cell_of_a_table_is_a_formula_and_every_text_comes_back(plumbline, filled, tmp_path, suffix):
    with filled.write() as database:
        for number, text in enumerate(FORMULAS, start=1):
            database.conn.execute("update completions set text = ? where id = ?", (text, number))
    gold.rank_all(filled, "length")
    written = tmp_path / f"t{suffix}"
    code, out, _ = plumbline("export", filled.folder, written, "--format", "csv")
    assert code == 0 and re.search(r"[\d,]+ cells have an apostrophe more", out)
    with written.open(encoding="utf-8", newline="") as file:
        cells = [cell for line in csv.reader(file, delimiter="\t" if suffix == ".tsv" else ",") for cell in line]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "＝") and cell != "-5"]
    other = create_project(tmp_path / "other")
    data.import_preferences(other, written, "imported")
    assert texts(other) == texts(filled)
    other.close()


#: Texts of which a part would be a cell, and a formula, where cells are parted as in other countries.
PARTED = ("Well;=cmd|'/C calc'!A0;thanks", 'So;"=1+1;', "a\n- b\n+c\t@SUM(A1)", "it's;'=1", "-1\n-2\n", "3;-4;+x")


def test_nor_is_one_where_cells_are_parted_otherwise(plumbline, filled, tmp_path):
    with filled.write() as database:
        for number, text in enumerate(PARTED, start=1):
            database.conn.execute("update completions set text = ? where id = ?", (text, number))
    gold.rank_all(filled, "length")
    written = tmp_path / "t.csv"
    assert plumbline("export", filled.folder, written, "--format", "csv")[0] == 0
    with written.open(encoding="utf-8", newline="") as file:
        cells = [
            cell for sign in ";\t" for line in csv.reader(file.read().splitlines(), delimiter=sign) for cell in line
        ]
    # a line of a list neither calls nor looks elsewhere
    formulas = [cell for cell in cells if re.match(r"[=@]|[+-](?! )|[+-].*[|(!]", cell)]
    assert [cell for cell in formulas if cell not in ("-2", "-4")] == []
    other = create_project(tmp_path / "other")
    data.import_preferences(other, written, "imported")
    assert texts(other) == texts(filled)
    other.close()


def texts(project) -> set[str]:
    groups = [completions.texts_by_group(project, prompt.id) for prompt in prompts.listed(project)]
    return {text for found in groups for each in found.values() for text in each}


class Tags(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.policy, self.body = [], "", []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.body.append(data)


def is_sealed(html: str) -> None:
    """Only our own tags, no address, and a policy that allows no script, picture, font or connection."""
    found = Tags(html)
    policies = [given["content"] for _, given in found.tags if given.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'"]
    assert not {tag for tag, _ in found.tags} & {"script", "img", "iframe", "link", "object", "embed", "form", "base"}
    for _, given in found.tags:
        assert not [name for name in given if name.startswith("on") or name in ("src", "srcset", "action")]
        assert given.get("href", "#").startswith("#")
    assert "file:///dev/zero" in "".join(found.body)


def test_the_page_of_an_experiment_is_sealed(hostile):
    project = open_project(hostile)
    is_sealed(page.page(experiment.gather(project)))
    project.close()


@pytest.fixture
def report():
    """A reward model's report whose every text is hostile."""
    nothing = Interval(None)
    parts = [Slice(EVERYTHING, Interval(0.5, 0.4, 0.6, 9), 9)]
    return RewardReport(
        job_id=1, stopped="", prompts=1, pairs=1, accuracy=nothing, top=nothing, log_loss=nothing, brier=None,
        calibration_error=None, temperature=None, log_loss_scaled=None, bins=[], chosen=[1.0], rejected=[0.0],
        collapsed=False, by_distance=parts, by_labeler=parts, by_tag=parts, by_length=parts, by_criterion=parts,
        by_member=parts, disagreement=None, length=Length(nothing, nothing, "", nothing, None, "", False),
        growth=Growth([], [], ""), mistakes=[Mistake(EVERYTHING, EVERYTHING, LONG["words"], 0.1, EVERYTHING, 1)],
    )  # fmt: skip


def test_the_report_of_a_reward_model_is_sealed_and_short(hostile, report, tmp_path):
    project = open_project(hostile)
    html = export.write(project, report, tmp_path / "r.html").read_text()
    written = export.write(project, report, tmp_path / "r.md").read_text()
    project.close()
    is_sealed(html)
    assert len(html) < 100_000 and len(written) < 50_000
    ours = to_html(written, trusted=True)
    assert not {tag for tag, given in Tags(ours).tags} & {"script", "a"}
    pictures = [given["src"] for tag, given in Tags(ours).tags if tag == "img"]
    assert pictures and all(re.fullmatch(r"r_plots/[a-z-]+\.svg", source) for source in pictures)
    assert "dev/zero" in "".join(Tags(ours).body)
    for plot in (tmp_path / "r_plots").iterdir():
        ElementTree.parse(plot)
