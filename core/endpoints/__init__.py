"""Servers that speak OpenAI's chat API, on this machine or on one that a person named."""
