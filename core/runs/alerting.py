"""Looks at a run while it goes, and tells what a person wants to be told; it never stops the run.

A command is started without a shell, and a webhook is asked through no proxy and follows nobody elsewhere. Both get the
message as JSON, the command on its input and in variables, and have a few seconds.
"""

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

import httpx2

from core.errors import KnownError, first_line
from core.events import Event, Metrics
from core.machine import base_models
from core.records import Job
from core.runs import alerts
from core.runs.alerts import ENDED, FAILED, KL, NUMBERED, REWARD, Alert
from core.store import Project
from core.store.runs import job_metrics
from core.texts import one_line

#: Seconds that a command or a webhook has.
LIMIT = 10.0
#: Steps of which the mean is looked at.
STEPS = 3
#: The metric of each rule that looks at one.
METRICS = {KL: "objective/kl", REWARD: "objective/scores"}


@dataclass(frozen=True)
class Message:
    """What is told: by which rule, of which job of which project, in a sentence."""

    rule: str
    job: int
    kind: str
    project: str
    text: str

    @property
    def json(self) -> str:
        return json.dumps(vars(self))


@dataclass
class Watch:
    """One run. Each alert is told once, as long as the worker lives."""

    project: Project
    job: Job
    seen: dict[str, list[float]] = field(default_factory=dict)
    told: set[Alert] = field(default_factory=set)

    def __post_init__(self) -> None:
        """What a resumed run said before counts, too."""
        known = job_metrics.series(self.project, self.job.id, tuple(METRICS.values()))
        self.seen = {name: [value for _, value in known.get(name, [])] for name in METRICS.values()}

    def see(self, event: Event) -> Iterator[str]:
        """Tell what is due after an event; yields a sentence about each that could not be told."""
        if not isinstance(event, Metrics) or not event.values.keys() & set(METRICS.values()):
            return
        for name in METRICS.values():
            if name in event.values:
                self.seen[name].append(event.values[name])
        for alert in self._wanted(NUMBERED):
            if alert not in self.told and (why := self._why(alert)):
                self.told.add(alert)
                yield from self._tell(alert, f"Step {event.step}: {why}")

    def ended(self, status: str, error: str) -> Iterator[str]:
        """Tell how it ended; yields as `see` does."""
        if status not in ("done", "stopped", "failed"):
            return
        text = f"It is {status}." + (f" {error}" if error else "")
        for alert in self._wanted((FAILED,) if status == "failed" else (ENDED,)):
            yield from self._tell(alert, text)

    def _wanted(self, rules: tuple[str, ...]) -> list[Alert]:
        """Read anew each time: they may be set while a run goes. Who broke the file is told by the command."""
        with suppress(KnownError):
            return [alert for alert in alerts.listed() if alert.when in rules]
        return []

    def _why(self, alert: Alert) -> str:
        """What has come true, empty for nothing."""
        values = self.seen[METRICS[alert.when]]
        if alert.when == KL:
            newest = values[-1] if values else 0.0
            return f"the KL is {newest:.2f} nats a completion." if newest > alert.above else ""
        means = [sum(values[n : n + STEPS]) / STEPS for n in range(len(values) - STEPS + 1)]
        fell = max(means) - means[-1] if means else 0.0
        return f"the reward fell by {fell:.2f} below its best, to {means[-1]:+.2f}." if fell > alert.above else ""

    def _tell(self, alert: Alert, text: str) -> Iterator[str]:
        said = f"Run {self.job.id} of {one_line(self.project.name)}. {one_line(text, 1000)}"
        try:
            tell(alert, Message(alert.rule, self.job.id, self.job.kind, str(self.project.folder), said))
        except Exception as error:  # whatever it is: no run stops because of it
            yield f"The alert {alert.rule!r} could not be told: {first_line(error)}"


def tell(alert: Alert, message: Message) -> None:
    """Raises `KnownError` if it could not be told within its time."""
    if alert.command:
        _run(alert.command, message)
    else:
        _post(alert.webhook, message)


def _run(command: tuple[str, ...], message: Message) -> None:
    variables = {
        "PLUMBLINE_RULE": message.rule, "PLUMBLINE_JOB": str(message.job), "PLUMBLINE_KIND": message.kind,
        "PLUMBLINE_PROJECT": message.project, "PLUMBLINE_TEXT": message.text.replace("\0", ""),
    }  # fmt: skip
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | variables, cwd=base_models.data_folder(), start_new_session=True,
        )  # fmt: skip
    except (OSError, ValueError) as error:
        raise KnownError(f"{command[0]} could not be started ({first_line(error)}).") from error
    try:
        process.communicate(message.json.encode(), timeout=LIMIT)
    except subprocess.TimeoutExpired as error:
        raise KnownError(f"{command[0]} took longer than {LIMIT:g} seconds, and was ended.") from error
    finally:
        _end(process)
    if process.returncode:
        raise KnownError(f"{command[0]} ended with {process.returncode}.")


def _end(process: "subprocess.Popen[bytes]") -> None:
    """With whatever it started."""
    if process.poll() is None:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL) if hasattr(os, "killpg") else process.kill()
        process.wait()


def _post(webhook: str, message: Message) -> None:
    """In a thread, because a server may say a letter now and then for ever."""
    found: list[str] = []

    def post() -> None:
        try:
            with (
                httpx2.Client(timeout=LIMIT, follow_redirects=False, trust_env=False) as client,
                client.stream(
                    "POST", alerts.where(webhook).url, content=message.json.encode(),
                    headers={"Content-Type": "application/json"},
                ) as answer,
            ):  # fmt: skip
                found.append("" if answer.is_success else f"{webhook} answered {answer.status_code}.")
        except (httpx2.HTTPError, httpx2.InvalidURL, KnownError) as error:
            found.append(f"{webhook} could not be reached ({first_line(error)}).")

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    thread.join(LIMIT)
    said = found[0] if found else f"{webhook} took longer than {LIMIT:g} seconds."
    if said:
        raise KnownError(said)
