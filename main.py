"""The door: alone or with a project's folder the window opens, with a command it is the headless CLI."""

import os
import sys
from pathlib import Path

# An installation in place may leave a relative entry here, and with it Python would take modules from whatever folder
# somebody stands in.
sys.path[:] = [place for place in sys.path if os.path.isabs(place)]


def main() -> int:
    words = sys.argv[1:]
    data = os.environ.get("PLUMBLINE_DATA")
    if data and not os.path.isabs(os.path.expanduser(data)):
        sentence = f"PLUMBLINE_DATA is {data!r}, another folder wherever a command is begun: give its whole path."
        print(f"Error: {sentence}", file=sys.stderr)  # noqa: T201
        return 2
    if not words or words[0] == "window":
        return _window(words[1:])
    if words[0] == "--check":
        sys.argv[1] = "check"
    from core.cli import cli
    from core.cli import run as run_cli

    if len(words) == 1 and words[0] not in cli.commands and os.path.isfile(Path(words[0]) / "plumbline.db"):
        return _window(words)
    return run_cli()


def _window(words: list[str]) -> int:
    try:
        from desktop.app import run
    except ImportError as error:
        if ".so" not in str(error):
            raise
        from core.machine import libraries

        sentence = f"The window lacks a library of the system ({error}): {libraries.remedy()}. The commands do without."
        raise SystemExit(f"Error: {sentence}") from error
    return run(words)


if __name__ == "__main__":
    sys.exit(main())
