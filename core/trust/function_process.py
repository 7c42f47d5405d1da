"""`python -m core.trust.function_process`: runs one function that a person allowed, in a process that may die of it.

The first line of its input names the code, each further one holds prompts and completions; each line of its output
answers one. What the function prints goes nowhere. It ends with its input, also in the middle of a call.
"""

import hashlib
import importlib
import inspect
import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_loader
from itertools import islice
from operator import index
from pathlib import Path
from types import ModuleType
from typing import Any, TextIO

from core.errors import first_line

#: Of what a function may give: in float32 the sum of many squares of it is still a number.
LARGEST = 1e15
#: Letters of what a function gave or raised.
SHOWN = 80
#: The parameter that tells a function of lists from one of a single completion. The name, and `prompts` beside it, are
#: those of TRL's reward functions.
LISTS = "completions"

Function = Callable[..., Any]


def loaded(code: Mapping[str, str]) -> Function:
    """The function of a `file`, or of the `module` that lies there, if that still has the hash of what was allowed.
    Raises whatever the code does."""
    file = Path(code["file"])
    module = _module(code["module"], file, code["digest"]) if code["module"] else _file(file, code["digest"])
    found: Function = getattr(module, code["function"])
    return found


def _module(name: str, file: Path, digest: str) -> ModuleType:
    """The module as it was allowed, even if the packages above it import it as it is by now."""
    spec = find_spec(name)  # imports the packages above it
    if spec is None or file.suffix != ".py":  # made of a language that is not read as text
        return importlib.import_module(name)
    return _executed(module_from_spec(spec), file, digest)


def _file(file: Path, digest: str) -> ModuleType:
    loader = SourceFileLoader(f"plumbline_gold_{file.stem}", str(file))
    spec = spec_from_loader(loader.name, loader) or ModuleSpec(loader.name, loader)
    return _executed(module_from_spec(spec), file, digest)


def _executed(module: ModuleType, file: Path, digest: str) -> ModuleType:
    """Run the very bytes that were allowed."""
    source = file.read_bytes()
    if hashlib.sha256(source).hexdigest() != digest:
        raise ImportError("it changed just now")
    sys.modules[module.__name__] = module
    exec(SourceFileLoader(module.__name__, str(file)).source_to_code(source, str(file)), vars(module))
    return module


def takes_lists(function: Function) -> bool:
    """Has it a parameter `completions`?"""
    try:
        return LISTS in inspect.signature(function).parameters
    except (TypeError, ValueError):  # made of another language
        return False


def answer(function: Function, prompts: Sequence[str], completions: Sequence[str]) -> dict[str, Any]:
    """Of each completion a number or the rewards of its steps, or why there is none; or why there is none of any."""
    try:
        found = _of_lists(function, prompts, completions) if takes_lists(function) else _of_each(
            function, prompts, completions
        )  # fmt: skip
    except BaseException as error:  # a function may call `sys.exit`
        return {"lost": f"raised {_said(error)}"}
    if isinstance(found, str):
        return {"lost": found}
    return {"values": [_value(value, text) for value, text in zip(found, completions, strict=True)]}


def _of_each(function: Function, prompts: Sequence[str], completions: Sequence[str]) -> list[Any]:
    return [function(*pair) for pair in zip(prompts, completions, strict=True)]


def _of_lists(function: Function, prompts: Sequence[str], completions: Sequence[str]) -> list[Any] | str:
    """Its list, or what is wrong with it."""
    parameters = inspect.signature(function).parameters
    rest = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    given = {"prompts": list(prompts)} if rest or "prompts" in parameters else {}
    found = function(**given, **{LISTS: list(completions)})
    if not isinstance(found, Iterable) or isinstance(found, str | bytes | Mapping):
        return f"gave {_shown(found)}, which is no list"
    values = list(found)
    if len(values) != len(completions):
        return f"gave {len(values)} numbers for {len(completions)} completions"
    return values


def _value(value: Any, completion: str) -> float | str | list[tuple[int, float]]:
    """A number, or the `(end, reward)` pairs of a completion's steps; or what is wrong with it."""
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable) or _is_number(value):
        return _number(value)
    try:
        pairs = [tuple(islice(pair, 3)) for pair in islice(value, len(completion) + 1)]
    except BaseException:
        return f"gave {_shown(value)}, which is neither a number nor pairs of an end and a reward"
    if len(pairs) > len(completion):
        return f"gave more rewards than the {len(completion)} characters of its completion"
    steps = []
    for pair in pairs:
        if len(pair) != 2:
            return f"gave {_shown(pair)}, which is no pair of an end and a reward"
        end, reward = _end(pair[0], len(completion)), _number(pair[1])
        if isinstance(end, str) or isinstance(reward, str):
            return end if isinstance(end, str) else str(reward)
        steps.append((end, reward))
    total = _number(sum(reward for _, reward in steps))
    return total if isinstance(total, str) else steps


def _is_number(value: Any) -> bool:
    """Is it an array of one number, which has an iterator, too?"""
    try:
        float(value)
    except BaseException:
        return False
    return True


def _end(value: Any, length: int) -> int | str:
    """How many characters of a completion of so many there are up to where a step ends, or what is wrong with it."""
    try:
        end = index(value)
    except BaseException:
        return f"gave {_shown(value)} as the end of a step, which is no number of characters"
    return end if 0 < end <= length else f"gave {_shown(end)} as the end of a step, and not one from 1 to {length}"


def _number(value: Any) -> float | str:
    """As a number that can be learnt from, or what is wrong with it."""
    try:
        number = float(value)
    except BaseException:
        return f"gave {_shown(value)}, which is no number"
    return number if abs(number) <= LARGEST else f"gave {number:g}, and not a number from {-LARGEST:g} to {LARGEST:g}"


def _shown(value: Any) -> str:
    try:
        return repr(value)[:SHOWN]
    except BaseException:
        return f"a {type(value).__name__}"


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {first_line(error)}"[: 2 * SHOWN]


def _apart() -> tuple[TextIO, TextIO]:
    """Questions and answers in files of their own, so that no `print` and no `input` of the function meets them."""
    questions = os.fdopen(os.dup(0), encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    return questions, answers


def main() -> None:
    questions, answers = _apart()
    waiting = queue.SimpleQueue[str]()

    def read() -> None:
        for line in questions:
            waiting.put(line)
        os._exit(0)  # whoever asks is gone

    def say(what: object) -> None:
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    threading.Thread(target=read, daemon=True).start()
    code = json.loads(waiting.get())
    sys.path[:] = code["path"]
    with suppress(OSError):
        os.chdir(code["cwd"])
    try:
        function = loaded(code)
    except BaseException as error:
        say({"error": _said(error)})
        return
    say({"takes_lists": takes_lists(function)})
    while True:
        asked = json.loads(waiting.get())
        say(answer(function, asked["prompts"], asked["completions"]))


if __name__ == "__main__":
    main()
