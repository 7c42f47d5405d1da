"""Where in a text the reward moves: the reward that each beginning of a completion would get if it ended there.

A hidden state in the middle of a text says little about its reward, because the head is trained on end tokens alone; so
the end token is put behind every beginning. All of them go through the model in one pass: each end token sees the
prompt, its own beginning and itself.
"""

from dataclasses import dataclass

import torch

from core.models.fast.varlen import Layout, lay_out, run
from core.models.fast.varlen_states import reads_varlen
from core.models.rows import Ids
from core.reward.model import RewardModel


@dataclass(frozen=True)
class Trace:
    """`pieces` (n) are the completion's tokens as text; `rewards` (n + 1) before the first and after each."""

    pieces: list[str]
    rewards: list[float]


@torch.no_grad()
def trace(model: RewardModel, prompt: Ids, answer: Ids) -> Trace:
    """Rewards along an answer, which ends with the end token."""
    base = model.shared.base
    raw = []
    for member in model.members:
        with model.shared.role(member.adapter):
            if reads_varlen(base.model, len(prompt) + len(answer)):
                layout = beginnings(prompt, answer, base.device)
                tokens = torch.arange(1, len(answer) + 1, device=base.device)
                raw.append(member.head(run(base.model.base_model, layout)[layout.states[:, -1]], tokens))
            else:
                cut = [[*answer[:t], answer[-1]] for t in range(len(answer))]
                raw.append(torch.cat([model.raw(member, [prompt], [[part]]) for part in cut]))
    rewards = model.reward(torch.stack(raw)).tolist()
    return Trace(pieces_of(base.tokenizer, answer[:-1]), rewards)


def beginnings(prompt: Ids, answer: Ids, device: torch.device) -> Layout:
    """The prompt with the answer, and as responses to it n + 1 end tokens, each of which follows another beginning."""
    text = torch.tensor([[*prompt, *answer[:-1]]], device=device)
    ends = torch.full((len(answer), 1), answer[-1], device=device)
    sees = len(prompt) + torch.arange(len(answer), device=device)
    same = torch.zeros(len(answer), dtype=torch.long, device=device)
    return lay_out(text, torch.ones_like(text, dtype=torch.bool), same, ends, same + 1, sees)


def pieces_of(tokenizer: object, ids: Ids) -> list[str]:
    """Each token's share of the decoded text, so that together they are the text."""
    texts = [str(tokenizer.decode(ids[:t], skip_special_tokens=True)) for t in range(len(ids) + 1)]  # type: ignore[attr-defined]
    found, shown = [], 0
    for text in texts[1:]:
        whole = text.rstrip("\ufffd")  # half of a character waits for its other half
        found.append(whole[shown:])
        shown = max(shown, len(whole))
    return found
