"""The toolkit's solvers run over ions as over every population: here its steady state between blocking faces."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

import eqfree as ef
from agents.ions import Box, Hopping, Landscape, LatticeGas
from agents.ions.constants import BOLTZMANN
from agents.ions.lattices import square

SPACING, SLOPE, FILLING = 3e-10, 0.8, 0.3


@pytest.mark.slow
def test_the_fixed_point_between_blocking_faces_is_the_fermi_profile() -> None:
    """Exact: c / (1 - c) = A exp(q E x / kT) for exclusion alone, A from the number of ions (it is large)."""
    box = Box(square(SPACING), (4, 1000), periodic=(False, True))
    field = SLOPE * BOLTZMANN * 300.0 / SPACING
    gas = LatticeGas(Landscape(box, Hopping({"hop": 0.0}, 1.0)), 300.0, (field, 0.0))
    stepper = ef.CoarseTimeStepper(gas, replicas=12, healing=0.5, seed=1)
    found = ef.find_fixed_point(stepper, np.full((1, 4), FILLING), duration=3.0, difference=0.1, key_sets=3)

    def profile(potential: float) -> NDArray[np.float64]:
        return np.asarray(1 / (1 + np.exp(potential - SLOPE * np.arange(4))))

    potential = brentq(lambda potential: profile(potential).mean() - FILLING, -20, 20)
    assert found.success, found.message
    assert found.macro.mean() == pytest.approx(FILLING, abs=1e-12)
    assert (np.abs(found.macro[0] - profile(potential)) < 4 * found.stderr[0]).all()
    assert found.stderr.max() < 0.01


@pytest.mark.slow
def test_the_diagnosis_finds_nothing_to_heal_where_ions_only_exclude_each_other() -> None:
    """Exclusion alone: the mean profile diffuses by itself, exactly, however the ions are placed in their columns."""
    box = Box(square(SPACING), (6, 1500), periodic=(False, True))
    gas = LatticeGas(Landscape(box, Hopping({"hop": 0.0}, 1.0)), 300.0)
    profile = np.array([[0.9, 0.8, 0.6, 0.4, 0.2, 0.1]])
    found = ef.diagnose(ef.CoarseTimeStepper(gas, replicas=16, seed=1), profile, horizon=1.5)
    (comparison,) = found.comparisons
    assert comparison.verdict is not ef.diagnosis.Verdict.DOES_NOT_CLOSE
    assert found.advice is not None
    assert found.advice.healing == 0.0
