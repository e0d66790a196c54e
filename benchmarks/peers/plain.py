"""The program that one writes from the documentation of PyTorch, Ray and MLflow.

Frozen teachers run in every step; a `Dataset` augments, a `DataLoader` batches. Trials are Tune
functions that each start a `TorchTrainer`, as Ray's user guide on tuning with Ray Train has it;
`OptunaSearch` proposes, `MLflowLoggerCallback` logs. Checkpoints after every epoch.
"""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader

from benchmarks.peers.common import BATCH, TEMPERATURE, Ground, ground, space_of
from fckd.train.workshop import Workshop


def value(
    student: Tensor, embedded: Tensor, teacher: Tensor, features: Tensor, labels: Tensor
) -> Tensor:
    """Return cross-entropy + KD + ICKD, the mean over the batch."""
    soft = F.kl_div(
        F.log_softmax(student / TEMPERATURE, dim=1),
        F.softmax(teacher / TEMPERATURE, dim=1),
        reduction="batchmean",
    )
    difference = gram(embedded) - gram(features)
    correlation = difference.square().sum() / (embedded.shape[0] * embedded.shape[1])
    return F.cross_entropy(student, labels) + TEMPERATURE**2 * soft + correlation


def gram(features: Tensor) -> Tensor:
    """Return the correlation of channels, rows of length 1."""
    flat = features.flatten(2)
    return F.normalize(flat @ flat.transpose(1, 2), dim=2)


def epochs(ground: Ground, learning_rate: float, count: int) -> Iterator[float]:
    """Train the student epoch by epoch; yield the mean loss of each."""
    loader = DataLoader(ground.train, BATCH, shuffle=True, drop_last=True)
    learnt = nn.ModuleList([ground.student, ground.embedding])
    optimizer = torch.optim.AdamW(learnt.parameters(), lr=learning_rate)
    for _ in range(count):
        yield train(learnt, ground.teacher, loader, optimizer)


def train(
    learnt: nn.ModuleList,
    teacher: nn.Module,
    loader: DataLoader[Any],
    optimizer: torch.optim.Optimizer,
) -> float:
    """Train for an epoch; return the mean loss."""
    student, embedding = learnt
    learnt.train()
    losses = []
    for (sensor, skeleton), labels in loader:
        with torch.no_grad():
            wanted, features = teacher(skeleton)
        logits, own = student(sensor)
        loss = value(logits, embedding(own), wanted, features, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


@torch.no_grad()
def accuracy(student: nn.Module, loader: DataLoader[Any]) -> float:
    """Return the share of right answers."""
    student.eval()
    right = [(student(sensor)[0].argmax(1) == labels) for (sensor, _), labels in loader]
    return float(torch.cat(right).float().mean())


def work(config: dict[str, Any]) -> None:
    """Train one student in a worker of Ray Train."""
    import ray.train
    import ray.train.torch

    torch.set_num_threads(1)
    experiment = space_of(config["epochs"], 1, 1, rough=True).experiment
    given = ground(Workshop(Path(config["storage"]), Path(config["corpus"])), experiment)
    prepare = ray.train.torch.prepare_data_loader
    train_loader = prepare(DataLoader(given.train, BATCH, shuffle=True, drop_last=True))
    validation_loader = prepare(DataLoader(given.validation, BATCH))
    learnt = nn.ModuleList([given.student, given.embedding])
    # one worker: `prepare_model` would wrap nothing
    optimizer = torch.optim.AdamW(learnt.parameters(), lr=config["learning_rate"])
    for epoch in range(config["epochs"]):
        loss = train(learnt, given.teacher, train_loader, optimizer)
        metrics = {"loss": loss, "accuracy": accuracy(given.student, validation_loader)}
        with tempfile.TemporaryDirectory() as folder:
            state = {
                "epoch": epoch,
                "model": learnt.state_dict(),
                "optimizer": optimizer.state_dict(),
            }
            torch.save(state, Path(folder) / "state.pt")
            ray.train.report(metrics, checkpoint=ray.train.Checkpoint.from_directory(folder))


def trial(config: dict[str, Any]) -> None:
    """Run one trial: a Tune function that starts a trainer."""
    import ray.train
    import ray.train.torch
    from ray import tune
    from ray.tune.integration.ray_train import TuneReportCallback

    ray.train.torch.TorchTrainer(
        work,
        train_loop_config=config,
        scaling_config=ray.train.ScalingConfig(num_workers=1),
        run_config=ray.train.RunConfig(
            name=f"train-{tune.get_context().get_trial_id()}",
            storage_path=f"{config['storage']}/plain",
            callbacks=[TuneReportCallback()],
        ),
    ).fit()


def sweep(storage: Path, corpus: Path, epochs: int, trials: int, groups: int) -> list[float]:
    """Search the learning rate; return when each trial ended, by `time.perf_counter`."""
    from ray import tune
    from ray.air.integrations.mlflow import MLflowLoggerCallback
    from ray.tune.search.optuna import OptunaSearch

    ends: list[float] = []

    class Ends(tune.Callback):  # type: ignore[misc]
        def on_trial_complete(self, **_: Any) -> None:
            ends.append(time.perf_counter())

    fixed = {"storage": str(storage), "corpus": str(corpus), "epochs": epochs}
    tracking = MLflowLoggerCallback(f"sqlite:///{storage}/plain.db", experiment_name="plain")
    found = tune.Tuner(
        tune.with_resources(trial, {"cpu": 0.01}),
        param_space={"learning_rate": tune.loguniform(0.001, 0.003), **fixed},
        tune_config=tune.TuneConfig(
            metric="accuracy",
            mode="max",
            num_samples=trials,
            max_concurrent_trials=groups,
            search_alg=OptunaSearch(seed=0),
            trial_dirname_creator=lambda trial: trial.trial_id,
        ),
        run_config=tune.RunConfig(
            name="plain", storage_path=f"{storage}/plain", callbacks=[tracking, Ends()], verbose=0
        ),
    ).fit()
    if found.errors or len(ends) != trials:
        raise SystemExit(f"plain: {found.errors}")
    return ends
