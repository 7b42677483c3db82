"""A blend learned from judgements, and its file.

A blender has two heads. `first` knows what can be known before reranking and chooses what is
reranked; `second` knows the reranker's logits too and orders what was. Each is a small network, or
rather the mean of several, and gives the probability that a title's judges call a skill relevant.

The file is one safetensors file; its metadata is JSON. Only numpy is needed to use it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from skillsearch.arrays import Float32Array, Float64Array
from skillsearch.errors import ModelError, ModelMismatchError
from skillsearch.files import save as save_file
from skillsearch.models.hub import ModelFolder
from skillsearch.rank.features import ATTRIBUTES, DEMAND, FIRST, SECOND, Evidence, Rows
from skillsearch.values import check_values, parse_json

__all__ = ["FORMAT", "Blender", "Head", "load_blender", "save_blender"]

FORMAT: Final = 1
"""Version of the file's layout."""

_HEAD = ("means", "deviations", "hidden", "hidden_bias", "output", "output_bias", "calibration")
_KEY = "skillsearch"
_REMEDY = "fit it again with `skillsearch fit`"


class _Header(BaseModel):
    """The JSON in the metadata of the file; see `Blender`."""

    first: tuple[str, ...]
    second: tuple[str, ...] | None
    encoder: str
    reranker: str | None
    facts: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Head:
    """The mean of k small networks on d standardised features, and the calibration of that mean.

    Attributes:
        features: names of the d features.
        means: shape (d,), subtracted; a feature that is not known counts as its mean.
        deviations: shape (d,), divided by.
        hidden: shape (k, d, h).
        hidden_bias: shape (k, h).
        output: shape (k, h).
        output_bias: shape (k,).
        calibration: shape (2,), slope and intercept that turn the mean into log-odds.
    """

    features: tuple[str, ...]
    means: Float32Array
    deviations: Float32Array
    hidden: Float32Array
    hidden_bias: Float32Array
    output: Float32Array
    output_bias: Float32Array
    calibration: Float32Array

    def raw(self, table: Float32Array, demand_weight: float = 1.0) -> Float32Array:
        """The networks' mean before calibration: shape (n, d) to (n,).

        Args:
            table: features as they are, in the order of `features`.
            demand_weight: multiplies the standardised demand; 0 gives every skill the average one.
        """
        inputs = np.nan_to_num((table - self.means) / self.deviations)
        inputs[:, self.features.index(DEMAND)] *= demand_weight
        units = np.maximum(inputs @ self.hidden + self.hidden_bias[:, None, :], 0)  # (k, n, h)
        scores = (units @ self.output[:, :, None])[..., 0] + self.output_bias[:, None]  # (k, n)
        mean: Float32Array = scores.mean(axis=0)
        return mean

    def probability(self, table: Float32Array, demand_weight: float = 1.0) -> Float64Array:
        """Probability of being relevant: shape (n, d) to (n,), each in [0, 1]."""
        slope, intercept = self.calibration.astype(np.float64)
        odds = slope * self.raw(table, demand_weight).astype(np.float64) + intercept
        shares: Float64Array = 1.0 / (1.0 + np.exp(-np.clip(odds, -500, 500)))
        return shares

    def contributions(self, row: Float32Array, demand_weight: float = 1.0) -> dict[str, float]:
        """Contribution of each feature to the probability of one skill, against the feature's mean.

        Args:
            row: shape (d,).
            demand_weight: as in `raw`.
        """
        table = np.tile(row, (len(row) + 1, 1))  # (d + 1, d): as it is, then each feature at its mean
        np.fill_diagonal(table[1:], self.means)
        shares = self.probability(table, demand_weight)
        return {name: float(shares[0] - share) for name, share in zip(self.features, shares[1:], strict=True)}


