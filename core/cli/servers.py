"""The command about servers that speak OpenAI's chat API: what one has, and its key."""

import click

from core.cli.output import json_option, say, show
from core.endpoints import given_key, keys
from core.endpoints.address import parse
from core.endpoints.server import Server


@click.command("server")
@click.argument("address")
@click.option("--key", is_flag=True, help="Ask for a key, and keep it in this system's keyring.")
@click.option("--forget-key", is_flag=True, help="Remove the key from the keyring.")
@click.option(
    "--yes",
    is_flag=True,
    help="Do not ask whether an address that is not this machine may be asked, and shown a key of the environment.",
)
@json_option
def server(address: str, key: bool, forget_key: bool, yes: bool, as_json: bool) -> None:
    """Show which models a server has, such as http://127.0.0.1:11434/v1, to write or to judge completions."""
    where = parse(address)
    if forget_key:
        keys.forget(where)
        say(f"No key is kept for {where.url}.")
        return
    if not where.is_loopback and not yes:
        click.confirm(f"{where.url} is not this machine. Ask it?", abort=True, err=True)
    if given_key.is_for_any() and not yes:
        click.confirm(f"Show {where.url} the key that stands in {given_key.VARIABLE}?", abort=True, err=True)
    if key:
        keys.keep(where, click.prompt(f"Key of {where.url}", hide_input=True, err=True))
    with Server(where, keys.of(where)) as asked:
        models = asked.models()
    lines = "\n".join(models) or "The server has no model loaded."
    show({"address": where.url, "models": models}, as_json, lines)


COMMANDS = (server,)
