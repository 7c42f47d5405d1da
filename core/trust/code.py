"""The one place where code that a person or a project names is found and loaded: `file.py:function`, `module:function`.

Nothing of it is run before it was allowed, not even the packages that a module lies in.
"""

import hashlib
import importlib
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import find_spec, module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

from core.errors import BadInput, first_line
from core.store import Project
from core.trust import gate, places
from core.trust.wish import Wish

#: Packages of the program itself: nothing in them is a reward.
OURS = ("core", "desktop")
#: Letters of a function's name.
LONGEST = 100
#: Modules that were run here, with the hash of what they were then.
_loaded: dict[str, tuple[str, ModuleType]] = {}


def names_code(text: str) -> bool:
    """Is it the name of code, and not of a reward that is built in?"""
    return ":" in text and not text.startswith("regex:")


def wish_of(text: str) -> Wish:
    """The code that `text` names. A file is known by the words alone: nobody looks whether it is there before a person
    agreed. Raises `BadInput` for what names none, or never is a reward."""
    place, _, function = text.rpartition(":")
    if not place or not function:
        raise BadInput(f"{text!r:.200} names no function: write `module:function` or `path/to/file.py:function`.")
    if not function.isidentifier() or len(function) > LONGEST:
        raise BadInput(f"{function!r:.100} is no name of a function: write `path/to/file.py:function`.")
    try:
        file = places.spelled(place) if place.endswith(".py") else _origin(place)
        digest = "" if place.endswith(".py") else places.hash_of_code(file)
    except (OSError, ValueError, ImportError) as error:
        raise BadInput(f"The reward {text!r:.200} cannot be loaded: {first_line(error)}.") from error
    words = f"it runs the function {function!r} of {places.quoted(file)}"
    if place.endswith(".py"):
        places.check_spelling(file)
        return Wish("code", f"{file}:{function}", words, file=file)
    return Wish("code", text, f"{words} (module {place!r})", place, file, digest)


def check_module(name: str) -> None:
    """Raise `BadInput` for a module that never holds a reward: one of Python's own, or of the program."""
    if not all(part.isidentifier() for part in name.split(".")):
        raise BadInput(f"{name!r} is no name of a module.")
    top = name.split(".")[0]
    if top in sys.stdlib_module_names or top in sys.builtin_module_names or top in OURS:
        whose = "of Plumbline itself" if top in OURS else "of Python's standard library"
        raise BadInput(f"The module {name!r} is {whose} and holds no rewards: name a function of your own.")


def load(project: Project, text: str) -> Callable[[str, str], Any]:
    """The function that `text` names. Raises `BadInput` unless a person allowed it for this project, before any of it
    is run, and for what cannot be loaded."""
    wish = gate.granted(project, wish_of(text))
    try:
        module = _module(wish) if wish.module else _file(wish)
        found: Callable[[str, str], Any] = getattr(module, text.rpartition(":")[2])
    except Exception as error:
        raise BadInput(f"The reward {text!r} cannot be loaded ({_said(error)}).") from error
    return found


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {first_line(error)}"


def _module(wish: Wish) -> Any:
    """The module as it was allowed, even if it was imported before it changed."""
    kept = _loaded.get(wish.module)
    if kept is not None and kept[0] == wish.digest:
        return kept[1]
    spec = find_spec(wish.module)  # imports the packages above it
    assert wish.file is not None
    if spec is None or wish.file.suffix != ".py":  # made of a language that is not read as text
        return importlib.import_module(wish.module)
    before = sys.modules.get(wish.module)
    module = sys.modules[wish.module] = module_from_spec(spec)
    try:
        _execute(wish, module)
    except BaseException:
        sys.modules.pop(wish.module)
        if before is not None:
            sys.modules[wish.module] = before
        raise
    _loaded[wish.module] = wish.digest, module
    return module


def _file(wish: Wish) -> Any:
    assert wish.file is not None
    loader = SourceFileLoader(f"plumbline_gold_{wish.file.stem}", str(wish.file))
    module = module_from_spec(spec_from_loader(loader.name, loader) or ModuleSpec(loader.name, loader))
    _execute(wish, module)
    return module


def _execute(wish: Wish, module: ModuleType) -> None:
    """Run the very bytes that were allowed."""
    assert wish.file is not None
    source = wish.file.read_bytes()
    if hashlib.sha256(source).hexdigest() != wish.digest:
        raise ImportError("it changed just now")
    loader = SourceFileLoader(module.__name__, str(wish.file))
    exec(loader.source_to_code(source, str(wish.file)), vars(module))


def _origin(name: str) -> Path:
    """The file of a module, found without running the packages above it."""
    check_module(name)
    top, *below = name.split(".")
    spec, found = find_spec(top), top
    for part in below:
        found = f"{found}.{part}"
        spec = spec and PathFinder.find_spec(found, spec.submodule_search_locations or [])
    if spec is None or spec.origin is None or not spec.has_location:
        raise ImportError(f"there is no module {name!r}")
    return Path(spec.origin)
