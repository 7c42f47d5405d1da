"""What can be open beside the cards: generation, guidelines, history, the session."""
