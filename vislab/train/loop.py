"""The loop: batch, loss, gradient, step; with what a long run needs around it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from vislab.check.budget import graded
from vislab.check.budget import steps as steps_in_budget
from vislab.train.checkpoint import CheckpointError, fill, read_checkpoint, write_checkpoint
from vislab.train.early_stop import EarlyStop, finite
from vislab.train.history import History
from vislab.train.precision import Precision, resolve_precision
from vislab.train.progress import Progress
from vislab.train.seeds import checked_seed
from vislab.train.state import random_states, set_random_states
from vislab.train.stream import BatchStream


class Scheduler(Protocol):
    """What ``fit`` asks of a scheduler of ``torch.optim.lr_scheduler``."""

    def step(self) -> None: ...
    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state_dict: dict[str, Any], /) -> None: ...


def fit(
    model: nn.Module,
    batches: Iterable[Mapping[str, Any]],
    loss: Callable[[nn.Module, dict[str, Any]], Tensor],
    *,
    optimizer: torch.optim.Optimizer,
    steps: int,
    graded_steps: int = 2,
    scheduler: Scheduler | None = None,
    clip_norm: float | None = None,
    validate: Callable[[nn.Module], float] | None = None,
    validate_every: int | None = None,
    patience: int | None = None,
    higher_is_better: bool = False,
    precision: str = "auto",
    seed: int | None = None,
    generators: Mapping[str, torch.Generator] | None = None,
    checkpoint: str | Path | None = None,
    checkpoint_every: int | None = None,
    resume: bool = False,
    live: bool = True,
) -> History:
    """Train a model: ``steps`` times one batch, its loss, its gradient and an optimiser step.

    The loop is the one that a notebook writes out: ``optimizer.zero_grad(); loss(model, batch).backward(); optimizer.step()``. The model is
    in training mode in every step, in evaluation mode and without gradients in every validation, and as it was found afterwards. A bar
    shows how far it is, in a notebook with a figure that is replaced in place; both are silent under ``VISLAB_CI=1``.

    Args:
        model: trained in place, on the device that it is on.
        batches: iterable of dicts of tensors; started again when it ends. Tensors are moved to the model's device. A loader with
            ``state_dict`` and ``load_state_dict`` keeps its own place in checkpoints.
        loss: called as ``loss(model, batch)``, returns one floating number that depends on the model's weights.
        optimizer: over weights of ``model``, built after it.
        steps: optimiser steps in all, at least 1, those before a resumption included.
        graded_steps: as many, at most, while a notebook is graded.
        scheduler: stepped once after every optimiser step.
        clip_norm: greatest norm of all gradients together, above 0; None leaves them alone.
        validate: called as ``validate(model)``, returns a number; called every ``validate_every`` steps and after the last.
        validate_every: steps, at least 1; None: a twentieth of ``steps``.
        patience: stop after this many validations without a better one; the model then ends with the weights of the best, also where it
            was not stopped early. None: train to the end, keep the last weights.
        higher_is_better: whether a validation is better when it is higher, such as an accuracy.
        precision: of the forward pass: ``"auto"`` (bfloat16 or float16 on CUDA, float32 elsewhere), ``"float32"``, ``"bfloat16"``,
            ``"float16"`` (CUDA alone).
        seed: for what the run draws from PyTorch's own generator (dropout, a shuffle); that generator is afterwards where it was before.
            None draws from it as it stands.
        generators: the generators that loss and loader draw from, by name, so that checkpoints keep them.
        checkpoint: file to write; None writes none. Written every ``checkpoint_every`` steps and at the end, whole or not at all.
        checkpoint_every: steps, at least 1; None: a tenth of ``steps``.
        resume: go on from the file where there is one; False starts anew and overwrites it.
        live: False leaves out the figure.

    Returns:
        The run's numbers. Interrupted by hand, the run ends and returns what there is, with ``stopped == "interrupted"`` and the last
        checkpoint as it was; while graded, the interrupt is passed on instead.

    Raises:
        TypeError, ValueError: an argument that is not as above, a batch that is no dict, a loss that is no single number or has no
            gradient, batches that run out.
        NonFiniteNumber: a loss or validation that is NaN or infinite; names step and value, and holds the history. No step is taken on such
            a loss. A ``FloatingPointError``.
        CheckpointError: a damaged checkpoint, or one of another model or optimiser. A ``ValueError``.

    Convention:
        Steps count from 1. A resumed run on a CPU goes on as the uninterrupted one would have, bit for bit: weights, optimiser, scheduler,
        generators and place in the batches are kept. Not kept: Python's and NumPy's generators, and whatever a loader without
        ``state_dict`` keeps to itself from pass to pass.

    Randomness: from PyTorch's own generator (see ``seed``) and those that loss and loader bring.

    Example:
        >>> torch.manual_seed(0).initial_seed()
        0
        >>> model = nn.Linear(1, 1)
        >>> x = torch.linspace(-1, 1, 8)[:, None]
        >>> batches = [{"x": x, "y": 3 * x + 1}]
        >>> def loss(model, batch):
        ...     return (model(batch["x"]) - batch["y"]).square().mean()
        >>> history = fit(model, batches, loss, optimizer=torch.optim.Adam(model.parameters(), lr=0.1), steps=200)
        >>> history.steps, history.stopped, history.losses[-1] < 1e-3 * history.losses[0]
        (200, 'steps', True)
    """
    total = steps_in_budget(steps, graded_steps)
    validate_every = _every("validate_every", validate_every, steps, 20)
    checkpoint_every = _every("checkpoint_every", checkpoint_every, steps, 10)
    _check(model, optimizer, clip_norm, validate, patience, checkpoint, resume)
    device = next(model.parameters()).device
    run = _Run(model, optimizer, scheduler, BatchStream(batches, dict(generators or {}), device), dict(generators or {}), device)
    run.precision = Precision(resolve_precision(precision, device), device)
    run.best = EarlyStop(patience, higher_is_better)
    path = Path(checkpoint) if checkpoint is not None else None
    modes = {module: module.training for module in model.modules()}
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else [], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(checked_seed(seed))
        if resume and path is not None and path.is_file():
            run.load(path)
        if run.history.steps >= total and not run.history.stopped:
            run.history.stopped = "steps"
        progress = Progress(total, run.history.steps, live)
        try:
            while run.history.steps < total and run.history.stopped != "early stop":
                run.step(loss, clip_norm)
                last = run.history.steps == total
                if validate is not None and (last or run.history.steps % validate_every == 0):
                    run.validate(validate)
                last = last or run.history.stopped == "early stop"
                if last and not run.history.stopped:
                    run.history.stopped = "steps"
                progress.update(run.history)
                if path is not None and (last or run.history.steps % checkpoint_every == 0):
                    write_checkpoint(path, run.state())
        except KeyboardInterrupt:
            # the judge ends a cell with an interrupt: it must see the cell end.
            if graded():
                raise
            run.history.stopped = "interrupted"
        finally:
            progress.close(run.history)
            for module, training in modes.items():
                module.training = training
        run.best.restore(model)
    return run.history


class _Run:
    """Everything that a step changes, and so everything that a checkpoint holds."""

    precision: Precision
    best: EarlyStop

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        scheduler: Scheduler | None,
        stream: BatchStream,
        generators: dict[str, torch.Generator],
        device: torch.device,
    ) -> None:
        self.model, self.optimizer, self.scheduler, self.stream = model, optimizer, scheduler, stream
        self.generators, self.device = generators, device
        self.history = History()

    def step(self, loss: Callable[[nn.Module, dict[str, Any]], Tensor], clip_norm: float | None) -> None:
        number = self.history.steps + 1
        batch = self.stream.take()
        # in every step: a loss or a validation that leaves the model in evaluation mode is a common slip.
        self.model.train()
        self.optimizer.zero_grad(set_to_none=True)
        with self.precision.forward():
            value = loss(self.model, batch)
        _check_loss(value)
        recorded = finite("loss", float(value.detach()), number, self.history, self._remedy)
        weights = list(chain.from_iterable(group["params"] for group in self.optimizer.param_groups))
        self.precision.step(value, self.optimizer, weights, clip_norm)
        if self.scheduler is not None:
            self.scheduler.step()
        self.history.losses.append(recorded)

    def _remedy(self) -> str:
        spoilt = [name for name, weight in self.model.named_parameters() if not bool(torch.isfinite(weight).all())]
        if spoilt:
            # the loss before was finite and its gradient was not.
            return (
                f"the weight {spoilt[0]} is no longer finite since the step before: look for a root or a norm at 0, whose slope is infinite"
            )
        rate = float(self.optimizer.param_groups[0]["lr"])
        return f"lower the learning rate (now {rate:.3g}), pass clip_norm=1.0, or look for a log or a division of 0 in the loss"

    def validate(self, validate: Callable[[nn.Module], float]) -> None:
        number = self.history.steps
        self.model.eval()
        with torch.no_grad():
            value = float(validate(self.model))
        finite("validation", value, number, self.history, lambda: "look at what validate divides by")
        self.history.validations.append((number, value))
        if self.best.see(number, value, self.model):
            self.history.stopped = "early stop"
        self.history.best_step, self.history.best_value = self.best.step, self.best.value

    def state(self) -> dict[str, Any]:
        history = self.history
        return {
            "step": history.steps,
            "stopped": history.stopped,
            # as tensors: a header of a million numbers is slow to read.
            "losses": torch.tensor(history.losses, dtype=torch.float64),
            "validation_steps": torch.tensor([step for step, _ in history.validations], dtype=torch.int64),
            "validations": torch.tensor([value for _, value in history.validations], dtype=torch.float64),
            "model": dict(self.model.state_dict()),
            "optimizer": self.optimizer.state_dict(),
            "optimizer_class": type(self.optimizer).__name__,
            "scheduler": self.scheduler.state_dict() if self.scheduler is not None else None,
            "precision": self.precision.state(),
            "best": self.best.state(),
            "stream": self.stream.state(),
            "random": random_states(self.generators, self.device),
        }

    def load(self, path: Path) -> None:
        state = read_checkpoint(path)
        named, ours = (sorted(names) for names in (state["random"]["named"], self.generators))
        if named != ours:
            raise CheckpointError(f"checkpoint {path} keeps the generators {named} and the run has {ours}; pass the same ones")
        if state["optimizer_class"] != type(self.optimizer).__name__:
            raise CheckpointError(
                f"checkpoint {path} is of the optimiser {state['optimizer_class']} and the run has {type(self.optimizer).__name__}; "
                "build it as it was built then, or start anew with resume=False"
            )
        if (state["scheduler"] is None) != (self.scheduler is None):
            had = "no scheduler" if state["scheduler"] is None else "a scheduler"
            raise CheckpointError(f"checkpoint {path} was written with {had}; resume as the run began, or start anew with resume=False")
        fill(self.model, state["model"], path)
        try:
            self.optimizer.load_state_dict(state["optimizer"])
        except (ValueError, KeyError) as error:
            raise CheckpointError(f"checkpoint {path} is of another optimiser ({error}); build it as it was built then") from error
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        self.precision.load(state["precision"])
        self.best.load(state["best"])
        validations = list(zip(state["validation_steps"].tolist(), state["validations"].tolist()))
        stopped = state["stopped"] if state["stopped"] == "early stop" else ""
        self.history = History(state["losses"].tolist(), validations, stopped, self.best.step, self.best.value)
        self.stream.load(state["stream"])
        # last: skipping batches moves the generators.
        set_random_states(state["random"], self.generators, self.device)


def _check(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    clip_norm: float | None,
    validate: Callable[[nn.Module], float] | None,
    patience: int | None,
    checkpoint: str | Path | None,
    resume: bool,
) -> None:
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is {type(model).__name__}; it must be a torch.nn.Module, built: Net() rather than Net")
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(
            f"optimizer is {type(optimizer).__name__}; it must be one of torch.optim, such as torch.optim.Adam(model.parameters())"
        )
    own = {id(weight) for weight in model.parameters()}
    if not any(id(weight) in own for group in optimizer.param_groups for weight in group["params"]):
        raise ValueError("optimizer updates none of the model's weights; build it after the model, from this model's parameters()")
    # written so that NaN fails.
    if clip_norm is not None and not clip_norm > 0:
        raise ValueError(f"clip_norm {clip_norm} must be above 0; leave it out not to clip")
    if patience is not None and validate is None:
        raise ValueError(f"patience {patience} needs a validation to wait for; pass validate=..., called as validate(model)")
    if resume and checkpoint is None:
        raise ValueError("resume True needs a file to go on from; pass checkpoint='run.safetensors'")


def _check_loss(value: Any) -> None:
    if not isinstance(value, Tensor):
        raise TypeError(f"loss returned {type(value).__name__}; it must return a tensor of one number; leave out .item()")
    if value.numel() != 1 or not value.is_floating_point():
        raise ValueError(f"loss returned {value.dtype} of shape {tuple(value.shape)}; it must be one floating number; take its mean()")
    if not value.requires_grad:
        raise ValueError("loss returned a number without a gradient; compute it from the model's output, without detach() or no_grad()")


def _every(name: str, every: int | None, steps: int, parts: int) -> int:
    if every is not None and every < 1:
        raise ValueError(f"{name} {every} must be at least 1, steps")
    return max(1, steps // parts) if every is None else every
