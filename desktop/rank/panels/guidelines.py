"""The guidelines beside the cards, so that a labeler can read the rules while ranking."""

from PySide6.QtWidgets import QWidget

from core.store import Project, guidelines
from desktop.widgets.basics import column, label
from desktop.widgets.dates import local_time
from desktop.widgets.markdown_view import MarkdownView


class RulesPanel(QWidget):
    """The newest version, to read."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.version = label("", "muted", wrap=True)
        self.text = MarkdownView(self)
        self.text.setAccessibleName("Guidelines")
        self.setLayout(column(self.version, self.text))

    def load(self, project: Project) -> None:
        current = guidelines.current(project)
        written = any(text.strip() for text in (current.criteria, current.ties, current.flags, current.examples))
        if not written:
            self.version.setText("No guidelines are written yet: the Instructions tab is the place for them.")
        else:
            self.version.setText(f"Version {current.id}, {local_time(current.created_at)}")
        self.text.setVisible(written)
        self.text.show_markdown(guidelines.to_markdown(current).removeprefix("# Guidelines"))
