"""The one place where code that a person or a project names is found: `file.py:function`, `module:function`.

Nothing of it is run here, not even the packages that a module lies in: `core.trust.function_process` does that, once it
was allowed.
"""

import sys
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

from core.errors import BadInput, first_line
from core.trust import places
from core.trust.wish import Wish

#: Packages of the program itself: nothing in them is a reward.
OURS = ("core", "desktop")
#: Letters of a function's name.
LONGEST = 100


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
