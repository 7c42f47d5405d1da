"""The Modelfile beside a GGUF, by which Ollama asks the model as it was tuned.

Ollama has templates of its own, in Go's language: of the one within a GGUF it only looks for the nearest of some that
it knows, and where none is near it gives a model the bare text. So the template is written here, where it can be: found
by trying conversations, and tried on others.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from core.conversation import Conversation, Message
from core.errors import BadInput, ModelError
from core.models.chat_text import ChatText
from core.models.chat_tokens import ChatTokens
from core.models.gguf.writing import MORE_ENDS, begins, ordered_ends

HEAD = "# Made by Plumbline. In this folder: ollama create NAME -f Modelfile\nFROM ./{file}\n"
NO_TEMPLATE = (
    "# No TEMPLATE: what this model's chat template does cannot be said in Ollama's language. Ollama takes the\n"
    "# nearest of those that it knows, if any is near.\n"
)
NO_TEXT = "# {what} has signs that no Modelfile can hold: give it when you ask.\n"
#: One after the other in a conversation; none is a part of another or of what templates write.
WORDS = tuple(f"qzx{i}xzq" for i in range(6))
#: What ends a text in a Modelfile, and what begins and ends a command in a template.
QUOTES, BRACES = '"""', ("{{", "}}")
Turns = tuple[Message, ...]
Rendering = Callable[[Turns], str]


@dataclass(frozen=True)
class Pieces:
    """What stands around the turns: `first` before a question without a system turn, `system` before one, `ruled`
    between it and the question; `answer` between a question and its answer, `next` between that and the question
    after; `open` behind the last question."""

    first: str
    system: str
    ruled: str
    answer: str
    next: str
    open: str

    def said(self, turns: Turns) -> str:
        """What the template in Go's language makes of these turns."""
        text = ""
        for place, turn in enumerate(turns):
            if turn.role == "system":
                text += self.system + turn.content + self.ruled
            elif turn.role == "assistant":
                text += self.answer + turn.content
            else:
                ruled = place == 1 and turns[0].role == "system"
                text += (self.first if not place else "" if ruled else self.next) + turn.content
                text += self.open if turn is turns[-1] else ""
        return text

    @property
    def source(self) -> str:
        return (
            '{{ range $i, $m := .Messages }}{{ if eq $m.Role "system" }}' + self.system + "{{ $m.Content }}"
            + self.ruled + '{{ else if eq $m.Role "assistant" }}' + self.answer + "{{ $m.Content }}{{ else }}"
            + "{{ if eq $i 0 }}" + self.first + "{{ else if and (eq $i 1) $.System }}{{ else }}" + self.next
            + "{{ end }}{{ $m.Content }}{{ if eq (len (slice $.Messages $i)) 1 }}" + self.open
            + "{{ end }}{{ end }}{{ end }}"
        )  # fmt: skip


def text(chat: ChatTokens, file: str) -> str:
    """The whole Modelfile for the GGUF `file` beside it."""
    found = pieces(chat)
    made = HEAD.format(file=file)
    made += NO_TEMPLATE if found is None else f'TEMPLATE """{found.source}"""\n'
    if system := chat.settings.system_prompt:
        made += f'SYSTEM """{system}"""\n' if _can_be_held(system) else NO_TEXT.format(what="The system prompt")
    more = ordered_ends(chat)[1 + len(MORE_ENDS) :]
    for stop in (*chat.stops, *(chat.tokenizer.convert_ids_to_tokens(end) for end in more)):
        made += f'PARAMETER stop """{stop}"""\n' if _can_be_held(stop) else NO_TEXT.format(what="A stop")
    return made


def _can_be_held(text: str) -> bool:
    """Ollama drops what is no printable sign, and a text ends at three quotes."""
    return QUOTES not in text and all(sign.isprintable() or sign in "\n\t" for sign in text)


def pieces(chat: ChatTokens) -> Pieces | None:
    """What the template writes around turns; None where that is not all that it does, or cannot be written."""
    bare = ChatText(chat.tokenizer, chat.title, replace(chat.settings, system_prompt=""))
    begin = str(chat.tokenizer.bos_token) if begins(chat) else ""  # whoever reads the GGUF writes it

    def rendered(turns: Turns) -> str:
        found = bare.of(Conversation(turns), chat.control)
        return found.marks.without(found.text).removeprefix(begin)

    try:
        return _found(rendered)
    except (BadInput, ModelError):
        return None


def _found(rendered: Rendering) -> Pieces | None:
    one, two, rule, answer, other, last = WORDS
    system, first, second, third = Message("system", rule), *(Message("user", word) for word in (one, two, last))
    said, again = Message("assistant", answer), Message("assistant", other)
    talk = _around(rendered((first, said, second)), (one, answer, two))
    ruled = _around(rendered((system, first)), (rule, one))
    if talk is None or ruled is None:
        return None
    found = Pieces(talk[0], ruled[0], ruled[1], talk[1], talk[2], talk[3])
    tried = [
        (first,), (system, first), (first, said, second), (system, first, said, second),
        (first, said, second, again, third), (system, first, said, second, again, third),
    ]  # fmt: skip
    right = all(found.said(turns) == rendered(turns) for turns in tried)
    parts = "\n".join(vars(found).values())
    if not right or not _can_be_held(parts) or any(mark in parts for mark in BRACES):
        return None
    # Behind each of them stands a command, which would begin at a brace that is only text.
    return None if any(part.endswith(BRACES[0][0]) for part in vars(found).values()) else found


def _around(text: str, words: tuple[str, ...]) -> list[str] | None:
    """What stands before, between and behind the words, in their order."""
    parts = []
    for word in words:
        before, found, text = text.partition(word)
        if not found:
            return None
        parts.append(before)
    return [*parts, text]
