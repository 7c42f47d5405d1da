"""Before a model is used: is what we compute what it says itself, by each way that it will be read?

A family that transformers gains tomorrow may do something to its states or its logits that no code here knows of. So
each way is tried on two short prompts and compared with the model's own logits; one that differs is not taken, and a
model of which no way is right is refused.
"""

from typing import Any

from core.errors import ModelError, first_line, is_out_of_memory
from core.models.alone import UNFIT, Alone, looks_ahead
from core.models.fast.switch import speed_ups_of
from core.models.fast.varlen_decoding import decoder_kind
from core.models.fast.varlen_states import by_itself, reads_varlen, window_of
from core.models.ways import Ways, decodes, ways_of

ANOTHER = "choose another model"


def check(model: Any, title: str) -> None:
    """Try all the ways that a model will be read by. Raises `ModelError` where none is right."""
    kind = model.config.get_text_config().model_type
    try:
        expected = by_itself(model)
    except UNFIT as error:
        if is_out_of_memory(error):
            raise
        raise ModelError(f"{title} (`{kind}`) says nothing of a text ({first_line(error)}): {ANOTHER}.") from error
    if not all(bool(logits.isfinite().all()) for logits in expected.logits):
        raise ModelError(f"What {title} says of a text is no numbers: fetch it again, or {ANOTHER}.")
    laid_out = _reads_varlen(model, expected)
    if laid_out and window_of(model) is None:
        return  # the others are not needed
    if not laid_out and looks_ahead(model, expected):  # what is laid out sees nothing ahead
        raise ModelError(
            f"{title} is no causal language model (`{kind}`): what it says of a token depends on those that follow, so "
            f"it cannot write. Please {ANOTHER}."
        )
    _refuse(ways_of(model, expected), title, kind)


def _reads_varlen(model: Any, expected: Alone) -> bool:
    if not reads_varlen(model, 1, expected):
        return False
    decoder, own = decoder_kind(model, 1), speed_ups_of(model)
    if decoder is None or own is None:
        return False
    own.reads_varlen = decodes(decoder, model, expected)
    return own.reads_varlen


def _refuse(ways: Ways, title: str, kind: str) -> None:
    if not ways.whole:
        raise ModelError(
            f"Plumbline would compute something else than {title} says itself: its kind (`{kind}`) does what is not "
            f"known here. Please {ANOTHER}."
        )
    if not ways.trains:
        raise ModelError(f"{title} cannot be tuned: no gradient comes through its kind (`{kind}`): {ANOTHER}.")


def told(model: Any, title: str) -> str | None:
    """What there is to say of a model whose sequences are read as wholes."""
    if speed_ups_of(model) is not None and reads_varlen(model, 1):
        return None
    ways = ways_of(model)
    slow = [
        what
        for what, right in (("writing", ways.decodes), ("scoring", ways.continues), ("training", ways.learns))
        if not right
    ]
    if not slow:
        return None
    return f"{title} cannot go on from what it has read: {', '.join(slow)} reads whole texts, which takes longer."
