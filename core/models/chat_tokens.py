"""The one place where text becomes tokens: prompts in the model's chat template, answers with the end behind them."""

import math
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from core.config.chat import Chat
from core.conversation import Conversation
from core.errors import BadInput, ModelError
from core.models.chat_text import THINK, ChatText, Rendered
from core.models.control_tokens import ControlTokens
from core.models.fitting import Fitted, fitted
from core.models.notices import Notices
from core.models.template_choice import PLAIN_STOPS

#: Prompts whose ids are remembered.
REMEMBERED = 4096
#: Characters of a text that a tokenizer is given at once: it takes some 150 bytes for each.
PIECE = 1 << 17
THINKS = "<think>"


def ends_of(configured: Any, own: int | None, vocabulary: int) -> tuple[int, ...]:
    """Whatever a model's generation config ends at and can say. Raises `ModelError` where the tokenizer's `own` end is
    no token of the model."""
    ids = [item for item in (configured if isinstance(configured, list) else [configured]) if item is not None]
    known = range(vocabulary)
    if (own is not None and own not in known) or not all(isinstance(item, int) for item in ids):
        raise ModelError("The model ends its answers at a token that it does not have: choose another model.")
    return tuple(int(item) for item in ids if item in known)


def pieces(text: str) -> Iterator[str]:
    """Parts of a long text, each up to the end of a line where there is one."""
    start = 0
    while start < len(text):
        end = start + PIECE
        if end < len(text):
            end = text.rfind("\n", start, end) + 1 or end
        yield text[start:end]
        start = end


