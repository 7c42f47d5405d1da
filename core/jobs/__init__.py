"""The queue of slow work as rows in the project: torch-free, shared by the window, the CLI and the worker."""
