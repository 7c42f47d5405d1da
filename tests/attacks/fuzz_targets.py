"""What is fuzzed: each target turns bytes into a hostile file and gives it to the program by the doors of a person.

Whatever the bytes are, a command ends with a sentence: never a traceback, never a hang over `PATIENCE` seconds, never
a file outside the sandbox's `inside`. Used by `test_fuzz` and by the script `tests.attacks.fuzz`.
"""

import contextlib
import gzip
import io
import itertools
import json
import os
import shutil
import signal
import sqlite3
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from core import cli, markdown
from core.config.jobs import GenerateConfig
from core.config.training import TrainPolicyConfig, TrainRewardConfig
from core.events import NewCompletion
from core.jobs import launch
from core.labeling import gold
from core.records import NewRanking, Prompt
from core.store import (
    DATABASE,
    Project,
    calibration,
    completions,
    create_project,
    guidelines,
    labelers,
    prompts,
    rankings,
)
from core.store.runs import checkpoints, job_log, job_metrics
from tests.core.data.test_fuzz_imports import EXAMPLES, SUFFIXES
from tests.jobs import add_job
from tests.pages import Filled

#: Seconds of the processor that a command may take: other programs may keep it waiting for longer.
PATIENCE = 5.0
KINDS = (*SUFFIXES, ".md")


class Failed(AssertionError):
    """What must never be: the message says what the program did."""


@dataclass(frozen=True)
class Sandbox:
    """`inside` is where the target may write; whatever changes beside it is a failure."""

    root: Path

    @property
    def inside(self) -> Path:
        return self.root / "inside"

    def make(self) -> "Sandbox":
        for name in ("inside", "beside", "home", "data"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / "beside" / "theirs.txt").write_text("somebody's work")
        return self

    def outside(self) -> dict[str, tuple[int, int]]:
        found = {}
        for base, folders, files in os.walk(self.root):
            if Path(base) == self.root:
                folders.remove("inside")
            for name in (*folders, *files):
                state = Path(base, name).lstat()
                found[str(Path(base, name))] = (state.st_size if name in files else 0, state.st_mtime_ns)
        return found

    def emptied(self) -> Path:
        shutil.rmtree(self.inside, ignore_errors=True)
        self.inside.mkdir()
        return self.inside


@contextlib.contextmanager
def limited(what: str) -> Iterator[None]:
    """Raises `Failed` in what takes too long; where no Python runs any more, once it has ended."""

    def hang(*_: object) -> None:
        raise Failed(f"{what} hangs")

    before = signal.signal(signal.SIGPROF, hang)
    signal.setitimer(signal.ITIMER_PROF, PATIENCE)
    began = time.process_time()
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    if (taken := time.process_time() - began) > PATIENCE:
        raise Failed(f"{what} took {taken:.1f} s")


def command(*words: object) -> str:
    """Run a command in this process, which starts no worker; what it printed. Raises `Failed` where it did not end with
    a sentence."""
    arguments, said = [str(word) for word in words], io.StringIO()
    line = " ".join(arguments)
    alone = mock.patch.object(launch, "ensure_worker")
    with alone, limited(line), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = cli.run(arguments)
        except Failed:
            raise
        except BaseException as error:
            raise Failed(f"`{line}` ended with a traceback: {type(error).__name__}: {error}") from error
    text = said.getvalue()
    if code not in (0, 1, 2, 130):
        raise Failed(f"`{line}` exits with {code}")
    if code and (not text.strip() or "Traceback" in text or "bug in Plumbline" in text):
        raise Failed(f"`{line}` says {text!r}")
    return text


# --- what is sound, and is then damaged ---------------------------------------------------------------------------


