"""The tables, as migrations that are only ever added to.

What a person did is append-only (guidelines have versions, a new ranking does not erase the older one);
what a machine did hangs on its job. Pairs are a view: derived, never stored.
"""

import json
import sqlite3
from contextlib import suppress

from sqlite_utils import Database, Migrations

from core.store.arena_schema import ARENA, JUDGES
from core.store.named_turns import take_apart

migrations = Migrations("plumbline")

TABLES = """
create table settings (
    key text primary key,
    value text not null
) strict;

create table guidelines (
    id integer primary key,
    criteria text not null,
    ties text not null,
    flags text not null,
    examples text not null,
    created_at text not null
) strict;

create table prompts (
    id integer primary key,
    text text not null check (length(trim(text)) > 0),
    tags text not null default '[]',
    split text not null default 'train' check (split in ('train', 'heldout')),
    source text not null default '',
    created_at text not null
) strict;
create unique index prompts_text on prompts (text);

create table jobs (
    id integer primary key autoincrement,
    kind text not null,
    name text not null,
    config text not null,
    status text not null default 'queued'
        check (status in ('queued', 'running', 'paused', 'done', 'stopped', 'failed', 'interrupted')),
    wanted text not null default 'run' check (wanted in ('run', 'pause', 'stop')),
    stage text not null default '',
    done integer not null default 0,
    total integer not null default 0,
    seconds real not null default 0,
    attempt integer not null default 0,
    error text,
    report text,
    result text not null default '{}',
    created_at text not null,
    started_at text,
    finished_at text
) strict;

create table completion_groups (
    id integer primary key,
    prompt_id integer not null references prompts (id) on delete cascade,
    job_id integer references jobs (id) on delete set null,
    created_at text not null
) strict;
create index completion_groups_prompt on completion_groups (prompt_id);

create table completions (
    id integer primary key,
    group_id integer not null references completion_groups (id) on delete cascade,
    text text not null,
    policy_job integer references jobs (id) on delete set null,
    sampling text not null default '{}',
    seed integer not null default 0,
    tokens integer not null default 0,
    ended integer not null default 1
) strict;
create index completions_group on completions (group_id);

create table labelers (
    id integer primary key,
    name text not null unique,
    kind text not null default 'person' check (kind in ('person', 'scripted')),
    detail text not null default ''
) strict;

create table rankings (
    id integer primary key autoincrement,
    group_id integer not null references completion_groups (id) on delete cascade,
    labeler_id integer not null references labelers (id),
    guidelines_id integer not null references guidelines (id),
    flag text,
    comment text not null default '',
    seconds real,
    retracted_at text,
    created_at text not null
) strict;
create index rankings_group on rankings (group_id, labeler_id);
create index rankings_labeler on rankings (labeler_id);

create table ranking_items (
    ranking_id integer not null references rankings (id) on delete cascade,
    completion_id integer not null references completions (id) on delete cascade,
    rank integer check (rank >= 1),
    flag text,
    primary key (ranking_id, completion_id)
) strict, without rowid;

create table metrics (
    id integer primary key autoincrement,
    job_id integer not null references jobs (id) on delete cascade,
    step integer not null,
    name text not null,
    value real
) strict;
create index metrics_job on metrics (job_id, name, step);

create table samples (
    id integer primary key autoincrement,
    job_id integer not null references jobs (id) on delete cascade,
    step integer not null,
    prompt_id integer references prompts (id) on delete set null,
    prompt text not null,
    policy text not null,
    completion text not null,
    score real,
    gold real,
    kl real,
    tokens integer not null default 0
) strict;
create index samples_job on samples (job_id, step);

create table checkpoints (
    id integer primary key autoincrement,
    job_id integer not null references jobs (id) on delete cascade,
    step integer not null,
    folder text not null,
    created_at text not null
) strict;

create table job_log (
    id integer primary key autoincrement,
    job_id integer not null references jobs (id) on delete cascade,
    at text not null,
    text text not null
) strict;

create view current_rankings as
    select r.* from rankings r
    where r.id in (
        select max(id) from rankings where retracted_at is null group by group_id, labeler_id
    );

create view pairs as
    select
        r.id as ranking_id, r.group_id, r.labeler_id, r.guidelines_id, g.prompt_id,
        a.completion_id as chosen_id, b.completion_id as rejected_id,
        coalesce(b.rank, (select max(rank) + 1 from ranking_items where ranking_id = r.id)) - a.rank as gap
    from current_rankings r
    join completion_groups g on g.id = r.group_id
    join ranking_items a on a.ranking_id = r.id
    join ranking_items b on b.ranking_id = r.id
    where r.flag is null and a.flag is null and b.flag is null
        and a.rank is not null and (b.rank is null or a.rank < b.rank);
"""


