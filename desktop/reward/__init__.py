"""The Reward model tab: training, report, playground."""
