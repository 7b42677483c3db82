"""Metrics for Prometheus, named after OpenTelemetry's semantic conventions."""

import os
from collections.abc import Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from skillsearch.results import Timings, Versions

__all__ = ["MEDIA_TYPE", "Metrics"]

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)


class Metrics:
    """What a process counts; with several workers the files of all are read together."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        common: dict[str, Any] = {"registry": self._registry}
        self._requests = Histogram(
            "http_server_request_duration_seconds",
            "Time from a request's arrival to the end of its answer.",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=_SECONDS,
            **common,
        )
        self._active = Gauge(
            "http_server_active_requests", "Requests that run.", multiprocess_mode="livesum", **common
        )
        self._stages = Histogram(
            "skillsearch_stage_duration_seconds",
            "Time of a stage of a task.",
            ("stage",),
            buckets=_SECONDS,
            **common,
        )
        self._degraded = Counter(
            "skillsearch_degraded", "Answers that left something out to keep a latency budget.", **common
        )
        self._judgements = Counter("skillsearch_judgements", "Judgements that were taken.", **common)
        self._build = Gauge(
            "skillsearch_build_info",
            "What answers, as labels; 1 for what does now.",
            ("build", "encoder", "reranker", "blender"),
            multiprocess_mode="livemax",
            **common,
        )
        self._versions: Versions | None = None

    def began(self) -> None:
        """A request began."""
        self._active.inc()

    def ended(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request ended."""
        self._active.dec()
        self._requests.labels(method, route, str(status)).observe(seconds)

    def answered(self, timings: Timings) -> None:
        """A task was done."""
        for stage in ("encode", "retrieve", "rerank"):
            self._stages.labels(stage).observe(getattr(timings, stage) / 1000)

    def stepped_down(self) -> None:
        """An answer left something out to keep its latency budget."""
        self._degraded.inc()

    def judged(self) -> None:
        """A judgement was taken."""
        self._judgements.inc()

    def versions(self, versions: Versions) -> None:
        """What answers now."""
        if versions != self._versions:
            if self._versions is not None:
                self._build.labels(*_labels(self._versions)).set(0)
            self._build.labels(*_labels(versions)).set(1)
            self._versions = versions

    def text(self, environment: Mapping[str, str] = os.environ) -> bytes:
        """All metrics in Prometheus's format."""
        registry = self._registry
        if environment.get("PROMETHEUS_MULTIPROC_DIR"):
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # of the library
        return generate_latest(registry)


def _labels(versions: Versions) -> tuple[str, str, str, str]:
    return versions.build, versions.encoder, versions.reranker or "none", versions.blender or "fixed"
