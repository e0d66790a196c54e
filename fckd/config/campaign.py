"""What a sweep and a comparison have in common: an experiment, and where its runs are placed."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fckd.config.base import Configuration, Name
from fckd.config.experiment import Experiment


class ExecutionSettings(Configuration):
    """Where trials run.

    `pool`: long-lived worker groups serve all trials. `trial`: one Ray Train run for each trial.
    """

    isolation: Literal["pool", "trial"] = Field(
        "pool", description="worker groups that serve all trials, or one for each"
    )
    groups: int = Field(1, ge=1, description="trials at a time")
    workers: int = Field(1, ge=1, description="data-parallel workers of a group")
    cpus_per_worker: float = Field(
        1, gt=0, description="threads of torch; of a worker with a GPU, those that read ahead of it"
    )
    gpus_per_worker: float = Field(
        0, ge=0, description="a part of one lets workers share it; 0 trains on CPUs"
    )
    retries: int = Field(
        2, ge=0, description="how often a trial whose workers died is handed out again"
    )


class Campaign(Configuration):
    """Many runs of variants of one experiment."""

    name: Name = Field(
        description="lower-case letters, digits, - and _, 64 at most; ids begin with it, and a "
        "sweep registers its student under it"
    )
    storage: str = Field(
        "fckd-storage",
        description="folder or s3://BUCKET/PREFIX that keeps corpora, teachers, lessons and runs; "
        "FCKD_STORAGE overrides it",
    )
    experiment: Experiment
    execution: ExecutionSettings = ExecutionSettings()

    @model_validator(mode="after")
    def _batches_divide_among_workers(self) -> Self:
        batch, workers = self.experiment.training.batch_size, self.execution.workers
        if batch % workers:
            raise ValueError(
                f"experiment.training.batch_size ({batch}) must be a multiple of "
                f"execution.workers ({workers})"
            )
        return self