@cache
def seeds() -> Path:
    """A folder with a small project that has something in every table, an archive and a pack of it."""
    folder = Path(tempfile.mkdtemp(prefix="plumbline-fuzz-"))
    project = create_project(folder / "project", "Seed")
    guidelines.save(project, criteria="1. **Kind.** x", ties="Rarely.", flags="- unsafe: harms", examples="None.")
    prompts.add(project, [Prompt(0, f"question {i}?", ("tag",), "heldout" if i > 3 else "train") for i in range(5)])
    for prompt in prompts.listed(project):
        completions.add_group(project, prompt.id, [NewCompletion(text, 2, True, 0) for text in ("one", "two", "three")])
    for name in ("ada", "bob"):
        rank_some(project, name)
    gold.rank_all(project, "length")
    calibration.add(project, 1)
    _add_runs(project)
    project.close()
    command("archive", folder / "project", folder / "seed.plumbline.zip")
    command("pack", folder / "project", folder / "seed.plumbpack", "--labeler", "cleo")
    command("pack", folder / "project", folder / "seed.html", "--labeler", "cleo", "--html")
    page = Filled(folder / "seed.html")
    for number in range(1, 4):
        page.rank(number, "2>1=3")
    page.write(folder / "seed.json")
    return folder


def rank_some(project: Project, name: str) -> None:
    """Three groups by somebody who has not ranked them yet."""
    person = labelers.named(project, name)
    for group in (1, 2, 3):
        if not rankings.is_ranked(project, group, person.id):
            first, second, third = completions.ids(project, group)
            ranks = {first: 1, second: 2, third: None}
            rankings.add(project, NewRanking(group, person.id, ranks, comment="hm", seconds=2))


def _add_runs(project: Project) -> None:
    add_job(project, GenerateConfig(), status="stopped")
    reward = add_job(project, TrainRewardConfig(), status="done", result='{"adapter": "runs/2/step-000002"}')
    policy = add_job(project, TrainPolicyConfig(), status="done", result='{"adapter": "runs/3/step-000002"}')
    for job in (reward, policy):
        folder = project.run_folder(job.id) / "step-000002"
        folder.mkdir(parents=True)
        (folder / "adapter_config.json").write_text("{}")
        with project.write():
            checkpoints.add(project, job.id, 2, best=True)
            for step in (1, 2):
                job_metrics.add(project, job.id, step, {"objective/kl": 0.1 * step, "loss/policy": 1.0})
            job_log.add(project, job.id, "said something")
    project.set_setting("worker", {"pid": 1, "loaded": None})


def edited(seed: bytes, data: bytes) -> bytes:
    """`seed` with bytes flipped, cut, written over or put in, as `data` says."""
    if not data:
        return seed
    found, kind, rest = bytearray(seed), data[0] % 4, data[1:]
    places = [rest[start : start + 4] for start in range(0, len(rest), 4)]
    for place in places:
        offset = int.from_bytes(place[:3], "little") % max(len(found), 1)
        if kind == 0 and len(place) > 3 and found:
            found[offset] ^= place[3] or 0xFF
        elif kind == 1:
            del found[offset:]
            break
        elif kind == 2:
            found[offset : offset + 4] = rest[3:7]
            break
        elif kind == 3:
            found[offset:offset] = rest[3:]
            break
    return bytes(found)


# --- targets ------------------------------------------------------------------------------------------------------

Target = Callable[[bytes, Path], None]


def _project(inside: Path, database: bytes | None = None) -> Path:
    folder = inside / "project"
    shutil.copytree(seeds() / "project", folder)
    if database is not None:
        (folder / DATABASE).write_bytes(database)
    return folder


def imports(data: bytes, inside: Path) -> None:
    """A file of any of the formats: any bytes, or an example that is damaged."""
    project, kind = _project(inside), KINDS[(data[:1] or b"\0")[0] % len(KINDS)]
    which, rest = (data[1:2] or b"\0")[0], data[2:]
    content = rest if which % 4 == 0 else edited(_example(which, kind), rest)
    path = inside / f"given{kind}"
    path.write_bytes(gzip.compress(content, 1) if kind.endswith(".gz") and which % 3 else content)
    command("import", project, path)
    command("import", project, path, "--preferences")


def _example(which: int, kind: str) -> bytes:
    rows = [EXAMPLES[which % len(EXAMPLES)]] * 2
    if kind.startswith((".csv", ".tsv")):
        comma = "\t" if kind.startswith(".tsv") else ","
        cells = [list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)]
        return "\n".join(comma.join(map(str, row)) for row in cells).encode()
    return (
        json.dumps(rows) if kind.startswith(".json") and "l" not in kind[5:6] else "\n".join(map(json.dumps, rows))
    ).encode()


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return '"' + text.replace('"', '""') + '"'


