"""Supervised fine-tuning on answers: the likelihood of what was written (Ouyang et al. 2022, section 3.5, step 1).

The loss is the mean of -log pi over the tokens of the answers, with the end that the template gives them; the prompt's
tokens are read and not learnt. On the best-ranked answers it is best-of-n distillation (expert iteration). No rollouts
and no reward model are needed; the loop draws some now and then only to measure.
"""

from torch import Tensor

from core.config.algorithms import SFT
from core.models.logprobs import Predictions
from core.rl.batches import Batch
from core.rl.learner import BaseLearner


class Learner(BaseLearner[Batch]):
    options: SFT

    def update(self, batch: Batch, step: int) -> dict[str, float]:
        rate = self.actor.schedule(self.progress(step))

        def loss(policy: Predictions, index: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
            return -policy.logp, {}  # (b, T)

        learnt = self.actor.descend(batch, self.actor.batches(batch)[0], loss)
        learnt["loss"] = learnt.pop("loss/policy_avg")
        return learnt | {"lr": rate}
