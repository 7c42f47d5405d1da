"""The arena's pages of the Compare tab: set up, vote, results."""
