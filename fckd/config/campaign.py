"""What a sweep and a comparison have in common: an experiment, and where its runs are placed."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fckd.config.base import Configuration, Name
from fckd.config.experiment import Experiment


class ExecutionSettings(Configuration):
    """Where trials run.

    `pool`: long-lived worker groups serve all trials. `trial`: one Ray Train run for each trial.
    """

    isolation: Literal["pool", "trial"] = "pool"
    groups: int = Field(1, ge=1, description="trials at a time")
    workers: int = Field(1, ge=1, description="data-parallel workers of a group")
    cpus_per_worker: float = Field(
        1, gt=0, description="threads of torch; of a worker with a GPU, those that read ahead of it"
    )
    gpus_per_worker: float = Field(0, ge=0)
    retries: int = Field(2, ge=0, description="of a trial whose workers died")


class Campaign(Configuration):
    """Many runs of variants of one experiment."""

    name: Name
    storage: str = "fckd-storage"
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
