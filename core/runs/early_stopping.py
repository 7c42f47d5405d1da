"""How far a reward model was trained, where that ended before the last step that was planned."""

from core.records import Job

Steps = tuple[int, int]


def steps(job: Job) -> Steps | None:
    """Steps that were done and that were planned, of all members; None unless it ended before the last one."""
    batch, epochs = job.config.get("batch_prompts", 0), job.config.get("epochs", 0)
    models = job.result.get("models", [])[: job.config.get("members", 1)]
    if job.status == "done" and batch and epochs and models:
        done = sum(model.get("steps", 0) for model in models)
        planned = sum(-(-model["prompts"] // batch) * epochs for model in models)
        return (done, planned) if 0 < done < planned else None
    if job.status in ("stopped", "interrupted") and job.result.get("adapter") and 0 < job.done < job.total:
        return job.done, job.total
    return None


def said(job: Job) -> str:
    """`stopped after 24 of 48 steps, because the held-out log loss did not fall any more`; else empty."""
    found = steps(job)
    if found is None:
        return ""
    why = {"done": ", because the held-out log loss did not fall any more", "interrupted": ", when its worker ended"}
    return f"stopped after {found[0]} of {found[1]} steps{why.get(job.status, '')}"
