"""What a policy answered, or anybody else. The completions of one prompt that are ranked together form a group."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from core.conversation import Conversation
from core.errors import BadInput
from core.events import NewCompletion
from core.records import LONGEST_ANSWER, MOST_ANSWERS, MOST_COMPLETIONS, Completion, Group
from core.store import Changes, Project, cells, groups, now, prompts

#: What a person did with a group, or began.
WORKED_ON = (
    "select exists (select 1 from rankings where group_id = ?)",
    "select exists (select 1 from drafts where group_id = ?)",
    "select exists (select 1 from completions where group_id = ? and written_by is not null)",
    "select exists (select 1 from settings where key glob 'draft/answer/*/' || ? || '/*')",
)
ADD_GROUP = """
    insert into completion_groups (id, prompt_id, job_id, created_at) values (:id, :prompt_id, :job_id, :created_at)
"""
ADD = """
    insert into completions (id, group_id, text, policy_job, written_by, sampling, seed, tokens, ended)
    values (:id, :group_id, :text, :policy_job, :written_by, :sampling, :seed, :tokens, :ended)
"""
WRITE = """
    insert into completions (id, group_id, text, written_by, sampling)
    values (:id, :group_id, :text, :written_by, :sampling)
"""
WRITTEN_BY_HAND = """
    select group_id, written_by as labeler_id, text,
        iif(json_valid(sampling), json_extract(sampling, '$.mended'), null) as mended
    from completions where id = ? and written_by is not null
"""
#: What settings begin with that say which answer by hand had a number.
TAKEN_BACK = "taken_back_answer/"
OF_GROUP = """
    select c.id, c.group_id, c.text, c.policy_job, c.ended, c.tokens, c.sampling, l.name from completions c
    left join labelers l on l.id = c.written_by where c.group_id = ? order by c.id
"""
#: A completion `c` that the base itself wrote in this project.
WRITTEN_HERE = (
    "c.policy_job is null and c.written_by is null"
    " and iif(json_valid(c.sampling), json_extract(c.sampling, '$.imported'), null) is null"
    " and iif(json_valid(c.sampling), json_extract(c.sampling, '$.server'), null) is null"
)
#: And it was not chosen among several: what such a choice keeps says nothing of what the base writes.
DRAWN_HERE = WRITTEN_HERE + " and iif(json_valid(c.sampling), json_extract(c.sampling, '$.best_of'), null) is null"


class TakenBack(NamedTuple):
    """An answer that a labeler wrote, maybe made of another one, and that is none any more."""

    group_id: int
    labeler_id: int
    text: str
    mended: int | None


def add_group(
    project: Project,
    prompt_id: int,
    rows: tuple[NewCompletion, ...],
    *,
    sampling: dict[str, Any] | None = None,
    each: Sequence[dict[str, Any]] = (),
    job_id: int | None = None,
) -> int:
    """Store completions that will be ranked together; returns the group's id. `sampling` says how all of them were
    written, or `each` how each was."""
    with project.write() as database:
        group = {"id": None, "prompt_id": prompt_id, "job_id": job_id, "created_at": now()}
        group_id = database.insert(ADD_GROUP, group)
        hows = zip(each or [sampling or {}] * len(rows), rows, strict=True)
        written = [json.dumps(how | row.source) for how, row in hows]
        database.many(ADD, (row_of(row, group_id, how) for row, how in zip(rows, written, strict=True)))
    return group_id


def row_of(new: NewCompletion, group_id: int, sampling: str, id: int | None = None) -> dict[str, Any]:
    """What is stored of a completion; without an `id` it is given the next one."""
    return {
        "id": id, "group_id": group_id, "text": new.text, "policy_job": new.policy_job, "written_by": new.written_by,
        "sampling": sampling, "seed": new.seed, "tokens": new.tokens, "ended": new.ended,
    }  # fmt: skip


def group(project: Project, group_id: int) -> Group:
    prompt_id = project.database.value("select prompt_id from completion_groups where id = ?", group_id)
    if prompt_id is None:
        raise BadInput(f"There is no group of completions {group_id}.")
    rows = project.database.rows(OF_GROUP, group_id)
    completions = tuple(_completion(row, prompt_id) for row in rows)
    return Group(group_id, prompts.get(project, prompt_id), completions)


def _completion(row: dict[str, Any], prompt_id: int) -> Completion:
    sampling = cells.read(row["sampling"], dict, f"How completion {row['id']} was written")
    mended = sampling.get("mended")
    return Completion(
        row["id"], row["group_id"], prompt_id, row["text"], row["policy_job"], bool(row["ended"]), row["tokens"],
        str(sampling.get("imported", "")), row["name"] or "", mended if isinstance(mended, int) else None,
        str(sampling.get("server", "")), cells.whole(sampling.get("step")), cells.whole(sampling.get("best_of")) or 1,
        cells.whole(sampling.get("judge")),
    )  # fmt: skip


def ids(project: Project, group_id: int) -> list[int]:
    """The group's completions. Raises `BadInput` if there is no such group."""
    found = project.database.column("select id from completions where group_id = ? order by id", group_id)
    if not found:
        raise BadInput(f"There is no group of completions {group_id}.")
    return found


