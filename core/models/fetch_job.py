"""The job `fetch-model`: bring the base model here and prove that it loads."""

from core.config.jobs import FetchModelResult
from core.events import Result
from core.jobs.context import Events, JobContext
from core.models.load import base_of


def run(context: JobContext) -> Events:
    base = yield from base_of(context)
    yield Result(
        FetchModelResult(
            model=base.spec.title,
            folder=str(base.spec.folder),
            device=str(base.device),
            dtype=str(base.placement.dtype).removeprefix("torch."),
            reason=base.placement.reason,
        )
    )
