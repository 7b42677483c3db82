"""What others measured on: the release and counts of the public code and of the paper."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from trainer.evaluate.workbench.tasks import Task

__all__ = ["REFERENCES", "Reference", "public_code"]


@dataclass(frozen=True, slots=True)
class Reference:
    """The public code's task (workrb 0.6.0, in English).

    Attributes:
        esco: the release that it takes unless told otherwise; empty for none.
        queries: of its test part.
        targets: of its test part.
        note: what else differs, or what the paper has.
    """

    esco: str
    queries: int
    targets: int
    note: str = ""

    def __str__(self) -> str:
        release = f", ESCO {self.esco}" if self.esco else ""
        return f"test {self.queries:,} x {self.targets:,}{release}"


_VACANCIES = "the public code validates on tagged vacancies; here a fixed fifth of the queries validates"
_ALTERNATIVES = (
    "the paper has test 71,540 x 13,896, with two alternatives that are their own skill's label but for "
    "white space"
)
_MERGED = "equal titles are merged; the public code counts them before it merges them"

REFERENCES: Final[Mapping[str, Reference]] = MappingProxyType(
    {
        "job2skill": Reference("1.2.0", 3_039, 13_939, _VACANCIES),
        "skill2job": Reference("1.2.0", 13_492, 3_039, _VACANCIES),
        "skillnorm": Reference("1.2.0", 72_008, 13_939, _ALTERNATIVES),
        "house": Reference("1.1.0", 262, 13_891),
        "tech": Reference("1.1.0", 338, 13_891),
        "techwolf": Reference("1.1.0", 326, 13_891, "not in the average"),
        "jobnorm": Reference("1.0.5", 15_463, 2_942, _MERGED),
        "skillsim": Reference("", 900, 2_648, "the public code keeps the query in its own ranking"),
    }
)
"""By the name of the set."""


def public_code(task: Task) -> str:
    """What the public code measures on in a task's place; empty for a task that it does not have."""
    reference = REFERENCES.get(task.name)
    return str(reference) if reference else ""