@migrations()
def m001_first_tables(database: Database) -> None:
    _execute(database, TABLES)
    database.execute("pragma application_id = 0x504C4D42")


LABELING = """
alter table rankings add column uid text;
alter table rankings add column method text not null default 'order';
alter table rankings add column repeat_of integer references rankings (id) on delete set null;
alter table rankings add column adjudicates integer not null default 0;
alter table rankings add column origin text not null default '';
update rankings set uid = lower(hex(randomblob(16)));
create unique index rankings_uid on rankings (uid);
create index rankings_counting on rankings (group_id, labeler_id, id)
    where retracted_at is null and repeat_of is null;
create index rankings_adjudicated on rankings (group_id, id) where adjudicates = 1 and retracted_at is null;
create index rankings_version on rankings (guidelines_id);

alter table ranking_items add column position integer;

create table criterion_ranks (
    ranking_id integer not null references rankings (id) on delete cascade,
    criterion text not null,
    completion_id integer not null references completions (id) on delete cascade,
    rank integer check (rank >= 1),
    primary key (ranking_id, criterion, completion_id)
) strict, without rowid;

create table drafts (
    labeler_id integer not null references labelers (id) on delete cascade,
    group_id integer not null references completion_groups (id) on delete cascade,
    draft text not null,
    primary key (labeler_id, group_id)
) strict, without rowid;

create table assignments (
    id integer primary key autoincrement,
    group_id integer not null references completion_groups (id) on delete cascade,
    labeler_id integer not null references labelers (id) on delete cascade,
    reason text not null check (reason in ('overlap', 'again', 'repeat', 'skipped')),
    after_ranking integer not null default 0,
    created_at text not null
) strict;
create index assignments_labeler on assignments (labeler_id, reason, group_id);

create table calibration (
    group_id integer primary key references completion_groups (id) on delete cascade,
    ranking_id integer not null references rankings (id) on delete cascade
) strict;

create table conflicts (
    id integer primary key autoincrement,
    ours integer not null references rankings (id) on delete cascade,
    theirs integer not null references rankings (id) on delete cascade,
    taken text check (taken in ('ours', 'theirs')),
    created_at text not null
) strict;

drop view pairs;
drop view current_rankings;

create view current_rankings as
    select r.* from rankings r
    where r.retracted_at is null and r.repeat_of is null and not exists (
        select 1 from rankings n
        where n.group_id = r.group_id and n.labeler_id = r.labeler_id and n.id > r.id
            and n.retracted_at is null and n.repeat_of is null
    );

create view counting_rankings as
    select r.* from current_rankings r
    where not exists (
        select 1 from rankings a
        where a.group_id = r.group_id and a.adjudicates = 1 and a.retracted_at is null and a.id != r.id
    ) or r.adjudicates = 1;

create view pairs as
    select
        r.id as ranking_id, r.group_id, r.labeler_id, r.guidelines_id, r.method, g.prompt_id,
        a.completion_id as chosen_id, b.completion_id as rejected_id,
        coalesce(b.rank, (select max(rank) + 1 from ranking_items where ranking_id = r.id)) - a.rank as gap
    from counting_rankings r
    join completion_groups g on g.id = r.group_id
    join ranking_items a on a.ranking_id = r.id
    join ranking_items b on b.ranking_id = r.id
    where r.flag is null and a.flag is null and b.flag is null
        and a.rank is not null and (b.rank is null or a.rank < b.rank);

create view criterion_pairs as
    select
        r.id as ranking_id, r.group_id, r.labeler_id, r.guidelines_id, g.prompt_id, a.criterion,
        a.completion_id as chosen_id, b.completion_id as rejected_id,
        coalesce(b.rank, (select max(rank) + 1 from criterion_ranks where ranking_id = r.id
            and criterion = a.criterion)) - a.rank as gap
    from counting_rankings r
    join completion_groups g on g.id = r.group_id
    join criterion_ranks a on a.ranking_id = r.id
    join criterion_ranks b on b.ranking_id = r.id and b.criterion = a.criterion
    where r.flag is null and a.rank is not null and (b.rank is null or a.rank < b.rank)
        and not exists (
            select 1 from ranking_items i where i.ranking_id = r.id and i.flag is not null
                and i.completion_id in (a.completion_id, b.completion_id)
        );
"""


