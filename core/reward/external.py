"""A reward model made elsewhere: any sequence classification model with one label, from the hub or a folder.

It has a model and a tokenizer of its own, so that it sees texts and not our tokens. Its scores are put on the same
scale as ours: mean 0 and standard deviation 1 over completions of the reference, where there are enough of them.
"""

from collections.abc import Generator, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from transformers import AutoModelForSequenceClassification

from core.config.chat import DEFAULT, Chat
from core.conversation import Conversation, Message
from core.errors import BadInput, ModelError
from core.events import Progress
from core.jobs.context import JobContext
from core.machine import base_models
from core.models import allowance
from core.models.chat import Asked, conversation_of
from core.models.chat_tokens import ChatTokens
from core.models.devices import placement
from core.models.fitting import fitted
from core.models.load import fetched, pretrained, settings_of
from core.store import Project, completions
from core.trust import gate
from core.trust.wish import of_reward_model

LONGEST = 4096
AT_ONCE = 8
FEWEST = 8
#: Completions of the reference that the scale is measured on.
MEASURED = 128
UNSCALED = (0.0, 1.0)


class ExternalReward:
    """`score` gives rewards in standard deviations of the reference's completions, or raw ones if it has too few."""

    def __init__(self, text: str, settings: Chat = DEFAULT) -> None:
        """Load the model that `text` names (`hub:owner/name` or a folder). Raises `ModelError` if it cannot be used.

        It reads conversations with the project's `settings`, but in its own chat template."""
        spec = base_models.parse(text)
        base_models.check(spec)
        if spec.adapter:
            raise ModelError(
                f"{spec.title} has an adapter on it, which a reward model is read without: choose a whole one."
            )
        self.title, self.folder = spec.title, spec.folder
        self.scale: tuple[float, float] = UNSCALED
        """Mean and standard deviation of its own numbers over completions of the reference."""
        self.placement = placement()
        found = pretrained(
            AutoModelForSequenceClassification, spec, "The reward model", "choose another one.",
            dtype=self.placement.dtype,
        )  # fmt: skip
        self.tokenizer, self.model = found.tokenizer, found.model
        self.chat = ChatTokens(
            self.tokenizer, spec.title, replace(settings, chat_template="", stop=""),
            vocabulary=self.model.get_input_embeddings().num_embeddings,
        )  # fmt: skip
        if self.model.config.num_labels != 1:
            raise ModelError(
                f"{spec.title} has {self.model.config.num_labels} labels, and a reward model has one: choose another."
            )
        self.model.to(self.placement.device).eval().requires_grad_(False)
        self.config = self.model.config.get_text_config()
        self.longest = min(LONGEST, int(getattr(self.config, "max_position_embeddings", LONGEST)) - 2)
        with allowance.for_model(spec.folder, f"The first look at a text of the reward model in {spec.folder}"):
            self.raw(["Hello"], ["Hello"])

    @torch.no_grad()
    def raw(self, prompts: Sequence[Asked], completions: Sequence[str]) -> list[float]:
        """The model's own numbers of what is judged of each completion, with its prompt."""
        pairs = zip(map(conversation_of, prompts), map(self.chat.judged, completions), strict=True)
        texts = [self._ids(*pair) for pair in pairs]
        known = range(self.model.get_input_embeddings().num_embeddings)
        if not all(max(text["input_ids"], default=-1) in known for text in texts):
            raise ModelError(f"The tokenizer of {self.title} is another model's: choose another reward model.")
        # Where the padding token is in the texts themselves, the end could not be told from padding.
        pad = self.tokenizer.pad_token_id
        alone = pad not in known or any(pad in text["input_ids"] for text in texts)
        self.config.pad_token_id = self.model.config.pad_token_id = None if alone else pad
        at_once = 1 if alone else AT_ONCE
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]["input_ids"]))
        found: dict[int, float] = {}
        for start in range(0, len(order), at_once):
            part = order[start : start + at_once]
            if alone:
                batch = {name: torch.tensor([value]) for name, value in texts[part[0]].items()}
            else:
                batch = dict(self.tokenizer.pad([texts[i] for i in part], return_tensors="pt"))
            logits = self.model(**{name: value.to(self.placement.device) for name, value in batch.items()}).logits
            if not bool(logits.isfinite().all()):
                raise ModelError(f"The scores of {self.title} are not numbers: choose another reward model.")
            found |= dict(zip(part, logits[:, 0].float().tolist(), strict=True))
        return [found[i] for i in range(len(texts))]

    def _ids(self, conversation: Conversation, completion: str) -> dict[str, list[int]]:
        """The text in the model's own chat template; as a pair of texts if it has none. A prompt that is too long loses
        its oldest turns. Raises `BadInput` if the completion alone does not fit."""
        if len(self.chat.control.encode_answer(completion)) >= self.longest:
            raise BadInput(f"A completion is over the limit of {self.longest} tokens of {self.title}.")
        if self.chat.text.choice.plain:
            return self._pair(conversation, completion)
        answer = Message("assistant", completion)

        def ids_of(part: Conversation) -> list[int]:
            whole = replace(part, messages=(*part.messages, answer))
            return self.chat.encoded(self.chat.rendered(whole, prompting=False))

        ids = fitted(conversation, self.longest, ids_of, self.chat.shortened).ids
        return {"input_ids": ids, "attention_mask": [1] * len(ids)}

    def _pair(self, conversation: Conversation, completion: str) -> dict[str, list[int]]:
        """What people typed in it is text, too."""
        messages = conversation.messages
        while True:
            text = replace(conversation, messages=messages).text
            typed = self.chat.control.pattern.search(text + completion)
            how = {"split_special_tokens": True} if typed else {}
            found = self.tokenizer(text, completion, **how)
            if len(found["input_ids"]) <= self.longest or len(messages) == 1:
                break
            messages = messages[1:]
        if (over := len(found["input_ids"]) - self.longest) > 0:
            found = self.tokenizer(self.chat.shortened(text, over), completion, **how)
        if len(found["input_ids"]) > self.longest:
            raise BadInput(f"A completion is over the limit of {self.longest} tokens of {self.title}.")
        return {name: list(value) for name, value in found.items()}

    def normalised(self, raw: Sequence[float]) -> Tensor:
        """Rewards (B,), on the CPU, of the model's own numbers."""
        mean, std = self.scale
        return torch.tensor([(value - mean) / std for value in raw])

    @property
    def scaled(self) -> bool:
        return self.scale != UNSCALED

    def score(self, prompts: Sequence[Asked], completions: Sequence[str]) -> Tensor:
        """Rewards (B,), on the CPU."""
        return self.normalised(self.raw(prompts, completions))

    def normalise(self, project: Project) -> None:
        """Measure the scale on completions that the base wrote in this project."""
        found = completions.written_here(project, MEASURED)
        if len(found) >= FEWEST:
            raw = torch.tensor(self.raw([answer.conversation for answer in found], [answer.text for answer in found]))
            self.scale = float(raw.mean()), max(float(raw.std(correction=0)), 1e-6)


def external_of(
    context: JobContext, text: str, scale: tuple[float, float] | None = None
) -> Generator[Progress, None, ExternalReward]:
    """The model that `text` names, fetched if need be, on the `scale` that was measured before, or on the project's as
    it is now."""
    gate.check(context.project, of_reward_model(text))
    yield from fetched(context, base_models.parse(text), "reward model")
    yield Progress(0, 1, "Loading the reward model")
    found = ExternalReward(text, settings_of(context))
    if scale is None:
        found.normalise(context.project)
    else:
        found.scale = scale
    yield Progress(1, 1, "Loading the reward model")
    return found
