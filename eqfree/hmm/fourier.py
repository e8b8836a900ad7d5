"""Fourier's law for a macro solver: heat flux of a conductivity that is asked for, or known at every point."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from eqfree.ensemble import Key, check_key
from eqfree.hmm.closure import Answer, Closure, as_answer, as_inputs
from eqfree.hmm.gridded import Gridded
from eqfree.hmm.tabulated import Tabulated
from eqfree.results import Cost

__all__ = ["FourierFlux", "ResolvedFlux"]

Array: TypeAlias = NDArray[np.float64]

_DIGITS = 12  # of a parameter: more than a micro-solver resolves, fewer than the round-off of a quadrature point


class FourierFlux(Closure):
    """The heat flux q = -K grad u of a closure that answers the conductivity of a microstructure.

    Inputs (point, 5) are x, y, u, du/dx, du/dy; values (point, 2) are the flux, in W/m² for SI units. The
    conductivity is asked once for each set of parameters. These are rounded to twelve significant digits first, since
    points of a quadrature carry round-off, so that the answer at a point depends on nothing that was asked beside it.
    Parameters that are those of a place are remembered, under the noise of ``key``, since a macro solver comes back to
    its points; those that hold a temperature are not.

    *How to choose.* ``parameters``: as few as tell the microstructures apart, and turn them by ``angle`` where they
    differ by their direction only: one micro-problem then serves all of them. Where the parameters vary from point to
    point, give a `Gridded` of the conductivity; with a temperature always, for its derivative.

    Parameters
    ----------
    conductivity
        Parameters (point, n) -> K_xx, K_xy, K_yy (point, 3), in W/(m K).
    parameters
        Position (point, 2) -> parameters of the microstructure there (point, n).
    angle
        Position (point, 2) -> how far the microstructure there is turned, anticlockwise (point,), in radians:
        K = R K_0 R^T.
    with_temperature
        Whether u is the last parameter of the conductivity.
    key
        Which noise the conductivity of a place has; with a temperature, a caller's key is passed on instead.

    Raises
    ------
    ValueError
        When asked: for inputs, parameters, angles or answers of other shapes, and for a conductivity that depends on
        temperature and does not answer its derivative.

    Examples
    --------
    >>> class Layers(Closure):
    ...     def __call__(self, inputs, state=None, key=()):
    ...         share = np.asarray(inputs)
    ...         value = np.hstack([1 / (share / 10 + 1 - share), 0 * share, 10 * share + 1 - share])
    ...         return Answer(value, np.zeros_like(value))
    >>> flux = FourierFlux(Layers(), lambda position: np.full((len(position), 1), 0.5))
    >>> flux([[0.0, 0.0, 300.0, 0.0, 2.0], [1.0, 0.0, 310.0, 0.0, 1.0]]).value.tolist()
    [[-0.0, -11.0], [-0.0, -5.5]]
    >>> print(flux)
    2 fluxes asked, the conductivity asked for at 1 set of parameters, 1 saved
    """

    def __init__(
        self,
        conductivity: Closure,
        parameters: Callable[[Array], ArrayLike],
        *,
        angle: Callable[[Array], ArrayLike] | None = None,
        with_temperature: bool = False,
        key: Key = (),
    ) -> None:
        self._conductivity, self._parameters, self._angle = conductivity, parameters, angle
        self._with_temperature = with_temperature
        self._key = check_key(key)
        self._remembered: dict[bytes, Array] = {}  # value and stderr (6,)
        self.asked = 0  #: points that callers asked for so far
        self.solved = 0  #: sets of parameters that the conductivity was asked for at so far
        self.cost = Cost()  #: of the conductivity so far

    @property
    def saved(self) -> int:
        """Points that were answered without asking for a conductivity of their own."""
        return self.asked - self.solved

    def __repr__(self) -> str:
        sets = f"{self.solved} set{'' if self.solved == 1 else 's'} of parameters"
        text = f"{self.asked} fluxes asked, the conductivity asked for at {sets}, {self.saved} saved"
        if isinstance(self._conductivity, Gridded | Tabulated):
            text += f"; its table: {self._conductivity}"
        return text

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        """The flux, its error |dK| |grad u|, and its derivatives with respect to u and grad u (point, 2, 5)."""
        if state is not None:
            raise ValueError("Fourier's law has no memory of a micro-state: got a `state`. Pass None.")
        position, temperature, gradient = _parts(inputs)
        tensors, slopes, spent = self._ask(self._places(position, temperature), key)
        turn = self._turn(position)
        value, error = np.split(tensors, 2, axis=1)
        components = np.einsum("pij,pj->pi", turn, value)
        slope = np.einsum("pij,pj->pi", turn, slopes)
        # flux by component of the tensor before it is turned: errors are added up once, at their worst
        across = np.einsum("pki,pij->pkj", _products(gradient), turn)
        self.asked += len(position)
        self.cost += spent
        stderr = np.einsum("pkj,pj->pk", np.abs(across), error)
        return _fourier(_matrix(components), _matrix(slope), gradient, stderr, spent)

    def _places(self, position: Array, temperature: Array) -> Array:
        parameters = np.asarray(self._parameters(position), dtype=np.float64)
        if parameters.ndim != 2 or len(parameters) != len(position) or not np.isfinite(parameters).all():
            raise ValueError(
                f"`parameters` must answer finite numbers of shape ({len(position)}, n), a row for each position: "
                f"got shape {parameters.shape}{' with a NaN or an infinity' if parameters.size else ''}."
            )
        if self._with_temperature:
            parameters = np.column_stack([parameters, temperature])
        if not parameters.shape[1]:
            raise ValueError("A conductivity needs a parameter at least: got none. Give a constant one.")
        return _rounded(parameters)

    def _turn(self, position: Array) -> Array:
        """(point, 3, 3): K_xx, K_xy, K_yy of a microstructure -> those of the same, turned."""
        if self._angle is None:
            return np.broadcast_to(np.eye(3), (len(position), 3, 3))
        angle = np.asarray(self._angle(position), dtype=np.float64)
        if angle.shape != (len(position),) or not np.isfinite(angle).all():
            raise ValueError(
                f"`angle` must answer finite radians of shape ({len(position)},): got shape {angle.shape}."
            )
        c, s = np.cos(angle), np.sin(angle)
        rows = [[c * c, -2 * c * s, s * s], [c * s, c * c - s * s, -c * s], [s * s, 2 * c * s, c * c]]
        return np.moveaxis(np.array(rows), 2, 0)

    def _ask(self, places: Array, key: Key) -> tuple[Array, Array, Cost]:
        """Value and stderr (point, 6), derivative to temperature (point, 3), and what it took."""
        sets, owners = np.unique(places, axis=0, return_inverse=True)
        owners = owners.reshape(-1)  # NumPy 2.0 makes it a column
        if self._with_temperature:
            answer = self._conductivity_at(sets, key)
            if answer.jacobian is None:
                raise ValueError(
                    "A conductivity that depends on temperature must answer its jacobian: got None. "
                    "Put a `Gridded` of it in its place."
                )
            return np.hstack([answer.value, answer.stderr])[owners], answer.jacobian[owners, :, -1], answer.cost
        names = [row.tobytes() for row in sets]
        missing = [row for row, name in enumerate(names) if name not in self._remembered]
        spent = Cost()
        if missing:
            answer = self._conductivity_at(sets[missing], self._key)
            spent = answer.cost
            fresh = np.hstack([answer.value, answer.stderr])
            self._remembered.update(zip([names[row] for row in missing], fresh, strict=True))
        tensors = np.array([self._remembered[name] for name in names])[owners]
        return tensors, np.zeros((len(places), 3)), spent

    def _conductivity_at(self, sets: Array, key: Key) -> Answer:
        answer = as_answer(self._conductivity(sets, key=key), len(sets))
        if answer.value.shape[1] != 3 or not np.isfinite(answer.value).all():
            raise ValueError(
                f"A conductivity must answer finite K_xx, K_xy, K_yy of shape ({len(sets)}, 3): "
                f"got shape {answer.value.shape}, at worst {answer.value.flat[np.abs(answer.value).argmax()]:g}."
            )
        smallest = np.linalg.eigvalsh(_matrix(answer.value))[:, 0]
        if not (smallest > 0).all():
            worst = int(smallest.argmin())
            raise ValueError(
                f"A conductivity must be positive definite, with K_xx K_yy > K_xy²: got {answer.value[worst].tolist()} "
                f"at parameters {sets[worst].tolist()}."
            )
        self.solved += len(sets)
        return answer


class ResolvedFlux(Closure):
    """The heat flux q = -K(position, u) grad u where the conductivity is known at every point.

    What a simulation that resolves the microstructure asks in place of a `FourierFlux`: same inputs, same values,
    no error of its own.

    Parameters
    ----------
    conductivity
        Position (point, 2) and u (point,) -> K and dK/du, in W/(m K) and W/(m K²): both (point,) if isotropic, or
        symmetric (point, 2, 2). None for dK/du is zero.

    Raises
    ------
    ValueError
        When asked: for inputs or answers of other shapes, or a tensor that is not symmetric.

    Examples
    --------
    >>> steel = ResolvedFlux(lambda position, u: (15 + 0.01 * (u - 300), np.full(len(u), 0.01)))
    >>> steel([[0.0, 0.0, 400.0, 1.0, 0.0]]).value.tolist()
    [[-16.0, -0.0]]
    """

    def __init__(self, conductivity: Callable[[Array, Array], tuple[ArrayLike, ArrayLike | None]]) -> None:
        self._conductivity = conductivity
        self.asked = 0  #: points that callers asked for so far

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        """The flux and its derivatives with respect to u and grad u (point, 2, 5); ``key`` is not used."""
        if state is not None:
            raise ValueError("Fourier's law has no memory of a micro-state: got a `state`. Pass None.")
        position, temperature, gradient = _parts(inputs)
        conductivity, slope = self._conductivity(position, temperature)
        tensor = _tensor(conductivity, len(position))
        change = np.zeros_like(tensor) if slope is None else _tensor(slope, len(position))
        self.asked += len(position)
        return _fourier(tensor, change, gradient, np.zeros_like(gradient), Cost())


def _parts(inputs: ArrayLike) -> tuple[Array, Array, Array]:
    points = as_inputs(inputs)
    if points.shape[1] != 5:
        raise ValueError(f"A heat flux has the inputs x, y, u, du/dx, du/dy, (point, 5): got shape {points.shape}.")
    return points[:, :2], points[:, 2], points[:, 3:]


def _fourier(tensor: Array, slope: Array, gradient: Array, stderr: Array, cost: Cost) -> Answer:
    jacobian = np.zeros((len(gradient), 2, 5))
    jacobian[:, :, 2] = -np.einsum("pij,pj->pi", slope, gradient)
    jacobian[:, :, 3:] = -tensor
    return Answer(-np.einsum("pij,pj->pi", tensor, gradient), stderr, jacobian, cost=cost)


def _products(gradient: Array) -> Array:
    """(point, 2, 3): K_xx, K_xy, K_yy -> K grad u."""
    products = np.zeros((len(gradient), 2, 3))
    products[:, 0, :2] = products[:, 1, 1:] = gradient
    return products


def _matrix(components: Array) -> Array:
    return components[:, [0, 1, 1, 2]].reshape(-1, 2, 2)


def _tensor(answered: ArrayLike, count: int) -> Array:
    tensor = np.asarray(answered, dtype=np.float64)
    if tensor.shape == (count,):
        tensor = tensor[:, np.newaxis, np.newaxis] * np.eye(2)
    if tensor.shape != (count, 2, 2) or not np.isfinite(tensor).all():
        raise ValueError(
            f"A known conductivity and its derivative must be finite, of shape ({count},) or ({count}, 2, 2): "
            f"got shape {tensor.shape}."
        )
    if not np.allclose(tensor[:, 0, 1], tensor[:, 1, 0], rtol=1e-9, atol=1e-12 * np.abs(tensor).max()):
        raise ValueError("A known conductivity must be symmetric: got K_xy other than K_yx.")
    return tensor


def _rounded(numbers: Array) -> Array:
    """To so many significant digits, as the decimal number nearest; 0.1 and 300.0 keep their bits."""
    magnitude = np.floor(np.log10(np.abs(numbers), out=np.zeros_like(numbers), where=numbers != 0))
    places = _DIGITS - 1 - np.clip(magnitude, -200, 200)
    up, down = 10.0 ** np.maximum(places, 0), 10.0 ** np.maximum(-places, 0)
    return np.asarray(np.rint(numbers * up / down) / up * down + 0.0)