@migrations()
def m002_labeling(database: Database) -> None:
    """Several labelers, criteria, repeats, adjudication; drafts move out of the settings into a table."""
    _execute(database, LABELING)
    rows = database.execute("select key, value from settings where key like 'ranking_drafts/%'").fetchall()
    for key, value in rows:
        with suppress(ValueError, TypeError, LookupError, OverflowError, RecursionError):  # no drafts of ours
            for draft in json.loads(value):
                database.execute(
                    "insert or ignore into drafts select l.id, g.id, ? from labelers l, completion_groups g"
                    " where l.id = ? and g.id = ?",
                    (json.dumps(draft), int(key.split("/")[1]), int(draft["group"])),
                )
    database.execute("delete from settings where key like 'ranking_drafts/%'")
    database.execute("insert into settings (key, value) values ('uid', json_quote(lower(hex(randomblob(16)))))")


SCORES = """
create table scores (
    job_id integer not null references jobs (id) on delete cascade,
    part text not null check (part in ('heldout', 'reference')),
    model text not null,
    criterion text not null,
    completion_id integer not null references completions (id) on delete cascade,
    score real not null,
    tokens integer not null,
    primary key (job_id, part, model, criterion, completion_id)
) strict, without rowid;
create index scores_completion on scores (completion_id);

create table priorities (
    group_id integer primary key references completion_groups (id) on delete cascade,
    job_id integer not null references jobs (id) on delete cascade,
    doubt real not null
) strict;
"""


@migrations()
def m003_scores(database: Database) -> None:
    """What a reward model thinks of completions: its report is made from this, and what to label next."""
    _execute(database, SCORES)


STEERING = """
create table controls (
    id integer primary key autoincrement,
    job_id integer not null references jobs (id) on delete cascade,
    name text not null,
    value real not null,
    step integer,
    created_at text not null
) strict;
create index controls_job on controls (job_id);

alter table samples add column change real;
alter table checkpoints add column best integer not null default 0;
"""


@migrations()
def m004_steering(database: Database) -> None:
    """Settings changed while a run goes, the change against the reference's answer, and the best checkpoint."""
    _execute(database, STEERING)


JOBS = """
alter table jobs add column doing text not null default '';
alter table jobs add column later_seconds real not null default 0;
alter table jobs add column version integer not null default 0;
create index jobs_version on jobs (version);
update jobs set doing = substr(stage, instr(stage, char(10)) + 1), stage = substr(stage, 1, instr(stage, char(10)) - 1)
    where instr(stage, char(10)) > 0;
update jobs set later_seconds = json_extract(result, '$.later_seconds')
    where case when json_valid(result) then json_type(result, '$.later_seconds') in ('integer', 'real') end;
update jobs set result = json_remove(result, '$.later_seconds') where json_valid(result);

create table job_version (newest integer not null) strict;
insert into job_version (newest) values (0);
create trigger jobs_added after insert on jobs begin
    update job_version set newest = newest + 1; update jobs set version = (select newest from job_version)
    where id = new.id; end;
create trigger jobs_changed after update on jobs when new.version = old.version begin
    update job_version set newest = newest + 1; update jobs set version = (select newest from job_version)
    where id = new.id; end;
create trigger jobs_removed after delete on jobs begin
    update job_version set newest = newest + 1; end;
update jobs set version = version;
"""


