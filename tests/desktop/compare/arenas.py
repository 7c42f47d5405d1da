"""An arena with answers, as the worker would have written them."""

from core.store import arenas, prompts

#: None of them may be seen while somebody votes.
NAMES = ("zzbase", "zztuned", "zzbest")


def add_arena(project, names=NAMES, prompt_count=3, name="Arena 1", write=lambda who, asked: f"{who} says {asked}"):
    """Policies that answered the first prompts; `write` makes a text of the policy's place and the prompt."""
    arena = arenas.create(project, name)
    arenas.add_prompts(project, arena.id, prompts.listed(project)[:prompt_count])
    for place, policy in enumerate(names):
        answering(project, arenas.add_policy(project, arena.id, policy, "base"), lambda asked, p=place: write(p, asked))
    return arena


def answering(project, policy, write):
    asked = arenas.prompts(project, policy.arena_id)
    arenas.add_answers(project, policy.id, [arenas.NewAnswer(each.id, write(each.text), 4) for each in asked])
    return policy
