"""Reinforcement learning: one rollout engine, one loop, one file per algorithm in `algorithms/`."""