@migrations()
def m005_jobs(database: Database) -> None:
    """What a job does now and how long it will take afterwards have columns of their own. Whoever follows the jobs
    reads only the rows whose version is above the ones that it has seen: each change gives a row the next one."""
    _execute(database, JOBS)


IDENTITY = """
insert or ignore into settings (key, value) values ('identity', json_quote(lower(hex(randomblob(16)))));
"""


@migrations()
def m006_identity(database: Database) -> None:
    """By which a machine knows the project again. A labeling pack shares the `uid` of its project, and not this."""
    _execute(database, IDENTITY)


CONVERSATIONS = """
alter table prompts add column messages text;
drop index prompts_text;
create unique index prompts_text on prompts (text) where messages is null;
create unique index prompts_messages on prompts (messages) where messages is not null;
alter table completions add column written_by integer references labelers (id);
insert or ignore into settings (key, value) select 'chat_date', json_quote(coalesce(
    (select date(substr(value, 2, 10)) from settings where key = 'created_at'), date('now')));
"""


@migrations()
def m007_conversations(database: Database) -> None:
    """Prompts of several turns hold them as JSON; `text` is then theirs, to read and to search. A completion may be
    written by a labeler. Templates are told the day on which the project was made."""
    _execute(database, CONVERSATIONS)
    take_apart(database.conn)


STRENGTH = """
alter table rankings add column strength real;
"""


@migrations()
def m008_strength(database: Database) -> None:
    """How much better the better of two answers is, where that was said: 1 is slightly, 3 is much."""
    _execute(database, STRENGTH)


NUMBERS = """
pragma legacy_alter_table = on;

create table new_prompts (
    id integer primary key autoincrement,
    text text not null check (length(trim(text)) > 0),
    tags text not null default '[]',
    split text not null default 'train' check (split in ('train', 'heldout')),
    source text not null default '',
    created_at text not null,
    messages text
) strict;
insert into new_prompts (id, text, tags, split, source, created_at, messages)
    select id, text, tags, split, source, created_at, messages from prompts;
drop table prompts;
alter table new_prompts rename to prompts;
create unique index prompts_text on prompts (text) where messages is null;
create unique index prompts_messages on prompts (messages) where messages is not null;

create table new_groups (
    id integer primary key autoincrement,
    prompt_id integer not null references prompts (id) on delete cascade,
    job_id integer references jobs (id) on delete set null,
    created_at text not null
) strict;
insert into new_groups (id, prompt_id, job_id, created_at) select id, prompt_id, job_id, created_at
    from completion_groups;
drop table completion_groups;
alter table new_groups rename to completion_groups;
create index completion_groups_prompt on completion_groups (prompt_id);

create table new_completions (
    id integer primary key autoincrement,
    group_id integer not null references completion_groups (id) on delete cascade,
    text text not null,
    policy_job integer references jobs (id) on delete set null,
    sampling text not null default '{}',
    seed integer not null default 0,
    tokens integer not null default 0,
    ended integer not null default 1,
    written_by integer references labelers (id)
) strict;
insert into new_completions (id, group_id, text, policy_job, sampling, seed, tokens, ended, written_by)
    select id, group_id, text, policy_job, sampling, seed, tokens, ended, written_by from completions;
drop table completions;
alter table new_completions rename to completions;
create index completions_group on completions (group_id);

pragma legacy_alter_table = off;

update sqlite_sequence set seq = max(seq, coalesce((
    select max(found.value) from drafts, json_tree(iif(json_valid(draft), draft, '{}')) as found
    where found.type = 'integer' and found.value <= seq + 1000000
), 0)) where name = 'completions';
update or ignore settings set key = 'draft/prompt/' || json_extract(value, '$.id')
    where key = 'draft/prompt' and iif(json_valid(value), json_type(value, '$.id'), null) = 'integer';
"""


