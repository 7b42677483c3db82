"""What both training runs share: arguments, checkpoints to go on from, averaging, the curve."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from transformers import PrinterCallback, TrainerCallback

from skillsearch.errors import TrainingError
from skillsearch.models.hub import quiet
from trainer.pair.config import Mixed, ModelConfig

if TYPE_CHECKING:
    import torch
    from torch.optim.swa_utils import AveragedModel
    from transformers import Trainer, TrainerState, TrainingArguments

__all__ = ["Fitted", "common_arguments", "fit", "total_steps"]

_COMPLETE = "complete"
_AVERAGE = "average.pt"
_TORCH_WRITER = ("PytorchStreamWriter", "inline_container")  # in what torch says of a full disk


@dataclass(frozen=True)
class Fitted:
    """What a training gave: steps taken, the step whose weights were kept, and the logged values."""

    steps: int
    kept: int | None
    resumed_from: int
    curve: tuple[dict[str, float], ...]


def total_steps(config: ModelConfig, examples: int) -> int:
    """Optimisation steps of a run on so many examples."""
    steps = math.ceil(examples / (config.batch_size * config.gradient_accumulation)) * config.epochs
    return steps if config.max_steps is None else min(steps, config.max_steps)


def common_arguments(
    config: ModelConfig,
    *,
    examples: int,
    folder: Path,
    seed: int,
    device: str,
    precision: Mixed,
    measure: str,
) -> dict[str, Any]:
    """Keyword arguments of `TrainingArguments` that both models have in common.

    `measure` is the evaluator's, and chooses the best checkpoint where there is validation.
    """
    steps = total_steps(config, examples)
    mixed = _mixed(precision, device)
    arguments: dict[str, Any] = {
        "output_dir": str(folder),
        "max_steps": steps,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation,
        "learning_rate": config.learning_rate,
        "warmup_steps": round(steps * config.warmup_ratio),
        "lr_scheduler_type": "linear",
        "optim": "adamw_torch_fused",
        "bf16": mixed == "bfloat16",
        "fp16": mixed == "float16",
        "seed": seed,
        "data_seed": seed,
        "use_cpu": device == "cpu",
        "save_strategy": "steps",
        "save_steps": config.eval_steps or config.checkpoint_steps,
        "save_total_limit": 2,
        "logging_steps": max(1, steps // 50),
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": device.startswith("cuda"),
    }
    if config.eval_steps:
        arguments |= {
            "eval_strategy": "steps",
            "eval_steps": config.eval_steps,
            "metric_for_best_model": measure,
            "load_best_model_at_end": True,
        }
    return arguments


def fit(trainer: "Trainer", callbacks: Sequence[TrainerCallback], *, average_ratio: float = 0.0) -> Fitted:
    """Train, going on from the last complete checkpoint in the trainer's folder, if there is one.

    A run that was stopped gives the weights of one that was not: checkpoints hold the optimiser,
    the schedule, the random states and the running average. The one before the last is kept until
    the last is complete.

    Args:
        trainer: whose model is trained in place.
        callbacks: told of every step.
        average_ratio: the last share of the steps whose weights are averaged into the result
            (Izmailov et al., "Averaging Weights Leads to Wider Optima", 2018, arXiv:1803.05407).

    Raises:
        TrainingError: a checkpoint cannot be written, read, or does not belong to this run, or
            the loss is no longer finite.
    """
    from safetensors import SafetensorError

    folder = Path(str(trainer.args.output_dir))
    start = _last_complete(folder)
    average = _Average(average_ratio, start) if average_ratio else None
    trainer.remove_callback(PrinterCallback)
    for callback in (_Finite(), *((average,) if average else ()), _MarkComplete(), *callbacks):
        trainer.add_callback(callback)
    try:
        with quiet():
            trainer.train(resume_from_checkpoint=str(start) if start else None)
    except (OSError, SafetensorError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(name in str(error) for name in _TORCH_WRITER):
            raise
        raise TrainingError(
            f"a checkpoint in {folder} cannot be written or read ({str(error).splitlines()[0]}): "
            "the one before it stays valid, run the same command again to go on from it"
        ) from error
    if average:
        average.apply(trainer.model)  # type: ignore[arg-type]
    state = trainer.state
    return Fitted(
        steps=int(state.global_step),
        kept=int(state.best_global_step) if state.best_global_step else None,
        resumed_from=_step(start) if start else 0,
        curve=tuple(_numbers(state.log_history)),
    )


class _MarkComplete(TrainerCallback):
    """Marks a checkpoint as complete, once all its files are written."""

    def on_save(self, args: "TrainingArguments", state: "TrainerState", *_: object, **__: object) -> None:
        if state.is_world_process_zero:
            (Path(str(args.output_dir)) / f"checkpoint-{state.global_step}" / _COMPLETE).touch()


class _Finite(TrainerCallback):
    """Stops a run whose loss is not a number any more."""

    def on_log(  # type: ignore[override]
        self, _args: object, state: "TrainerState", _control: object, logs: dict[str, float], **__: object
    ) -> None:
        if not math.isfinite(logs.get("loss", 0.0)):
            raise TrainingError(
                f"the loss is {logs['loss']} at step {state.global_step}: "
                "lower the learning rate, or train in float32"
            )


class _Average(TrainerCallback):
    """Averages the weights of the last share of the steps, and keeps the average in checkpoints."""

    def __init__(self, ratio: float, start: Path | None) -> None:
        self._ratio = ratio
        self._start = start
        self._average: AveragedModel | None = None

    def on_train_begin(  # type: ignore[override]
        self, *_: object, model: "torch.nn.Module", **__: object
    ) -> None:
        import torch
        from torch.optim.swa_utils import AveragedModel

        self._average = AveragedModel(model)
        saved = self._start / _AVERAGE if self._start else None
        if saved and saved.exists():
            self._average.load_state_dict(torch.load(saved, weights_only=True))

    def on_step_end(  # type: ignore[override]
        self, _args: object, state: "TrainerState", *_: object, model: "torch.nn.Module", **__: object
    ) -> None:
        if self._average is not None and state.global_step > (1 - self._ratio) * state.max_steps:
            self._average.update_parameters(model)

    def on_save(self, args: "TrainingArguments", state: "TrainerState", *_: object, **__: object) -> None:
        import torch

        if self._average is not None and state.is_world_process_zero:
            target = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}" / _AVERAGE
            torch.save(self._average.state_dict(), target)

    def apply(self, model: "torch.nn.Module") -> None:
        """Give the model the averaged weights."""
        if self._average is not None and int(self._average.n_averaged):
            model.load_state_dict(self._average.module.state_dict())


def _last_complete(folder: Path) -> Path | None:
    complete = [path.parent for path in folder.glob(f"checkpoint-*/{_COMPLETE}")]
    return max(complete, key=_step, default=None)


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _numbers(history: Sequence[dict[str, Any]]) -> Iterator[dict[str, float]]:
    """The values logged on the way, without those about the whole run."""
    for entry in history:
        if "train_runtime" not in entry:
            yield {
                name.replace("eval_cosine_", "validation_").replace("eval_", "validation_"): value
                for name, value in entry.items()
                if isinstance(value, int | float)
            }


def _mixed(precision: Mixed, device: str) -> Mixed:
    """What `auto` means: the fastest mixed precision that the device has in hardware."""
    import torch

    if precision != "auto":
        return precision
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    capabilities = torch.cpu.get_capabilities() if device == "cpu" else {}
    return "bfloat16" if capabilities.get("amx_bf16") else "float32"
