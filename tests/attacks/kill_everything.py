"""`python -m tests.attacks.kill_everything KILLS FOLDER SEED [NAME ...]`: kill -9 anywhere in everything that writes.

Each operation, and each kind of job, is done once whole, and then by children that die: at a call that is drawn
(`tests.attacks.kills`), or at a moment. After each kill the projects are whole and no ranking is gone; the operation is
done again, by the same door; and then all is as after the whole one: rows, bits of adapters, and names of files, so
that nothing is left behind. Prints one JSON object.
"""

import contextlib
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from core import cli
from core.arena import policies
from core.config.arena import AnswerConfig
from core.config.frontier import MeasureFrontierConfig
from core.config.jobs import CompareConfig, ExportModelConfig, GenerateConfig, JobKind
from core.config.judging import JudgingConfig
from core.config.scoring import ScoreConfig, ScoreFileConfig, SuggestConfig
from core.config.slider import SlideConfig
from core.config.training import TrainPolicyConfig, TrainRewardConfig
from core.config.verifying import VerifyConfig
from core.data import Row, read
from core.events import NewCompletion
from core.jobs import queue
from core.projects import leftovers, trash
from core.records import Prompt
from core.runs import wishes
from core.store import DATABASE, Project, arenas, completions, open_project, prompts
from core.store.undo import History
from core.trust import gate
from tests.attacks import kills
from tests.attacks.fuzz_targets import rank_some, seeds
from tests.jobs import add_job
from tests.older import TO_M004
from tests.tiny import make_tiny_model

RUN = re.compile("[0-9a-f]{32}|[0-9a-f-]{36}")
#: What comes and goes with connections and workers, and is nobody's.
PASSING = ("-wal", "-shm", "worker.lock", "worker.leave", "-journal", "held", "window.ini")
TABLES = (
    "prompts", "completion_groups", "completions", "labelers", "rankings", "ranking_items", "criterion_ranks",
    "guidelines", "assignments", "conflicts", "drafts", "scores", "priorities", "samples", "metrics", "arena_answers",
)  # fmt: skip
#: Columns that differ from run to run.
OWN = {"created_at", "uid", "seconds", "finished_at", "started_at", "resolved_at", "retracted_at", "origin"}
#: What a job says again after a kill, under other numbers.
SAID = ("metrics", "samples", "completions", "completion_groups")
#: From so many kills on jobs are killed too, which load a model each time.
MANY = 100
SMALL = {"max_new_tokens": 4, "batch_size": 4}


@dataclass(frozen=True)
class Operation:
    """`act` does it in a place that `prepare` has filled, the first time or after a kill."""

    act: Callable[[Path], object]
    prepare: Callable[[Path], object] = lambda place: None
    trained: bool = False
    """Does it need a reward model and a policy?"""


def run(*words: object) -> int:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = cli.run([str(word) for word in words])
    print(" ".join(map(str, words[:1])), code, said.getvalue(), file=sys.stderr)
    return code


def done(*words: object, unless: str = "") -> Callable[[Path], None]:
    """A command, in whose words `@` is the place; it may fail where what it makes is there already."""

    def act(place: Path) -> None:
        filled = [str(word).replace("@", str(place)) for word in words]
        if run(*filled) and not (unless and (place / unless).exists()):
            raise AssertionError(f"it cannot be done again: {filled}")

    return act


def import_and_undo(place: Path) -> None:
    """After a kill in between nobody remembers what could be undone: then all of the import is there, or nothing."""
    with closing(open_project(place / "project")) as project:
        found = [row for row in read(place / "more.txt") if isinstance(row, Row)]
        history, more = History(), [Prompt.of(row.conversation) for row in found]
        history.open(project)
        added = prompts.add(project, more)
        if added.ids:
            assert len(added.ids) == len(more)
            history.mark(added)
            history.undo()
        else:
            prompts.delete(project, [item for text in more if (item := prompts.id_of(project, text.conversation))])


def throw_away(place: Path) -> None:
    if (place / "project" / DATABASE).exists():
        trash.delete(place / "project")


def bring_back(place: Path) -> None:
    if not (place / "project" / DATABASE).exists():
        trash.put_back(trash.listed()[0])


def rank(place: Path) -> None:
    with closing(open_project(place / "project")) as project:
        rank_some(project, "eve")


def make_older(place: Path) -> None:
    """As it was before the newest migration, as far as opening can tell."""
    with closing(sqlite3.connect(place / "project" / DATABASE, isolation_level=None)) as connection:
        connection.executescript(TO_M004)


