"""Projects as a whole: archives, the trash, a summary of one that is not open. No torch."""