class ChatTokens:
    """A tokenizer with the template and the choices of a project. Needs no weights."""

    def __init__(
        self, tokenizer: Any, title: str, settings: Chat, *, vocabulary: int, known_ends: Sequence[int] = ()
    ) -> None:
        """`known_ends` are the tokens at which the model is known to end. Raises `ModelError` for a template that does
        not work."""
        self.tokenizer, self.title, self.settings, self.vocabulary = tokenizer, title, settings, vocabulary
        self.known_ends = tuple(known_ends)
        self.text = ChatText(tokenizer, title, settings)
        before, between, last = self.text.around_answers()
        self.ends = self._ends(between, last)
        self.control = ControlTokens(tokenizer, self.text.source, self.ends, before + between + last)
        hello = self.text.of(Conversation.of_text("Hello"), self.control).text  # a broken template is told now
        self._thinks_already = THINKS in hello.rpartition(THINK)[2]
        self._known: OrderedDict[tuple[str, int], tuple[Fitted, tuple[str, ...]]] = OrderedDict()
        self.notices = Notices()
        self._keeps_letters = tokenizer.is_fast and tokenizer.backend_tokenizer.normalizer is None

    @property
    def stops(self) -> tuple[str, ...]:
        """Texts at which an answer ends."""
        return self.settings.stops or (PLAIN_STOPS if self.text.choice.plain else ())

    def _ends(self, between: str, last: str) -> tuple[int, ...]:
        """The end that the template writes after an answer, then all at which the model is known to end."""
        known = [end for end in (self.tokenizer.eos_token_id, *self.known_ends) if end is not None]
        added = {id for id, token in self.tokenizer.added_tokens_decoder.items() if token.content.strip()}
        controls = added | set(self.tokenizer.all_special_ids) | set(known)

        def written(text: str, among: Iterable[int]) -> list[int]:
            chosen = set(among)
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"] if text else []
            return [id for id in ids if id in chosen][:1]

        return tuple(dict.fromkeys((written(last, controls) or written(between, known)) + known))

    # --- prompts -----------------------------------------------------------------------------------------------

    def prompt(self, conversation: Conversation, longest: int = 0, answer: int = 0, name: int | None = None) -> Fitted:
        """A conversation up to where the answer begins: with `answer` tokens `longest` at most (0 is no limit).

        What is done to it is noticed under `name`, its number in the project. Raises `BadInput` for one that the
        template does not take.
        """
        room = longest - answer
        key = (conversation.key, room)
        if key not in self._known:
            rendered = self.rendered(conversation)
            whole = self.encoded(rendered)
            found = Fitted(whole)
            if longest and len(whole) > room:
                found = fitted(conversation, room, lambda part: self.encoded(self.rendered(part)), self.shortened)
            cut = f"{{was}} {found.note} to fit into {longest} tokens with the completions"
            notes = (*rendered.notes, *([cut] if found.note else []))
            self._known[key] = found, notes
            if len(self._known) > REMEMBERED:
                self._known.popitem(last=False)
        found, notes = self._known[key]
        for note in notes:
            self.notices.add(note, conversation.key, name)
        return found

    def rendered(self, conversation: Conversation, *, prompting: bool = True) -> Rendered:
        return self.text.of(conversation, self.control, prompting=prompting)

    def encoded(self, rendered: Rendered) -> list[int]:
        return self.checked(self.control.encode(rendered.text, rendered.marks))

    def shortened(self, text: str, tokens: int) -> str:
        """The text without so many tokens of its beginning."""
        if not self.tokenizer.is_fast:
            ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
            return self.decoded(ids[tokens:], skip=False).lstrip("\ufffd")
        places = self.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
        return text[places[tokens][0] :] if tokens < len(places) else ""

    def check_room(self, max_new_tokens: int, context: int) -> None:
        """Raise `BadInput` where an answer of so many tokens, with its end, leaves less than the template needs."""
        least = len(self.prompt(Conversation.of_text("x")).ids)
        if context - max_new_tokens - 1 < least:
            raise BadInput(
                f"{self.title} reads {context} tokens at most: with completions of {max_new_tokens} there is no room "
                f"for a prompt, which takes {least} without its text. Lower --max-new-tokens."
            )

    # --- answers -----------------------------------------------------------------------------------------------

    def answer(self, text: str) -> list[int]:
        """The tokens with the end behind them, at which the reward is read."""
        return [*self.checked(self.control.encode_answer(text)), self.ends[0]]

    def most_tokens(self, text: str) -> float:
        """How many tokens an answer has at most: one for each byte in UTF-8, with one before them and the end. Infinite
        for letters of which the tokenizer makes others, and where a control token's text is among them."""
        if not self.control.is_plain(text) or not (text.isascii() or self._keeps_letters):
            return math.inf
        return len(text.encode()) + 2

    def running_text(self, text: str) -> list[int]:
        """The tokens of a text that is no turn, behind what the tokenizer begins every text with; nothing ends it."""
        plain: list[int] = self.tokenizer("a", add_special_tokens=False)["input_ids"]
        usual: list[int] = self.tokenizer("a")["input_ids"]
        places = (place for place in range(len(usual)) if usual[place : place + len(plain)] == plain)
        ids = usual[: next(places, 0)]
        for piece in pieces(text):
            ids += self.control.encode_text(piece)
        return self.checked(ids)

    def judged(self, text: str) -> str:
        """What of an answer is judged: not what the model thought before, where the project chose so."""
        if self.settings.reasoning == "judged":
            return text
        _, thought, answer = text.rpartition(THINK)
        if thought:
            return answer.lstrip("\n")
        return "" if self._thinks_already or text.lstrip().startswith(THINKS) else text

    def decoded(self, ids: Sequence[int], *, skip: bool = True) -> str:
        """The text of tokens, to the letter; without the special ones to `skip`."""
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=skip, clean_up_tokenization_spaces=False))

    def stopped(self, text: str) -> str:
        """The text up to where it holds one of the texts at which an answer ends."""
        return text[: min((place for stop in self.stops if (place := text.find(stop)) >= 0), default=len(text))]

    def stops_at(self, ids: Sequence[int]) -> bool:
        """Does the end of these tokens hold one of the texts at which an answer ends?"""
        most = max(map(len, self.stops))
        return self.stopped(text := self.decoded(ids[-4 * most - 8 :])) != text

    def checked(self, ids: list[int]) -> list[int]:
        """Raises `ModelError` where the tokenizer knows tokens that the model does not."""
        if max(ids, default=0) >= self.vocabulary:
            raise ModelError(f"The tokenizer of {self.title} is another model's: choose another model.")
        return ids
