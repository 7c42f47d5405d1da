"""Models that are asked which of two answers is better: a server's, or the base here with a run's policy on it."""

from collections.abc import Generator, Sequence
from typing import Protocol

import torch

from core.config.judging import JudgingConfig
from core.endpoints.server import Sampling, Server
from core.errors import ModelError
from core.judges import verdict
from core.judges.question import Question
from core.judges.verdict import LETTERS, LINE, Answer
from core.models import chat
from core.models.adapters import SharedModel
from core.models.load import Base
from core.models.logprobs import predictions
from core.models.rows import Ids, from_lists
from core.models.sampling import sample
from core.models.seeds import generator
from core.records import LONGEST_ANSWER

#: Tokens of an answer that is to be one letter: more are wrong, and shown.
SHORT = 8
#: Only the likeliest token is drawn.
GREEDY = 1e-6
TOO_LONG = "with the guidelines and both answers the question has {} tokens, and {} reads {}"

#: Yields answers with the numbers of their questions, in the order in which they come, and None while it waits.
Answers = Generator[tuple[int, Answer] | None, None, None]


class AskedModel(Protocol):
    def ask(self, questions: Sequence[Question]) -> Answers:
        """Raises `KnownError`."""
        ...


class ServerModel:
    """The model of a server, asked for several answers at once, at temperature 0."""

    def __init__(self, server: Server, model: str, config: JudgingConfig) -> None:
        self.server, self.model, self.config = server, model, config

    def ask(self, questions: Sequence[Question]) -> Answers:
        explain = self.config.explain
        how = Sampling(self.config.max_new_tokens if explain else SHORT, temperature=0.0, seed=0)
        asked = [(question.conversation, how) for question in questions]
        for found in self.server.answers(
            self.model, asked, at_once=min(self.config.at_once, len(asked)), first_tokens=not explain
        ):
            if found is None:
                yield None
                continue
            number, reply = found
            yield number, verdict.read(reply.text[:LONGEST_ANSWER], reply.first, explain=explain)


class LocalModel:
    """The base, or a policy on it as `role`: the probabilities of the verdict's letters are read off exactly, after the
    words before it where it is to explain itself."""

    def __init__(self, shared: SharedModel, role: str | None, config: JudgingConfig) -> None:
        """Raises `ModelError` where a letter is no token."""
        self.shared, self.role, self.config = shared, role, config
        self.letters = [_tokens(shared.base, letter) for letter in LETTERS]
        self.end = shared.base.chat.control.encode_answer(f"\n{LINE}")

    def ask(self, questions: Sequence[Question]) -> Answers:
        base, room = self.shared.base, self.config.max_new_tokens + len(self.end) if self.config.explain else 0
        fit: list[tuple[int, Ids]] = []
        for number, question in enumerate(questions):
            ids = chat.prompt_ids(base, question.conversation)
            if len(ids) + room < base.context:
                fit.append((number, ids))
            else:
                yield number, Answer(TOO_LONG.format(len(ids) + room + 1, base.spec.title, base.context), None)
        for start in range(0, len(fit), self.config.at_once):
            part = fit[start : start + self.config.at_once]
            answers = self._answers([ids for _, ids in part])
            yield from zip((number for number, _ in part), answers, strict=True)

    @torch.no_grad()
    def _answers(self, prompts: list[Ids]) -> list[Answer]:
        base = self.shared.base
        with self.shared.role(self.role) as model:
            said = self._explained(model, prompts) if self.config.explain else [""] * len(prompts)
            control = base.chat.control
            before = [control.encode_answer(text) + self.end if self.config.explain else [] for text in said]
            rows = from_lists(prompts, [[[*ids, base.end_ids[0]]] for ids in before], base.pad_id, base.device)
            flat = torch.tensor([token for tokens in self.letters for token in tokens], device=base.device)
            asked = flat.expand(len(rows), rows.response_ids.shape[1], -1)  # (B, T, K)
            logp = predictions(model, rows, 1.0).of(asked).float()
            last = logp[torch.arange(len(rows), device=base.device), rows.lengths - 1]  # (B, K)
        parts = last.exp().split([len(tokens) for tokens in self.letters], dim=-1)
        found = torch.stack([part.sum(-1) for part in parts], -1).tolist()  # (B, 3)
        return [self._answer(text, dict(zip(LETTERS, row, strict=True))) for text, row in zip(said, found, strict=True)]

    def _answer(self, words: str, found: dict[str, float]) -> Answer:
        likeliest = max(found, key=lambda letter: found[letter])
        text = f"{words}\n{LINE} {likeliest}" if words else likeliest
        won = verdict.of_probabilities(found) if sum(found.values()) > 0 else None
        return Answer(verdict.with_probabilities(text, found), won, sum(found.values()))

    def _explained(self, model: object, prompts: list[Ids]) -> list[str]:
        """What it says before its verdict, by the likeliest tokens."""
        base = self.shared.base
        drawn = sample(
            model, prompts, max_new_tokens=self.config.max_new_tokens, top_p=GREEDY, end_ids=base.end_ids,
            pad_id=base.pad_id, never=base.textless, stops=base.chat.stops_at if base.chat.stops else None,
            generator=[generator(0, number) for number in range(len(prompts))],
            report_status=self.shared.report_status, noun="explanations",
        )  # fmt: skip
        return [text.partition(LINE)[0].rstrip() for text in chat.texts_of(base, drawn)]


def _tokens(base: Base, letter: str) -> Ids:
    """The tokens that say the letter, at the beginning of an answer or behind a blank."""
    forms = (base.chat.control.encode_answer(form) for form in (letter, f" {letter}"))
    found = dict.fromkeys(ids[0] for ids in forms if len(ids) == 1)
    if not found:
        raise ModelError(f"{base.spec.title} has no token for the letter {letter}: choose another judge.")
    return list(found)
