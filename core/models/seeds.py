"""Randomness without hidden state: every draw has its own generator, made from a seed and its place in the run.

So a resumed run draws exactly what an uninterrupted one would have drawn, without saving any state.
"""

import hashlib

import torch


def generator(*parts: int | str) -> torch.Generator:
    """A CPU generator that depends on all of `parts` and on nothing else."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "little") >> 1)
