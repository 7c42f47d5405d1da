"""What each number of a run means: one table for the charts' tooltips and the docs.

Names follow TRL where it has one. Every mean over tokens is over response tokens only.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

#: Which charts draw a number: the reward model's, the policy's two large ones, its page of further ones, or none.
Page = Literal["reward", "large", "more", ""]


@dataclass(frozen=True)
class Metric:
    """`healthy` is what its chart should look like. Who says nothing else is drawn on the page of further charts."""

    title: str
    unit: str
    meaning: str
    healthy: str = ""
    page: Page = "more"


#: Nats a token by which the sampler's log-probabilities may differ from the trainer's, on average.
MOST_MISMATCH = 0.1

METRICS: dict[str, Metric] = {
    # Of a reward model.
    "accuracy": Metric(
        "Accuracy",
        "share",
        "Pairs of the step with the chosen one scored higher; equal scores count half.",
        page="reward",
    ),
    "margin": Metric("Margin", "score", "Mean of r_chosen - r_rejected.", "rising, above 0", page="reward"),
    "eval_loss": Metric(
        "Held-out loss", "nats", "The loss on rankings of held-out prompts.", "below 0.69", page="reward"
    ),
    "eval_accuracy": Metric(
        "Held-out accuracy",
        "share",
        "Accuracy on rankings of held-out prompts; equal scores count half.",
        "above 0.5",
        page="reward",
    ),
    "eval_margin": Metric(
        "Held-out margin", "score", "Mean of r_chosen - r_rejected on held-out prompts.", page="reward"
    ),
    # Of a policy: the large charts.
    "objective/scores": Metric(
        "Reward",
        "score",
        "Mean score of the rollouts by the reward model, in its standard deviations, less the missing-end penalty of "
        "those that did not end.",
        "rising",
        page="large",
    ),
    "objective/gold": Metric(
        "Gold reward", "score", "Mean gold reward of the same rollouts.", "rising with the reward", page="large"
    ),
    "objective/kl": Metric(
        "KL to the reference",
        "nats per completion",
        "Mean over rollouts of sum_t (log pi - log ref), the k1 estimator; pi is what was drawn from, also where that "
        "is a part of the vocabulary (NLPO, DQN).",
        "0 at the first step, slowly rising, never far below 0",
        page="large",
    ),
    # What every algorithm may have, then what only some have, in the order of the page of further charts.
    "objective/rlhf_reward": Metric("Reward after KL", "score", "What the algorithm maximises.", "rising"),
    "objective/entropy": Metric(
        "Entropy", "nats per token", "Mean entropy of the policy's next token.", "not falling to 0"
    ),
    "loss/value_avg": Metric(
        "Value loss", "score squared", "Half the mean squared error of the value function.", "falling"
    ),
    "val/explained_variance": Metric(
        "Explained variance",
        "share",
        "1 - Var(G - V) / Var(G) with the Monte Carlo returns G, over the tokens of the rollouts, before V learns from "
        "them.",
        "rising towards 1",
    ),
    "val/explained_variance_q1": Metric(
        "Explained, first quarter",
        "share",
        "Explained variance over the tokens in the first quarter of each completion, by its own length.",
        "the hardest of the four: little is written yet",
    ),
    "val/explained_variance_q2": Metric(
        "Explained, second quarter",
        "share",
        "Explained variance over the tokens in the second quarter of each completion, by its own length.",
        "above the quarter before",
    ),
    "val/explained_variance_q3": Metric(
        "Explained, third quarter",
        "share",
        "Explained variance over the tokens in the third quarter of each completion, by its own length.",
        "above the quarter before",
    ),
    "val/explained_variance_q4": Metric(
        "Explained, last quarter",
        "share",
        "Explained variance over the tokens in the last quarter of each completion, by its own length.",
        "the highest of the four",
    ),
    "loss/ptx_avg": Metric(
        "Pretraining loss",
        "nats per token",
        "Mean of -log pi over the tokens of what is mixed into the step, before its coefficient (PPO-ptx).",
        "steady or falling: where it rises, the policy forgets; raise the coefficient",
    ),
    "policy/clipfrac_avg": Metric(
        "Clip fraction", "share", "Tokens at which the clipped loss was larger.", "below 0.3"
    ),
    "policy/approxkl_avg": Metric(
        "Approximate KL", "nats", "Mean of (new - old log-probability)^2 / 2 in the epochs.", "below 0.1"
    ),
    "val/ratio": Metric("Ratio", "", "Mean of pi_new / pi_old; 1 at the first update of a step.", "near 1"),
    "completions/mean_length": Metric(
        "Length", "tokens", "Mean length of the rollouts.", "steady: a reward that likes length shows here first"
    ),
    "completions/eos_rate": Metric(
        "Ended",
        "share",
        "Rollouts that ended by themselves, before the length limit.",
        "rising while the policy learns to end, then steady; never near 0",
    ),
    "lr": Metric("Learning rate", "", "The optimizer's learning rate.", "falling to a tenth"),
    "time/tokens_per_second": Metric(
        "Tokens a second", "tokens/s", "Response tokens of a step by its whole time.", "steady"
    ),
    "memory/gb": Metric("Memory", "GB", "Memory in use after the step.", "flat"),
    "policy/step_kl": Metric("Step KL", "nats per token", "How far TRPO's step moved the policy.", "below trust_kl"),
    "policy/step_size": Metric(
        "Step size", "share", "Share of the full step that TRPO's line search accepted; 0 is none.", "above 0"
    ),
    "policy/mask_size": Metric("Allowed tokens", "tokens", "Mean size of NLPO's mask.", "not falling to a few"),
    "policy/epsilon": Metric("Exploration", "share", "Share of DQN's tokens that the reference draws.", "falling"),
    "loss/consistency": Metric(
        "One-step error", "score squared", "Half the mean squared one-step inconsistency.", "falling"
    ),
    "frac_reward_zero_std": Metric(
        "Groups without spread",
        "share",
        "Prompts whose completions all have the same reward: nothing to learn.",
        "near 0",
    ),
    "loss": Metric(
        "Loss",
        "nats",
        "Of pairs the mean of -log sigmoid(r_chosen - r_rejected), or of the loss that DPO was told to use; of answers "
        "(SFT) the mean of -log pi of a token.",
        "falling; of pairs with a log sigmoid below 0.69",
    ),
    "eval/loss": Metric(
        "Held-out loss",
        "nats per token",
        "Mean of -log pi over the tokens of held-out answers.",
        "falling: from where it rises, the answers are learnt by heart",
    ),
    "eval/verdict_loss": Metric(
        "Held-out loss of verdicts",
        "",
        "KTO's loss on held-out answers, against the reference point of held-out ones.",
        "falling: from where it rises, the verdicts are learnt by heart",
    ),
    "eval/rewards/margins": Metric(
        "Held-out margin",
        "score",
        "Mean of beta log pi/ref of held-out good answers minus that of bad ones.",
        "rising",
    ),
    "kl": Metric(
        "Reference point",
        "nats per completion",
        "KTO's z0: mean log pi/ref of answers beside prompts that are not theirs, at least 0.",
        "rising slowly",
    ),
    "rewards/chosen": Metric("Reward of good ones", "score", "Mean of beta log pi/ref of good answers.", "rising"),
    "rewards/rejected": Metric("Reward of bad ones", "score", "Mean of beta log pi/ref of bad answers.", "falling"),
    "eval/perplexity": Metric("Perplexity", "", "exp of the held-out loss.", "falling", page="large"),
    "rewards/margins": Metric(
        "Implicit margin",
        "score",
        "Mean of beta (log pi/ref of chosen - of rejected); no ref in SimPO, ORPO.",
        "rising",
    ),
    "rewards/accuracies": Metric(
        "Implicit accuracy", "share", "Pairs with the chosen one's log-ratio higher.", "above 0.5"
    ),
    "logps/chosen": Metric(
        "Chosen", "nats", "Mean log-probability of completions that are chosen in some pair.", "not falling far"
    ),
    "logps/rejected": Metric(
        "Rejected",
        "nats",
        "Mean log-probability of completions that are rejected in some pair.",
        "falling faster than the chosen one's",
    ),
    "objective/score_spread": Metric(
        "Disagreement", "score", "Mean standard deviation of an ensemble's scores of the same rollout.", "not rising"
    ),
    "objective/unscored": Metric(
        "Without a reward",
        "completions",
        "Completions of the step that a function of your own gave no value: nothing is learnt from them, and no other "
        "number of the step is of them.",
        "0",
    ),
    "objective/score_std": Metric(
        "Reward spread", "score", "Standard deviation of the scores in a batch.", "not near 0"
    ),
    "objective/kl_coef": Metric(
        "KL coefficient", "score per nat", "The price of KL (beta).", "settling, with a KL target"
    ),
    "objective/kl_k3": Metric(
        "KL, never negative",
        "nats per completion",
        "The same by the k3 estimator: exp(-x) - 1 + x for each token.",
        "close to k1",
    ),
    "sampling/sampling_logp_difference/mean": Metric(
        "Sampler and trainer",
        "nats per token",
        "Mean distance of the log-probabilities that drew from those that are learnt with.",
        "near 0, and below 0.1: above it the policy is not the one that drew",
    ),
    "grad_norm": Metric("Gradient norm", "", "Norm of the adapter's gradient before clipping.", "no lonely peaks"),
    "time/step": Metric("Seconds a step", "s", "Wall time of a whole step.", "steady"),
    # Not drawn: in the table of a run, in exported metrics, or the same as another one.
    "objective/kl_per_token": Metric(
        "KL per token", "nats", "The same sum over all tokens divided by their number.", page=""
    ),
    "objective/non_score_reward": Metric(
        "KL penalty",
        "score",
        "Mean of -beta times the KL of a completion.",
        "smaller than the reward has risen",
        page="",
    ),
    "loss/policy_avg": Metric("Policy loss", "score", "Mean clipped surrogate loss.", page=""),
    "sampling/sampling_logp_difference/max": Metric(
        "Sampler and trainer, at most", "nats", "The largest distance at any token.", page=""
    ),
    "sampling/sequence_logp_difference/mean": Metric(
        "Sampler and trainer, by completion",
        "nats per completion",
        "Mean distance of the log-probabilities of whole completions.",
        page="",
    ),
    "val/ratio_first": Metric(
        "First ratio", "", "Mean |ratio - 1| in the first minibatch, of runs of earlier versions.", "0", page=""
    ),
    "time/generate": Metric("Seconds generating", "s", "Wall time of the rollouts.", page=""),
    "time/score": Metric("Seconds scoring", "s", "Wall time of reference, reward and old log-probabilities.", page=""),
    "time/train": Metric("Seconds training", "s", "Wall time of the optimization epochs.", page=""),
    "eval/reward_before": Metric(
        "Reward before", "score", "Mean reward on held-out prompts of the policy before its first step.", page=""
    ),
    "eval/reward_after": Metric(
        "Reward after", "score", "Mean reward of the tuned policy on held-out prompts.", page=""
    ),
}


def title(name: str) -> str:
    return METRICS[name].title if name in METRICS else name


def further(names: Collection[str]) -> list[str]:
    """Those of a run's numbers that the page of further charts draws, in its order; what is not in the table comes
    last, so that nothing that a run says is missing."""
    known = [name for name, metric in METRICS.items() if metric.page == "more" and name in names]
    return known + sorted(name for name in names if name not in METRICS)
