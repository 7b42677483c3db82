"""A training run: its target, its report, and the folder that it is resumed from when it was stopped.

`accelerate launch` starts several processes of one run; the first one writes.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from skillsearch.errors import TrainingError
from skillsearch.files import recover_folder, replace_folder, sync_folder, write_atomically
from skillsearch.models.device import select_device, use_threads
from skillsearch.models.manifest import ModelManifest, write_manifest
from skillsearch.models.torch import quiet
from skillsearch.progress import Progress, silent
from skillsearch.values import read_values

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder, SentenceTransformer

__all__ = ["Bin", "Target", "TrainReport", "Workspace", "is_first", "open_workspace"]

_IDENTITY: Final = "run.json"
_RESTART: Final = "discard the unfinished run with --set restart=true"


@dataclass(frozen=True)
class Target:
    """Target of a training: where it runs and writes.

    Attributes:
        output: folder of the models, to be made.
        device: by default the best there is.
        threads: of the CPUs; see `use_threads`.
        overwrite: replace what is at `output`.
        restart: discard a run that was stopped, instead of resuming it.
    """

    output: Path
    device: str | None = None
    threads: int | None = None
    overwrite: bool = False
    restart: bool = False

    def require_free(self) -> None:
        """Check that the output may be written.

        Raises:
            TrainingError: it exists, and is not to be replaced.
        """
        recover_folder(self.output)
        if self.output.exists() and not self.overwrite:
            raise TrainingError(
                f"{self.output} exists already: choose another folder, or replace it with --force"
            )


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of similar confidence: how many, how sure they are, and how often they are right."""

    count: int
    confidence: float
    accuracy: float


class TrainReport(BaseModel):
    """The outcome of a run, or of a part of it.

    Attributes:
        metrics: held-out figures by model.
        steps: optimisation steps by model.
        kept_steps: the step of the checkpoint that was kept, where validation chose one.
        resumed_from: the step from which a stopped run was resumed, where it was.
        seconds: by stage; of the last process that worked on it, where a run was stopped.
        examples: counts of pairs, triples, nodes and edges.
        curves: logged values by model.
        confusion: of the held-out triples: a row for each true class, a column for each predicted one.
        calibration: the temperature, and the calibration error before and after: of held-out triples,
            and of the candidates that a search for held-out occupations reranks; then, by task and
            reranker, that of the hits that it shows.
        reliability: bins of all of these.
    """

    metrics: dict[str, dict[str, float]] = {}
    steps: dict[str, int] = {}
    kept_steps: dict[str, int] = {}
    resumed_from: dict[str, int] = {}
    seconds: dict[str, float] = {}
    examples: dict[str, int] = {}
    curves: dict[str, list[dict[str, int | float]]] = {}
    confusion: list[list[int]] = []
    calibration: dict[str, float] = {}
    reliability: dict[str, list[Bin]] = {}

    def add(self, other: "TrainReport") -> None:
        """Add the report of another part of the run."""
        for name in type(self).model_fields:
            mine, value = getattr(self, name), getattr(other, name)
            setattr(self, name, mine | value if isinstance(mine, dict) else value or mine)

    @contextmanager
    def timed(self, stage: str, progress: Progress = silent) -> Iterator[None]:
        """Begin a stage, and add the seconds that the context lasts."""
        progress(stage)
        start = time.perf_counter()
        yield
        self.seconds[stage] = round(time.perf_counter() - start, 2)


@dataclass(frozen=True)
class Workspace:
    """A hidden folder next to the output: checkpoints, finished models, and reports of finished parts.

    A part, such as ``encoder``, is finished when its report is there; the report is written last,
    and atomically.
    """

    folder: Path
    device: str

    @property
    def models(self) -> Path:
        """The folder that becomes the output."""
        return self.folder / "models"

    def checkpoints(self, part: str) -> Path:
        """The folder where the training of a part keeps its checkpoints."""
        return self.folder / f"{part}-checkpoints"

    @property
    def skill_vectors(self) -> Path:
        """The file with the vectors of all skills by the trained encoder."""
        return self.folder / "skills.npy"

    def part(self, name: str, work: Callable[[], TrainReport]) -> TrainReport:
        """The report of a part, which is done first where it is not finished."""
        path = self.folder / f"{name}.json"
        if path.exists():
            return read_values(path, TrainReport, TrainingError, remedy=_RESTART)
        report = work()
        if is_first():
            sync_folder(self.folder)  # what the report says is finished
            write_atomically(path, report.model_dump_json(indent=2) + "\n")
            shutil.rmtree(self.checkpoints(name), ignore_errors=True)
        self.wait_for_all()
        return report

    def save(self, model: "SentenceTransformer | CrossEncoder", name: str, manifest: ModelManifest) -> None:
        """Save a model with its manifest, once for all processes."""
        if is_first():
            with quiet():
                model.save_pretrained(str(self.models / name), create_model_card=False)
            write_manifest(self.models / name, manifest)
        self.wait_for_all()

    def wait_for_all(self) -> None:
        """Wait until every process has come here; at once where there is only one."""
        if int(os.environ.get("WORLD_SIZE", "1")) > 1:
            from accelerate import PartialState

            PartialState(cpu=self.device == "cpu").wait_for_everyone()


def is_first() -> bool:
    """Whether this process is the one that writes files."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def open_workspace(target: Target, identity: Mapping[str, Any]) -> Iterator[Workspace]:
    """Open the workspace of a new or a stopped run; its models move to the output when the context ends.

    Args:
        target: names the output and the device.
        identity: everything that the result depends on; a stopped run is resumed only with the same.

    Raises:
        TrainingError: the output cannot be written, or a run with other options was stopped here.
        ConfigurationError: the device cannot be used.
    """
    output, device = target.output, select_device(target.device)
    use_threads(target.threads)
    if device == "cuda" and "LOCAL_RANK" in os.environ:  # each process has a GPU of its own
        device = f"cuda:{os.environ['LOCAL_RANK']}"
    workspace = Workspace(output.parent / f".{output.name}-run", device)
    try:
        if is_first():
            output.parent.mkdir(parents=True, exist_ok=True)
            _prepare(workspace.folder, json.loads(json.dumps({**identity, "device": device})), target.restart)
        workspace.wait_for_all()
        yield workspace
        if is_first():
            replace_folder(workspace.models, output)
            shutil.rmtree(workspace.folder, ignore_errors=True)
        workspace.wait_for_all()
    except OSError as error:
        raise TrainingError(f"{output} cannot be written: {error.strerror or error}") from error


def _prepare(folder: Path, identity: dict[str, Any], restart: bool) -> None:
    if restart:
        shutil.rmtree(folder, ignore_errors=True)
    path = folder / _IDENTITY
    if not path.exists():
        shutil.rmtree(folder, ignore_errors=True)
        write_atomically(path, json.dumps(identity, indent=2) + "\n")
    elif (stopped := read_values(path, dict[str, Any], TrainingError, remedy=_RESTART)) != identity:
        names = sorted(key for key in identity if stopped.get(key) != identity[key])
        raise TrainingError(
            f"{folder} holds an unfinished run with another {', '.join(names)}: "
            f"resume it with the same options, or {_RESTART}"
        )
