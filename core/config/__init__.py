"""Every choice a person can make: job settings, algorithms and their options, the meaning of each metric. No torch."""
