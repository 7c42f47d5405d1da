"""What the merge of a labeling pack did, and how it names what it left out."""

from dataclasses import dataclass, field


@dataclass
class Merged:
    """What a merge did: rankings added and known already, retractions taken over (or that they ended), conflicts to
    look at, answers added, votes in an arena added, comments (`remarks`) on what is not ranked or voted on yet, what
    was begun and came along from an earlier pack, and a sentence for each ranking or vote that could not be taken, and
    for what is begun and stays in the pack, or in an earlier one. Of the rankings added, `reworded` were made under
    guidelines that are not here any more."""

    added: int = 0
    known: int = 0
    retracted: int = 0
    restored: int = 0
    conflicts: int = 0
    answers: int = 0
    votes: int = 0
    remarks: int = 0
    begun: int = 0
    reworded: int = 0
    refused: list[str] = field(default_factory=list)
    begun_left: list[str] = field(default_factory=list)

    def __add__(self, other: "Merged") -> "Merged":
        return Merged(**{name: getattr(self, name) + getattr(other, name) for name in vars(self)})


def of_other_guidelines(count: int) -> str:
    """What is said of rankings whose own version of the guidelines is not here; empty for none."""
    return (
        f"{count:,} of them were made under guidelines that are not here, and count as made under others"
        if count
        else ""
    )


def of_remarks(count: int) -> str:
    """What is said of comments that came home without a ranking or a vote; empty for none."""
    comments = "1 comment is" if count == 1 else f"{count:,} comments are"
    return f"{comments} on what is not done yet, and there when its labeler opens it" if count else ""


def not_saved(count: int, first: str = "") -> str:
    """What is said of orders that are begun in a pack; `first` names one of them."""
    orders = "1 order that is" if count == 1 else f"{count:,} orders that are"
    return f"{orders} begun in the pack{first}, and not saved: saved there and sent again, they are merged."


def remark_left(text: str, why: str) -> str:
    """What is said of a comment without a ranking or a vote that cannot come home; `text` may not be known."""
    said = f"The comment “{short(text)}”" if text else "A comment"
    return f"{said} stays in what came back: what it was typed on {why}."


def short(prompt: str) -> str:
    """How a prompt is named in a sentence."""
    return " ".join(prompt.split())[:60]
