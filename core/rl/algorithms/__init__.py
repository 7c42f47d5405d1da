"""One file per algorithm, each readable beside its paper from top to bottom.

To add one, put one file here with two classes. The loop, the commands and the window find it by itself.

    class Options(AlgorithmOptions): its own settings, and in capitals what the loop and the window must know of it
    class Learner(BaseLearner): `update(rollout, step)` learns from one `Rollout` and returns metrics

The loop supplies rollouts, scores, log-probabilities and value features, measures, checkpoints and stops. The file is
imported by the window too, so it imports torch inside its methods. The files that are here already need not care:
their options stand in `core.config.algorithms`, where one may inherit another's.
"""
