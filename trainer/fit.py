"""Fitting one model: arguments, checkpoints to resume from, progress, and the move back to the base."""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from transformers import PrinterCallback, TrainerCallback

from skillsearch.errors import TrainingError
from skillsearch.files import sync_folder, write_atomically
from skillsearch.models.torch import quiet
from skillsearch.progress import Progress, advance_only, silent
from trainer.config import Mixed, ModelConfig
from trainer.run import TrainReport

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers import Trainer, TrainerState, TrainingArguments

__all__ = ["FitOptions", "common_arguments", "fit", "move_towards", "moved_back", "total_steps"]

_BFLOAT16: Final = ("amx_bf16", "avx512_bf16")
"""Instructions of a CPU that multiply in bfloat16, as torch calls them."""
_COMPLETE: Final = "complete"
_TORCH_WRITER: Final = ("PytorchStreamWriter", "inline_container")  # in torch's messages about a full disk


@dataclass(frozen=True)
class FitOptions:
    """Options of a training that do not depend on the model.

    Attributes:
        folder: of the checkpoints; a run that was stopped is resumed from the last one there.
        seed: of the order of batches and of dropout.
        precision: of the forward passes; `auto` is the fastest that the device has in hardware.
        progress: hears of every step.
    """

    folder: Path
    seed: int
    precision: Mixed = "auto"
    progress: Progress = silent


def total_steps(config: ModelConfig, examples: int) -> int:
    """Optimisation steps of a run on so many examples."""
    steps = math.ceil(examples / (config.batch_size * config.gradient_accumulation)) * config.epochs
    return steps if config.max_steps is None else min(steps, config.max_steps)


def common_arguments(
    config: ModelConfig, options: FitOptions, *, examples: int, device: str, measure: str
) -> dict[str, Any]:
    """Keyword arguments of `TrainingArguments` that all models have in common.

    `measure` is the evaluator's, and chooses the best checkpoint where there is validation.
    """
    steps = total_steps(config, examples)
    mixed = _mixed(options.precision, device)
    arguments: dict[str, Any] = {
        "output_dir": str(options.folder),
        "max_steps": steps,
        "per_device_train_batch_size": config.batch_size,
        "gradient_accumulation_steps": config.gradient_accumulation,
        "learning_rate": config.learning_rate,
        "warmup_steps": round(steps * config.warmup_ratio),
        "lr_scheduler_type": "linear",
        "optim": "adamw_torch_fused",
        "bf16": mixed == "bfloat16",
        "fp16": mixed == "float16",
        "seed": options.seed,
        "data_seed": options.seed,
        "use_cpu": device == "cpu",
        "save_strategy": "steps",
        "save_steps": config.eval_steps or config.checkpoint_steps,
        "save_total_limit": 2,
        "logging_steps": max(1, steps // 50),
        "logging_nan_inf_filter": False,
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


def fit(trainer: "Trainer", model: str, options: FitOptions) -> TrainReport:
    """Train, beginning with the last complete checkpoint, if there is one.

    A run that was stopped gives the weights of one that was not: checkpoints hold the optimiser,
    the schedule and the random states. The one before the last is kept until the last is complete.

    Args:
        trainer: whose model is trained in place.
        model: its name in the report.
        options: see there.

    Returns:
        The steps, the curve and the seconds.

    Raises:
        TrainingError: a checkpoint cannot be written, read, or does not belong to this run, or
            the loss is no longer finite.
    """
    from safetensors import SafetensorError

    report, stage = TrainReport(), f"train the {model}"
    complete = [path.parent for path in options.folder.glob(f"checkpoint-*/{_COMPLETE}")]
    start = max(complete, key=_step, default=None)
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_Watch(options.progress, stage))
    try:
        with quiet(), report.timed(stage):
            trainer.train(resume_from_checkpoint=str(start) if start else None)
    except (OSError, SafetensorError, RuntimeError) as error:
        if isinstance(error, RuntimeError) and not any(name in str(error) for name in _TORCH_WRITER):
            raise
        raise TrainingError(
            f"a checkpoint in {options.folder} cannot be written or read ({str(error).splitlines()[0]}): "
            "the one before it stays valid, run the same command again to resume from it"
        ) from error
    report.steps[model] = int(trainer.state.global_step)
    report.curves[model] = list(_numbers(trainer.state.log_history))
    if trainer.state.best_global_step:
        report.kept_steps[model] = int(trainer.state.best_global_step)
    if start:
        report.resumed_from[model] = _step(start)
    return report


@contextmanager
def moved_back(model: "SentenceTransformer", weight: float) -> Iterator[None]:
    """Train a model in this context, and move it back to where it was by a weight; see `move_towards`."""
    base = {name: value.detach().clone() for name, value in model.state_dict().items()} if weight else {}
    yield
    if weight:
        move_towards(model, base, weight)


def move_towards(model: "SentenceTransformer", base: Mapping[str, "torch.Tensor"], weight: float) -> None:
    """Interpolate with the base's weights, to keep what the base knows and the data does not teach.

    A weight of 0 changes nothing, 1 gives the base. Wortsman et al., "Robust fine-tuning of zero-shot
    models" (2022), arXiv:2109.01903.
    """
    moved = {
        name: value.lerp(base[name].to(value), weight) if value.is_floating_point() else value
        for name, value in model.state_dict().items()
    }
    model.load_state_dict(moved)


class _Watch(TrainerCallback):
    """Reports steps and loss, marks checkpoints whose files are all there, and stops at a broken loss."""

    def __init__(self, progress: Progress, stage: str) -> None:
        self._progress, self._stage = progress, stage
        self._advance, self._note = advance_only(None), ""

    def on_train_begin(  # type: ignore[override]
        self, _args: object, state: "TrainerState", *_: object, **__: object
    ) -> None:
        self._advance = self._progress(self._stage, state.max_steps)
        self._advance(state.global_step)

    def on_step_end(self, *_: object, **__: object) -> None:
        self._advance(1, self._note)

    def on_log(  # type: ignore[override]
        self, _args: object, state: "TrainerState", _control: object, logs: dict[str, float], **__: object
    ) -> None:
        if "loss" in logs:
            self._note = f"loss {logs['loss']:.3f}"
            if not math.isfinite(logs["loss"]):
                raise TrainingError(
                    f"the loss is {logs['loss']} at step {state.global_step}: "
                    "lower the learning rate, or train in float32"
                )

    def on_save(self, args: "TrainingArguments", state: "TrainerState", *_: object, **__: object) -> None:
        if state.is_world_process_zero:
            checkpoint = Path(str(args.output_dir)) / f"checkpoint-{state.global_step}"
            sync_folder(checkpoint)
            write_atomically(checkpoint / _COMPLETE, "")


def _step(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])


def _numbers(history: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, float]]:
    """The values logged on the way, without those about the whole run."""
    for entry in history:
        if "train_runtime" not in entry:
            yield {
                name.replace("eval_cosine_", "validation_").replace("eval_", "validation_"): value
                for name, value in entry.items()
                if isinstance(value, int | float)
            }


def _mixed(precision: Mixed, device: str) -> Mixed:
    """The precision that `auto` stands for: the fastest that the device has in hardware."""
    import torch

    if precision != "auto":
        return precision
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    capabilities = torch.cpu.get_capabilities() if device == "cpu" else {}
    return "bfloat16" if any(map(capabilities.get, _BFLOAT16)) else "float32"
