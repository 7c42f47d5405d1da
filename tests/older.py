"""What the newest migrations made, taken back: a project as earlier versions left it, as far as opening can tell."""

TO_M006 = """
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
