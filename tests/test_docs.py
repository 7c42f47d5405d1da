"""What the documents name is there: commands with their help and options, files, modules, settings, metrics, tests.

`python -m tests.test_docs` writes the README's table of commands anew from the commands' own help.
"""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from html import unescape
from pathlib import Path

import click
import pytest

from core.cli import cli
from core.config.metrics import METRICS
from core.markdown import sections, to_html
from desktop.guide.book import PAGES
from tests.benchmarks.__main__ import NAMES, parser

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "resources" / "guide"
README = ROOT / "README.md"
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    *sorted(GUIDE.glob("*.md")),
]
BLOCK = re.compile(r"^```.*?$(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`]+)`")
ROW = re.compile(r"^\| `([a-z-]+)` \| (.+) \|$", re.MULTILINE)
#: Options of other programs that a sentence speaks of by themselves.
FOREIGN = {"--multi_gpu"}
#: Names that a sentence uses to say where they would stand, or what is no longer there.
PLACEHOLDERS = re.compile(r"NAME|\*|<|…|\.\.\.")


def options_of(command: click.Command) -> set[str]:
    """Every option of a command, and those that all of them have; of a group those of all its commands."""
    if isinstance(command, click.Group):
        return set().union(*map(options_of, command.commands.values()))
    own = {name for item in command.params for name in (*item.opts, *item.secondary_opts) if name.startswith("-")}
    members = command.commands.values() if isinstance(command, click.Group) else ()
    return own.union({"--help", "-h"}, *map(options_of, members))


COMMANDS = {name: options_of(command) for name, command in cli.commands.items()}
BENCHMARKS = set(re.findall(r"--[a-z-]+", parser().format_help()))
ANY = set().union(*COMMANDS.values(), BENCHMARKS, FOREIGN, {"--version"})


def code(text: str) -> Iterator[str]:
    """Each code span, and each line of a block of code."""
    for block in BLOCK.findall(text):
        yield from block.splitlines()
    for span in SPAN.findall(BLOCK.sub("", text)):
        yield " ".join(span.split())


def words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:  # an apostrophe in what a program printed
        return line.split()


def unknown(line: str) -> list[str]:
    """The commands, options, benchmarks, files and modules that a line of code names and that are not there."""
    found = [word for word in words(line) if not PLACEHOLDERS.search(word)]
    wrong = [*_unknown_calls(found), *(word for word in found if _is_a_missing_place(word))]
    if found and found[0] in COMMANDS and len(found) > 1:
        wrong += _unknown_options(found[1:], COMMANDS[found[0]])
    elif found and found[0].startswith("--"):
        wrong += _unknown_options(found, ANY)
    return wrong


def _unknown_calls(found: list[str]) -> Iterator[str]:
    """What is wrong in calls of the program or the benchmarks: `main.py COMMAND --option`, also after `accelerate`."""
    for place, word in enumerate(found[:-1]):
        name, rest = found[place + 1], found[place + 2 :]
        if (word, place == 0) in (("main.py", False), ("plumbline", True)):
            if re.fullmatch("[a-z][a-z-]+", name):
                yield from _unknown_options(rest, COMMANDS[name]) if name in COMMANDS else [name]
            else:
                yield from _unknown_options([name], {"--help", "--version"})
        elif word == "tests.benchmarks":
            yield from _unknown_options(rest, BENCHMARKS)
            yield from () if name in NAMES else [name]


def _unknown_options(found: list[str], known: set[str]) -> list[str]:
    return [word for word in found if re.match("--[a-z]", word) and word.partition("=")[0] not in known]


def _is_a_missing_place(word: str) -> bool:
    """Is it a path in the repository, a module or a file of tests, and not there?"""
    if re.fullmatch(r"(core|desktop|tests|resources|\.github|\.ci)/[\w./-]*", word):
        return not (ROOT / word).exists()
    if re.fullmatch(r"(core|desktop|tests)(\.[a-z_]+)+", word):
        path = ROOT / word.replace(".", "/")
        return not (path.is_dir() or path.with_suffix(".py").is_file() or path.parent.with_suffix(".py").is_file())
    return bool(re.fullmatch(r"test_\w+", word)) and not list((ROOT / "tests").rglob(f"{word}.py"))


def table() -> tuple[str, str, str]:
    """The README up to its table of commands, the rows of the table, and what follows."""
    before, head, rest = README.read_text(encoding="utf-8").partition("| command | what it does |\n| --- | --- |\n")
    rows, end, after = rest.partition("\n\n")
    return before + head, rows, end + after


def summary(name: str) -> str:
    """The first sentence of a command's help."""
    return cli.commands[name].get_short_help_str(limit=1000)


