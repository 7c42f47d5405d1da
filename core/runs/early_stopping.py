"""How far a reward model was trained, where that ended before the last step that was planned."""

from core.config.training import TrainRewardJob

Steps = tuple[int, int]


def steps(job: TrainRewardJob) -> Steps | None:
    """Steps that were done and that were planned, of all members; None unless it ended before the last one."""
    config, models = job.config, job.result.models[: job.config.members]
    if job.status == "done" and models:
        done = sum(model.steps for model in models)
        planned = sum(-(-model.prompts // config.batch_prompts) * config.epochs for model in models)
        return (done, planned) if 0 < done < planned else None
    if job.status in ("stopped", "interrupted") and job.result.adapter and 0 < job.done < job.total:
        return job.done, job.total
    return None


def sentence(job: TrainRewardJob) -> str:
    """`stopped after 24 of 48 steps, because the held-out log loss did not fall any more`; else empty."""
    found = steps(job)
    if found is None:
        return ""
    why = {"done": ", because the held-out log loss did not fall any more", "interrupted": ", when its worker ended"}
    return f"stopped after {found[0]} of {found[1]} steps{why.get(job.status, '')}"
