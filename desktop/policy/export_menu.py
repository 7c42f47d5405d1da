"""Asks as what a policy is to be written, and which of its checkpoints."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtWidgets import QMenu, QWidget

from core.config.jobs import ExportModelConfig
from core.config.training import TrainPolicyResult

#: What a person chooses from, with the settings that it means.
FORMS = {
    "For transformers: safetensors": ExportModelConfig(format="safetensors"),
    "For Ollama, LM Studio, llama.cpp: GGUF of 16 bits": ExportModelConfig(format="gguf", quantize="f16"),
    "The same in 8 bits, half the size": ExportModelConfig(format="gguf", quantize="q8_0"),
    "For PEFT: the adapter alone": ExportModelConfig(format="adapter"),
}
Chosen = Callable[[ExportModelConfig], object]


def ask(parent: QWidget, found: TrainPolicyResult, chosen: Chosen) -> QMenu:
    """A menu below `parent`; `chosen` gets the settings of the job, without a run and a folder."""
    menu = QMenu(parent)
    if found.best_step is None or found.best_step == found.steps:
        _fill(menu, "last", chosen)
    else:
        _fill(menu.addMenu(f"Last checkpoint (step {found.steps})"), "last", chosen)
        _fill(menu.addMenu(f"Best checkpoint (step {found.best_step})"), "best", chosen)
    menu.popup(parent.mapToGlobal(parent.rect().bottomLeft()))
    return menu


def ask_of_step(parent: QWidget, step: int, chosen: Chosen) -> QMenu:
    """The same of one checkpoint."""
    menu = QMenu(parent)
    _fill(menu, str(step), chosen)
    menu.popup(parent.mapToGlobal(parent.rect().bottomLeft()))
    return menu


def _fill(menu: QMenu, checkpoint: str, chosen: Chosen) -> None:
    for title, settings in FORMS.items():
        menu.addAction(title, partial(chosen, replace(settings, checkpoint=checkpoint)))
