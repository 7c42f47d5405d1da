"""A choice is documented once, at its field: `option` carries default, bounds and one sentence.

The CLI's help, the window's forms and the guide are made from these fields.
"""

import math
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields, is_dataclass
from functools import cache
from types import NoneType
from typing import Any, TypeVar, cast, get_args, get_origin, get_type_hints

from core.errors import BadInput

Config = TypeVar("Config")


def option(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    advanced: bool = False,
    zero: str = "",
    special: float = 0,
    title: str = "",
) -> Any:
    """A dataclass field with its documentation; `low` and `high` are inclusive, `zero` is what 0 means (or `special` in
    its place), or no text.

    `title` is what a form calls it, where its name would not tell (see `title_of`).
    """
    metadata = {"help": help, "low": low, "high": high, "choices": choices, "advanced": advanced, "zero": zero}
    return field(default=default, metadata=metadata | {"special": special, "title": title})


#: Words of field names as people write them.
WORDS = {
    "kl": "KL",
    "lora": "LoRA",
    "ppo": "PPO",
    "ptx": "PTX",
    "dpo": "DPO",
    "q": "Q",
    "cg": "CG",
    "gae": "GAE",
    "job": "run",
    "vf": "value",
    "coef": "coefficient",
    "lam": "lambda",
    "cliprange": "clip range",
    "eval": "evaluation",
}


def spelled(name: str) -> str:
    """`max_new_tokens` -> `Max new tokens`."""
    words = " ".join(WORDS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


def title_of(item: Field[Any]) -> str:
    """What a form calls a field: its own title, else its name in words."""
    return str(item.metadata["title"]) or spelled(item.name)


def flag_name(name: str) -> str:
    """`max_new_tokens` -> `--max-new-tokens`."""
    return "--" + name.replace("_", "-")


def documented(config: Any) -> list[Field[Any]]:
    """The fields of a config class (or instance) that a person may set."""
    return [item for item in fields(config) if "help" in item.metadata]


def check(config: Any) -> None:
    """Raise `BadInput` naming the first option that is out of its bounds."""
    for item in documented(config):
        value = getattr(config, item.name)
        low, high, choices = item.metadata["low"], item.metadata["high"], item.metadata["choices"]
        if choices and value not in choices:
            raise BadInput(f"{flag_name(item.name)} must be one of {', '.join(choices)}, not {value!r}.")
        if low is not None and not value >= low:  # also what is not a number
            raise BadInput(f"{flag_name(item.name)} must be at least {low:g}, not {value:g}.")
        if high is not None and not value <= high:
            raise BadInput(f"{flag_name(item.name)} must be at most {high:g}, not {value:g}.")


@dataclass(frozen=True)
class Settings:
    """A config class that refuses values out of bounds with `BadInput`."""

    def __post_init__(self) -> None:
        check(self)


def from_dict(kind: type[Config], values: dict[str, Any]) -> Config:
    """A config from stored JSON: unknown names are refused, missing ones take their default."""
    known = {item.name: item for item in fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise BadInput(f"Unknown option {flag_name(unknown[0])}: see --help for the ones there are.")
    cast = {}
    for name, value in values.items():
        default = known[name].default
        is_number = isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool)
        is_tuple = isinstance(value, list) and default is not MISSING
        cast[name] = float(value) if is_number else tuple(value) if is_tuple else value
    return kind(**cast)


def as_stored(kind: type[Config], values: Mapping[str, Any]) -> Config:
    """A dataclass (all of whose fields have defaults) from JSON that was written however long ago: unknown names are
    left out, missing ones take their default, and values need not be within today's bounds."""
    found: Any = kind()
    hints = _hints(found.__class__)
    for name in hints.keys() & values.keys():
        if values[name] is not None and not _is_endless(values[name]):
            object.__setattr__(found, name, _read(hints[name], values[name]))
    return cast(Config, found)


def changed_values(found: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not at their defaults, as JSON."""
    values, unset = asdict(found), type(found)()
    return {name: value for name, value in values.items() if getattr(found, name) != getattr(unset, name)}


@cache
def _hints(kind: Any) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {item.name: hints[item.name] for item in fields(kind)}


#: What JSON has for each plain kind.
KINDS: dict[Any, type | tuple[type, ...]] = {bool: bool, int: int, float: (int, float), str: str}


def _is_endless(value: Any) -> bool:
    """No number at all, or none that could be shown: it counts as not known."""
    return isinstance(value, float) and not math.isfinite(value)


def _read(kind: Any, value: Any) -> Any:
    """A value of JSON as a `kind`: a dataclass, a tuple or dict of such, or what it is already."""
    inner = get_args(kind)
    if NoneType in inner:
        return None if value is None else _read(next(each for each in inner if each is not NoneType), value)
    if (wanted := KINDS.get(kind)) is not None and not isinstance(value, wanted):
        raise TypeError(f"{value!r} is no {kind.__name__}")
    if isinstance(kind, type) and is_dataclass(kind):
        return as_stored(kind, value)
    if (many := get_origin(kind)) in (tuple, list):
        return many(_read(inner[0], item) for item in value)
    if many is dict:
        return {name: _read(inner[1], item) for name, item in value.items()}
    return float(value) if kind is float and isinstance(value, int) else value
