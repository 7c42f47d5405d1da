"""The door: alone or with a project's folder the window opens, with a command it is the headless CLI."""

import sys
from pathlib import Path


def main() -> int:
    words = sys.argv[2:] if sys.argv[1:2] == ["window"] else sys.argv[1:]
    if words != sys.argv[1:] or not words or (Path(words[0]) / "plumbline.db").is_file():
        from desktop.app import run

        return run(words)
    from core.cli import run as run_cli

    return run_cli()


if __name__ == "__main__":
    sys.exit(main())