@migrations()
def m009_numbers(database: Database) -> None:
    """The number of a prompt, a group or a completion that was deleted is never given again: what is left of it
    elsewhere, such as an order that was begun, would speak of another text. Those that such orders name by now are
    taken, too. What is typed over a prompt and not saved is kept for each.

    `migrate` turns foreign keys off for a file that has rows: with them a table that is dropped takes along whatever
    leads to it. SQLite's newer way to rename would look into the views, which want the tables meanwhile."""
    _execute(database, NUMBERS)


LABELER_NUMBERS = """
pragma legacy_alter_table = on;

create table new_labelers (
    id integer primary key autoincrement,
    name text not null unique,
    kind text not null default 'person' check (kind in ('person', 'scripted')),
    detail text not null default ''
) strict;
insert into new_labelers (id, name, kind, detail) select id, name, kind, detail from labelers;
drop table labelers;
alter table new_labelers rename to labelers;

pragma legacy_alter_table = off;

insert into sqlite_sequence (name, seq) select 'labelers', 0
    where not exists (select 1 from sqlite_sequence where name = 'labelers');
update sqlite_sequence set seq = max(seq, coalesce((
    select max(number) from (
        select found.value as number
            from settings as s, json_each(iif(json_valid(s.value), s.value, '{}'), '$.labelers') as found
            where s.key = 'assigned' and found.type = 'integer'
        union all select cast(substr(key, 14) as integer) from settings where key glob 'draft/answer/*'
    ) where number <= seq + 1000000
), 0)) where name = 'labelers';
"""


@migrations()
def m010_labeler_numbers(database: Database) -> None:
    """The number of a labeler who came with an import that was undone is never given again: the setting that shares the
    prompts out names labelers by theirs, and so do answers that were begun. Those that are
    named by now are taken, too."""
    _execute(database, LABELER_NUMBERS)


VERDICTS = """
alter table ranking_items add column verdict text check (verdict in ('good', 'bad'));
"""


@migrations()
def m011_verdicts(database: Database) -> None:
    """A ranking may say of a completion by itself that it is good or bad, beside its place or instead of one."""
    _execute(database, VERDICTS)


DECISIONS = """
drop view counting_rankings;

create view counting_rankings as
    select r.* from current_rankings r
    where r.adjudicates = 1 or not exists (
        select 1 from current_rankings a where a.group_id = r.group_id and a.adjudicates = 1
    );

update rankings set repeat_of = null where adjudicates = 1;
update rankings set adjudicates = 1 where repeat_of is null and exists (
    select 1 from rankings a where a.group_id = rankings.group_id and a.labeler_id = rankings.labeler_id
        and a.id < rankings.id and a.adjudicates = 1 and a.retracted_at is null
);
"""


@migrations()
def m012_decisions(database: Database) -> None:
    """An adjudication counts as long as no newer ranking of its labeler stands in its place. What somebody stored over
    a decision of their own is one, too, and a decision that was stored as a repeat is none: both left their prompt
    without pairs."""
    _execute(database, DECISIONS)


@migrations()
def m013_arena(database: Database) -> None:
    """Policies side by side, and votes on their answers; judges are labelers, too. An arena keeps what it asked and
    what was answered, whatever becomes of the prompts and the runs, and no vote is learnt from."""
    _execute(database, JUDGES + ARENA)


def names() -> list[str]:
    """Of all migrations, in their order."""
    return [migration.name for migration in migrations._migrations]


def apply(connection: sqlite3.Connection, count: int | None = None) -> None:
    """Apply those that a file lacks, or only the first `count` of all."""
    migrations.apply(Database(connection), stop_before=() if count is None else names()[count:])


def _execute(database: Database, statements: str) -> None:
    for statement in statements.split(";\n"):
        if statement.strip():
            database.execute(statement)