def written_by_hand(project: Project, group_id: int) -> dict[int, int]:
    """The group's completions that labelers wrote, and who wrote each."""
    sql = "select id, written_by from completions where group_id = ? and written_by is not null order by id"
    return dict(project.database.execute(sql, (group_id,)).fetchall())


def writers_by_hand(project: Project) -> dict[int, str]:
    """Every completion that somebody wrote by hand, and their name."""
    sql = "select c.id, l.name from completions c join labelers l on l.id = c.written_by"
    return dict(project.database.execute(sql).fetchall())


def write(
    project: Project, group_id: int, labeler_id: int, text: str, of: int | None = None, *, number: int | None = None
) -> Changes:
    """Add what a labeler wrote to a group, or made of its completion `of`. Rankings from before go without it. What was
    taken back comes again under the `number` that it had.

    Raises `BadInput` for an empty text, for one that a completion of the group has already, and for more than anybody
    could rank.
    """
    there = {item.id: item.text for item in group(project, group_id).completions}
    if not text.strip():
        raise BadInput("An answer cannot be empty: write one first.")
    if text in there.values():
        raise BadInput("One of the answers says this already: write another one.")
    if of is not None and of not in there:
        raise BadInput("The answer that was mended is none of this prompt's.")
    if len(text) > LONGEST_ANSWER:
        raise BadInput(f"An answer may have {LONGEST_ANSWER:,} letters, and this one has {len(text):,}: shorten it.")
    if len(there) >= MOST_COMPLETIONS:
        raise BadInput(f"This prompt has {len(there):,} answers, and at most {MOST_COMPLETIONS} can be ranked.")
    if list(written_by_hand(project, group_id).values()).count(labeler_id) >= MOST_ANSWERS:
        raise BadInput(f"You wrote {MOST_ANSWERS} answers to this prompt, and nobody may write more.")
    with project.write() as database:
        number = database.insert(WRITE, {
            "id": number, "group_id": group_id, "text": text, "written_by": labeler_id,
            "sampling": json.dumps({} if of is None else {"mended": of}),
        })  # fmt: skip
        database.execute("delete from settings where key = ?", (f"{TAKEN_BACK}{number}",))
        project.count_edit("completion_groups")
    return project.changed("Write an answer" if of is None else "Mend an answer", "completions", ids=(number,))


def take_back(project: Project, completion_id: int) -> Changes:
    """Remove what was written by hand; `taken_back` knows it again. Raises `BadInput` once it was ranked: a ranking
    never loses what it is of."""
    ranked = "select exists (select 1 from ranking_items where completion_id = ?)"
    with project.write() as database:
        if database.value(ranked, completion_id):
            raise BadInput("This answer was ranked, so that it stays.")
        found = database.records(TakenBack, WRITTEN_BY_HAND, completion_id)
        for answer in found:
            noted = [answer.group_id, answer.labeler_id, _digest(answer.text), answer.mended]
            project.set_setting(f"{TAKEN_BACK}{completion_id}", noted)
            database.execute("delete from completions where id = ?", (completion_id,))
        project.count_edit("completion_groups")
    return project.changed("Take an answer back", "completions", ids=(completion_id,))


def taken_back(project: Project, completion_id: int, text: str) -> TakenBack | None:
    """The answer that had this number until it was taken back, if it was this text: only its digest is kept."""
    match project.setting(f"{TAKEN_BACK}{completion_id}"):
        case [int(group_id), int(labeler_id), str(digest), int() | None as mended] if digest == _digest(text):
            return TakenBack(group_id, labeler_id, text, mended)
    return None


