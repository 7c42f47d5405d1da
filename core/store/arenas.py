"""Arenas: policies that answered the same prompts, to be voted on. Nothing in them is ever learnt from.

An arena keeps the words of its prompts and of its answers, so that a vote stays one on what was read, whatever becomes
of the project's prompts and runs.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.conversation import Conversation
from core.errors import BadInput
from core.records import PolicyKind, Prompt
from core.store import Changes, Project, cells, now

POLICIES = "select id, arena_id, name, kind, job_id, step, detail from arena_policies where "
PROMPTS = "select id, arena_id, prompt_id, text, messages, tags from arena_prompts where "
ANSWERS = (
    "select a.id, a.policy_id, a.arena_prompt_id, a.text, a.tokens, a.ended, a.seed, a.kl from arena_answers a"
    " join arena_policies p on p.id = a.policy_id where "
)


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
class NewAnswer:
    """What a policy answered to a prompt of the arena; `kl` to the reference in nats, of the whole answer, where it is
    known."""

    arena_prompt_id: int
    text: str
    tokens: int = 0
    ended: bool = True
    seed: int = 0
    kl: float | None = None


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


def named(project: Project, name: str) -> Arena:
    """The arena called so. Raises `BadInput`, with those that there are, if there is none."""
    found = find(project, name)
    if found is None:
        there = ", ".join(repr(each.name) for each in listed(project)[:20])
        raise BadInput(f"There is no arena {name!r:.120}: " + (f"name one of {there}." if there else "make one first."))
    return found


def listed(project: Project) -> list[Arena]:
    """The newest first."""
    return project.database.records(Arena, "select id, name, created_at from arenas order by id desc")


def add_policy(
    project: Project, arena_id: int, name: str, kind: PolicyKind, *, job_id: int | None = None,
    step: int | None = None, detail: Mapping[str, Any] | None = None,
) -> ArenaPolicy:  # fmt: skip
    """Raises `BadInput` for an empty name, and for one that another policy of the arena has."""
    name = name.strip()
    if not name:
        raise BadInput("A policy needs a name.")
    with project.write() as database:
        if any(policy.name == name for policy in policies(project, arena_id)):
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


def policy(project: Project, policy_id: int) -> ArenaPolicy:
    """Raises `BadInput` if there is none of this number."""
    row = project.database.one(POLICIES + "id = ?", policy_id)
    if row is None:
        raise BadInput(f"There is no policy {policy_id} in an arena.")
    return _policy(row)


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


def _policy(row: dict[str, Any]) -> ArenaPolicy:
    return ArenaPolicy(**row | {"detail": cells.read(row["detail"], dict, f"Policy {row['id']} of an arena")})


def _prompt(row: dict[str, Any]) -> ArenaPrompt:
    messages = row.pop("messages")
    where = row["prompt_id"]
    return ArenaPrompt(**row | {"tags": cells.tags(row["tags"], where), "turns": cells.turns(messages, where)})
