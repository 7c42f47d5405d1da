"""What was done to conversations on their way to the model, for a job's notes: counted, and named by the prompts."""

from collections.abc import Iterator

from core.events import Note

#: So many prompts are named.
NAMED = 5


class Notices:
    """What is told grows with the prompts that come by: it is told anew when it concerns twice as many, and at the
    end."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, int | None]] = {}
        self._told: dict[str, int] = {}

    def add(self, what: str, key: str, name: int | None) -> None:
        """`what` befell the prompt `key`, whose number in the project is `name`; `{was}` in it is a verb."""
        self._found.setdefault(what, {})[key] = name

    def told(self, *, last: bool = False) -> Iterator[Note]:
        """As `due` has them, for a job to yield."""
        return map(Note, self.due(last=last))

    def due(self, *, last: bool = False) -> Iterator[str]:
        """The sentences that have to be said now."""
        for what, prompts in self._found.items():
            told = self._told.get(what, 0)
            if len(prompts) >= 2 * told + 1 or (last and len(prompts) > told):
                self._told[what] = len(prompts)
                yield f"{_prompts(list(prompts.values()))}{_verb(what, len(prompts))}."


def _verb(what: str, prompts: int) -> str:
    was = "was" if prompts == 1 else "were"
    return " " + what.replace("{was}", was, 1) if what.startswith("{was}") else f": {what}"


def _prompts(names: list[int | None]) -> str:
    """`2 prompts (7, 9)`, some of them named."""
    known = [str(name) for name in sorted(name for name in names if name is not None)]
    shown = ", ".join(known[:NAMED]) + (", …" if len(known) > NAMED else "")
    noun = "prompt" if len(names) == 1 else "prompts"
    return f"{len(names)} {noun}" + (f" ({shown})" if shown else "")
