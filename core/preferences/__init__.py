"""From rankings to pairs, and the statistics of rankings and of votes."""
