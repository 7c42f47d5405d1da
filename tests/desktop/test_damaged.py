"""A project whose cells hold what they must not opens; each tab shows what it can, or says in a sentence why not."""

import shutil

import pytest

from core.errors import known
from core.resources import resource
from core.store import open_project
from desktop import errors
from desktop.background import busy
from desktop.places import TabId
from tests.thorough import represented

DAMAGE = (
    ['update settings set value = \'{"a": {"b": [1]}}\'', "update jobs set config = '5', result = '[]'"],
    ["update prompts set tags = '{'", "update completions set sampling = 'null'"],
    ['update jobs set config = \'{"steps": "x", "algorithm": 3}\''],
)


@pytest.mark.parametrize("statements", represented(DAMAGE, DAMAGE[0]))
def test_the_window_shows_what_it_can(open_window, qtbot, tmp_path, monkeypatch, statements):
    folder = tmp_path / "project"
    shutil.copytree(resource("demo"), folder)
    project = open_project(folder)
    with project.write() as database:
        for statement in statements:
            database.execute(statement)
    project.close()
    told = []
    monkeypatch.setattr(errors, "show", lambda error, parent=None: told.append(error))
    window = open_window()
    window.workspace.open(folder)
    for tab in TabId:
        try:
            shown = window.open_tab(tab)
        except Exception as error:
            told.append(error)
            continue
        for page in shown.info.pages if shown is not None else ():
            try:
                shown.show_page(page)
            except Exception as error:
                told.append(error)
        qtbot.waitUntil(lambda: not busy(), timeout=60_000)
    assert [error for error in told if known(error) is None] == []
