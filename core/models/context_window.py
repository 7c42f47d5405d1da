"""How long a text a model reads."""

from typing import Any

#: Ways to turn positions that are the same however long a text is. Any other may be another in longer ones.
STEADY = {None, "default", "linear", "yarn", "llama3", "proportional", "mrope"}
#: For a model that does not say.
UNSAID = 2048


def tokens_of(config: Any) -> int:
    """Longest sequence in tokens, by a model's config.

    Where positions may be turned otherwise in longer texts (Phi's longrope), up to where that begins: beyond it, what
    a model says of a short text would depend on a long one beside it, and of a text's beginning on its end.
    """
    config = config.get_text_config()
    longest = int(getattr(config, "max_position_embeddings", UNSAID))
    rope = getattr(config, "rope_parameters", None) or {}
    kinds = [rope, *(part for part in rope.values() if isinstance(part, dict))]  # some have one for a kind of layer
    ends = [part.get("original_max_position_embeddings") for part in kinds if part.get("rope_type") not in STEADY]
    return min([longest, *(int(end) for end in ends if end)])
