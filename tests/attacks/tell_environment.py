"""`python -m tests.attacks.tell_environment`: a line process that answers with the environment it was given."""

import json
import os
import sys

if __name__ == "__main__":
    for _ in sys.stdin:
        sys.stdout.write(json.dumps(dict(os.environ)) + "\n")
        sys.stdout.flush()
