"""What people ask. A conversation is there once in its project: prompts that differ in their turns alone are two."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from core.conversation import Conversation, of_named_turns, same_words
from core.errors import BadInput, NothingToDo, ProjectError
from core.records import Prompt, Split
from core.store import Changes, Project, cells, now
from core.store.begun import digests
from core.store.demonstrations import ALONE
from core.store.typed import ANSWERS, OVER_PROMPTS, keys_under, row_number

ADD = """
    insert into prompts (id, text, messages, tags, split, source, created_at)
    values (:id, :text, :messages, :tags, :split, :source, :created_at)
"""


def _prompt(row: dict[str, Any]) -> Prompt:
    turns = cells.turns(row["messages"], row["id"])
    text = row["text"] if turns is None else turns.text  # what a model reads, whatever a stranger's file says beside it
    return Prompt(row["id"], text, cells.tags(row["tags"], row["id"]), row["split"], row["source"], turns)


COLUMNS = "select id, text, tags, split, source, messages from prompts"
LISTED = COLUMNS + " where (:split = 'all' or split = :split)"
ONE = COLUMNS + " where id = ?"
SOME = COLUMNS + " where id in (select value from json_each(?)) order by id"
IDS = "select id from prompts where (:split = 'all' or split = :split)"
#: SQLite's LIKE knows the case of ASCII letters only, so that other texts are looked for as they are typed, in small,
#: in large and with a capital.
IN_TEXT = {
    True: " and text like :plain escape '\\'",
    False: " and (text like :plain escape '\\' or text like :small escape '\\' or text like :large escape '\\'"
    " or text like :capital escape '\\')",
}
IN_TEXT_OR_TAGS = {
    True: " and (text like :plain escape '\\' or tags like :plain escape '\\')",
    False: " and (text like :plain escape '\\' or text like :small escape '\\' or text like :large escape '\\'"
    " or text like :capital escape '\\' or tags like :plain escape '\\' or tags like :small escape '\\'"
    " or tags like :large escape '\\' or tags like :capital escape '\\')",
}


def listed(project: Project, *, split: str = "all", limit: int = 0, search: str = "") -> list[Prompt]:
    """Prompts in the order in which they were added; with `search`, those whose text contains it."""
    sql = LISTED + (IN_TEXT[search.isascii()] if search else "") + " order by id limit :limit"
    rows = project.database.rows(sql, split=split, limit=limit or -1, **_forms(search))
    return [_prompt(row) for row in rows]


def ids(project: Project, *, split: str = "all", search: str = "") -> list[int]:
    """Ids of the prompts whose text or tags contain `search`, in the order in which they were added.

    Case does not matter. As one JSON array, because 100,000 rows take longer than the search itself.
    """
    sql = IDS + (IN_TEXT_OR_TAGS[search.isascii()] if search else "") + " order by id"
    found = project.database.value("select json_group_array(id) from (" + sql + ")", split=split, **_forms(search))
    return list(json.loads(found))


def _forms(search: str) -> dict[str, str]:
    """Patterns for LIKE."""
    plain = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    forms = {"plain": plain, "small": plain.lower(), "large": plain.upper(), "capital": plain.capitalize()}
    return {name: f"%{form}%" for name, form in forms.items()}


def some(project: Project, ids: Sequence[int]) -> list[Prompt]:
    """Those of the prompts that are there, in the order of their ids."""
    rows = project.database.rows(SOME, json.dumps(list(ids)))
    return [_prompt(row) for row in rows]


def get(project: Project, prompt_id: int) -> Prompt:
    row = project.database.one(ONE, prompt_id)
    if row is None:
        raise BadInput(f"There is no prompt {prompt_id}.")
    return _prompt(row)


def exists(project: Project, prompt_id: int) -> bool:
    return bool(project.database.value("select exists (select 1 from prompts where id = ?)", prompt_id))


def count(project: Project, split: str = "all") -> int:
    if split == "all":
        return int(project.database.value("select count(*) from prompts"))
    return int(project.database.value("select count(*) from prompts where split = ?", split))


def count_some(project: Project, most: int) -> int:
    """How many there are, counted up to `most`."""
    return int(project.database.value("select count(*) from (select 1 from prompts limit ?)", most))


def count_unanswered(project: Project, most: int) -> int:
    """How many have no completions yet, but maybe an answer to be learnt; counted up to `most`."""
    return int(project.database.value(
        "select count(*) from (select 1 from prompts p where not exists ("
        "select 1 from completion_groups g where g.prompt_id = p.id and not " + ALONE + ") limit ?)", most,
    ))  # fmt: skip


def newest_id(project: Project) -> int | None:
    """The id of the prompt that was added last; None where there is none."""
    return project.database.value("select max(id) from prompts")


def holds_out(project: Project) -> bool:
    """Is any prompt held out? Looks at all of them where none is."""
    return bool(project.database.value("select exists (select 1 from prompts where split = 'heldout')"))


def id_of(project: Project, conversation: Conversation) -> int | None:
    """The prompt that is this conversation."""
    if conversation.is_plain:
        sql = "select id from prompts where text = ? and messages is null"
        return project.database.value(sql, conversation.text)
    return project.database.value("select id from prompts where messages = ?", conversation.key)


def _cells(conversation: Conversation) -> dict[str, str | None]:
    """What is stored of a conversation. Raises `BadInput` for one to which there is no answer."""
    try:
        messages = None if conversation.is_plain else conversation.checked().key
    except ValueError as error:
        raise BadInput(f"This cannot be a prompt: {error}.") from error
    return {"text": conversation.text, "messages": messages}


def row_of(prompt: Prompt, created_at: str, id: int | None = None) -> dict[str, Any]:
    """What is stored of a prompt; without an `id` it is given the next one. Raises `BadInput` for one to which there is
    no answer."""
    return _cells(prompt.conversation) | {
        "id": id, "tags": json.dumps(prompt.tags), "split": prompt.split, "source": prompt.source,
        "created_at": created_at,
    }  # fmt: skip


def add(project: Project, prompts: Iterable[Prompt]) -> Changes:
    """Add prompts as they are (their ids are ignored); one that is already there is left as it is.

    Raises `NothingToDo` if not one of them has text.
    """
    ids = []
    with project.write() as database:
        some = False
        for prompt in prompts:
            if not prompt.text.strip():
                continue
            some = True
            row = row_of(prompt, now())
            if id_of(project, prompt.conversation) is None:  # a conflict on insert would take a number for nothing
                ids.append(database.insert(ADD, row))
        if not some:
            raise NothingToDo(
                "There are no prompts in it: give one prompt a line, or JSON lines with a `prompt` field."
            )
    return project.changed("Add prompts", "prompts", ids=tuple(ids))


class ChangedSince(BadInput):
    """What would be written over is another by now than what the change was begun with: it is `now`."""

    def __init__(self, now: Prompt) -> None:
        super().__init__("This prompt was changed elsewhere since you began: look at it, then say what is to stay.")
        self.now = now


def begun_over(prompt: Prompt) -> dict[str, str]:
    """What a change of the prompt is begun over: digests of what it says, of what it is for, and of its tags."""
    return digests({"text": prompt.conversation.key, "split": prompt.split, "tags": json.dumps(prompt.tags)})


def edit(
    project: Project,
    prompt_id: int,
    *,
    begun: Mapping[str, str] | None = None,
    text: str | None = None,
    conversation: Conversation | None = None,
    split: Split | None = None,
    tags: tuple[str, ...] | None = None,
) -> Changes:
    """Change a prompt, to another conversation or to what a changed `text` says.

    While it has completions, which answer it, only where the same words become other turns. Raises `ChangedSince` where
    that would write over what was not yet there in the prompt that it was `begun_over`.
    """
    with project.write() as database:
        prompt = get(project, prompt_id)
        here = begun_over(prompt) if begun is not None else {}
        moved = {part for part, found in (begun or {}).items() if found != here[part]}
        if text is not None and text != prompt.text:
            conversation = _reworded(prompt, text)
        if conversation is not None and conversation != prompt.conversation:
            if not conversation.text.strip():
                raise BadInput("A prompt cannot be empty: delete it instead.")
            if is_answered(project, prompt_id) and not same_words(conversation.text, prompt.text):
                raise BadInput("This prompt has completions, which answer its old text: add a new prompt instead.")
            if id_of(project, conversation) not in (None, prompt_id):
                raise BadInput("Another prompt already has this text.")
            if "text" in moved:
                raise ChangedSince(prompt)
            database.execute(
                "update prompts set text = :text, messages = :messages where id = :id",
                _cells(conversation) | {"id": prompt_id},
            )
        if ("split" in moved and split not in (None, prompt.split)) or (
            "tags" in moved and tags not in (None, prompt.tags)
        ):
            raise ChangedSince(prompt)
        if split is not None:
            database.execute("update prompts set split = ? where id = ?", (split, prompt_id))
        if tags is not None:
            database.execute("update prompts set tags = ? where id = ?", (json.dumps(list(tags)), prompt_id))
        project.count_edit("prompts")
    return project.changed("Edit prompt", "prompts", ids=(prompt_id,))


def _reworded(prompt: Prompt, text: str) -> Conversation:
    """The prompt with another text. Raises `BadInput` where it has turns that the text does not say."""
    if prompt.turns is None or not text.strip():
        return Conversation.of_text(text)
    found = of_named_turns(text)
    if found is None or of_named_turns(prompt.text) != prompt.turns:
        raise BadInput(
            "This prompt has several turns: give each after its name (User: or Assistant:) and a blank line, the "
            "user's first and last, or change it as JSON."
        )
    return found


def is_answered(project: Project, prompt_id: int) -> bool:
    """Has it completions?"""
    return bool(
        project.database.value("select exists (select 1 from completion_groups where prompt_id = ?)", prompt_id)
    )


def is_ranked(project: Project, prompt_id: int) -> bool:
    """Has it a ranking, one that was taken back included?"""
    return bool(project.database.value(
        "select exists (select 1 from rankings r join completion_groups g on g.id = r.group_id where g.prompt_id = ?)",
        prompt_id,
    ))  # fmt: skip


def tags(project: Project) -> list[str]:
    """Every tag in use, the most used first."""
    found = {tag: len(tagged) for tag, tagged in by_tag(project).items()}
    return sorted(found, key=lambda tag: (-found[tag], tag))


def by_tag(project: Project) -> dict[str, set[int]]:
    """The ids of the prompts with each tag."""
    found: dict[str, set[int]] = {}
    for prompt_id, text in project.database.execute("select id, tags from prompts where tags != '[]'"):
        for tag in cells.tags(text, prompt_id):
            found.setdefault(tag, set()).add(prompt_id)
    return found


class Source(NamedTuple):
    """Prompts of one split that came from one place (empty is by hand)."""

    name: str
    split: str
    prompts: int


def sources(project: Project) -> list[Source]:
    """Where the prompts came from, most of them first."""
    return project.database.records(
        Source, "select source as name, split, count(*) as prompts from prompts group by 1, 2 order by prompts desc"
    )


def ranked_ids(project: Project) -> set[int]:
    """Prompts with at least one ranking, retracted ones included."""
    return set(project.database.column(
        "select distinct g.prompt_id from completion_groups g join rankings r on r.group_id = g.id"
    ))  # fmt: skip


class Along(NamedTuple):
    """What would be deleted along with a prompt: answers, those of them that a labeler wrote, orders and answers that
    are begun, and texts that are typed over it and not saved."""

    answers: int = 0
    by_hand: int = 0
    drafts: int = 0
    begun: int = 0
    typed: int = 0


TYPED_OVER = "select exists (select 1 from settings where key = :key or key glob :key || '/*')"
OF_THESE = " where g.prompt_id in (select value from json_each(?)) group by g.prompt_id"
ANSWERS_ALONG = (
    "select g.prompt_id, count(c.id), count(c.written_by) from completion_groups g"
    " left join completions c on c.group_id = g.id" + OF_THESE
)
DRAFTS_ALONG = "select g.prompt_id, count(*) from completion_groups g join drafts d on d.group_id = g.id" + OF_THESE
PROMPTS_OF = "select id, prompt_id from completion_groups where id in (select value from json_each(?))"


def along(project: Project, prompt_ids: Iterable[int]) -> dict[int, Along]:
    """Of each of the prompts that has anything."""
    wanted = json.dumps(list(prompt_ids))
    answers = {number: (of_all, own) for number, of_all, own in project.database.execute(ANSWERS_ALONG, (wanted,))}
    drafts = dict(project.database.execute(DRAFTS_ALONG, (wanted,)).fetchall())
    by_group = _numbered(project, ANSWERS, 1)
    begun: Counter[int] = Counter()
    for group_id, prompt_id in project.database.execute(PROMPTS_OF, (json.dumps(list(by_group)),)):
        begun[prompt_id] += by_group[group_id]
    typed = sum((_numbered(project, begin, 0) for begin in OVER_PROMPTS), Counter[int]())
    return {
        number: Along(*answers.get(number, (0, 0)), drafts.get(number, 0), begun[number], typed[number])
        for number in json.loads(wanted)
        if number in answers or typed[number]
    }


def _numbered(project: Project, begin: str, place: int) -> Counter[int]:
    """How many settings begin so, by the number that is that part of what follows."""
    parts = (key.removeprefix(begin).split("/")[place : place + 1] for key in keys_under(project, begin))
    return Counter(found for part in parts for each in part if (found := row_number(each)) is not None)


def is_typed_over(project: Project, prompt_id: int) -> bool:
    """Is anything typed over the prompt, or its turns, that is not saved?"""
    return any(project.database.value(TYPED_OVER, key=f"{begin}{prompt_id}") for begin in OVER_PROMPTS)


class Line(NamedTuple):
    """A prompt in a table, with how many groups of completions it has, and rankings that stand."""

    id: int
    text: str
    split: Split
    tags: tuple[str, ...]
    completions: int
    rankings: int


def lines(project: Project, ids: Sequence[int]) -> list[Line]:
    """Those of the prompts that are there, in the order of their ids."""
    rows = project.database.execute(
        "select p.id, p.text, p.split, p.tags,"
        " (select count(*) from completion_groups g where g.prompt_id = p.id),"
        " (select count(distinct r.group_id || '/' || r.labeler_id) from completion_groups g"
        "  join rankings r on r.group_id = g.id where g.prompt_id = p.id and r.retracted_at is null)"
        " from prompts p where p.id in (select value from json_each(?)) order by p.id",
        (json.dumps(ids),),
    )
    return [
        Line(number, text, split, _shown_tags(tags, number), *counts) for number, text, split, tags, *counts in rows
    ]


def delete(project: Project, prompt_ids: Iterable[int]) -> Changes:
    """Delete prompts that nobody has ranked: a ranking is never deleted along with its prompt."""
    ids = tuple(prompt_ids)
    with project.write() as database:
        for prompt_id in ids:
            if is_ranked(project, prompt_id):
                raise BadInput("A ranked prompt cannot be deleted, because its rankings would go with it.")
            database.execute("delete from prompts where id = ?", (prompt_id,))
        project.count_edit("prompts")
    return project.changed("Delete prompts", "prompts", "completions", ids=ids)


def split_heldout(project: Project, fraction: float) -> Changes:
    """Mark every n-th prompt as held-out, spread evenly, so that about `fraction` of all are."""
    if not 0 <= fraction < 1:
        raise BadInput("The held-out share must be at least 0 and below 1.")
    with project.write() as database:
        for index, prompt_id in enumerate(ids(project)):
            heldout = int((index + 1) * fraction) > int(index * fraction)
            database.execute(
                "update prompts set split = ? where id = ?", ("heldout" if heldout else "train", prompt_id)
            )
        project.count_edit("prompts")
    return project.changed("Hold out prompts", "prompts")


def _shown_tags(text: str, number: int) -> tuple[str, ...]:
    """In the table a prompt stays where its tags are damaged, which is said there."""
    try:
        return cells.tags(text, number)
    except ProjectError:
        return ("cannot be read",)
