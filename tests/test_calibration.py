"""Temperature scaling and calibration error on cases worked out by hand."""

import numpy as np
import pytest

from trainer.calibrate.reliability import expected_calibration_error
from trainer.pair.calibration import fit_temperature, reliability
from trainer.run import Bin


def test_the_temperature_makes_confidence_the_share_of_right_answers() -> None:
    # always the same logits, right 3 times of 4: the best confidence is 3/4
    logits = np.tile([4.0, 0.0], (400, 1))
    labels = np.array([0, 0, 0, 1] * 100)
    temperature = fit_temperature(logits, labels)
    # 1 / (1 + exp(-4 / T)) = 3/4, so T = 4 / ln 3
    assert temperature == pytest.approx(4 / np.log(3), rel=1e-3)


def test_bins_and_error() -> None:
    logits = np.log([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]])
    bins = reliability(logits, np.array([0, 1, 0]))
    assert bins == [
        Bin(1, pytest.approx(0.6), 1.0),  # type: ignore[arg-type]
        Bin(2, pytest.approx(0.9), 0.5),  # type: ignore[arg-type]
    ]
    # 1/3 * |1 - 0.6| + 2/3 * |0.5 - 0.9|
    assert expected_calibration_error(bins) == pytest.approx(0.4)


def test_calibration_lowers_the_error_of_a_model_that_is_too_sure() -> None:
    rng = np.random.default_rng(0)
    true = rng.normal(size=(3000, 3))
    shares = np.exp(true) / np.exp(true).sum(axis=1, keepdims=True)
    labels = np.array([rng.choice(3, p=row) for row in shares])
    logits = true * 5  # five times too sure
    temperature = fit_temperature(logits[:1500], labels[:1500])
    assert temperature == pytest.approx(5, rel=0.1)
    before = expected_calibration_error(reliability(logits[1500:], labels[1500:]))
    after = expected_calibration_error(reliability(logits[1500:], labels[1500:], temperature=temperature))
    assert after < 0.05 < before
