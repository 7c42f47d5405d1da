"""Arenas: policies that answered the same prompts, to be voted on. Nothing in them is ever learnt from.

An arena keeps the words of its prompts and of its answers, so that a vote stays one on what was read, whatever becomes
of the project's prompts and runs.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from core.conversation import Conversation
from core.errors import BadInput, ProjectError
from core.events import NewAnswer as NewAnswer
from core.records import PolicyKind, Prompt
from core.store import Changes, Project, cells, now

POLICIES = "select id, arena_id, name, kind, job_id, step, detail from arena_policies where "
PROMPTS = "select id, arena_id, prompt_id, text, messages, tags from arena_prompts where "
OF_ARENA = " from arena_answers a join arena_policies p on p.id = a.policy_id where p.arena_id = :arena order by a.id"
VOTED_ON = (
    "select count(*) from arena_votes v join arena_answers a on a.id in (v.first_id, v.second_id)"
    " where a.policy_id = :policy"
)
VOTED_IN = (
    "select id, name, created_at from arenas where id in (select p.arena_id from arena_answers a"
    " join arena_policies p on p.id = a.policy_id group by p.arena_id, a.arena_prompt_id having count(*) > 1)"
    " order by id desc"
)
#: Arenas that a sentence names.
MOST_NAMED = 10
ANSWERS = (
    "select a.id, a.policy_id, a.arena_prompt_id, a.text, a.tokens, a.ended, a.seed, a.kl from arena_answers a"
    " join arena_policies p on p.id = a.policy_id where "
)


#: Policies of an arena; what is asked next is found by looking at each two of them on each prompt.
MOST_POLICIES = 100


@dataclass(frozen=True)
class Arena:
    id: int
    name: str
    created_at: str = ""


@dataclass(frozen=True)
class ArenaPolicy:
    """Who answers. A `run` is one of the project's, at a checkpoint's `step` or, at None, at its end; `detail` says
    what else it takes to draw from it, such as the address of a server or a folder."""

    id: int
    arena_id: int
    name: str
    kind: PolicyKind
    job_id: int | None = None
    step: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ArenaPrompt:
    """What was asked, as it was worded when it came into the arena; `prompt_id` is the project's prompt."""

    id: int
    arena_id: int
    prompt_id: int
    text: str
    turns: Conversation | None = None
    tags: tuple[str, ...] = ()

    @property
    def conversation(self) -> Conversation:
        return self.turns or Conversation.of_text(self.text)


@dataclass(frozen=True)
class ArenaAnswer(NewAnswer):
    id: int = 0
    policy_id: int = 0


def create(project: Project, name: str) -> Arena:
    """Raises `BadInput` for an empty name, and for one that another arena has."""
    name = name.strip()
    if not name:
        raise BadInput("An arena needs a name.")
    with project.write() as database:
        if find(project, name) is not None:
            raise BadInput(f"There is an arena {name!r} already: choose another name.")
        number = database.insert(
            "insert into arenas (name, created_at) values (:name, :at)", {"name": name, "at": now()}
        )
    return Arena(number, name)


def rename(project: Project, arena_id: int, name: str) -> Changes:
    """Raises `BadInput` as `create` does."""
    name = name.strip()
    with project.write() as database:
        other = find(project, name)
        if not name or (other is not None and other.id != arena_id):
            raise BadInput("An arena needs a name that no other has.")
        database.execute("update arenas set name = ? where id = ?", (name, arena_id))
    return project.changed("Rename the arena", "arenas", ids=(arena_id,))


def find(project: Project, name: str) -> Arena | None:
    """The arena called so, if there is one."""
    sql = "select id, name, created_at from arenas where name = ?"
    return next(iter(project.database.records(Arena, sql, name.strip())), None)


def called(project: Project, name: str) -> Arena:
    """The arena called so. Raises `BadInput` that names those there are."""
    found = find(project, name)
    if found is None:
        there = ", ".join(repr(each.name) for each in listed(project)[:MOST_NAMED])
        raise BadInput(
            f"There is no arena called {name!r:.200}" + (f": there is {there}." if there else ": make one first.")
        )
    return found


