"""Labeling: a labeler's session, orders in the making, packs for elsewhere, gold rewards that stand in for people. No
torch, no Qt."""
