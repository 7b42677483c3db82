"""What both training runs share: arguments, callbacks, and the trainer's own way of speaking."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.config import EncoderConfig, Mixed, RerankerConfig

if TYPE_CHECKING:
    from transformers import Trainer, TrainerCallback

__all__ = ["common_arguments", "fit"]


def common_arguments(
    config: EncoderConfig | RerankerConfig,
    *,
    examples: int,
    folder: Path,
    seed: int,
    device: str,
    precision: Mixed,
) -> dict[str, Any]:
    """Keyword arguments of `TrainingArguments` that both models have in common."""
    steps = math.ceil(examples / config.batch_size) * config.epochs
    if config.max_steps is not None:
        steps = min(steps, config.max_steps)
    mixed = _mixed(precision, device)
    return {
        "output_dir": str(folder),
        "max_steps": steps,
        "per_device_train_batch_size": config.batch_size,
        "learning_rate": config.learning_rate,
        "warmup_steps": round(steps * config.warmup_ratio),
        "lr_scheduler_type": "linear",
        "optim": "adamw_torch_fused",
        "bf16": mixed == "bfloat16",
        "fp16": mixed == "float16",
        "seed": seed,
        "data_seed": seed,
        "use_cpu": device == "cpu",
        "save_strategy": "no",
        "logging_steps": max(1, steps // 50),
        "report_to": "none",
        "disable_tqdm": True,
        "dataloader_pin_memory": device.startswith("cuda"),
    }


def fit(trainer: "Trainer", callbacks: Sequence["TrainerCallback"]) -> int:
    """Run a trainer with these callbacks in place of its own printing; returns the steps it took."""
    from transformers import PrinterCallback

    trainer.remove_callback(PrinterCallback)
    for callback in callbacks:
        trainer.add_callback(callback)
    trainer.train()
    return int(trainer.state.global_step)


def _mixed(precision: Mixed, device: str) -> Mixed:
    """What `auto` means: the fastest mixed precision that the device has in hardware."""
    import torch

    if precision != "auto":
        return precision
    if device.startswith("cuda"):
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float16"
    capabilities = torch.cpu.get_capabilities() if device == "cpu" else {}
    return "bfloat16" if capabilities.get("amx_bf16") else "float32"
