"""The Instructions tab: guidelines and prompts."""
