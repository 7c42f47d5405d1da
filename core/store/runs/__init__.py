"""What hangs on a job: what it measured, wrote and kept, and what was changed while it ran."""
