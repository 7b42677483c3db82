"""Where a run keeps what it has done until it is complete, so that it can be stopped and go on."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from skillsearch.errors import TrainingError
from trainer.processes import is_first, wait_for_all

__all__ = ["Workspace"]

_IDENTITY = "run.json"


class Workspace:
    """A hidden folder next to the output: checkpoints, finished models, and what is known of them.

    A part, such as ``encoder``, is finished when its record is there; the record is written last,
    and atomically.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self._folder = folder
        self._device = device

    @classmethod
    def open(cls, output: Path, identity: Mapping[str, Any], *, device: str, restart: bool) -> "Workspace":
        """The workspace of a run: a new one, or that of a run which was stopped.

        Args:
            output: the folder that the run will fill.
            identity: what the result depends on; a stopped run goes on only with the same.
            device: to wait for the other processes with.
            restart: discard a run that was stopped.

        Raises:
            TrainingError: a run with other settings was stopped here.
        """
        folder = output.parent / f".{output.name}-run"
        wanted = json.loads(json.dumps(identity))
        if is_first():
            if restart:
                shutil.rmtree(folder, ignore_errors=True)
            stopped = _read(folder / _IDENTITY)
            if stopped is not None and stopped != wanted:
                names = sorted(key for key in wanted if stopped.get(key) != wanted[key])
                raise TrainingError(
                    f"{folder} holds an unfinished run with another {', '.join(names)}: go on with it by the "
                    "same options, or discard it with --restart"
                )
            if stopped is None:
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
                _write(folder / _IDENTITY, wanted)
        wait_for_all(device)
        return cls(folder, device)

    @property
    def models(self) -> Path:
        """The folder that becomes the output."""
        return self._folder / "models"

    def checkpoints(self, part: str) -> Path:
        """Where the training of a part keeps its checkpoints."""
        return self._folder / f"{part}-checkpoints"

    @property
    def skill_vectors(self) -> Path:
        """File with the vectors of all skills by the trained encoder."""
        return self._folder / "skills.npy"

    def record(self, part: str) -> dict[str, Any] | None:
        """What is known of a part, or None while it is not finished."""
        return _read(self._folder / f"{part}.json")

    def finish(self, part: str, record: Mapping[str, Any]) -> None:
        """Mark a part as finished, and drop its checkpoints."""
        if is_first():
            _write(self._folder / f"{part}.json", record)
            shutil.rmtree(self.checkpoints(part), ignore_errors=True)
        wait_for_all(self._device)

    def publish(self, output: Path) -> None:
        """Move the models to the output, in place of what is there, and remove the workspace."""
        if is_first():
            if output.exists():
                output.rename(self._folder / "replaced")
            self.models.rename(output)
            shutil.rmtree(self._folder, ignore_errors=True)
        wait_for_all(self._device)


def _read(path: Path) -> dict[str, Any] | None:
    try:
        values: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise TrainingError(f"{path} cannot be read ({error}): discard the run with --restart") from error
    return values


def _write(path: Path, values: Mapping[str, Any]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)
