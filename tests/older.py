"""What the newest migrations made, taken back: a project as earlier versions left it, as far as opening can tell."""


def _made_anew(table: str, columns: str, indexes: str = "") -> str:
    """A table with its rows and without `autoincrement`; its columns as the migrations before m009 left them."""
    return f"""
create temp table kept as select * from {table}; drop table {table}; create table {table} ({columns}) strict;
insert into {table} select * from temp.kept; drop table temp.kept; {indexes}
"""


TO_M012 = """
pragma foreign_keys = off;
drop table judge_answers; drop table arena_votes; drop table arena_answers; drop table arena_prompts;
drop table arena_policies; drop table arenas; pragma legacy_alter_table = on;
create table older_labelers (id integer primary key autoincrement, name text not null unique,
    kind text not null default 'person' check (kind in ('person', 'scripted')), detail text not null default '') strict;
insert into older_labelers select * from labelers; drop table labelers; alter table older_labelers rename to labelers;
pragma legacy_alter_table = off; pragma foreign_keys = on; delete from _sqlite_migrations where name >= 'm013';
"""
TO_M011 = f"""{TO_M012}
drop view counting_rankings; create view counting_rankings as select r.* from current_rankings r where not exists (
    select 1 from rankings a where a.group_id = r.group_id and a.adjudicates = 1 and a.retracted_at is null
        and a.id != r.id
) or r.adjudicates = 1;
delete from _sqlite_migrations where name >= 'm012';
"""
TO_M008 = (
    TO_M011
    + "pragma foreign_keys = off;"
    + _made_anew(
        "prompts",
        "id integer primary key, text text not null check (length(trim(text)) > 0), tags text not null default '[]',"
        " split text not null default 'train' check (split in ('train', 'heldout')), source text not null default '',"
        " created_at text not null, messages text",
        "create unique index prompts_text on prompts (text) where messages is null;"
        " create unique index prompts_messages on prompts (messages) where messages is not null;",
    )
    + _made_anew(
        "completion_groups",
        "id integer primary key, prompt_id integer not null references prompts (id) on delete cascade,"
        " job_id integer references jobs (id) on delete set null, created_at text not null",
        "create index completion_groups_prompt on completion_groups (prompt_id);",
    )
    + _made_anew(
        "completions",
        "id integer primary key, group_id integer not null references completion_groups (id) on delete cascade,"
        " text text not null, policy_job integer references jobs (id) on delete set null,"
        " sampling text not null default '{}', seed integer not null default 0, tokens integer not null default 0,"
        " ended integer not null default 1, written_by integer references labelers (id)",
        "create index completions_group on completions (group_id);",
    )
    + _made_anew(
        "labelers",
        "id integer primary key, name text not null unique, kind text not null default 'person'"
        " check (kind in ('person', 'scripted')), detail text not null default ''",
    )
    + "alter table ranking_items drop column verdict; delete from _sqlite_migrations where name >= 'm009';"
)
TO_M006 = f"""{TO_M008}
alter table rankings drop column strength;
drop index prompts_messages; drop index prompts_text; create unique index prompts_text on prompts (text);
alter table prompts drop column messages; alter table completions drop column written_by;
delete from settings where key = 'chat_date'; delete from _sqlite_migrations where name >= 'm007';
"""
TO_M005 = f"""{TO_M006}
delete from settings where key = 'identity'; delete from _sqlite_migrations where name >= 'm006';
"""
TO_M004 = f"""{TO_M006}
drop trigger jobs_added; drop trigger jobs_changed; drop trigger jobs_removed; drop table job_version;
drop index jobs_version; alter table jobs drop column doing; alter table jobs drop column later_seconds;
alter table jobs drop column version; delete from _sqlite_migrations where name >= 'm005';
"""
