"""From rankings to pairs."""
