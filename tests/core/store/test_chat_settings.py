"""How a project's conversations reach a model: chosen by people, and checked where they are read."""

from dataclasses import replace

import pytest

from core.config.chat import Chat
from core.errors import BadInput, ProjectError
from core.store import chat_settings


def test_a_new_project_adds_nothing_of_ours_but_its_own_date(project):
    assert chat_settings.get(project) == Chat(chat_date=project.setting("created_at")[:10])


def test_what_is_chosen_is_read_back(project):
    chosen = replace(chat_settings.get(project), system_prompt="Be brief.\n", thinking="off")
    chat_settings.choose(project, chosen)
    assert chat_settings.get(project) == chosen


@pytest.mark.parametrize("values", [{"thinking": "maybe"}, {"chat_date": "tomorrow"}, {"chat_date": "20260131"}])
def test_what_cannot_be_chosen_is_refused(values):
    with pytest.raises(BadInput):
        Chat(**values)


@pytest.mark.parametrize(("key", "value"), [("thinking", "maybe"), ("system_prompt", 3), ("chat_date", "{{ date }}")])
def test_what_a_stranger_wrote_there_is_refused_where_it_is_read(project, key, value):
    project.set_setting(key, value)
    with pytest.raises(ProjectError, match="cannot be read"):
        chat_settings.get(project)
