"""How quick the labeling bench is on a project of 100,000 ranked prompts: opening, keys, saving, search, pairs.

A key's time runs from its press until the window is painted and idle again, with the commit to disk in it.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.config.training import TrainPolicyConfig, TrainRewardConfig
from core.events import Sample
from core.runs import learnt_rankings, trail
from core.runs.learnt_rankings import LearntRankings, Numbers
from core.store import Project, create_project, guidelines, labelers, now, pairs
from core.store import trail as trail_store
from core.store.runs import job_metrics, job_samples
from tests.jobs import add_job

RANKED, WAITING, COMPLETIONS = 100_000, 400, 4
LABELER = "bench"
WORDS = [first + last for first in ("ba", "ke", "lo", "mi", "nu", "ra", "se", "to") for last in ("n", "st", "ver", "")]


def measure(options: argparse.Namespace) -> dict[str, Any]:
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["PLUMBLINE_DATA"] = str(Path(folder) / "data")
        project = build(Path(folder) / "project")
        behind = trail_times(project)
        megabytes = (project.folder / "plumbline.db").stat().st_size / 1e6
        project.close()
        print(f"built {RANKED:,} ranked prompts, {megabytes:.0f} MB", file=sys.stderr)
        return (
            {"ranked_prompts": RANKED, "completions_each": COMPLETIONS, "megabytes": megabytes}
            | behind
            | drive(Path(folder) / "project")
        )


def build(folder: Path) -> Project:
    """A project in which one labeler has ranked 100,000 prompts and has some more before them."""
    random.seed(0)
    project = create_project(folder)
    guidelines.save(project, criteria="Be kind.", ties="Rarely.", flags="- unsafe: harm", examples="None.")
    me = labelers.named(project, LABELER).id
    when = now()
    total = RANKED + WAITING
    texts = [" ".join(random.choices(WORDS, k=40)) for _ in range(4000)]
    with project.write() as database:
        many = database.conn.executemany
        many(
            "insert into prompts (id, text, tags, created_at) values (?, ?, ?, ?)",
            ((n, f"{n}: {random.choice(texts)}?", json.dumps([f"tag{n % 9}"]), when) for n in range(1, total + 1)),
        )
        many(
            "insert into completion_groups (id, prompt_id, created_at) values (?, ?, ?)",
            ((n, n, when) for n in range(1, total + 1)),
        )
        many(
            "insert into completions (id, group_id, text, tokens) values (?, ?, ?, 60)",
            ((n, (n - 1) // COMPLETIONS + 1, random.choice(texts)) for n in range(1, total * COMPLETIONS + 1)),
        )
        many(
            "insert into rankings (id, group_id, labeler_id, guidelines_id, seconds, created_at, uid)"
            " values (?, ?, ?, 1, 9.0, ?, ?)",
            ((n, n, me, when, uuid.uuid4().hex) for n in range(1, RANKED + 1)),
        )
        many(
            "insert into ranking_items (ranking_id, completion_id, rank, position) values (?, ?, ?, ?)",
            (
                ((n - 1) // COMPLETIONS + 1, n, (n - 1) % COMPLETIONS + 1, (n - 1) % COMPLETIONS + 1)
                for n in range(1, RANKED * COMPLETIONS + 1)
            ),
        )
    return project


def trail_times(project: Project) -> dict[str, Any]:
    """How long the chain from a step back to the rankings takes, and from a ranking to what it has influenced, in
    processor time: with ten reward models, which tested themselves on a fifth of the rankings each, drawn as such runs
    draw it, and thirty policies."""
    drawn = random.Random(0)
    for _ in range(10):
        held = set(drawn.sample(range(1, RANKED + 1), RANKED // 5))
        reward = add_job(project, TrainRewardConfig(), status="done", started_at=now())
        kept = LearntRankings(Numbers.of(set(range(1, RANKED + 1)) - held), Numbers.of(held))
        project.make_run_folder(reward.id)
        parts = {"learnt": f"{kept.learnt.bits:x}", "tested": f"{kept.tested.bits:x}"}
        project.run_file(reward.id, learnt_rankings.KEPT).write_text(json.dumps(parts))
        for _ in range(3):
            run = add_job(project, TrainPolicyConfig(reward_job=reward.id), status="done", started_at=now())
    job_metrics.add(project, run.id, 1, {"objective/scores": 0.0})
    job_samples.add(project, run.id, 1, [Sample("p", "c", prompt_id=number) for number in range(1, 65)])
    middle = RANKED // 2
    timed = {
        "sources": lambda: trail_store.sources(project, kept.learnt.ranges),
        "in_place": lambda: trail_store.in_place_of(project, kept.others),
        "rankings": lambda: trail_store.rankings(project, kept.learnt.ranges, after=middle),
        "samples": lambda: trail_store.samples(project, run.id, 1),
        "prompt": lambda: trail_store.rankings_of_prompt(project, middle),
        "point": lambda: trail.point(project, run.id, 1),
        "influence": lambda: trail.influence(project, middle),
    }
    return {f"trail_{name}_ms": 1000 * median_cpu(step) for name, step in timed.items()}


def median_cpu(step: Callable[[], object]) -> float:
    found = []
    for _ in range(7):
        began = time.process_time()
        step()
        found.append(time.process_time() - began)
    return statistics.median(found)


def drive(folder: Path) -> dict[str, Any]:
    """Use the real window on the project and time what a labeler waits for."""
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    from core.jobs import launch
    from desktop import user_settings
    from desktop.app import build as build_window
    from desktop.app import read_ahead
    from desktop.background import busy
    from desktop.places import TABS, TabId

    launch.ensure_worker = lambda *_, **__: None  # type: ignore[assignment]
    user_settings.set_labeler_name(LABELER)
    app, window = build_window([])
    window.resize(1280, 800)
    window.show()

    def timed(step: Callable[[], object]) -> float:
        began = time.perf_counter()
        step()
        app.processEvents()
        return time.perf_counter() - began

    app.processEvents()
    read_ahead(window)  # as the program does after its first frame
    while busy():
        QTest.qWait(10)
    opening = timed(lambda: window.workspace.open(folder))
    showing = timed(lambda: window.open_tab(TabId.RANK))
    board = window.tabs[TabId.RANK].board
    assert board.grid.cards, "nothing to rank is shown"

    def press(key: Qt.Key) -> float:
        return timed(lambda: QTest.keyClick(board, key))

    placing, saving = [], []
    for _ in range(WAITING - 50):
        before = board.prompt.toPlainText()
        placing += [press(key) for key in (Qt.Key.Key_B, Qt.Key.Key_A, Qt.Key.Key_D, Qt.Key.Key_C)]
        saving.append(press(Qt.Key.Key_Return))
        assert board.prompt.toPlainText() != before, "the next item is not shown"
    undoing = [timed(lambda: QTest.keyClick(board, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier))]

    timed(lambda: window.open_tab(TabId.INSTRUCTIONS))
    tab = window.tabs[TabId.INSTRUCTIONS]
    timed(lambda: tab.pages.setCurrentIndex(1))
    searching = []
    for text in ("ban kest", "99", "nuver to mi", "zzz", "tag7", "ke", "e"):
        tab.prompts.search.setText(text)
        searching.append(timed(tab.prompts.search_now))
    project = window.session.project  # type: ignore[union-attr]
    counting = timed(lambda: pairs.counts(project))
    tabs = {kind.title: timed(lambda kind=kind: window.open_tab(kind.id)) for kind in TABS}
    window.close()
    while window.isVisible():  # what it reads in the background is finished first
        QTest.qWait(10)
    return {
        "open_seconds": opening,
        "open_rank_tab_seconds": showing,
        "open_total_seconds": opening + showing,
        "place_ms_median": 1000 * statistics.median(placing),
        "place_ms_p99": 1000 * percentile(placing, 99),
        "save_to_next_ms_median": 1000 * statistics.median(saving),
        "save_to_next_ms_p99": 1000 * percentile(saving, 99),
        "save_to_next_ms_max": 1000 * max(saving),
        "keys": len(placing) + len(saving),
        "undo_ms": 1000 * max(undoing),
        "search_ms_max": 1000 * max(searching),
        "count_pairs_ms": 1000 * counting,
        "open_reward_tab_ms": 1000 * tabs["Reward model"],
    }


def percentile(values: list[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