def archive(data: bytes, inside: Path) -> None:
    """An archive with damaged bytes, or a sound one around a damaged project."""
    source, path = seeds() / "seed.plumbline.zip", inside / "a.plumbline.zip"
    if data[:1] < b"\x80":
        path.write_bytes(edited(source.read_bytes(), data[1:]))
    else:
        _packed(source, path, data[1:])
    command("restore", path, inside / "restored")
    if (inside / "restored").exists():
        read_all(inside / "restored", data, SOME)


def _packed(source: Path, path: Path, data: bytes) -> None:
    with zipfile.ZipFile(source) as sound, zipfile.ZipFile(path, "w") as made:
        for entry in sound.infolist():
            content = sound.read(entry)
            name = entry.filename
            if name == DATABASE:
                content = edited(content, data)
            elif data[:1] > b"\xf0":  # zipfile cuts it at a NUL, and makes none without a name
                name = data[1:].partition(b"\0")[0].decode(errors="replace") or "."
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of a name that is there already
                made.writestr(
                    name if name.partition("\0")[0] else "-", content
                )  # zipfile itself makes none without a name


def pack(data: bytes, inside: Path) -> None:
    """A damaged pack: merged into the project that it was made from, and unpacked."""
    path = inside / "a.plumbpack"
    path.write_bytes(edited((seeds() / "seed.plumbpack").read_bytes(), data[1:]))
    command("merge", _project(inside), path)
    command("unpack", path, inside / "unpacked")
    if (inside / "unpacked" / DATABASE).exists():
        read_all(inside / "unpacked", data, SOME)
        command("merge", inside / "project", inside / "unpacked")


def answers(data: bytes, inside: Path) -> None:
    """The answers of a page with damaged bytes, or with something odd in place of one of its values."""
    path, sound = inside / "a.json", (seeds() / "seed.json").read_bytes()
    path.write_bytes(edited(sound, data[1:]) if data[:1] < b"\x80" else _odd_answers(json.loads(sound), data[1:]))
    project = _project(inside)
    command("merge", project, path)
    command("agreement", project)


def _odd_answers(found: Any, data: bytes) -> bytes:
    """Each byte is a step to a value within, and the last one what is put there."""
    *steps, last = data or b"\0"
    place, key = {"": found}, ""
    for step in steps:
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner:
            break
        place, key = inner, list(inner)[step % len(inner)] if isinstance(inner, dict) else step % len(inner)
    odd = ODD[last % len(ODD)]
    place[key] = odd.decode("latin-1") if isinstance(odd, bytes) else odd
    return json.dumps(found).encode()


def texts(data: bytes, inside: Path) -> None:
    """Guidelines, as a file and as what is shown of it."""
    path, project = inside / "g.md", _project(inside)
    path.write_bytes(data)
    for options in (("--file", path), ("--check",)):
        command("guidelines", project, *options)
    text = data.decode(errors="replace")
    with limited("Markdown"):
        for links, trusted in itertools.product((False, True), repeat=2):
            markdown.to_html(text, links=links, trusted=trusted, heading="h4")


def project(data: bytes, inside: Path) -> None:
    """The project's file with bytes flipped, or cut short."""
    sound = (seeds() / "project" / DATABASE).read_bytes()
    read_all(_project(inside, edited(sound, data[1:])), data, SOME)


ODD: tuple[Any, ...] = (
    None, "", " ", "x", "{", "[]", "{}", "null", "1e999", "[1,", '{"a": 1}', "\x1b[31m", "../../x", "/etc/passwd",
    b"\xff\xfe", b"", -1, 0, 2**63 - 1, -(2**63), 1.5, float("inf"), b"\xed\xa0\x80", "[" * 2000, "9" * 5000,
)  # fmt: skip


