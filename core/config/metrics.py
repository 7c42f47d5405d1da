"""What each number of a run means: one table for the charts' tooltips and the docs.

Names follow TRL where it has one. Every mean over tokens is over response tokens only.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    title: str
    unit: str
    meaning: str
    healthy: str = ""


METRICS: dict[str, Metric] = {
    "loss": Metric(
        "Loss", "nats", "Mean of -log sigmoid(r_chosen - r_rejected) over the pairs of a step.", "below 0.69"
    ),
    "accuracy": Metric(
        "Accuracy", "share", "Pairs of the step with the chosen one scored higher; equal scores count half."
    ),
    "margin": Metric("Margin", "score", "Mean of r_chosen - r_rejected.", "rising, above 0"),
    "eval_loss": Metric("Held-out loss", "nats", "The loss on rankings of held-out prompts.", "below 0.69"),
    "eval_accuracy": Metric(
        "Held-out accuracy", "share", "Accuracy on rankings of held-out prompts; equal scores count half.", "above 0.5"
    ),
    "eval_margin": Metric("Held-out margin", "score", "Mean of r_chosen - r_rejected on held-out prompts."),
    "objective/scores": Metric(
        "Reward", "score", "Mean score of the rollouts by the reward model, in its standard deviations.", "rising"
    ),
    "objective/gold": Metric(
        "Gold reward", "score", "Mean gold reward of the same rollouts.", "rising with the reward"
    ),
    "objective/score_std": Metric(
        "Reward spread", "score", "Standard deviation of the scores in a batch.", "not near 0"
    ),
    "objective/score_spread": Metric(
        "Disagreement", "score", "Mean standard deviation of an ensemble's scores of the same rollout.", "not rising"
    ),
    "objective/kl": Metric(
        "KL to the reference",
        "nats per completion",
        "Mean over rollouts of sum_t (log pi - log ref): the k1 estimator.",
        "0 at the first step, slowly rising, never far below 0",
    ),
    "objective/kl_per_token": Metric("KL per token", "nats", "The same sum over all tokens divided by their number."),
    "objective/kl_coef": Metric(
        "KL coefficient", "score per nat", "The price of KL (beta).", "settling, with a KL target"
    ),
    "objective/non_score_reward": Metric(
        "KL penalty", "score", "Mean of -beta times the KL of a completion.", "smaller than the reward has risen"
    ),
    "objective/rlhf_reward": Metric("Reward after KL", "score", "What the algorithm maximises.", "rising"),
    "objective/entropy": Metric(
        "Entropy", "nats per token", "Mean entropy of the policy's next token.", "not falling to 0"
    ),
    "policy/approxkl_avg": Metric(
        "Approximate KL", "nats", "Mean of (new - old log-probability)^2 / 2 in the epochs.", "below 0.1"
    ),
    "policy/clipfrac_avg": Metric(
        "Clip fraction", "share", "Tokens at which the clipped loss was larger.", "below 0.3"
    ),
    "loss/policy_avg": Metric("Policy loss", "score", "Mean clipped surrogate loss."),
    "loss/value_avg": Metric(
        "Value loss", "score squared", "Half the mean squared error of the value head.", "falling"
    ),
    "val/explained_variance": Metric(
        "Explained variance", "share", "1 - Var(returns - values) / Var(returns).", "rising towards 1"
    ),
    "val/ratio": Metric("Ratio", "", "Mean of pi_new / pi_old; 1 at the first update of a step.", "near 1"),
    "val/ratio_first": Metric("First ratio", "", "Mean |ratio - 1| in the first minibatch of a rollout.", "0"),
    "completions/mean_length": Metric(
        "Length", "tokens", "Mean length of the rollouts.", "steady: a reward that likes length shows here first"
    ),
    "completions/eos_rate": Metric(
        "Ended", "share", "Rollouts that ended by themselves.", "steady, and not near 0 if the length limit is generous"
    ),
    "objective/kl_k3": Metric(
        "KL, never negative",
        "nats per completion",
        "The same by the k3 estimator: exp(-x) - 1 + x for each token.",
        "close to k1",
    ),
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
    "rewards/margins": Metric(
        "Implicit margin", "score", "Mean of beta (log pi/ref of chosen - of rejected).", "rising"
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
    "grad_norm": Metric("Gradient norm", "", "Norm of the adapter's gradient before clipping.", "no lonely peaks"),
    "lr": Metric("Learning rate", "", "The optimizer's learning rate.", "falling to a tenth"),
    "memory/gb": Metric("Memory", "GB", "Memory in use after the step.", "flat"),
    "time/tokens_per_second": Metric(
        "Tokens a second", "tokens/s", "Response tokens of a step by its whole time.", "steady"
    ),
    "time/step": Metric("Seconds a step", "s", "Wall time of a whole step.", "steady"),
    "time/generate": Metric("Seconds generating", "s", "Wall time of the rollouts."),
    "time/score": Metric("Seconds scoring", "s", "Wall time of reference, reward and old log-probabilities."),
    "time/train": Metric("Seconds training", "s", "Wall time of the optimization epochs."),
    "eval/reward_before": Metric("Reward before", "score", "Mean reward of the reference on held-out prompts."),
    "eval/reward_after": Metric("Reward after", "score", "Mean reward of the tuned policy on held-out prompts."),
}


def title(name: str) -> str:
    return METRICS[name].title if name in METRICS else name
