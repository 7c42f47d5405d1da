"""Who ranks: people, scripts that stand in for them, and judges."""

from core.errors import BadInput
from core.records import Labeler, LabelerKind
from core.store import Project


def named(project: Project, name: str, *, kind: LabelerKind = "person", detail: str = "") -> Labeler:
    """The labeler called `name`, made if there is none. A name stays a person's, a script's or a
    judge's for good."""
    name = name.strip()
    if not name:
        raise BadInput("A labeler needs a name.")
    with project.write() as database:
        database.execute(
            "insert into labelers (name, kind, detail) values (?, ?, ?) on conflict (name) do nothing",
            (name, kind, detail),
        )
    found = find(project, name)
    assert found is not None
    if found.kind != kind:
        raise BadInput(f"{name!r} is a {found.kind} labeler: choose another name.")
    return found


def find(project: Project, name: str) -> Labeler | None:
    """The labeler called `name`, if there is one."""
    sql = "select id, name, kind, detail from labelers where name = ?"
    return next(iter(project.database.records(Labeler, sql, name.strip())), None)


def ids_of(project: Project, whose: str) -> set[int]:
    """The labelers whose rankings are meant by `everybody`, `people` or `judges`."""
    kinds = {"people": ("person",), "judges": ("judge",)}
    return {who.id for who in listed(project) if who.kind in kinds.get(whose, (who.kind,))}


def listed(project: Project) -> list[Labeler]:
    return project.database.records(Labeler, "select id, name, kind, detail from labelers order by id")


def busiest(project: Project, most: int) -> list[Labeler]:
    """Of more than `most` those with the most rankings, in their usual order."""
    return project.database.records(
        Labeler,
        "select id, name, kind, detail from (select l.*, count(r.id) as ranked from labelers l"
        " left join rankings r on r.labeler_id = l.id group by l.id order by ranked desc, l.id limit ?) order by id",
        most,
    )


def newest_script(project: Project) -> Labeler | None:
    """The scripted labeler that came last; a data set may have brought it."""
    sql = "select id, name, kind, detail from labelers where kind = 'scripted' order by id desc limit 1"
    return next(iter(project.database.records(Labeler, sql)), None)
