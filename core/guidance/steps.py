"""The steps of the loop, as what guides somebody names them. Where each is done is the window's business."""

from enum import StrEnum


class Step(StrEnum):
    GUIDELINES = "guidelines"
    PROMPTS = "prompts"
    HOLD_OUT = "hold-out"
    GENERATE = "generate"
    RANK = "rank"
    TRAIN_REWARD = "train-reward"
    TUNE = "tune"
    COMPARE = "compare"
