"""What is said of a comparison."""

from core.config.jobs import CompareJob
from core.report.outcomes import FEW


def policy_of(job: CompareJob) -> int:
    """The run whose policy a comparison is of."""
    return job.result.policy_job or job.config.policy_job


def said_of(job: CompareJob) -> str:
    """`Run 3 beside the reference, on 24 held-out prompts`."""
    left_out = job.result.left_out
    but = f", without {left_out} that it trained on" if left_out else ""
    run = policy_of(job)  # 0 while it is not looked up yet
    reference = f"its reference ({job.result.reference})" if job.result.reference else "the reference"
    return f"{f'Run {run}' if run else 'The newest run'}{step_of(job)} beside {reference}, on {prompts_of(job)}{but}"


def prompts_of(job: CompareJob) -> str:
    """`24 held-out prompts`"""
    count = job.result.prompts
    return "what you typed" if job.config.typed else f"{count} held-out prompts" if count else "held-out prompts"


def step_of(job: CompareJob) -> str:
    """`, step 4`; nothing is the last one."""
    step = job.config.checkpoint
    return f", step {step}" if step.isdecimal() else {"best": ", its best checkpoint"}.get(step, "")


def doubt_of(prompts: int) -> str:
    """Why the numbers might be others, where both sides answered so many prompts; the answers are always drawn."""
    few = f"{prompts} {'prompt is' if prompts == 1 else 'prompts are'} few, and the" if prompts < FEW else "The"
    return f"{few} answers are drawn with randomness: another draw may differ." if prompts else ""
