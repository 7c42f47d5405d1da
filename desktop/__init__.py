"""The window over the core: it asks for operations and jobs, follows their rows, and imports no torch."""
