"""Which of the project's prompts an arena is about, and how many of them."""

import random

from PySide6.QtWidgets import QComboBox, QFormLayout, QSpinBox, QWidget

from core.errors import BadInput
from core.records import Prompt
from core.store import Project, prompts
from desktop.theme.theme import SPACE
from desktop.widgets.strangers import on_button

#: Tags that can be chosen: those of which there is most.
TAGS = 100
MOST, USUAL = 100_000, 40
#: The same prompts are drawn of the same project.
SEED = 0


class PromptChoice(QWidget):
    def __init__(self, project: Project, parent: QWidget) -> None:
        super().__init__(parent)
        self._project = project
        self.which = QComboBox(self)
        self.which.setAccessibleName("Prompts")
        held_out, everything = prompts.count(project, "heldout"), prompts.count(project)
        if held_out:
            self.which.addItem(f"Held-out prompts ({held_out:,})", ("split", "heldout"))
        self.which.addItem(f"All prompts ({everything:,})", ("split", "all"))
        for tag in prompts.tags(project)[:TAGS]:
            self.which.addItem(on_button(f"Tagged “{tag}”"), ("tag", tag))
        self.how_many = QSpinBox(self)
        self.how_many.setAccessibleName("How many")
        self.how_many.setRange(0, MOST)
        self.how_many.setSpecialValueText("all of them")
        self.how_many.setValue(USUAL)
        self.how_many.lineEdit().setTextMargins(SPACE, 0, SPACE, 0)
        form = QFormLayout()
        form.setContentsMargins(0, 0, 0, 0)
        form.setSpacing(SPACE)
        form.addRow("Prompts", self.which)
        form.addRow("At most", self.how_many)
        self.setLayout(form)

    def chosen(self) -> list[Prompt]:
        """In the project's order; of more than are wanted, so many drawn by chance. Raises `BadInput` for none."""
        kind, which = self.which.currentData()
        found = prompts.listed(self._project, split=which if kind == "split" else "all")
        if kind == "tag":
            found = [prompt for prompt in found if which in prompt.tags]
        if not found:
            raise BadInput("There are no such prompts: add some under Instructions, or choose others.")
        most = self.how_many.value()
        if not 0 < most < len(found):
            return found
        places = sorted(random.Random(SEED).sample(range(len(found)), most))
        return [found[place] for place in places]