@dataclass(frozen=True, eq=False)
class Blender:
    """Evidence and two heads.

    Attributes:
        evidence: what features are computed from.
        first: orders candidates before reranking.
        second: orders reranked candidates; None where it was fitted without a reranker.
        encoder: fingerprint of the encoder that it was fitted with.
        reranker: fingerprint of the reranker; None where there was none.
        facts: what else the file tells: taxonomy, judgements, cross-validated figures.
        name: what results call it.
    """

    evidence: Evidence
    first: Head
    second: Head | None
    encoder: str
    reranker: str | None
    facts: Mapping[str, Any]
    name: str = "blender"

    def require_match(self, encoder: ModelFolder, reranker: ModelFolder | None) -> None:
        """Check that it was fitted with these models.

        Raises:
            ModelMismatchError: it was fitted with others.
        """
        pairs = [("encoder", self.encoder, encoder.fingerprint)]
        if self.second is not None and reranker is not None:
            pairs.append(("reranker", self.reranker or "none", reranker.fingerprint))
        for kind, fitted, loaded in pairs:
            if fitted != loaded:
                raise ModelMismatchError(
                    f"the blender {self.name} was fitted with {kind} {fitted}, loaded is {loaded}: "
                    "fit it again with `skillsearch fit`, or set SKILLSEARCH_MODELS to its models"
                )


def save_blender(path: Path, blender: Blender) -> None:
    """Write a blender, atomically: beside, then rename; missing folders above are made.

    Raises:
        ModelError: it cannot be written.
    """
    from safetensors.numpy import save

    facts = {
        "format": FORMAT,
        "first": list(blender.first.features),
        "second": list(blender.second.features) if blender.second else None,
        "encoder": blender.encoder,
        "reranker": blender.reranker,
        "facts": dict(blender.facts),
    }
    save_file(path, [save(_tensors(blender), metadata={_KEY: json.dumps(facts)})], ModelError)


def load_blender(path: Path) -> Blender:
    """Read what `save_blender` wrote.

    Raises:
        ModelError: there is no such file, it is damaged, or a newer program wrote it.
    """
    tensors, facts = _read(path)
    if facts.get("format") != FORMAT:
        raise ModelError(
            f"{path} is a blender of format {facts.get('format')!r:.20}, this program reads {FORMAT}: "
            "fit it again with `skillsearch fit`, or install the program that wrote it"
        )
    header = check_values(
        facts, _Header, ModelError, source=f"{path} cannot be read as a blender", remedy=_REMEDY
    )
    try:
        blender = _blender(path, tensors, header)
    except (LookupError, ValueError) as error:
        raise _damaged(path, f"{type(error).__name__}: {error}") from error
    for head, names in ((blender.first, FIRST), (blender.second, SECOND)):
        if head is not None and head.features != names:
            raise ModelError(
                f"{path} was fitted on the features {', '.join(head.features)}; this program computes "
                f"{', '.join(names)}: fit it again with `skillsearch fit`"
            )
    return blender


def _tensors(blender: Blender) -> dict[str, NDArray[Any]]:
    evidence = blender.evidence
    tensors: dict[str, NDArray[Any]] = {
        "uris": _packed(evidence.uris),
        "occupations": _packed(evidence.occupations),
        "attributes": evidence.attributes,
        "directions": evidence.directions.astype(np.float16),
        "demand": evidence.demand,
        "titles": evidence.titles,
        "title_ridge": evidence.title_ridge,
        "skill_ridge": evidence.skill_ridge,
    }
    for name, rows in (("needs", evidence.needs), ("judged", evidence.judged)):
        tensors |= {
            f"{name}.starts": rows.starts,
            f"{name}.columns": rows.columns.astype(np.int32),
            f"{name}.values": rows.values,
        }
    for name, head in (("first", blender.first), ("second", blender.second)):
        if head is not None:
            tensors |= {f"{name}.{part}": getattr(head, part) for part in _HEAD}
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise ModelError(f"no blender at {path}: fit one with `skillsearch fit --output {path}`")
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError, ValueError) as error:
        raise _damaged(path, str(error)) from error
    if _KEY not in metadata:
        raise ModelError(f"{path} is not a blender: fit one with `skillsearch fit`")
    facts = parse_json(
        metadata[_KEY],
        dict[str, Any],
        ModelError,
        source=f"{path} cannot be read as a blender: its header",
        remedy=_REMEDY,
    )
    for name, tensor in tensors.items():
        known = tensor if name != "attributes" else tensor[~np.isnan(tensor)]
        if not np.isfinite(known).all():
            raise _damaged(path, f"{name} has numbers that are not finite")
    return tensors, facts