OPERATIONS: dict[str, Operation] = {
    "import prompts": Operation(done("import", "@/project", "@/more.txt")),
    "import preferences": Operation(done("import", "@/project", "@/pairs.jsonl", "--preferences")),
    "merge": Operation(done("merge", "@/project", "@/ranked.plumbpack")),
    "archive": Operation(done("archive", "@/project", "@/a.plumbline.zip")),
    "restore": Operation(done("restore", "@/seed.plumbline.zip", "@/restored", unless=f"restored/{DATABASE}")),
    "duplicate": Operation(done("duplicate", "@/project", "@/copy", unless=f"copy/{DATABASE}")),
    "new": Operation(done("new", "@/new", unless=f"new/{DATABASE}")),
    "demo": Operation(done("demo", "@/demo")),
    "pack": Operation(done("pack", "@/project", "@/p.plumbpack", "--labeler", "dora")),
    "unpack": Operation(done("unpack", "@/seed.plumbpack", "@/unpacked")),
    "migrate": Operation(done("pairs", "@/project"), make_older),
    "export": Operation(done("export", "@/project", "@/out.csv", "--format", "csv")),
    "experiment": Operation(done("experiment", "@/project", "--out", "@/page.html")),
    "undo": Operation(import_and_undo),
    "rank": Operation(rank),
    "trash": Operation(throw_away),
    "put back": Operation(bring_back, throw_away),
    "remove-run": Operation(done("remove-run", "@/project", 3, unless="data/trash")),
    "put-back-run": Operation(
        done("put-back-run", "@/project", 3, unless="project/runs/3"), done("remove-run", "@/project", 3)
    ),
}  # fmt: skip


def arena(project: Project) -> None:
    """Of the base, the tuned policy and the best of two."""
    made = arenas.create(project, "All").id
    arenas.add_prompts(project, made, prompts.listed(project, limit=6))
    for text in ("base", "run:5", "best-of-2:4"):
        policies.add(project, made, text)


def job(config: Any, *, trained: bool = False, before: Callable[[Project], None] = lambda project: None) -> Operation:
    """It is queued before, and done by a worker that takes up what another left."""

    def prepare(place: Path) -> None:
        with closing(open_project(place / "project")) as project:
            texts = {name: value for name, value in vars(config).items() if isinstance(value, str)}
            filled = {name: text.replace("@", str(place)) for name, text in texts.items()}
            asked = type(config)(**vars(config) | filled)
            gate.made_here(project)
            before(project)
            wishes.choose(project, asked)
            add_job(project, asked)

    return Operation(work, prepare, trained)


def work(place: Path) -> None:
    """Run the newest job, as a worker does."""
    from core import worker

    with closing(worker.opened(place / "project")) as project:
        queue.mark_interrupted(project)
        newest = queue.listed(project)[0]
        if newest.status in ("interrupted", "stopped"):
            queue.resume(project, newest.id)
        if (claimed := worker.claim(project)) is not None:
            worker.run_job(project, claimed, {})
        found = queue.get(project, newest.id)
        assert found.status == "done", f"{found.kind}: {found.status}, {found.error}"


POLICY = TrainPolicyConfig(steps=3, gold="length", train_on_gold=True, eval_prompts=0, checkpoint_every=1, **SMALL)
REWARD = TrainRewardConfig(epochs=1, batch_prompts=1)
JOBS: dict[str, Operation] = {
    JobKind.GENERATE: job(GenerateConfig(completions=2, missing_only=False, **SMALL)),
    JobKind.TRAIN_REWARD: job(REWARD),
    JobKind.TRAIN_POLICY: job(POLICY),
    JobKind.COMPARE: job(CompareConfig(policy_job=5, reward_job=4, **SMALL), trained=True),
    JobKind.ANSWER: job(AnswerConfig(**SMALL), trained=True, before=arena),
    JobKind.SCORE: job(ScoreConfig(prompt="a", completions=("b", "c"), reward_job=4), trained=True),
    JobKind.SCORE_FILE: job(ScoreFileConfig(path="@/texts.jsonl", out="@/scored.jsonl", reward_job=4), trained=True),
    JobKind.SUGGEST: job(SuggestConfig(reward_job=4), trained=True),
    JobKind.JUDGE: job(JudgingConfig(by="gold:length", waiting=True)),
    JobKind.EXPORT_MODEL: job(ExportModelConfig(policy_job=5, out="@/exported"), trained=True),
    JobKind.VERIFY: job(VerifyConfig(5, 1), trained=True),
    JobKind.SLIDE: job(SlideConfig(policy_job=5, prompts=("a",), max_new_tokens=4), trained=True),
    JobKind.MEASURE_FRONTIER: job(MeasureFrontierConfig(policy_job=5, answers=4), trained=True),
}


# --- what is compared ---------------------------------------------------------------------------------------------