def rows(data: bytes, inside: Path) -> None:
    """A project in which some cells hold what Plumbline never wrote."""
    folder, numbers = _project(inside), [*data, 0, 0, 0, 0]
    with contextlib.closing(sqlite3.connect(folder / DATABASE, isolation_level=None)) as connection:
        connection.execute("pragma ignore_check_constraints = on")
        tables = [
            name for (name,) in connection.execute("select name from sqlite_master where type = 'table' order by 1")
        ]
        for start in range(1, min(len(data), 9), 4):
            table = tables[numbers[start] % len(tables)]
            columns = [name for (name,) in connection.execute("select name from pragma_table_info(?)", (table,))]
            column, value = columns[numbers[start + 1] % len(columns)], ODD[numbers[start + 2] % len(ODD)]
            which = "" if numbers[start + 3] % 2 else "where rowid = (select min(rowid) from {table})"
            with contextlib.suppress(sqlite3.Error):
                connection.execute(f'update "{table}" set "{column}" = ? {which.format(table=table)}', (value,))
    read_all(folder, data, SOME)


#: Commands and what follows the project's folder; a path lies beside the project.
READING: tuple[tuple[object, ...], ...] = (
    ("pairs",), ("prompts",), ("prompts", "--search", "q"), ("guidelines",), ("guidelines", "--history"),
    ("guidelines", "--check"), ("model",), ("jobs",), ("runs",), ("rounds",), ("agreement",), ("bias",), ("conflicts",),
    ("report",), ("report", "--out", Path("report.html")), ("experiment", "--out", Path("page.html")),
    ("export", Path("out.jsonl")), ("export", Path("out.csv"), "--format", "csv"),
    ("export", Path("out.json"), "--format", "argilla"), ("export", Path("trl.jsonl"), "--format", "trl"),
    ("export", Path("ls.json"), "--format", "label-studio"), ("archive", Path("copy.plumbline.zip")),
    ("duplicate", Path("copy")), ("pack", Path("p.plumbpack"), "--labeler", "dora"),
    ("export-metrics", 3, Path("metrics.csv")), ("assign", "--labeler", "ada"), ("rank", "--order", "2>1"),
    ("rank", "--scripted", "length"), ("simulate",), ("prompts", "--add", "new"), ("prompts", "--heldout", "0.5"),
    ("conflicts", "--take", "ours", "--id", 1), ("steer", 3, "kl_coef", "0.1"), ("stop", 1), ("resume", 1, "--detach"),
    ("compare", "--detach"), ("train-policy", "--detach"), ("train-reward", "--detach"), ("generate", "--detach"),
    ("suggest", "--detach"), ("score", "--prompt", "a", "--completion", "b", "--detach"), ("remove-run", 3),
    ("put-back-run", 3), ("explain", 3), ("explain", 3, 1), ("explain", "--ranking", 1), ("verify", 3, "--detach"),
    ("judge", "--by", "gold:length", "--waiting", "--detach"),
)  # fmt: skip
#: Of which nothing is printed as JSON.
PLAIN = ("steer", "stop")


#: Commands that each hostile project gets.
SOME = 6


def read_all(folder: Path, data: bytes, count: int = len(READING)) -> None:
    """Commands that read or change a project, beginning with one that the bytes choose."""
    first = (data[:1] or b"\0")[0]
    for number in range(count):
        name, *words = READING[(first + 7 * number) % len(READING)]
        made = [folder.parent / word if isinstance(word, Path) else word for word in words]
        command(name, folder, *made, *["--json"] * (name not in PLAIN and first % 2))


TARGETS: dict[str, Target] = {
    "imports": imports, "archive": archive, "pack": pack, "answers": answers, "texts": texts,
    "project": project, "rows": rows,
}  # fmt: skip


def try_one(name: str, data: bytes, sandbox: Sandbox) -> None:
    """Give `data` to a target. Raises `Failed`."""
    inside, before, where = sandbox.emptied(), sandbox.outside(), Path.cwd()
    os.chdir(inside)
    try:
        TARGETS[name](data, inside)
    finally:
        os.chdir(where)
    changed = {path for path, _ in set(before.items()) ^ set(sandbox.outside().items()) if "/data" not in path}
    if changed:
        raise Failed(f"outside of the project: {sorted(changed)}")
