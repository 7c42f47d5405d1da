"""What a person of this machine wants to be told of long runs, and how: by a command of theirs, or a webhook.

A small file in the data folder, never in a project: what comes with one may choose neither a command nor an address.
"""

import json
import math
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.endpoints import address
from core.endpoints.address import Address
from core.errors import BadInput
from core.machine import base_models
from core.store.files import beside, plain

ENDED, FAILED, KL, REWARD = "ended", "failed", "kl", "reward"
#: When somebody is told.
RULES = {
    ENDED: "a run came to its end, or was stopped",
    FAILED: "a run failed",
    KL: "the KL to the reference passed so many nats a completion",
    REWARD: "the mean reward of three steps fell by more than that below its best",
}
#: Those that need a number.
NUMBERED = (KL, REWARD)
MOST = 100


@dataclass(frozen=True)
class Alert:
    """When, and to whom: a `command` with its arguments, or a `webhook`, one of them. `above` is the number of a rule
    that needs one."""

    when: str
    above: float = 0.0
    command: tuple[str, ...] = ()
    webhook: str = ""

    @property
    def rule(self) -> str:
        return f"{self.when} {self.above:g}" if self.when in NUMBERED else self.when

    @property
    def told(self) -> str:
        """Who is told, in words."""
        return shlex.join(self.command) if self.command else self.webhook


def file() -> Path:
    return base_models.data_folder() / "alerts.json"


def listed() -> list[Alert]:
    """Raises `BadInput` where the file cannot be read."""
    try:
        found = plain.parsed(file())
        if not isinstance(found, list) or len(found) > MOST:
            raise TypeError
        return [_read(each) for each in found]
    except (FileNotFoundError, NotADirectoryError):
        return []
    except (OSError, TypeError, ValueError, BadInput) as error:
        raise BadInput(f"{file()} cannot be read: remove it, and set your alerts anew with `alert`.") from error


def made(when: str, above: float | None, command: str, webhook: str) -> Alert:
    """An alert of what a person typed. Raises `BadInput`."""
    if bool(command.strip()) == bool(webhook.strip()):
        raise BadInput("Say who is to be told: give either --command or --webhook.")
    if (above is not None) != (when in NUMBERED):
        raise BadInput(f"--above is the number for {' and '.join(NUMBERED)}, which need one, and for nothing else.")
    try:
        words = tuple(shlex.split(command))
    except ValueError as error:
        raise BadInput(f"{command!r:.200} is no command ({error}): close its quotation marks.") from error
    return checked(Alert(when, above or 0.0, words, where(webhook).url if webhook else ""))


def checked(alert: Alert) -> Alert:
    """Raises `BadInput` for one that can tell nobody, or nothing."""
    if alert.when not in RULES or bool(alert.command) == bool(alert.webhook):
        raise BadInput(f"An alert is told when: {', '.join(RULES)}; by a command or a webhook.")
    if not math.isfinite(alert.above) or not 0 <= alert.above <= 1e6:
        raise BadInput("--above is a number from 0 to 1,000,000.")
    if any("\0" in word for word in alert.command):
        raise BadInput("A command holds no zero byte.")
    if alert.command and Path(alert.command[0]).name != alert.command[0] and not Path(alert.command[0]).is_absolute():
        raise BadInput(f"{alert.command[0]!r:.200} is only a part of a path: give all of it, or a program's name.")
    if alert.webhook:
        where(alert.webhook)
    return alert


def where(webhook: str) -> Address:
    """The address of a webhook. Raises `BadInput` for what is none."""
    return address.parse(webhook, path="")


def add(alert: Alert) -> list[Alert]:
    return _keep([*listed(), checked(alert)])


def remove(number: int) -> list[Alert]:
    """The one of this place, counted from 1. Raises `BadInput` if there is none."""
    found = listed()
    if not 1 <= number <= len(found):
        raise BadInput(f"There is no alert {number}: `alert` lists the ones there are.")
    return _keep(found[: number - 1] + found[number:])


def _keep(found: list[Alert]) -> list[Alert]:
    if len(found) > MOST:
        raise BadInput(f"{MOST} alerts are enough: remove one first.")
    with base_models.changing_data(), beside.file(file()) as new:
        new.write_text(json.dumps([asdict(each) for each in found], indent=2) + "\n", encoding="utf-8")
    return found


def _read(found: Any) -> Alert:
    """Raises `TypeError` or `BadInput`."""
    if not isinstance(found, Mapping) or not isinstance(found.get("command"), list):
        raise TypeError
    when, above, webhook = found["when"], found["above"], found["webhook"]
    words = found["command"]
    if not all(isinstance(word, str) for word in (when, webhook, *words)) or type(above) not in (int, float):
        raise TypeError
    return checked(Alert(when, float(above), tuple(words), webhook))