def get(project: Project, arena_id: int) -> Arena:
    """The arena of this number, or the newest for 0. Raises `BadInput` if there is none."""
    found = next((each for each in listed(project) if arena_id in (0, each.id)), None)
    if found is None:
        raise BadInput("There is no such arena any more." if arena_id else "There is no arena yet: make one first.")
    return found


def listed(project: Project) -> list[Arena]:
    """The newest first."""
    return project.database.records(Arena, "select id, name, created_at from arenas order by id desc")


def with_questions(project: Project) -> list[Arena]:
    """Those in which two policies answered the same prompt, so that somebody can vote: the newest first."""
    return project.database.records(Arena, VOTED_IN)


def add_policy(
    project: Project, arena_id: int, name: str, kind: PolicyKind, *, job_id: int | None = None,
    step: int | None = None, detail: Mapping[str, Any] | None = None,
) -> ArenaPolicy:  # fmt: skip
    """Raises `BadInput` for an empty name, for one that another policy of the arena has, and in a full arena."""
    name = name.strip()
    if not name:
        raise BadInput("A policy needs a name.")
    with project.write() as database:
        there = policies(project, arena_id)
        if len(there) >= MOST_POLICIES:
            raise BadInput(f"An arena holds {MOST_POLICIES} policies: make another one for more.")
        if any(policy.name == name for policy in there):
            raise BadInput(f"There is a policy {name!r} in this arena already: choose another name.")
        row = {
            "arena_id": arena_id, "name": name, "kind": kind, "job_id": job_id, "step": step,
            "detail": json.dumps(dict(detail or {})), "at": now(),
        }  # fmt: skip
        number = database.insert(
            "insert into arena_policies (arena_id, name, kind, job_id, step, detail, created_at)"
            " values (:arena_id, :name, :kind, :job_id, :step, :detail, :at)", row,
        )  # fmt: skip
    return ArenaPolicy(number, arena_id, name, kind, job_id, step, dict(detail or {}))


def policies(project: Project, arena_id: int) -> list[ArenaPolicy]:
    return [_policy(row) for row in project.database.rows(POLICIES + "arena_id = ? order by id", arena_id)]


def has_policy(project: Project, policy_id: int) -> bool:
    return bool(project.database.value("select 1 from arena_policies where id = ?", policy_id))


def policy(project: Project, policy_id: int) -> ArenaPolicy:
    """Raises `BadInput` if there is none of this number."""
    row = project.database.one(POLICIES + "id = ?", policy_id)
    if row is None:
        raise BadInput(f"There is no policy {policy_id} in an arena.")
    return _policy(row)


def remove_policy(project: Project, policy_id: int) -> Changes:
    """Take a policy and its answers out of its arena. Raises `BadInput` where somebody voted on one of them."""
    with project.write() as database:
        found = policy(project, policy_id)
        if database.value(VOTED_ON, policy=policy_id):
            raise BadInput(f"There are votes on answers of {found.name!r}, which would be lost: it stays.")
        database.execute("delete from arena_policies where id = ?", (policy_id,))
    return project.changed("Take the policy out of the arena", "arenas", ids=(found.arena_id,))


def add_prompts(project: Project, arena_id: int, asked: Iterable[Prompt]) -> int:
    """Returns how many are new in the arena."""
    rows = [
        (
            arena_id, prompt.id, prompt.text, None if prompt.turns is None else prompt.turns.key,
            json.dumps(prompt.tags),
        )
        for prompt in asked
    ]  # fmt: skip
    with project.write() as database:
        before = database.value("select count(*) from arena_prompts where arena_id = ?", arena_id)
        database.conn.executemany(
            "insert into arena_prompts (arena_id, prompt_id, text, messages, tags) values (?, ?, ?, ?, ?)"
            " on conflict (arena_id, prompt_id) do nothing",
            rows,
        )
        return int(database.value("select count(*) from arena_prompts where arena_id = ?", arena_id) - before)


