"""Who writes completions: a policy on the base here, or a model behind a server's address; or the best of several
that one of them writes."""

import random
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any, Protocol

from core.config.jobs import GenerateConfig
from core.endpoints.server import Reply, Sampling, Server
from core.errors import KnownError
from core.events import Event, NewCompletion
from core.models import chat
from core.models.adapters import REFERENCE, SharedModel
from core.models.drawing import Drawing
from core.models.load import Base
from core.models.rows import Rows
from core.models.sampling import sample
from core.models.seeds import generator
from core.records import LONGEST_ANSWER, Prompt
from core.store import completions

#: Answers that a server is asked for at once: what it lets wait counts as time that it takes.
AT_ONCE = 4
#: Yields the completions of each prompt of a batch at last, and None while they are waited for.
Written = Generator[list[list[NewCompletion]] | None, None, None]


class Writer(Protocol):
    def write(self, batch: Sequence[Prompt], copies: int, turn: int = 0) -> Written:
        """`copies` for each prompt; in each `turn` others. Each prompt has seeds of its own: a job that comes to the
        prompts in another order draws the same."""
        ...


class Chooser:
    """What gives the completions of a prompt scores, of which the highest is chosen."""

    four_bit = False
    """Must the base that it is loaded on be in 4 bits?"""
    judge: int | None = None
    """The run of the reward model that scores, once it is loaded."""

    def load(self, model: SharedModel) -> Generator[Event, None, None]:
        """Make it ready on the base; once, before `scores`."""
        raise NotImplementedError

    def scores(self, prompt: Prompt, texts: Sequence[str]) -> list[float]:
        """One for each of the completions `texts` of the prompt."""
        raise NotImplementedError


class BestOfN:
    """The best of `n` that a writer writes, by what a chooser says; of equal ones the first.

    A policy of its own: best-of-n sampling (Nakano et al. 2021, arXiv 2112.09332). The first of each n is what the
    writer would have written alone, and the best of 2n is chosen among those of n and others.
    """

    def __init__(self, writer: Writer, n: int, chooser: Chooser) -> None:
        self.writer, self.n, self.chooser = writer, n, chooser

    def write(self, batch: Sequence[Prompt], copies: int, turn: int = 0) -> Written:
        drawn: list[list[list[NewCompletion]]] = []  # by turn, prompt and copy
        for each in range(self.n * turn, self.n * (turn + 1)):
            with closing(self.writer.write(batch, copies, each)) as writing:
                while (found := next(writing)) is None:
                    yield None
            drawn.append(found)
            yield None  # a job may be stopped between two
        of_prompts = zip(*drawn, strict=True)
        yield [self._chosen(prompt, turns) for prompt, turns in zip(batch, of_prompts, strict=True)]

    def _chosen(self, prompt: Prompt, turns: Sequence[list[NewCompletion]]) -> list[NewCompletion]:
        """For each copy the best of what the turns brought."""
        flat = [row for rows in turns for row in rows]
        scores = self.chooser.scores(prompt, [row.text for row in flat])
        copies = len(turns[0])
        best = (max(range(copy, len(flat), copies), key=scores.__getitem__) for copy in range(copies))
        return [replace(flat[place], best_of=self.n, judge=self.chooser.judge) for place in best]


