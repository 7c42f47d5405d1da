"""One prompt with both answers, the one with the higher reward marked."""

from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QWidget

from core.store import Project
from core.store.runs import job_samples
from desktop.theme.theme import SPACE
from desktop.widgets.basics import column, label, row


@dataclass(frozen=True)
class Answers:
    """The samples of both sides to a prompt."""

    prompt: str
    reference: dict[str, Any]
    tuned: dict[str, Any]


def answers_of(project: Project, job_id: int) -> list[Answers]:
    """What both sides answered to each prompt, as far as both did."""
    sides: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for sample in job_samples.listed(project, job_id):
        of_prompt = sides.setdefault(sample["prompt"], {"reference": [], "tuned": []})
        of_prompt.get(sample["policy"], []).append(sample)  # a project may come from elsewhere, and hold any
    return [
        Answers(prompt, reference, tuned)
        for prompt, found in sides.items()
        for reference, tuned in zip(found["reference"], found["tuned"], strict=False)
    ]


class Duel(QFrame):
    """A card. Without a `title` it stands under what was asked; `heads` are what can be done with each answer."""

    def __init__(self, duel: Answers, *, title: bool = True, heads: tuple[QWidget, ...] = ()) -> None:
        super().__init__()
        self.setProperty("role", "card")
        a, b = duel.reference["score"], duel.tuned["score"]
        better = None if a is None or b is None or a == b else ("tuned" if b > a else "reference")
        sides = (
            _side("Reference", duel.reference, better == "reference", heads[:1]),
            _side("Tuned policy", duel.tuned, better == "tuned", heads[1:]),
        )
        columns = row(*sides, spacing=4 * SPACE)
        columns.setStretch(0, 1)
        columns.setStretch(1, 1)
        layout = column()
        if title:
            asked = label(duel.prompt, wrap=True)
            asked.setStyleSheet("font-weight: 600;")
            layout.addWidget(asked)
        layout.addLayout(columns)
        layout.setContentsMargins(2 * SPACE, 2 * SPACE, 2 * SPACE, 2 * SPACE)
        self.setLayout(layout)


def _side(name: str, sample: dict[str, Any], better: bool, heads: tuple[QWidget, ...]) -> QWidget:
    numbers = [
        f"{word} {sample[key]:+.2f}" for key, word in (("score", "reward"), ("gold", "gold")) if sample[key] is not None
    ]
    text = label(sample["completion"] or "(nothing)", wrap=True)
    text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    text.setAlignment(Qt.AlignmentFlag.AlignTop)
    head = row(
        label(name, "small"), None, label("higher reward" if better else "", "good"),
        label("  ".join(numbers), "small"), *heads,
    )  # fmt: skip
    side = QWidget()
    layout = column(head, text)
    layout.setStretch(1, 1)
    side.setLayout(layout)
    return side
