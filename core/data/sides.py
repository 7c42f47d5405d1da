"""The two sides of a pair: what both answer, and what each says."""

from typing import Any

from core.conversation import Conversation, Message
from core.data import dialogue, fields
from core.data.rows import DIFFERENT, EMPTY, Unusable


def of(value: dict[str, Any], chosen: Any, rejected: Any) -> tuple[Conversation, str, str]:
    """The question and the two answers. Sides that hold the whole dialogue say themselves what was asked: then the
    `prompt` beside them, which may be its first question only, need but belong to it. Raises `Unusable`."""
    prompt = fields.first(value, fields.PROMPTS)
    left, right = chosen, rejected
    if dialogue.is_encoded(left) and dialogue.is_encoded(right):
        left, right = dialogue.decoded(left), dialogue.decoded(right)
        value = {**value, "prompt": dialogue.decoded(prompt)}
    if not isinstance(left, (list, dict)) or not isinstance(right, (list, dict)):
        if prompt is None:
            raise Unusable("it has no `prompt` of its own")
        return fields.asked(value), dialogue.answer(left), dialogue.answer(right)
    one = dialogue.messages(left)
    same = isinstance(left, list) and isinstance(right, list) and left[:-1] == right[:-1] and len(right) > 0
    other = (*one[:-1], dialogue.message(right[-1])) if same else dialogue.messages(right)
    if not one or not other:
        raise Unusable(EMPTY)
    if one[:-1] != other[:-1]:
        raise Unusable(DIFFERENT)
    return _dialogue(value, prompt, one[:-1]), dialogue.said(one[-1]), dialogue.said(other[-1])


def _dialogue(value: dict[str, Any], prompt: Any, before: tuple[Message, ...]) -> Conversation:
    """What was asked: the turns before the answers, or the prompt and these."""
    if prompt is None:
        return dialogue.conversation(list(map(Message.data, before)), system=fields.first(value, fields.SYSTEM),
                                     tools=value.get("tools"))  # fmt: skip
    asked = fields.asked(value)
    if not any(turn.role == "user" for turn in before):
        return dialogue.whole((*asked.messages, *before), list(asked.tools)) if before else asked
    if not _belongs(asked, before):
        raise Unusable("its prompt is not in the dialogue that its answers end")
    system = asked.messages[:1] if asked.messages[0].role == "system" and before[0].role != "system" else ()
    return dialogue.whole((*system, *before), list(asked.tools))


def _belongs(asked: Conversation, before: tuple[Message, ...]) -> bool:
    said = {turn.content.strip() for turn in before if turn.role == "user"}
    wanted = [turn.content.strip() for turn in asked.messages if turn.role == "user"]
    return any(text in said or any(turn and (turn in text or text in turn) for turn in said) for text in wanted)
