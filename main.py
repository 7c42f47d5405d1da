"""The door: without arguments the window opens, with arguments it is the headless CLI."""

import sys


def main() -> int:
    if len(sys.argv) == 1 or sys.argv[1] == "window":
        from desktop.app import run

        return run(sys.argv[2:])
    from core.cli import run as run_cli

    return run_cli()


if __name__ == "__main__":
    sys.exit(main())
