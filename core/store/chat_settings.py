"""How the project's conversations reach a model: settings of the project, read as what they must be."""

from core.config.chat import Chat
from core.config.options import documented
from core.errors import BadInput, ProjectError
from core.store import Changes, Project, cells

#: The file in a run's folder in which it keeps them as it began.
KEPT = "chat.json"


def get(project: Project) -> Chat:
    """Raises `ProjectError` for what no Plumbline wrote."""
    defaults = Chat()
    found = {item.name: project.setting(item.name, getattr(defaults, item.name)) for item in documented(Chat)}
    try:
        return Chat(**found)
    except BadInput as error:
        raise ProjectError(f"How the project puts its conversations {cells.DAMAGED}") from error


def choose(project: Project, chosen: Chat) -> Changes:
    """Store what differs from what is chosen so far."""
    now = get(project)
    with project.write():
        for item in documented(Chat):
            value = getattr(chosen, item.name)
            if value != getattr(now, item.name):
                project.set_setting(item.name, value)
    return project.changed("Change how conversations are put", "settings")
