"""One file per algorithm, each readable beside its paper from top to bottom.

To add one, put one file here with two classes. The loop, the commands and the window find it by itself.

    class Options(Settings): its own settings; the docstring is `TITLE: what it is (paper)`, LEARNING_RATE the default;
        what else may be said of it are the properties of `core.config.algorithms.AlgorithmKind`
    class Learner(BaseLearner): `update(rollout, step)` learns from one `Rollout` and returns metrics

`Options` is read without running the rest of the file (see `core.config.algorithms`). The loop supplies rollouts,
scores, log-probabilities and value features, measures, checkpoints and stops.
"""
