"""`python -m tests.benchmarks NAME`: measures; prints a table, with `--json` one JSON object as its last line."""
