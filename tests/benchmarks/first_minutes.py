"""Minutes from the window's first frame to a first own ranking, reward model and PPO run, as somebody new works.

The real window, worker and model; only the person is made up, and really pauses: `PAUSES` says for how long. Two ways
are gone: the guided tour of the demo, where three own rankings are added to those that are there, and a project of
one's own with `PROMPTS` typed prompts, all ranked, and every setting left as it is. An estimate is what was said to be
left of a job at half of its time, as a share of what was.
"""

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from core.machine import base_models
from tests.benchmarks.machine import python

#: Seconds: to find and press the next button, to read a page for the first time, to think of a prompt and type it,
#: and to read one prompt's completions and rank them.
PAUSES = {"button": 3.0, "page": 8.0, "prompt": 5.0, "ranking": 8.0}
PROMPTS, HELD_OUT = 20, 4
CODE = """
import json, sys, time
from pathlib import Path
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from core import demo
from core.config.training import TrainPolicyJob, TrainRewardJob
from core.guidance import tour
from desktop.places import TabId
from desktop.app import build, leave
from desktop.projects.welcome import NewProject

way, folder, pauses, prompts, held_out = json.loads(sys.argv[1])
began, marks, told = time.perf_counter(), {}, {}
app, window = build([])
window.resize(1280, 800)
window.show()
QTest.qWaitForWindowExposed(window)

def rest(what):
    ended = time.perf_counter() + pauses[what]
    until(lambda: time.perf_counter() >= ended)

def mark(what):
    marks[what] = round(time.perf_counter() - began, 1)

def until(happened):
    while not happened():
        QTest.qWait(50)
        for job in window.session.jobs() if window.session else ():
            if job.status == "running" and job.eta is not None:
                told.setdefault(job.id, {}).setdefault((job.stage, job.done), (job.took, job.eta))
            assert job.status != "failed", job.error

def press(button):
    rest("button")
    until(button.isEnabled)
    button.click()

def done(kind):
    return any(job.status == "done" and job.id > before for job in window.session.jobs(kind))

def rank(count):
    page = window.tabs[TabId.RANK]
    page.board.setFocus()
    for ranked in range(count):
        until(lambda: page.board.ordering.shown and not page.board.ordering.tiers)
        saved = window.session.project.database.value("select count(*) from rankings")
        rest("ranking")
        for number in range(len(page.board.ordering.shown)):
            QTest.keyClick(page.board, chr(ord("a") + number))
        QTest.keyClick(page.board, Qt.Key.Key_Return)
        until(lambda: window.session.project.database.value("select count(*) from rankings") == saved + 1)
        if not ranked:
            mark("first_ranking")

def learn_and_tune(reward, policy):
    reward()
    until(lambda: done(TrainRewardJob))
    mark("reward_model")
    policy()
    until(lambda: any(job.done for job in window.session.jobs(TrainPolicyJob) if job.id > before))
    mark("first_ppo_step")
    until(lambda: done(TrainPolicyJob))
    mark("ppo_run")

rest("page")
if way == "tour":
    window.workspace.open(demo.install(Path(folder) / "demo"))
    before = max(job.id for job in window.session.jobs())
    card = window.page.sidebar.next
    press(card.main)
    card = window.page.tour
    rest("page")
    press(card.main)
    rank(tour.TO_RANK)
    press(card.main)
    rest("page")
    learn_and_tune(lambda: press(card.main), lambda: (press(card.main), rest("page"), press(card.main)))
else:
    before = 0
    window.new_project()
    dialog = window.findChild(NewProject)
    rest("page")
    dialog.name.setText("First steps")
    dialog.folder.setText(str(Path(folder) / "own"))
    dialog.make()
    card = window.page.sidebar.next
    press(card.main)
    page = window.tabs[TabId.INSTRUCTIONS].prompts.adding
    rest("page")
    for split, some in (("train", range(held_out, len(prompts))), ("heldout", range(held_out))):
        for _ in some:
            rest("prompt")
        page.new_text.setPlainText("\\n".join(prompts[number] for number in some))
        page.split.setCurrentIndex(page.split.findData(split))
        press(page.add_button)
    press(card.main)
    side = window.tabs[TabId.RANK].side
    press(side.generate.generate)
    until(lambda: window.session.project.database.value("select count(*) from completion_groups") > 0)
    mark("first_completions")
    window.tabs[TabId.RANK].show_panel("")
    rank(len(prompts))
    press(card.main)
    learn_and_tune(
        lambda: (rest("page"), press(window.tabs[TabId.REWARD].training.train)),
        lambda: (press(card.main), rest("page"), press(window.tabs[TabId.TUNE].start_button)),
    )
estimates = {}
for job in window.session.jobs():
    if job.id in told and job.status == "done":
        at, left = min(told[job.id].values(), key=lambda each: abs(each[0] - job.took / 2))
        estimates[job.kind] = round(left / (job.took - at), 2)
leave(window)
print(json.dumps([marks, estimates]))
"""


def measure(options: argparse.Namespace) -> dict[str, Any]:
    platform = {} if os.environ.get("DISPLAY") else {"QT_QPA_PLATFORM": "offscreen"}
    models = base_models.models_folder()
    typed = [json.loads(line)["prompt"] for line in _lines()][:PROMPTS]
    found: dict[str, Any] = {}
    for way in ("tour", "own"):
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "models").symlink_to(models)
            environment = platform | {"PLUMBLINE_DATA": folder}
            given = json.dumps([way, folder, PAUSES, typed, HELD_OUT])
            marks, estimates = json.loads(python(CODE, given, environment=environment).splitlines()[-1])
        print(way, marks, estimates, file=sys.stderr)
        found |= {f"{way}_{what}_minutes": seconds / 60 for what, seconds in marks.items()}
        found |= {f"{way}_{kind}_estimate": share for kind, share in estimates.items()}
    return found | {"platform": platform.get("QT_QPA_PLATFORM", "screen")}


def _lines() -> list[str]:
    from core.resources import resource

    return (resource("prompts") / "demo.jsonl").read_text(encoding="utf-8").splitlines()
