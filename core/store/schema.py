"""The tables, as migrations that are only ever added to.

What a person did is append-only (guidelines have versions, a new ranking does not erase the older one);
what a machine did hangs on its job. Pairs are a view: derived, never stored.
"""

from sqlite_utils import Database, Migrations

#: "PLMB": tells a Plumbline project from any other SQLite file.
APPLICATION_ID = 0x504C4D42

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
    for statement in TABLES.split(";\n"):
        if statement.strip():
            database.conn.execute(statement)
    database.conn.execute(f"pragma application_id = {APPLICATION_ID}")