def prompts(project: Project, arena_id: int) -> list[ArenaPrompt]:
    return [_prompt(row) for row in project.database.rows(PROMPTS + "arena_id = ? order by id", arena_id)]


def unanswered(project: Project, policy_id: int) -> list[ArenaPrompt]:
    """What the policy was not asked yet."""
    return [
        _prompt(row)
        for row in project.database.rows(
            PROMPTS + "arena_id = (select arena_id from arena_policies where id = :policy) and not exists (select 1"
            " from arena_answers a where a.policy_id = :policy and a.arena_prompt_id = arena_prompts.id) order by id",
            policy=policy_id,
        )
    ]


def add_answers(project: Project, policy_id: int, answers: Sequence[NewAnswer], job_id: int | None = None) -> None:
    """One answer of a policy to a prompt stays for good: a second is left out."""
    at = now()
    with project.write() as database:
        database.conn.executemany(
            "insert into arena_answers (policy_id, arena_prompt_id, text, tokens, ended, seed, kl, job_id, created_at)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict (policy_id, arena_prompt_id) do nothing",
            [
                (
                    policy_id, each.arena_prompt_id, each.text, each.tokens, int(each.ended), each.seed, each.kl,
                    job_id, at,
                )
                for each in answers
            ],
        )  # fmt: skip


def answers(project: Project, arena_id: int) -> list[ArenaAnswer]:
    rows = project.database.rows(ANSWERS + "p.arena_id = ? order by a.id", arena_id)
    return [ArenaAnswer(**row | {"ended": bool(row["ended"])}) for row in rows]


def some_answers(project: Project, answer_ids: Sequence[int]) -> tuple[ArenaAnswer, ...]:
    """Those of these numbers, in their order. Raises `BadInput` where one is not there any more."""
    found = {}
    for number in answer_ids:
        row = project.database.one(ANSWERS + "a.id = ?", number)
        if row is None:
            raise BadInput("An answer was taken out of the arena: open the arena anew.")
        found[number] = ArenaAnswer(**row | {"ended": bool(row["ended"])})
    return tuple(found[number] for number in answer_ids)


def texts(project: Project, arena_id: int) -> list[tuple[int, int, int, str]]:
    """Number, policy, prompt and text of all answers, for whoever looks through thousands."""
    sql = "select a.id, a.policy_id, a.arena_prompt_id, a.text" + OF_ARENA
    return project.database.conn.execute(sql, {"arena": arena_id}).fetchall()


def who_asked(project: Project, arena_id: int) -> dict[tuple[int, int], int | None]:
    """The job in which each policy answered each prompt, by the numbers of both."""
    sql = "select a.policy_id, a.arena_prompt_id, a.job_id" + OF_ARENA
    return {(policy, prompt): job for policy, prompt, job in project.database.conn.execute(sql, {"arena": arena_id})}


def equal_answers(project: Project, arena_id: int) -> list[tuple[int, int, int]]:
    """Prompt and both policies of each two answers of the same words, which are a tie that nobody has to be asked
    about. Blanks around them are no words."""
    same: dict[tuple[int, str], list[int]] = {}
    for _, policy_id, prompt, text in texts(project, arena_id):
        same.setdefault((prompt, text.strip()), []).append(policy_id)
    pairs = [(prompt, pair) for (prompt, _), found in same.items() for pair in combinations(sorted(found), 2)]
    return [(prompt, one, two) for prompt, (one, two) in pairs]


def _policy(row: dict[str, Any]) -> ArenaPolicy:
    """One whose details cannot be read has none: what needs them says so by name, and the others stay as they are."""
    try:
        detail = cells.read(row["detail"], dict, "It")
    except ProjectError:
        detail = {}
    return ArenaPolicy(**row | {"detail": detail})


def _prompt(row: dict[str, Any]) -> ArenaPrompt:
    messages = row.pop("messages")
    where = row["prompt_id"]
    return ArenaPrompt(**row | {"tags": cells.tags(row["tags"], where), "turns": cells.turns(messages, where)})
