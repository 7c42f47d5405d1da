"""The tables of the arena, and those of judges, as the migration that makes them wants them."""

JUDGES = """
pragma legacy_alter_table = on;

create table new_labelers (
    id integer primary key autoincrement,
    name text not null unique,
    kind text not null default 'person' check (kind in ('person', 'scripted', 'judge')),
    detail text not null default ''
) strict;
insert into new_labelers (id, name, kind, detail) select id, name, kind, detail from labelers;
create temp table given as select seq from sqlite_sequence where name = 'labelers';
drop table labelers;
alter table new_labelers rename to labelers;
update sqlite_sequence set seq = max(seq, coalesce((select max(seq) from temp.given), 0)) where name = 'labelers';
insert into sqlite_sequence (name, seq) select 'labelers', seq from temp.given
    where not exists (select 1 from sqlite_sequence where name = 'labelers');
drop table temp.given;

pragma legacy_alter_table = off;
"""

ARENA = """
create table arenas (
    id integer primary key autoincrement,
    name text not null unique,
    created_at text not null
) strict;

create table arena_policies (
    id integer primary key autoincrement,
    arena_id integer not null references arenas (id) on delete cascade,
    name text not null,
    kind text not null check (kind in ('base', 'run', 'best-of-n', 'adapter', 'model', 'server')),
    job_id integer references jobs (id) on delete set null,
    step integer,
    detail text not null default '{}',
    created_at text not null,
    unique (arena_id, name)
) strict;
create index arena_policies_job on arena_policies (job_id);

create table arena_prompts (
    id integer primary key autoincrement,
    arena_id integer not null references arenas (id) on delete cascade,
    prompt_id integer not null,
    text text not null,
    messages text,
    tags text not null default '[]',
    unique (arena_id, prompt_id)
) strict;

create table arena_answers (
    id integer primary key autoincrement,
    policy_id integer not null references arena_policies (id) on delete cascade,
    arena_prompt_id integer not null references arena_prompts (id) on delete cascade,
    text text not null,
    tokens integer not null default 0,
    ended integer not null default 1,
    seed integer not null default 0,
    kl real,
    job_id integer references jobs (id) on delete set null,
    created_at text not null,
    unique (policy_id, arena_prompt_id)
) strict;
create index arena_answers_prompt on arena_answers (arena_prompt_id);
create index arena_answers_job on arena_answers (job_id);

create table arena_votes (
    id integer primary key autoincrement,
    uid text not null unique,
    first_id integer not null references arena_answers (id) on delete cascade,
    second_id integer not null references arena_answers (id) on delete cascade,
    labeler_id integer not null references labelers (id),
    guidelines_id integer not null references guidelines (id),
    won real not null check (won between 0 and 1),
    both_bad integer not null default 0 check (both_bad in (0, 1)),
    ballot text not null default '',
    comment text not null default '',
    seconds real,
    origin text not null default '',
    retracted_at text,
    created_at text not null,
    check (first_id != second_id)
) strict;
create index arena_votes_first on arena_votes (first_id, labeler_id);
create index arena_votes_second on arena_votes (second_id, labeler_id);
create index arena_votes_labeler on arena_votes (labeler_id);
create index arena_votes_guidelines on arena_votes (guidelines_id);

create table judge_answers (
    id integer primary key autoincrement,
    vote_id integer references arena_votes (id) on delete cascade,
    ranking_id integer references rankings (id) on delete cascade,
    first_id integer not null,
    second_id integer not null,
    asked text not null,
    answer text not null,
    won real check (won between 0 and 1),
    created_at text not null,
    check ((vote_id is null) != (ranking_id is null))
) strict;
create index judge_answers_vote on judge_answers (vote_id);
create index judge_answers_ranking on judge_answers (ranking_id);
"""