def _blender(path: Path, tensors: Mapping[str, NDArray[Any]], header: _Header) -> Blender:
    """Put a blender together; what is missing or does not fit raises KeyError or ValueError."""
    uris, occupations = _unpacked(tensors["uris"]), _unpacked(tensors["occupations"])
    directions = tensors["directions"].astype(np.float32)
    titles = _shaped(tensors, "titles", (None, None))
    size, dimension, rank = len(titles), titles.shape[1], directions.shape[1]
    evidence = Evidence(
        uris=uris,
        attributes=_shaped(tensors, "attributes", (len(uris), len(ATTRIBUTES))),
        directions=_shaped({"directions": directions}, "directions", (len(uris), rank)),
        occupations=occupations,
        needs=_rows(tensors, "needs", len(occupations), len(uris)),
        demand=_shaped(tensors, "demand", (len(uris),)),
        titles=titles,
        judged=_rows(tensors, "judged", size, len(uris)),
        title_ridge=_shaped(tensors, "title_ridge", (size, dimension + rank)),
        skill_ridge=_shaped(tensors, "skill_ridge", (size, rank + 1)),
    )
    return Blender(
        evidence=evidence,
        first=_head(tensors, "first", header.first),
        second=None if header.second is None else _head(tensors, "second", header.second),
        encoder=header.encoder,
        reranker=header.reranker,
        facts=header.facts,
        name=path.stem,
    )


def _head(tensors: Mapping[str, NDArray[Any]], name: str, features: tuple[str, ...]) -> Head:
    networks, _, units = tensors[f"{name}.hidden"].shape
    width = len(features)
    shapes: dict[str, tuple[int, ...]] = {
        "means": (width,),
        "deviations": (width,),
        "hidden": (networks, width, units),
        "hidden_bias": (networks, units),
        "output": (networks, units),
        "output_bias": (networks,),
        "calibration": (2,),
    }
    return Head(features, **{part: _shaped(tensors, f"{name}.{part}", shapes[part]) for part in _HEAD})


def _rows(tensors: Mapping[str, NDArray[Any]], name: str, height: int, width: int) -> Rows:
    starts = tensors[f"{name}.starts"].astype(np.int64)
    columns = tensors[f"{name}.columns"].astype(np.int64)
    values = _shaped(tensors, f"{name}.values", (len(columns),))
    if (
        len(starts) != height + 1
        or starts[0] != 0
        or starts[-1] != len(columns)
        or (np.diff(starts) < 0).any()
    ):
        raise ValueError(f"{name} has rows that do not fit")
    if len(columns) and not (columns.min() >= 0 and columns.max() < width):
        raise ValueError(f"{name} names columns that do not exist")
    return Rows(starts, columns, values)


def _shaped(tensors: Mapping[str, NDArray[Any]], name: str, shape: tuple[int | None, ...]) -> Float32Array:
    tensor = tensors[name]
    fits = len(shape) == tensor.ndim and all(
        want in (None, have) for want, have in zip(shape, tensor.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} has shape {tensor.shape}, expected {shape}")
    return tensor.astype(np.float32)


def _packed(texts: tuple[str, ...]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(texts).encode(), dtype=np.uint8)


def _unpacked(data: NDArray[np.uint8]) -> tuple[str, ...]:
    text = data.tobytes().decode()
    return tuple(text.split("\n")) if text else ()


def _damaged(path: Path, reason: str) -> ModelError:
    return ModelError(f"{path} cannot be read as a blender: {reason}; {_REMEDY}")
