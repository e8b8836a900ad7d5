"""How a wave of an interacting chain decays if pairs are always those of the Gibbs law, as one would write it down.

For the gas of Katz, Lebowitz and Spohn with delta = 0 this is exact at the first moment and for long waves of small
amplitude; it tells what the height and the length of a wave do to the coefficient that is read of its decay.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

Array = NDArray[np.float64]


def _pairs(share: Array, ratio: float) -> Array:
    """Of each site and the next, how often both are occupied: P11 P00 = ratio P10 P01."""
    after = np.roll(share, -1)
    middle = 1 - (1 - ratio) * (share + after)
    root = np.sqrt(middle**2 + 4 * (1 - ratio) * ratio * share * after)
    return np.asarray((root - middle) / (2 * (1 - ratio)))


def _change(share: Array, repulsion: float) -> Array:
    both, after = _pairs(share, (1 - repulsion) / (1 + repulsion)), np.roll(share, -1)
    pair = {(1, 1): both, (1, 0): share - both, (0, 1): after - both, (0, 0): 1 - share - after + both}
    flow = np.zeros_like(share)
    for behind in (0, 1):
        for ahead in (0, 1):
            right = np.roll(pair[behind, 1], 1) * pair[1, 0] * np.roll(pair[0, ahead], -1) / (share * (1 - after))
            left = np.roll(pair[behind, 0], 1) * pair[0, 1] * np.roll(pair[1, ahead], -1) / ((1 - share) * after)
            flow += right * (1 + repulsion * (behind - ahead)) - left * (1 + repulsion * (ahead - behind))
    return np.asarray(np.roll(flow, 1) - flow)


def coefficient_by_pairs(repulsion: float, filling: float, amplitude: float, length: int, times: Array) -> float:
    """The diffusion coefficient that is read of a wave of so many sites at these times, in units of the bare rate."""
    wave = np.cos(2 * np.pi * np.arange(length) / length)
    start = filling + amplitude * wave
    path = solve_ivp(
        lambda _, share: _change(share, repulsion), (0.0, times[-1]), start, t_eval=times, rtol=1e-9, atol=1e-12
    )
    heights = wave @ path.y
    slope, _ = np.polyfit(times, np.log(heights), 1, w=heights)  # polyfit squares its weights
    return float(-slope / (2 - 2 * np.cos(2 * np.pi / length)))
