"""A file or a data set of a hub in: its columns are said where nobody knows them, and nothing comes before Import."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from core import data
from core.data import hub as data_hub
from core.store import Project, completions, demonstrations, prompts
from core.store.pairs import counts
from desktop.instructions.hub_dialog import HubDialog
from desktop.instructions.import_dialog import ImportDialog
from desktop.instructions.tab import Tab
from desktop.session import Session
from tests.loopback_hub import pairs

ODD = [{"nr": n, "ask": f"{n}?", "good": f"yes {n}", "bad": f"no {n}", "meta": {"topic": "x"}} for n in range(3)]
MODELS = [{"prompt": "One?", "gpt4_answer": "It is one.", "claude_answer": "It may be two.", "sg": 2, "sc": 5}]


@pytest.fixture
def session(qtbot, project: Project) -> Iterator[Session]:
    found = Session(project)
    yield found
    found.close()


@pytest.fixture
def tab(qtbot, session: Session) -> Tab:
    found = Tab(session)
    qtbot.addWidget(found)
    with qtbot.waitExposed(found):
        found.show()
    return found


def looked(qtbot, tab: Tab, path: Path, what: str = "rankings") -> ImportDialog:
    dialog = ImportDialog(tab.session, tab, what=what)
    dialog.look(path)
    settled(qtbot, dialog)
    return dialog


def settled(qtbot, dialog: ImportDialog) -> None:
    """The file was read, and is not about to be read otherwise."""
    qtbot.waitUntil(lambda: not dialog.is_reading, timeout=10_000)


def written(tmp_path: Path, rows: list[dict], name: str = "some.jsonl") -> Path:
    (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return tmp_path / name


def say(dialog: ImportDialog, **parts: str) -> None:
    """Choose what a column is, as a person does with the keys."""
    for name, part in parts.items():
        choice = dialog.columns.mapper.choices[name]
        choice.setCurrentIndex(choice.findData(part))
        choice.activated.emit(choice.currentIndex())


def shown(dialog: ImportDialog) -> list[str]:
    return [dialog.rows.item(line, 2).text() for line in range(dialog.rows.rowCount())]


def test_a_file_that_is_not_understood_leads_to_its_columns_with_a_guess_that_is_said(qtbot, tab, project, tmp_path):
    dialog = looked(qtbot, tab, written(tmp_path, ODD))
    mapper = dialog.columns.mapper
    assert mapper.isVisible() and dialog.mapping.isChecked()
    assert {name: choice.currentText() for name, choice in mapper.choices.items()} == {
        "nr": "–", "ask": "Prompt", "good": "Chosen", "bad": "Rejected", "meta": "–", "meta.topic": "–",
    }  # fmt: skip
    assert mapper.table.item(1, 2).text() == "yes 0"
    assert "is a guess" in dialog.hazards.text()
    assert shown(dialog)[0] == "1. yes 0 | 2. no 0" and dialog.about.text().endswith("read by the columns below")
    assert counts(project).rankings == 0, "looking is not importing"
    dialog.go.click()
    qtbot.waitUntil(lambda: "3 rankings imported" in dialog.said.text())
    assert [item.text for item in prompts.listed(project)] == ["0?", "1?", "2?"]


def test_a_choice_is_read_beside_the_window_and_takes_a_part_from_another_column(qtbot, tab, tmp_path):
    dialog = looked(qtbot, tab, written(tmp_path, ODD))
    say(dialog, good="rejected", bad="chosen")
    assert not dialog.go.isEnabled(), "what is shown is not what would be imported"
    settled(qtbot, dialog)
    assert shown(dialog)[0] == "1. no 0 | 2. yes 0" and "is a guess" not in dialog.hazards.text()
    say(dialog, bad="")
    assert "needs a rejected one" in dialog.columns.mapper.said.text() and not dialog.go.isEnabled()
    say(dialog, good="", **{"meta.topic": "tag"})
    settled(qtbot, dialog)
    assert "only prompts" in dialog.said.text()
    dialog.columns.mapper.used.click()
    settled(qtbot, dialog)
    assert "read as trl" in dialog.about.text()


def test_a_set_of_one_answer_each_is_imported_with_its_answers_to_be_learnt(qtbot, tab, project, tmp_path):
    rows = [{"instruction": f"Do {n}", "output": f"It is done, {n} times."} for n in range(3)]
    dialog = looked(qtbot, tab, written(tmp_path, rows), what="prompts")
    assert dialog.go.text() == "Import the prompts alone"
    assert "may hold answers" in dialog.hazards.text()
    dialog.terms.answers.click()
    assert (dialog.go.text(), dialog.hazards.text()) == ("Import", "")
    dialog.go.click()
    qtbot.waitUntil(lambda: "3 demonstrations imported" in dialog.said.text())
    assert [each.text for each in demonstrations.written(project)] == [row["output"] for row in rows]


def test_by_keyboard_alone(qtbot, tab, tmp_path):
    dialog = looked(qtbot, tab, written(tmp_path, ODD))
    dialog.columns.focus_first()
    first, *_, last = dialog.columns.mapper.choices.values()
    assert QApplication.focusWidget() is first
    for _ in range(5):
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is last
    table = dialog.columns.mapper.table
    assert table.viewport().rect().contains(last.geometry().center()), "it is out of sight"
    qtbot.keyClicks(last, "t")
    assert last.currentText() == "Tag"
    settled(qtbot, dialog)
    assert dialog.options.columns.of["tag"] == ("meta.topic",)


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_return_among_the_columns_neither_folds_them_nor_imports(qtbot, tab, project, tmp_path, key):
    dialog = looked(qtbot, tab, written(tmp_path, ODD))
    assert dialog.go.isEnabled()
    kept = dialog.columns.kept
    for field in (kept.name, *dialog.columns.mapper.choices.values()):
        field.setFocus()
        qtbot.keyClick(field, key)
        assert dialog.columns.isVisible() and field.hasFocus() and not dialog.work.is_on
    dialog.labeler.setFocus()
    qtbot.keyClick(dialog.labeler, key)
    qtbot.waitUntil(lambda: "3 rankings imported" in dialog.said.text())


def test_what_one_file_is_for_is_no_choice_for_the_next(qtbot, tab, tmp_path):
    dialog = ImportDialog(tab.session, tab, what="prompts")
    paths = [written(tmp_path, [{"prompt": f"{name}?"}], f"{name}.jsonl") for name in ("one", "two", "three")]
    found = []

    def bring(split: str, path: Path) -> None:
        """As a download does at its end."""
        dialog.choose_from_hub()
        hub = next(each for each in tab.window().findChildren(HubDialog) if each.isVisible())
        hub.fetched.emit(path, dialog.options, data_hub.Part("a/b", "default", split, "main", ()))
        hub.accept()
        settled(qtbot, dialog)
        found.append(dialog.terms.split)

    bring("test", paths[0])
    bring("train", paths[1])
    bring("validation", paths[2])
    dialog.look(paths[0])
    settled(qtbot, dialog)
    assert [*found, dialog.terms.split] == ["heldout", None, "heldout", None]
    qtbot.keyClicks(dialog.terms.use, "T")
    bring("test", paths[1])
    assert dialog.terms.split == "train", "a person said so"


@pytest.mark.parametrize(("what", "first"), [("rankings", "rankings"), ("prompts", "prompts")])
def test_answers_that_would_stay_out_lead_to_the_columns(qtbot, tab, project, tmp_path, what, first):
    dialog = looked(qtbot, tab, written(tmp_path, MODELS), what)
    assert dialog.columns.isVisible() and "--map" not in dialog.hazards.text()
    say(dialog, sg="scores", sc="scores")
    settled(qtbot, dialog)
    if what == "prompts":
        assert "Import in Review" in dialog.hazards.text()
        return
    assert shown(dialog) == ["1. It may be two. | 2. It is one."]
    dialog.go.click()
    qtbot.waitUntil(lambda: "1 rankings imported" in dialog.said.text())
    assert counts(project).pairs == 1


def test_a_mapping_is_kept_by_name_and_chosen_for_the_next_file(qtbot, tab, tmp_path):
    dialog = looked(qtbot, tab, written(tmp_path, ODD))
    say(dialog, good="rejected", bad="chosen")
    kept = dialog.columns.kept
    qtbot.keyClicks(kept.name, "upside down")
    kept.name.setFocus()
    qtbot.keyClick(kept.name, Qt.Key.Key_Return)
    assert kept.said.isVisible() and kept.said.text() == "Kept." and kept.name.hasFocus()
    assert data.kept_mappings()["upside down"].text == "prompt=ask,chosen=bad,rejected=good"
    assert not kept.name.text() and dialog.isVisible()
    dialog.close()
    again = looked(qtbot, tab, written(tmp_path, ODD, "next.jsonl"))
    kept = again.columns.kept
    kept.list.setCurrentIndex(kept.list.findData("upside down"))
    kept.list.activated.emit(kept.list.currentIndex())
    settled(qtbot, again)
    assert shown(again)[0] == "1. no 0 | 2. yes 0"
    kept.forget_button.click()
    assert data.kept_mappings() == {} and again.columns.columns is not None


def test_an_encoding_is_guessed_said_and_can_be_another(qtbot, tab, tmp_path):
    path = tmp_path / "excel.csv"
    path.write_bytes("prompt;chosen;rejected\nWie heißt du?;Jürgen;Lärm\n".encode("cp1252"))
    dialog = looked(qtbot, tab, path)
    assert dialog.rows.item(0, 1).text() == "Wie heißt du?"
    assert "cp1252 is a guess" in dialog.hazards.text() and dialog.columns.box.currentData() == "cp1252"
    box = dialog.columns.box
    box.setCurrentIndex(box.findData("cp1251"))
    box.activated.emit(box.currentIndex())
    settled(qtbot, dialog)
    assert (
        dialog.rows.item(0, 1).text() == "Wie heiЯt du?".replace("Я", "\u042f") and "guess" not in dialog.hazards.text()
    )
    box.setCurrentIndex(box.findData("utf-8"))
    box.activated.emit(box.currentIndex())
    settled(qtbot, dialog)
    assert "not text in utf-8" in dialog.said.text() and not dialog.go.isEnabled()


def test_a_text_has_no_columns_and_a_wide_file_no_more_than_can_be_chosen_from(qtbot, tab, tmp_path):
    (tmp_path / "lines.txt").write_text("One?\nTwo?\n")
    dialog = looked(qtbot, tab, tmp_path / "lines.txt", "prompts")
    assert not dialog.columns.isVisible()
    dialog.mapping.click()
    assert dialog.columns.none.isVisible() and not dialog.columns.mapper.isVisible()
    dialog.look(written(tmp_path, [{f"<b>c{number}</b>": {"x": [1]} for number in range(500)}]))
    settled(qtbot, dialog)
    assert dialog.columns.mapper.table.columnCount() == 60 and "1,000 columns" in dialog.columns.mapper.about.text()


def hub_dialog(tab: Tab, qtbot) -> HubDialog:
    tab.prompts.adding.hub_button.click()
    dialog = tab.prompts.findChild(HubDialog)
    qtbot.waitUntil(dialog.isVisible)
    return dialog


def test_a_part_of_a_data_set_comes_from_a_hub_and_is_imported_after_a_look(qtbot, tab, hub, project):
    hub.put("ana/kind", "default/train/0000.parquet", pairs("a?", "b?"))
    hub.put("ana/kind", "default/test/0000.parquet", pairs("c?"))
    dialog = hub_dialog(tab, qtbot)
    assert hub.address in dialog.about.text() and hub.asked == [], "somebody was asked before that was said"
    qtbot.keyClicks(dialog.name, f"{hub.address}/datasets/ana/kind/viewer?x=1")
    qtbot.keyClick(dialog.name, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(dialog.parts) == 2, timeout=20_000)
    assert [dialog.table.item(0, place).text() for place in (0, 1)] == ["default", "test"]
    dialog.go.click()
    found = tab.prompts.findChild(ImportDialog)
    qtbot.waitUntil(lambda: found.isVisible() and not found.is_reading, timeout=20_000)
    assert found.about.text().startswith("hub:ana/kind (default, test): 1 prompts") and prompts.count(project) == 0
    found.go.click()
    qtbot.waitUntil(lambda: "1 prompts imported" in found.said.text())
    assert [(item.text, item.split, item.source) for item in prompts.listed(project)] == [
        ("c?", "heldout", "hub:ana/kind (default, test)")
    ]
    assert {token for _, token in hub.asked} == {None}
    assert completions.count(project) == 0


def test_a_download_is_stopped_and_nothing_of_it_is_kept(qtbot, tab, hub):
    path = "default/train/0000.parquet"
    hub.put("ana/kind", path, pairs(*(f"{number}?" for number in range(20_000))))
    hub.held.add(path)
    dialog = hub_dialog(tab, qtbot)
    dialog.name.setText("ana/kind")
    dialog.look()
    qtbot.waitUntil(dialog.go.isEnabled, timeout=20_000)
    dialog.download()
    qtbot.waitUntil(lambda: dialog.bar.value() > 0, timeout=20_000)
    assert " of " in dialog.said.text() and not dialog.go.isEnabled()
    dialog.halt.click()
    qtbot.waitUntil(lambda: "It was stopped" in dialog.said.text(), timeout=20_000)
    assert list(data_hub.datasets_folder().glob("*")) == [] and dialog.go.isEnabled()


@pytest.mark.parametrize(
    ("name", "says"), [("kind", "write it as hub:owner/name"), ("../x", "names no data"), ("eve/gated", "its terms")]
)
def test_what_cannot_be_had_is_a_sentence_and_can_be_typed_again(qtbot, tab, hub, name, says):
    hub.lies["eve/gated/tree/refs/convert/parquet"] = 401
    dialog = hub_dialog(tab, qtbot)
    dialog.name.setText(name)
    dialog.look_button.click()
    qtbot.waitUntil(lambda: says in dialog.said.text(), timeout=20_000)
    assert dialog.name.isEnabled() and not dialog.go.isEnabled()
