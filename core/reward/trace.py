"""Where in a text the reward moves: the reward that each beginning of a completion would get if it ended there.

A hidden state in the middle of a text says little about its reward, because the head is trained on end tokens alone; so
the end token is put behind every beginning. All of them go through the model in one pass: each end token sees the
prompt, its own beginning and itself.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.models.packed import Ids, Packed, states, works
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
            if works(base.model, base.device):
                packed = beginnings(prompt, answer, base.device)
                raw.append(member.head(states(base.model, packed)[packed.ends]))
            else:
                cut = [[*answer[:t], answer[-1]] for t in range(len(answer))]
                raw.append(torch.cat([model.raw(member, [prompt], [[part]]) for part in cut]))
    rewards = model.reward(torch.stack(raw)).tolist()
    return Trace(_pieces(base.tokenizer, answer[:-1]), rewards)


def beginnings(prompt: Ids, answer: Ids, device: torch.device) -> Packed:
    """One row: the prompt, the answer without its end token, and an end token for each of its n + 1 beginnings."""
    p, n = len(prompt), len(answer) - 1
    ids = torch.tensor([*prompt, *answer[:-1], *[answer[-1]] * (n + 1)])
    positions = torch.cat([torch.arange(p + n), torch.arange(p, p + n + 1)])
    sees = torch.zeros(p + 2 * n + 1, p + 2 * n + 1, dtype=torch.bool)
    sees[: p + n, : p + n] = torch.ones(p + n, p + n, dtype=torch.bool).tril()
    for t in range(n + 1):
        sees[p + n + t, : p + t] = True
    sees.fill_diagonal_(True)
    ends: Tensor = torch.arange(p + n, p + 2 * n + 1)
    return Packed(ids[None].to(device), positions[None].to(device), sees[None, None].to(device), ends.to(device))


def _pieces(tokenizer: object, ids: Ids) -> list[str]:
    """Each token's share of the decoded text, so that together they are the text."""
    texts = [str(tokenizer.decode(ids[:t], skip_special_tokens=True)) for t in range(len(ids) + 1)]  # type: ignore[attr-defined]
    found, shown = [], 0
    for text in texts[1:]:
        whole = text.rstrip("\ufffd")  # half of a character waits for its other half
        found.append(whole[shown:])
        shown = max(shown, len(whole))
    return found