class PolicyWriter:
    """The base, or a run's policy on it as it is `drawn_by`. In other batches the model says the same but for the last
    bits (in bfloat16 the last digits)."""

    def __init__(
        self, model: SharedModel, config: GenerateConfig, policy_job: int | None, drawn_by: Drawing | None, number: int
    ) -> None:
        self.model, self.config, self.policy_job, self.drawn_by, self.number = (
            model, config, policy_job, drawn_by, number,
        )  # fmt: skip

    def write(self, batch: Sequence[Prompt], copies: int, turn: int = 0) -> Written:
        model, config = self.model, self.config
        guide = self.drawn_by.guide if self.drawn_by else None
        place: list[int | str] = [self.number] if self.number else []
        place += [f"turn {turn}"] if turn else []
        with model.role(self.drawn_by.role if self.drawn_by else REFERENCE) as causal:
            drawn = sample(
                causal,
                [chat.to_answer(model.base, prompt.conversation, config.max_new_tokens, prompt.id) for prompt in batch],
                copies=copies,
                end_ids=model.base.end_ids,
                pad_id=model.base.pad_id,
                never=model.base.textless,
                stops=model.base.chat.stops_at if model.base.chat.stops else None,
                generator=[generator(config.seed, prompt.id, *place) for prompt in batch],
                guide=guide,
                others=model.opening(guide.roles) if guide else (),
                report_status=model.report_status,
                **drawn_with(config),
            )
        rows = new_completions(model.base, drawn, config.seed, self.policy_job)
        step = self.drawn_by.step if self.drawn_by else None
        yield _by_prompt([replace(row, step=step) for row in rows], copies)


class ServerWriter:
    """The model of a server. It is asked for one answer at a time, with a seed of each one's own, since not every
    server knows of several."""

    def __init__(self, server: Server, model: str, config: GenerateConfig) -> None:
        self.server, self.model, self.config = server, model, config
        self.name = completions.server_name(model, server.address.url)

    def write(self, batch: Sequence[Prompt], copies: int, turn: int = 0) -> Written:
        config = self.config
        numbers = [f"{turn}/{copy}" if turn else str(copy) for copy in range(copies)]
        asked = [(prompt.conversation, self._sampling(prompt, number)) for prompt in batch for number in numbers]
        found: dict[int, Reply] = {}
        for answered in self.server.answers(self.model, asked, at_once=min(AT_ONCE, config.batch_size, len(asked))):
            if answered is None:
                yield None
            else:
                found[answered[0]] = answered[1]
        rows = [self._row(found[number], asked[number][1].seed or 0) for number in range(len(asked))]
        yield _by_prompt(rows, copies)

    def _sampling(self, prompt: Prompt, number: str) -> Sampling:
        config = self.config
        seed = random.Random(f"{config.seed}/{prompt.id}/{number}").getrandbits(31)
        return Sampling(config.max_new_tokens, config.temperature, config.top_p, seed)

    def _row(self, reply: Reply, seed: int) -> NewCompletion:
        if len(reply.text) > LONGEST_ANSWER:
            raise KnownError(
                f"{self.name} gave {len(reply.text):,} letters, and an answer may have {LONGEST_ANSWER:,}: see to its "
                "settings."
            )
        return NewCompletion(reply.text, reply.tokens, reply.ended, seed, server=self.name)


def _by_prompt(rows: list[NewCompletion], copies: int) -> list[list[NewCompletion]]:
    return [rows[start : start + copies] for start in range(0, len(rows), copies)]


def chosen_model(server: Server, asked_for: str) -> str:
    """The model of a server that is meant: the one that was named, or the only one. Raises `KnownError` with what there
    is. A server that lists none is believed to have the one that was named."""
    there = server.models()
    url = server.address.url
    if asked_for:
        if there and asked_for not in there:
            raise KnownError(f"{url} has no model {asked_for!r:.120}; it has {_listed(there)}.")
        return asked_for
    if len(there) == 1:
        return there[0]
    if not there:
        raise KnownError(f"{url} has no model loaded: load one, or name it.")
    raise KnownError(f"{url} has several models, so name one: {_listed(there)}.")


def _listed(names: list[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")


def drawn_with(config: GenerateConfig) -> dict[str, Any]:
    """How completions are drawn, as it is kept with them."""
    return {"temperature": config.temperature, "top_p": config.top_p, "max_new_tokens": config.max_new_tokens}


def new_completions(base: Base, drawn: Rows, seed: int, policy_job: int | None) -> list[NewCompletion]:
    lengths = drawn.lengths.tolist()
    return [
        NewCompletion(
            text=chat.text_of(base, drawn.response_ids[row, :length].tolist()),
            tokens=int(length),
            ended=bool(drawn.ended[row]),
            seed=seed,
            policy_job=policy_job,
        )
        for row, length in enumerate(lengths)
    ]
