"""Small networks that order skills: their loss, their training, and the calibration of their scores."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from skillsearch.arrays import Float32Array
from skillsearch.rank.blender import Head
from skillsearch.rank.features import DEMAND

if TYPE_CHECKING:
    import torch

__all__ = ["Training", "calibrate", "fit_head"]

_UNITS = 32
_TITLES = 16  # in a batch
_RATE = 5e-3
_DECAY = 1e-2
_POINTWISE = 0.1  # weight of the cross-entropy of single pairs beside that of lists
_STEPS_PER_TITLE, _LEAST_STEPS = 6, 50
_LEAST_SLOPE = 1e-3


@dataclass(frozen=True, slots=True)
class Training:
    """Amount of training.

    Attributes:
        networks: to average.
        steps: batches that each sees, at most; few titles are learned by heart after fewer.
    """

    networks: int = 5
    steps: int = 800

    def steps_for(self, titles: int) -> int:
        """Six batches for each title, and 50 at least."""
        return min(self.steps, max(_LEAST_STEPS, _STEPS_PER_TITLE * titles))


def fit_head(
    features: tuple[str, ...], table: Float32Array, grades: Float32Array, *, seed: int, training: Training
) -> Head:
    """Train networks of one hidden layer of 32 rectified units, and average them.

    The loss of a title is the cross-entropy of the softmax over its skills with its grades, scaled to
    add up to 1 (ListNet, Cao et al., 2007), and a tenth of the mean cross-entropy of its pairs, which
    pins the scores down. AdamW; the learning rate falls to 0 along a cosine. The score never falls as
    demand rises, so that more weight on demand means what it says.

    Args:
        features: names of d features, demand among them.
        table: shape (t, k, d): t titles with k skills each; NaN for what is not known.
        grades: shape (t, k), in [0, 1].
        seed: of weights and batches.
        training: how much.

    Returns:
        A head with the calibration that changes nothing.
    """
    import torch

    means, deviations = _moments(table.reshape(-1, len(features)))
    inputs = torch.from_numpy(np.nan_to_num((table - means) / deviations))
    targets, steps = torch.from_numpy(grades), training.steps_for(len(table))
    rising = features.index(DEMAND)
    trained = [
        _train(inputs, targets, seed + 1000 * index, steps, rising) for index in range(training.networks)
    ]
    hidden, hidden_bias, output, output_bias = (np.stack(parts) for parts in zip(*trained, strict=True))
    neutral = np.array([1, 0], np.float32)
    return Head(features, means, deviations, hidden, hidden_bias, output, output_bias, neutral)


def calibrate(head: Head, scores: NDArray[np.floating], grades: Float32Array) -> Head:
    """Give a head the slope and intercept that make its scores log-odds (Platt, 1999).

    Args:
        head: with any calibration.
        scores: that it, or one like it, gave to pairs that it was not trained on; shape (n,).
        grades: of these pairs, shape (n,).
    """
    values, targets = scores.astype(np.float64), (grades > 0).astype(np.float64)
    inputs = np.column_stack((values, np.ones_like(values)))  # (n, 2)
    line = np.array([1.0, 0.0])
    for _ in range(50):  # Newton's method on the likelihood of two parameters
        shares = 1 / (1 + np.exp(-np.clip(inputs @ line, -50, 50)))
        curvature = (inputs * (shares * (1 - shares))[:, None]).T @ inputs + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, inputs.T @ (targets - shares))
        line += np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    line[0] = max(line[0], _LEAST_SLOPE)  # calibration never turns an order round
    return replace(head, calibration=line.astype(np.float32))


def _train(
    inputs: "torch.Tensor", targets: "torch.Tensor", seed: int, steps: int, rising: int
) -> tuple[Float32Array, ...]:
    """Weights of one network: shapes (d, h), (h,), (h,) and ().

    After each step, the weights that would let the score fall with the feature `rising` become 0.
    """
    import torch
    from torch import nn

    draw = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(inputs.shape[-1], _UNITS), nn.ReLU(), nn.Linear(_UNITS, 1))
    optimizer = torch.optim.AdamW(network.parameters(), lr=_RATE, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    hidden, _, output, _ = network.parameters()  # (h, d), (h,), (1, h), (1,)
    shares = targets / targets.sum(dim=1, keepdim=True).clamp(min=1e-6)  # (t, k)
    for _ in range(steps):
        batch = torch.randperm(len(inputs), generator=draw)[:_TITLES]
        scores = network(inputs[batch])[..., 0]  # (b, k)
        lists = -(shares[batch] * torch.log_softmax(scores, dim=1)).sum(dim=1).mean()
        pairs = nn.functional.binary_cross_entropy_with_logits(scores, targets[batch])
        optimizer.zero_grad()
        (lists + _POINTWISE * pairs).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        with torch.no_grad():
            hidden[hidden[:, rising] * output[0] < 0, rising] = 0
    weight, bias, last, last_bias = (part.detach().numpy() for part in network.parameters())
    return weight.T.copy(), bias.copy(), last[0].copy(), last_bias[0].copy()


def _moments(rows: Float32Array) -> tuple[Float32Array, Float32Array]:
    """Means and deviations of what is known: shape (n, d) to (d,) each; 0 and 1 where nothing is."""
    known = ~np.isnan(rows)
    counts = np.maximum(known.sum(axis=0), 1)
    filled = np.where(known, rows, 0).astype(np.float64)
    means = filled.sum(axis=0) / counts
    spread = np.where(known, filled - means, 0)
    deviations = np.sqrt(np.square(spread).sum(axis=0) / counts)
    return means.astype(np.float32), np.where(deviations > 1e-6, deviations, 1).astype(np.float32)
