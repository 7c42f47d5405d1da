"""The reference reads a stored answer once, however often it is dealt."""

import torch

from core.models.adapters import REFERENCE
from core.rl import passes, reference_logps
from core.rl.reference_logps import ReferenceLogps, rows_of
from core.rl.rollout import logprobs

STORED = [([5, 6, 7 + n], [[20 + n, 21, 0], [30, 0]][: 1 + n % 2]) for n in range(5)]
SIZE, SEED = 2, "0/some"


def known(shared):
    return ReferenceLogps(shared, 4, SIZE, len(STORED), SEED, STORED.__getitem__)


def at(step, reference):
    numbers = passes.dealt(step, SIZE, len(STORED), SEED)
    chosen = [STORED[number] for number in numbers]
    return reference.of(numbers, chosen, rows_of(reference.shared, chosen))


def test_each_answer_is_read_once_in_all_passes_and_to_the_same_bits_by_whoever_begins_later(moved, monkeypatch):
    asked = []

    def count(*args, **named):
        asked.append(args)
        return logprobs(*args, **named)

    monkeypatch.setattr(reference_logps, "logprobs", count)
    reference = known(moved)
    found = [at(step, reference) for step in range(8)]  # of three passes
    assert len(asked) == 3 and sum(len(rows) for _, _, rows, *_ in asked) == 7
    for step, logp in enumerate(found):
        rows = rows_of(moved, [STORED[number] for number in passes.dealt(step, SIZE, len(STORED), SEED)])
        assert torch.allclose(logp, logprobs(moved, REFERENCE, rows, 1.0, 4)[0], atol=1e-5)
    later = known(moved)
    assert all(torch.equal(at(step, later), found[step]) for step in range(5, 8))
