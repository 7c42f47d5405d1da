"""From text to token ids, in one way for generation, reward model training and scoring alike."""

from core.errors import BadInput
from core.models.load import Base


def prompt_ids(base: Base, prompt: str) -> list[int]:
    """The prompt as one user turn in the model's chat template, up to where the answer begins."""
    text = base.template.render([{"role": "user", "content": prompt}], add_generation_prompt=True)
    ids: list[int] = base.tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def completion_ids(base: Base, completion: str) -> list[int]:
    """The completion's tokens with the end token, at which the reward is read."""
    ids: list[int] = base.tokenizer(completion, add_special_tokens=False)["input_ids"]
    return [*ids, base.end_ids[0]]


def fit(prompt: list[int], completion: list[int], longest: int) -> list[int]:
    """The prompt without as much of its beginning as makes it too long together with the completion.

    Raises `BadInput` when the completion alone is too long.
    """
    if len(completion) >= longest:
        raise BadInput(f"A completion has {len(completion)} tokens, which is over the limit of {longest}.")
    return prompt[-(longest - len(completion)) :]


def text_of(base: Base, ids: list[int]) -> str:
    """The completion's text without its end token."""
    return str(base.tokenizer.decode(ids, skip_special_tokens=True)).strip()