def projects(place: Path) -> list[Path]:
    found = (path for path in place.rglob("*.db") if path.relative_to(place).parts[0] != "tmp")
    return sorted(path for path in found if ".partial" not in str(path))


def check_whole(place: Path) -> None:
    for path in projects(place):
        with closing(sqlite3.connect(path)) as connection:
            assert connection.execute("pragma integrity_check").fetchone()[0] == "ok", path


def kept_rankings(place: Path) -> set[str]:
    """The rankings that there are anywhere, in the trash too."""
    found = set[str]()
    for path in projects(place):
        with closing(sqlite3.connect(path)) as connection, contextlib.suppress(sqlite3.OperationalError):
            found |= {uid for (uid,) in connection.execute("select uid from rankings where retracted_at is null")}
    return found


def state(place: Path) -> dict[str, Any]:
    """All that counts in a place: rows of each project, files by name, and what jobs left, by its bits."""
    found: dict[str, Any] = {"files": names(place)}
    for path in projects(place):
        with closing(sqlite3.connect(path)) as connection:
            name = RUN.sub("*", str(path.relative_to(place)))
            found[name] = {table: _rows(connection, table) for table in TABLES}
    for path in sorted(place.rglob("*.safetensors")):
        found[str(path.relative_to(place))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def names(place: Path) -> list[str]:
    found = (RUN.sub("*", str(path.relative_to(place))) for path in place.rglob("*"))
    passing = ("tmp", "data/trust")  # who was killed before it was kept that the project is theirs is asked once
    return sorted(name for name in found if not name.endswith(PASSING) and not name.startswith(passing))


def _rows(connection: sqlite3.Connection, table: str) -> list[Any]:
    found = connection.execute("select name from pragma_table_info(?)", (table,))
    left = OWN | ({"id"} if table in SAID else set())
    columns = [name for (name,) in found if name not in left]
    if not columns:
        return []
    timed = "where name not like 'time/%' and name not like 'memory/%'" if table == "metrics" else ""
    return sorted(map(repr, connection.execute(f"select {', '.join(columns)} from {table} {timed}")))


# --- dying --------------------------------------------------------------------------------------------------------


def within(place: Path, act: Callable[[Path], object]) -> None:
    """Do it in a child, with a data folder and a place for temporary files of its own."""
    os.environ |= {"PLUMBLINE_DATA": str(place / "data"), "TMPDIR": str(place / "tmp")}
    tempfile.tempdir = None
    os.dup2(os.open(place.with_suffix(".log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600), 2)
    act(place)


def child(place: Path, act: Callable[[Path], object]) -> int:
    """Begin it in a child; its process id."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        within(place, act)
        code = 0
    except BaseException as error:
        traceback.print_exception(error)
    finally:
        os._exit(code)


def again(operation: Operation, place: Path) -> None:
    """As by a person who starts the program again."""
    leftovers.clear()
    operation.act(place)


def ended(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class Killer:
    def __init__(self, work: Path, seed: int) -> None:
        self.work, self.chance = work, random.Random(seed)
        self.whole: dict[str, tuple[Any, float]] = {}
        """What is there after each operation, and how many seconds it takes."""
        self.calls: dict[str, int] = {}
        self.failures: list[str] = []
        self.killed = 0
        self.trained: Path | None = None

    def place(self, operation: Operation) -> Path:
        """A new place: what all begin with, and what the operation wants besides."""
        place = Path(tempfile.mkdtemp(dir=self.work)) / "place"
        source = self._trained() if operation.trained else seeds()
        shutil.copytree(source, place)
        for name in ("data", "tmp"):
            (place / name).mkdir(exist_ok=True)
        (place / "more.txt").write_text("\n".join(f"one more {number}" for number in range(300)))
        rows = [{"prompt": f"p{number}", "chosen": "c", "rejected": "r"} for number in range(100)]
        (place / "pairs.jsonl").write_text("\n".join(map(json.dumps, rows)))
        (place / "texts.jsonl").write_text('{"prompt": "a", "completion": "b"}\n' * 6)
        assert ended(child(place, operation.prepare)) == 0, place.with_suffix(".log").read_text()
        return place

    def _trained(self) -> Path:
        """The seeds with a tiny model, a reward model (job 4) and a policy (job 5)."""
        if self.trained is None:
            self.trained = self.work / "trained"
            shutil.copytree(seeds(), self.trained)
            for config in (REWARD, POLICY):
                operation = job(config)
                for act in (operation.prepare, operation.act):
                    assert ended(child(self.trained, act)) == 0, self.trained.with_suffix(".log").read_text()
        return self.trained

    def once(self, name: str, operation: Operation) -> tuple[Any, float]:
        if name not in self.whole:
            place = self.place(operation)
            began = time.monotonic()
            assert ended(child(place, operation.act)) == 0, f"{name}: {place.with_suffix('.log').read_text()}"
            self.whole[name] = state(place), time.monotonic() - began
            shutil.rmtree(place.parent)
        return self.whole[name]

    def die(self, name: str, operation: Operation, place: Path, seconds: float) -> str:
        """At a call that is drawn, or at a moment, which may lie within SQLite or torch; returns which."""
        if name in OPERATIONS and self.chance.random() < 0.5:
            if name not in self.calls:
                other = self.place(operation)
                self.calls[name] = kills.count(partial(within, other, operation.act))
                shutil.rmtree(other.parent)
            at = self.chance.randint(1, self.calls[name])
            self.killed += kills.killed(partial(within, place, operation.act), at)
            return f"call {at} of {self.calls[name]}"
        wait = self.chance.uniform(0, seconds)
        pid = child(place, operation.act)
        time.sleep(wait)
        os.kill(pid, signal.SIGKILL)
        self.killed += ended(pid) == -signal.SIGKILL
        return f"{wait:.3f} of {seconds:.3f} s"

    def kill(self, name: str, operation: Operation) -> None:
        expected, seconds = self.once(name, operation)
        place = self.place(operation)
        before = kept_rankings(place)
        where = self.die(name, operation, place, seconds)
        try:
            check_whole(place)
            assert before <= kept_rankings(place), "rankings are lost"
            assert ended(child(place, partial(again, operation))) == 0, place.with_suffix(".log").read_text()[-1500:]
            check_whole(place)
            found = state(place)
            assert found == expected, differences(expected, found)
        except (AssertionError, sqlite3.Error) as error:
            self.failures.append(f"{name}, killed at {where}: {error}")
        else:
            shutil.rmtree(place.parent)


def differences(expected: dict[str, Any], found: dict[str, Any]) -> str:
    parts = []
    for name in sorted({*expected, *found}):
        first, second = expected.get(name), found.get(name)
        if first != second:
            if isinstance(first, dict) and isinstance(second, dict):
                tables = [table for table in TABLES if first[table] != second[table]]
                parts.append(f"{name}: rows of {tables} differ")
            elif isinstance(first, list) and isinstance(second, list):
                more, less = Counter(second) - Counter(first), Counter(first) - Counter(second)
                parts.append(f"left behind {sorted(more.elements())}, missing {sorted(less.elements())}")
            else:
                parts.append(f"{name} differs")
    return "; ".join(parts)


def drawn(chance: random.Random, count: int, names: list[str]) -> Iterator[tuple[str, Operation]]:
    """Every operation in turn; where there are many kills, each kind of job in turn for half of them."""
    names = names or [*OPERATIONS]
    chance.shuffle(names)
    share = count // 2 if count >= MANY and set(names) == set(OPERATIONS) else 0
    chosen = [*_in_turn(names, count - share), *_in_turn([*JOBS], share)]
    yield from ((name, {**OPERATIONS, **JOBS}[name]) for name in chosen)


def _in_turn(names: list[str], count: int) -> list[str]:
    return [names[number % len(names)] for number in range(count)]


def main() -> None:
    count, work, seed = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    os.environ |= {"PLUMBLINE_DTYPE": "float32", "PLUMBLINE_DEVICE": "cpu", "HF_HUB_OFFLINE": "1"}
    killer = Killer(work, seed)
    chosen = list(drawn(killer.chance, count, sys.argv[4:]))
    prepare_seeds(any(name in JOBS for name, _ in chosen))
    for name, operation in chosen:
        killer.kill(name, operation)
    print(json.dumps({"kills": count, "killed": killer.killed, "seed": seed, "failures": killer.failures}))


def prepare_seeds(with_model: bool) -> None:
    """Add to the seeds a pack with new rankings, and a model."""
    folder = seeds()
    pack = folder / "elsewhere"
    run("unpack", folder / "seed.plumbpack", pack)
    with closing(open_project(pack)) as project:
        rank_some(project, "cleo")
    run("pack", pack, folder / "ranked.plumbpack", "--labeler", "cleo")
    shutil.rmtree(pack)
    with closing(open_project(folder / "project")) as project:
        prompts.add(project, [Prompt(0, "nobody ranked it")])
        newest = prompts.newest_id(project) or 0
        completions.add_group(project, newest, [NewCompletion(text, 1, True, 0) for text in ("a", "b")])
    if with_model:
        import core.models.load
        import core.reward.train_job
        import core.rl.train_job  # noqa: F401  children find them imported

        model = make_tiny_model(folder.parent / f"{folder.name}-model")
        run("model", folder / "project", model)


if __name__ == "__main__":
    main()