def test_the_readme_lists_every_command_by_the_first_sentence_of_its_help():
    assert "python -m pytest" in README.read_text(encoding="utf-8")
    found = dict(ROW.findall(table()[1]))
    assert found == {name: summary(name) for name in cli.commands}, "python -m tests.test_docs writes the table anew"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_names_is_there(path):
    text = path.read_text(encoding="utf-8")
    wrong = {line: names for line in code(text) if (names := unknown(line))}
    assert not wrong


def links(path: Path) -> list[str]:
    """Where the links and pictures of a page lead to, as the page has it; none of the web."""
    found = re.findall(r'(?:href|src)="([^"]+)"', to_html(path.read_text(encoding="utf-8"), trusted=True))
    return [unescape(link) for link in found if "://" not in link]


@cache
def anchors(path: Path) -> list[str]:
    return [section.anchor for section in sections(path.read_text(encoding="utf-8"))]


def dead(link: str, path: Path) -> bool:
    """Does a link in the page `path` lead to no file, or to no heading in it?"""
    place, _, heading = link.partition("#")
    page = (path.parent / place).resolve() if place else path
    return not page.exists() or (bool(heading) and (page.suffix != ".md" or heading not in anchors(page)))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings(path):
    assert [link for link in links(path) if dead(link, path)] == []


def test_a_dead_link_is_found():
    page = GUIDE / "loop.md"
    found = ("no.md", "no.png", "#no", "policy.md#no", "tune.png#no", "policy.md#the-frontier", "#to-show-others")
    assert [link for link in found if dead(link, page)] == list(found[:5])


def test_the_guide_links_to_its_own_pages_and_its_headings_are_named_alike_everywhere():
    """The window opens nothing else; MkDocs makes one hyphen of several, where GitHub and we do not."""
    for page in GUIDE.glob("*.md"):
        assert {Path(link.partition("#")[0]).name for link in links(page)} <= {
            each.name for each in GUIDE.iterdir()
        } | {""}
        found = anchors(page)
        assert len(set(found)) == len(found) and [name for name in found if "--" in name or name[-1] == "-"] == []


def test_every_page_of_the_guide_is_in_the_window_on_the_site_and_in_the_list():
    there = {path.stem for path in GUIDE.glob("*.md")}
    nav = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2].partition("\ntheme:")[0]
    assert list(PAGES) == re.findall(r"- (\w+)\.md", nav) and set(PAGES) == there
    assert {Path(link).stem for link in links(GUIDE / "index.md")} == there - {"index"}


def test_the_guide_names_metrics_that_there_are():
    """In the first two columns of its table of charts; the third holds TRL's."""
    text = (GUIDE / "policy.md").read_text(encoding="utf-8")
    columns = "\n".join(re.findall(r"^\| [^|]+\| [^|]+\|", text, re.MULTILINE))
    ours = re.findall(r"`((?:objective|policy|val|loss|completions)/\w+)`", columns)
    assert ours
    assert [metric for metric in ours if metric not in METRICS] == []


def test_environment_variables_are_read_somewhere():
    named = {name for path in DOCUMENTS for name in re.findall(r"PLUMBLINE_\w+", path.read_text(encoding="utf-8"))}
    modules = [path for part in ("core", "desktop", "tests") for path in (ROOT / part).rglob("*.py")]
    read = "".join(path.read_text(encoding="utf-8") for path in modules if path != Path(__file__))
    assert {name for name in named if name not in read} == set()


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("python main.py trainpolicy DIR", ["trainpolicy"]),
        ("plumbline rank DIR --ordr 2>1", ["--ordr"]),
        ("accelerate launch --multi_gpu main.py resume DIR RUN --detatch", ["--detatch"]),
        ("generate --policy RUN", ["--policy"]),
        ("--no-such-option", ["--no-such-option"]),
        ("python -m tests.benchmarks chart", ["chart"]),
        ("python -m tests.benchmarks charts --jsn", ["--jsn"]),
        ("core/rl/algorithm/", ["core/rl/algorithm/"]),
        ("core.rl.algorithm", ["core.rl.algorithm"]),
        ("test_nothing", ["test_nothing"]),
        ("python main.py sweep DIR --vary kl_coef=0.1 --algorithm rloo", []),
    ],
)
def test_a_wrong_name_is_found(line, names):
    assert unknown(line) == names


def write() -> None:
    """Write the README's table anew: rows keep their order, new commands come last, those that are gone go."""
    before, rows, after = table()
    order = [name for name, _ in ROW.findall(rows) if name in cli.commands]
    order += [name for name in cli.commands if name not in order]
    written = "\n".join(f"| `{name}` | {summary(name)} |" for name in order)
    README.write_text(before + written + after, encoding="utf-8")


if __name__ == "__main__":
    write()
