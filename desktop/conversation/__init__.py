"""Conversations in the window: turns as bubbles, an editor with roles, and what the model reads of them."""
