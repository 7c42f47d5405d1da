"""`python -m core.models.templates`: renders a model's chat template in a process that may die of it.

A template is a program, and a stranger's may loop, or build a text that no memory holds. The first line of the input is
the template, each further one a request; each answer is a line. Its own module, and without transformers, so that it
starts in a moment; the environment is that of `transformers.utils.chat_template_utils`, to the letter.
"""

import json
import sys
from datetime import datetime
from typing import Any

from jinja2 import Template, nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Namespace

from core.jobs.limits import limit_memory, limit_seconds

#: Of one request: seconds of computing, bytes of memory, characters of the answer beside some for each that was said.
SECONDS = 0.5
MEMORY = 800_000_000
LONGEST, LONGER = 200_000, 8


class Generation(Extension):
    """`{% generation %}` says which part the model writes: for those who train on it, nothing here."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> nodes.Node | list[nodes.Node]:
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.CallBlock(self.call_method("written"), [], [], body).set_lineno(line)

    def written(self, caller: Any) -> str:
        return str(caller())


class PlainDict:
    """`dict` without the doors that the type itself has."""

    def __call__(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict(*args, **kwargs)

    def fromkeys(self, *args: Any, **kwargs: Any) -> dict[Any, Any]:
        return dict.fromkeys(*args, **kwargs)


class PlainNamespace(Namespace):
    """`namespace` that takes no name of Python's insides."""

    def __init__(*args: Any, **kwargs: Any) -> None:
        self, values = args[0], dict(*args[1:], **kwargs)
        for name in values:
            refuse_private(name)
        Namespace.__init__(self, values)

    def __setitem__(self, name: str, value: Any) -> None:
        refuse_private(name)
        Namespace.__setitem__(self, name, value)


def refuse_private(name: Any) -> None:
    if isinstance(name, str) and name.startswith("_"):
        raise SecurityError(f"a template cannot store {name!r}")


def refuse(message: str) -> None:
    """What a template calls to say that it cannot render this."""
    raise TemplateError(message)


def to_json(
    x: Any, ensure_ascii: bool = False, indent: Any = None, separators: Any = None, sort_keys: bool = False
) -> str:
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


class Clock:
    """`strftime_now` of the day that a request names, so that a text is the same tomorrow; else of now."""

    def __init__(self) -> None:
        self.day = ""

    def __call__(self, form: str) -> str:
        return (datetime.fromisoformat(self.day) if self.day else datetime.now()).strftime(form)


clock = Clock()


def compiled(source: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
    )
    environment.filters["tojson"] = to_json
    environment.globals |= {
        "raise_exception": refuse,
        "strftime_now": clock,
        "dict": PlainDict(),
        "namespace": PlainNamespace,
    }
    return environment.from_string(source)


def answer(template: Template | None, request: Any) -> tuple[Template | None, dict[str, str]]:
    """The template from now on, and what is answered."""
    try:
        if template is None:
            return compiled(request), {"text": ""}
        clock.day = request.pop("date", "")
        text = template.render(**request)
        text.encode()  # halves of characters are no text
        said = sum(len(str(message.get("content") or "")) for message in request["messages"])
        return template, {"error": "its text is too long"} if len(text) > LONGEST + LONGER * said else {"text": text}
    except Exception as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        return template, {"error": why[:200].rstrip(".")}


def main() -> None:
    limit_memory(MEMORY)
    template = None
    for line in sys.stdin:
        limit_seconds(SECONDS)
        template, found = answer(template, json.loads(line))
        limit_seconds(0)
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
