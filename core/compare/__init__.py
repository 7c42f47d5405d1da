"""Two policies on the same prompts."""
