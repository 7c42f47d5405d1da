"""Attacks of strangers, each as a file or a text that the test makes itself."""
