"""The command about alerts: what a person of this machine is told of long runs."""

from dataclasses import asdict

import click

from core.cli.output import json_option, show, table
from core.errors import BadInput
from core.runs import alerting, alerts
from core.runs.alerting import Message
from core.runs.alerts import Alert

RULES = "; ".join(f"{name}: {words}" for name, words in alerts.RULES.items())


@click.command("alert")
@click.option("--when", type=click.Choice(list(alerts.RULES)), help=f"When you are told. {RULES}.")
@click.option("--above", type=float, help="The number of kl and reward.")
@click.option(
    "--command", default="", help="A command of yours, without a shell; it gets the message as JSON on its input."
)
@click.option("--webhook", default="", help="An address to which the message is posted as JSON.")
@click.option("--yes", is_flag=True, help="Do not ask whether an address that is not this machine may be told.")
@click.option("--remove", type=int, metavar="NUMBER", help="Remove an alert.")
@click.option("--test", type=int, metavar="NUMBER", help="Tell an alert now.")
@json_option
def alert(
    when: str | None, above: float | None, command: str, webhook: str, yes: bool, remove: int | None,
    test: int | None, as_json: bool,
) -> None:  # fmt: skip
    """List, set, test or remove what you are told of long runs, of every project on this machine."""
    if sum((when is not None, remove is not None, test is not None)) > 1:
        raise BadInput("Give one of --when, --remove and --test.")
    if when is None and (above is not None or command or webhook):
        raise BadInput(f"Say with --when in which case: {', '.join(alerts.RULES)}.")
    if when is not None:
        new = alerts.made(when, above, command, webhook)
        if new.webhook and not alerts.where(new.webhook).is_loopback and not yes:
            _ask(new)
        _show(alerts.add(new), as_json)
    elif remove is not None:
        _show(alerts.remove(remove), as_json)
    elif test is not None:
        _test(test, as_json)
    else:
        _show(alerts.listed(), as_json)


def _ask(new: Alert) -> None:
    how = ", and others on the way can read it" if alerts.where(new.webhook).is_open else ""
    click.confirm(
        f"{new.webhook} is not this machine{how}. Send it the name, the folder and the news of your runs?",
        abort=True, err=True,
    )  # fmt: skip


def _test(number: int, as_json: bool) -> None:
    found = alerts.listed()
    if not 1 <= number <= len(found):
        raise BadInput(f"There is no alert {number}: `alert` lists the ones there are.")
    chosen = found[number - 1]
    alerting.tell(chosen, Message(chosen.rule, 0, "test", "", "This is a test of an alert."))
    show({"tested": number}, as_json, f"Told: {chosen.told}")


def _show(found: list[Alert], as_json: bool) -> None:
    rows = [(number, each.rule, each.told) for number, each in enumerate(found, 1)]
    text = table(rows, ("alert", "when", "told")) if rows else "Nobody is told of anything: set an alert with --when."
    show({"alerts": [asdict(each) for each in found]}, as_json, text)


COMMANDS = (alert,)
