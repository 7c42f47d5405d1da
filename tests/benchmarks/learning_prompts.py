"""The prompts of `learning`'s task `sentiment`: questions about things that nobody loves or hates."""

import random

from core.records import Prompt

TRAIN, HELDOUT = 60, 32
ASKED = ("Describe {} in one sentence.", "Tell me something about {}.", "What is {} like?")
THINGS = (
    "a train station", "a wooden table", "the morning bus", "a library", "a glass of water", "a long corridor",
    "a bicycle", "the town square", "a bridge over a river", "a kitchen chair", "a letter", "a row of houses",
    "an empty room", "a telephone", "a market", "the road to the coast", "a pair of shoes", "a school yard",
    "a lamp", "a small shop", "a winter day", "the harbour", "a garden wall", "a cup of tea", "a crowded street",
    "a notebook", "an old clock", "the roof of a barn", "a waiting room", "a bus stop", "a piece of paper",
    "a field of wheat", "a staircase", "the back of a truck", "a window", "a museum", "a bag of flour", "the evening",
    "a ferry", "a tunnel", "a coat", "an office building", "a stone", "a queue at the bank", "a factory",
    "the edge of a forest", "a carpet", "a newspaper", "a parking lot", "a pencil", "a village", "a door",
    "a conversation about the weather", "a map", "a ladder", "a corner of the room", "a bowl of rice", "a cloud",
    "a neighbour", "a hotel lobby", "a canal", "a box", "an airport", "a desk", "a hill", "the second floor",
    "a spoon", "a radio", "a concert hall", "a taxi", "a shelf", "a workshop", "the sound of traffic", "a basement",
    "a suitcase", "a courtyard", "a bench", "a road sign", "a bakery", "a gate", "a pond", "a lecture", "a hallway",
    "a photograph", "the ground floor", "a barber", "a warehouse", "a mirror", "a footpath", "a ticket", "a fence",
    "a sink",
)  # fmt: skip


def neutral() -> list[Prompt]:
    """60 to train on and 32 held out, no thing in both."""
    things = list(THINGS)
    random.Random(0).shuffle(things)
    texts = [ASKED[number % len(ASKED)].format(thing) for number, thing in enumerate(things)]
    return [
        Prompt(0, text, split="train" if number < TRAIN else "heldout")
        for number, text in enumerate(texts[: TRAIN + HELDOUT])
    ]
