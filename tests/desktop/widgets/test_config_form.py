"""Fields take a number as people write it, and never another one in its place."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from core.config.titles import setting_title
from core.config.training import LoraConfig, TrainPolicyConfig
from desktop.errors import worded
from desktop.widgets.config_form import ConfigForm, FloatBox


@pytest.fixture
def typing(qtbot):
    """Type a text into a field and leave it; gives what it then holds, and whether it was marked meanwhile."""
    page = QWidget()
    field, other = FloatBox(0.0, 1.0, 0.05, zero="automatic"), QLineEdit()
    layout = QVBoxLayout(page)
    layout.addWidget(field)
    layout.addWidget(other)
    qtbot.addWidget(page)
    page.show()

    def typed(text: str) -> tuple[float, bool]:
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, text)
        marked = field.property("role") == "invalid"
        QTest.keyClick(field, Qt.Key.Key_Tab)
        assert field.property("role") != "invalid"
        return field.value(), marked

    typed.field, typed.page = field, page  # the page lives as long as they do
    return typed


@pytest.mark.parametrize(
    ("text", "value"), [("1e-4", 1e-4), ("2E-5", 2e-5), ("0,1", 0.1), (".5", 0.5), ("0.0003", 0.0003), ("1", 1.0)]
)
def test_a_number_is_taken_as_it_was_typed(typing, text, value):
    assert typing(text) == (pytest.approx(value), False)


@pytest.mark.parametrize("text", ["20", "-1", "1e", "abc", "1.2.3", "nan"])
def test_what_is_no_number_within_the_bounds_is_marked_and_changes_nothing(typing, text):
    assert typing(text) == (0.05, True)


def test_zero_is_shown_by_its_word_and_can_be_typed_over(typing):
    assert typing("0") == (0.0, False)
    assert typing.field.text() == "automatic"
    assert typing("3e-5") == (pytest.approx(3e-5), False)


def test_a_choice_of_an_older_run_that_is_none_any_more_changes_nothing(qtbot):
    form = ConfigForm(LoraConfig)
    qtbot.addWidget(form)
    form.show_values({"lora_targets": "attention"})
    form.show_values({"lora_targets": "gone"})
    assert form.config(LoraConfig).lora_targets == "attention"


def test_a_threshold_is_never_only_at_zero(qtbot):
    form = ConfigForm(TrainPolicyConfig)
    qtbot.addWidget(form)
    field = form.fields["reward_threshold"]
    assert (field.value(), field.text()) == (0.0, "never")
    field.setValue(-100)
    assert field.text() == "-100"
    assert "Default: never (0)" in field.toolTip()
    assert "Default: on" in form.fields["reference_answers"].toolTip()


def test_a_sentence_of_the_core_is_worded_as_the_fields_are():
    assert setting_title("max_new_tokens") == "Max new tokens"
    assert worded("Set --batch-size to 4 or more, or --completions to fewer.") == (
        "Set “Completions a step” to 4 or more, or “Completions a prompt” to fewer."
    )
