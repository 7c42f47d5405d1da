"""This machine: base models and where they are kept, what computes, how much memory. No torch."""
