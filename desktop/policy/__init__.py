"""The tab that tunes the policy."""