def was_taken_back(project: Project, group_id: int, text: str) -> bool:
    """Was an answer to the group that said this taken back, whatever number it had?"""
    sql = (
        "select exists (select 1 from settings where key glob ? and json_valid(value)"
        " and json_extract(value, '$[0]') = ? and json_extract(value, '$[2]') = ?)"
    )
    return bool(project.database.value(sql, f"{TAKEN_BACK}*", group_id, _digest(text)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def remove_group(project: Project, group_id: int) -> Changes:
    """Delete completions that nobody worked on. Raises `BadInput` once somebody ranked them, began to, or wrote one."""
    with project.write() as database:
        if any(database.value(sql, group_id) for sql in WORKED_ON):
            raise BadInput("Somebody ranked these answers, began to, or wrote one: they stay.")
        database.execute("delete from completion_groups where id = ?", (group_id,))
        project.count_edit("completion_groups")
    return project.changed("Delete answers", "completions", ids=(group_id,))


def exists(project: Project, group_id: int) -> bool:
    """Is the group still there? Its prompt may have been deleted."""
    return bool(project.database.value("select exists (select 1 from completion_groups where id = ?)", group_id))


def group_ids(project: Project, *, unranked_by: int | None = None) -> list[int]:
    """Groups, oldest first; with a labeler's id, only those that can be ranked and that this labeler has still to
    rank."""
    if unranked_by is None:
        return project.database.column("select id from completion_groups order by id")
    return project.database.column(
        "select g.id from completion_groups g where not exists (select 1 from rankings r where r.group_id = g.id"
        " and r.labeler_id = ? and r.retracted_at is null) and " + groups.RANKABLE + " order by g.id",
        unranked_by,
    )


def texts(project: Project, completion_ids: Iterable[int]) -> dict[int, str]:
    """What some completions say, by id."""
    wanted = json.dumps(list(completion_ids))
    sql = "select id, text from completions where id in (select value from json_each(?))"
    return dict(project.database.execute(sql, (wanted,)).fetchall())


def texts_by_group(project: Project, prompt_id: int, *, by_hand: bool = True) -> dict[int, tuple[str, ...]]:
    """What the completions of each of the prompt's groups say, with or without those that a labeler wrote."""
    found: dict[int, tuple[str, ...]] = {}
    for group_id, text in project.database.execute(
        "select c.group_id, c.text from completions c join completion_groups g on g.id = c.group_id"
        " where g.prompt_id = ? and (? or c.written_by is null) order by c.id",
        (prompt_id, by_hand),
    ):
        found[group_id] = (*found.get(group_id, ()), text)
    return found


ANSWERED_BY = (
    "select distinct g.prompt_id from completion_groups g join completions c on c.group_id = g.id"
    " where g.job_id is not :but and c.policy_job is :policy_job"
    " and iif(json_valid(c.sampling), coalesce(json_extract(c.sampling, '$.best_of'), 1), 1) = :best_of"
)
#: By whether the base is asked about.
ANSWERED = {False: ANSWERED_BY, True: ANSWERED_BY + " and " + WRITTEN_HERE}

ANSWERED_BY_SERVER = """
    select distinct prompt_id from (
        select g.prompt_id, iif(json_valid(c.sampling), json_extract(c.sampling, '$.server'), null) as server,
            iif(json_valid(c.sampling), coalesce(json_extract(c.sampling, '$.best_of'), 1), 1) as best_of
        from completion_groups g join completions c on c.group_id = g.id where g.job_id is not :but
    ) where best_of = :best_of and iif(:model = '', substr(server, -length(:at)) = :at, server = :model || :at)
"""


def answered_prompts(project: Project, policy_job: int | None, *, best_of: int = 1, but: int = 0) -> set[int]:
    """Ids of the prompts that this policy (None is the base), or the best of so many of its answers, has completions
    for, those that the job `but` wrote left out. What was imported or written by hand is nobody's policy."""
    sql = ANSWERED[policy_job is None]
    return set(project.database.column(sql, policy_job=policy_job, best_of=best_of, but=but))


def answered_by_server(project: Project, model: str, url: str, *, best_of: int = 1, but: int = 0) -> set[int]:
    """Ids of the prompts that a model behind an address, any of its models if none is named, or the best of so many of
    its answers, has completions for; those that the job `but` wrote left out."""
    at = server_name("", url)
    return set(project.database.column(ANSWERED_BY_SERVER, model=model, at=at, best_of=best_of, but=but))


def server_name(model: str, url: str) -> str:
    """As the model of a server stands beside what it wrote."""
    return f"{model} at {url}"


def count(project: Project) -> int:
    return int(project.database.value("select count(*) from completions"))


def count_of_policy(project: Project, job_id: int) -> int:
    """How many the policy of a run wrote."""
    return int(project.database.value("select count(*) from completions where policy_job = ?", job_id))


def were_imported(project: Project, source: str) -> bool:
    """Did an import bring completions, or prompts, from a file of this name?"""
    return bool(project.database.value(
        "select exists (select 1 from prompts where source = :source) or exists (select 1 from completions where"
        " iif(json_valid(sampling), json_extract(sampling, '$.imported'), null) = :source)", source=source,
    ))  # fmt: skip


def unended(project: Project) -> set[int]:
    """Those that were cut off."""
    return set(project.database.column("select id from completions where ended = 0"))


def writers(project: Project) -> dict[int, list[int | None]]:
    """The runs whose policies wrote in each group; None is the base."""
    found: dict[int, list[int | None]] = {}
    for group_id, policy_job in project.database.execute("select distinct group_id, policy_job from completions"):
        found.setdefault(group_id, []).append(policy_job)
    return found


def by_tuned_policies(project: Project) -> bool:
    """Did a tuned policy write any of them?"""
    return bool(project.database.value("select exists (select 1 from completions where policy_job is not null)"))


class Answer(NamedTuple):
    """A completion with its prompt, of which `messages` are as they are stored."""

    id: int
    group_id: int
    prompt_id: int
    prompt: str
    messages: str | None
    text: str

    @property
    def conversation(self) -> Conversation:
        return cells.conversation(self.prompt, self.messages, self.prompt_id)


ANSWERS = """
    select c.id, g.id as group_id, p.id as prompt_id, p.text as prompt, p.messages, c.text from completions c
    join completion_groups g on g.id = c.group_id join prompts p on p.id = g.prompt_id where
"""
SOME_WRITTEN_HERE = ANSWERS + DRAWN_HERE + " order by c.id * 7919 % 10007, c.id limit ?"
GROUPS_WRITTEN_HERE = (
    ANSWERS + DRAWN_HERE + " and g.id in (select o.id from completion_groups o"
    + " where o.prompt_id not in (select value from json_each(?))"
    + " and exists (select 1 from completions c where c.group_id = o.id and " + DRAWN_HERE
    + ") order by o.id * 7919 % 10007, o.id limit ?) order by g.id, c.id"
)  # fmt: skip


def written_here(project: Project, limit: int) -> list[Answer]:
    """Completions that the base wrote in this project, spread over it."""
    return project.database.records(Answer, SOME_WRITTEN_HERE, limit)


def groups_written_here(project: Project, groups: int, *, but: Iterable[int] = ()) -> list[Answer]:
    """Those of as many groups, spread over the project, group by group; none to the prompts in `but`."""
    return project.database.records(Answer, GROUPS_WRITTEN_HERE, json.dumps(sorted(but)), groups)


def groups_of_job(project: Project, job_id: int) -> list[int]:
    """What a job wrote, or what was sent to be ranked from it."""
    return project.database.column("select id from completion_groups where job_id = ? order by id", job_id)


def prompts_of_job(project: Project, job_id: int) -> set[int]:
    """Prompts that a job has answered."""
    return set(project.database.column("select prompt_id from completion_groups where job_id = ?", job_id))


def tokens_per_second(project: Project, job_id: int, since: str, groups: int) -> float | None:
    """What a job wrote after the first of its newest `groups`, over the time that it took; None for nothing."""
    row = project.database.one(
        """
        with groups as (
            select id, julianday(created_at) * 86400 as at from completion_groups
            where id > (select max(id) from completion_groups) - ? and job_id = ? and created_at >= ?
        )
        select sum(tokens) as tokens, (select max(at) - min(at) from groups) as seconds
        from groups join completions on completions.group_id = groups.id
        where groups.id > (select min(id) from groups)
        """,
        groups, job_id, since,
    )  # fmt: skip
    return row["tokens"] / row["seconds"] if row and row["seconds"] else None
