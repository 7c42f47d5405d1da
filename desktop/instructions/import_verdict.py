"""What may be done with a file, by what it holds: what its import takes in, leaves out, and asks before that."""

from dataclasses import dataclass

from core.data import Preview
from desktop.instructions.import_preview import What


@dataclass(frozen=True)
class Verdict:
    """Of a dialog that imports `what`."""

    what: What
    preview: Preview

    @property
    def kind(self) -> str:
        return "prompts" if self.what == "prompts" else self.preview.what

    @property
    def is_usable(self) -> bool:
        return self.preview.total > 0 and (self.what == "prompts" or self.preview.what != "prompts")

    @property
    def left_out(self) -> str:
        """What is asked before the file may be imported, as a sentence with the ways out; empty if there is nothing."""
        if self.what == "prompts" and self.preview.what != "prompts":
            return "It holds answers, too, which stay out here: Import in Review takes them in."
        return self.preview.question

    @property
    def button(self) -> str:
        """What the button says that imports."""
        if not self.left_out:
            return "Import"
        return "Import the prompts alone" if self.kind == "prompts" else "Leave it out"

    @property
    def lack(self) -> str:
        """Why nothing can be imported; empty where something can."""
        if self.is_usable:
            return ""
        found = "prompts" if self.what == "prompts" else "rankings, only prompts" if self.preview.total else "rankings"
        return f"There are no {found} in it that could be used."
