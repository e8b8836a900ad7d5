"""The error of the flux that the mesh makes, as it is indicated, against the true one of solutions in closed form."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import skfem
from numpy.typing import ArrayLike, NDArray

from eqfree.ensemble import Key
from eqfree.hmm import Answer, Closure, DiffusionLaw, DiffusionSolution, Fixed, rectangle, solve_steady
from eqfree.hmm.diffusion.recovery import recovered

Array = NDArray[np.float64]
Exact = Callable[[Array], tuple[Array, Array, Array]]  # places (point, 2) -> u, its gradient, its second derivatives

CELLS = 20  # 13 to a wave in x
WITHIN = 0.08  # the largest deviation measured so is 0.059


@dataclass(frozen=True)
class Conducting(Closure):
    """-(1 + slope u) (1 + wave sin 6x) tensor grad u, times as much as ``left`` says where x < 1/2."""

    tensor: Array = field(default_factory=lambda: np.eye(2))
    slope: float = 0.0
    wave: float = 0.0
    left: float = 1.0

    def factor(self, places: Array, u: Array) -> tuple[Array, Array, Array]:
        """What multiplies the tensor, and its derivatives by x and by u."""
        x = places[:, 0]
        linear, wave = 1 + self.slope * u, 1 + self.wave * np.sin(6 * x)
        share = np.where(x < 0.5, self.left, 1.0)
        return share * linear * wave, share * linear * self.wave * 6 * np.cos(6 * x), share * self.slope * wave

    def flux(self, places: Array, u: Array, gradient: Array) -> Array:
        return np.asarray(-self.factor(places, u)[0][:, np.newaxis] * (gradient @ self.tensor.T))

    def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
        places, u, gradient = np.split(np.asarray(inputs), [2, 3], axis=1)
        factor, _, by_u = self.factor(places, u[:, 0])
        jacobian = np.zeros((len(u), 2, 5))
        jacobian[:, :, 2] = -by_u[:, np.newaxis] * (gradient @ self.tensor.T)
        jacobian[:, :, 3:] = -factor[:, np.newaxis, np.newaxis] * self.tensor
        flux = self.flux(places, u[:, 0], gradient)
        return Answer(flux, np.zeros_like(flux), jacobian)

    def source(self, exact: Exact, places: Array) -> Array:
        """The divergence of the flux."""
        u, gradient, second = exact(places)
        factor, by_x, by_u = self.factor(places, u)
        steered = gradient @ self.tensor.T
        straight = factor * np.einsum("ij,pij->p", self.tensor, second)
        return np.asarray(-straight - by_x * steered[:, 0] - by_u * (gradient * steered).sum(axis=1))


def waves(places: Array) -> tuple[Array, Array, Array]:
    """sin 3 pi x sin 2 pi y, which takes a source."""
    a, b = 3 * np.pi, 2 * np.pi
    x, y = (places * [a, b]).T
    u, mixed = np.sin(x) * np.sin(y), a * b * np.cos(x) * np.cos(y)
    gradient = np.column_stack([a * np.cos(x) * np.sin(y), b * np.sin(x) * np.cos(y)])
    return u, gradient, np.moveaxis(np.array([[-a * a * u, mixed], [mixed, -b * b * u]]), -1, 0)


def harmonic(places: Array) -> tuple[Array, Array, Array]:
    """exp(2x) cos(2y), which takes none."""
    x, y = 2 * places.T
    even, odd = np.exp(x) * np.cos(y), np.exp(x) * np.sin(y)
    second = 4 * np.array([[even, -odd], [-odd, -even]])
    return even, 2 * np.column_stack([even, -odd]), np.moveaxis(second, -1, 0)


def bump(places: Array) -> tuple[Array, Array, Array]:
    """exp(-8 r²) around (0.4, 0.6)."""
    offsets = places - [0.4, 0.6]
    u = np.exp(-8 * (offsets**2).sum(axis=1))
    second = u[:, np.newaxis, np.newaxis] * (256 * offsets[:, :, np.newaxis] * offsets[:, np.newaxis] - 16 * np.eye(2))
    return u, -16 * offsets * u[:, np.newaxis], second


def refracted(places: Array) -> tuple[Array, Array, Array]:
    """-cos 3 pi x sin 2 pi y, a quarter of it where x < 1/2: there four times the conductivity lets the flux pass."""
    u, gradient, second = waves(np.add(places, [0.5, 0.0]))
    share = np.where(places[:, 0] < 0.5, 0.25, 1.0)[:, np.newaxis]
    return share[:, 0] * u, share * gradient, share[:, np.newaxis] * second


def named(mesh: Any) -> Any:
    return mesh.with_boundaries({"rim": lambda place: np.ones(place.shape[1], dtype=bool)})


def square(cells: int) -> Any:
    return named(rectangle(1.0, 1.0, (cells, cells)))


def disturbed(cells: int) -> Any:
    mesh = rectangle(1.0, 1.0, (cells, cells))
    places, inner = mesh.p.copy(), mesh.interior_nodes()
    places[:, inner] += np.random.default_rng(1).uniform(-0.25, 0.25, (2, len(inner))) / cells
    return named(skfem.MeshTri(places, mesh.t))


def of_two_sizes(cells: int) -> Any:
    mesh = rectangle(1.0, 1.0, (cells, cells))
    left = np.flatnonzero(mesh.p[0, mesh.t].mean(axis=0) < 0.5)
    return named(skfem.MeshTri(mesh.p, mesh.t).refined(left))


def long(cells: int) -> Any:
    return named(rectangle(1.0, 1.0, (cells, 2 * cells)))


def curved(_: int) -> Any:
    """The unit disk, in 1024 curved triangles."""
    return named(skfem.MeshTri2.init_circle(4))


def solved(mesh: Any, degree: int, exact: Exact, flux: Conducting) -> DiffusionSolution:
    law = DiffusionLaw(
        mesh=mesh,
        flux=flux,
        source=lambda places: flux.source(exact, places),
        boundaries=dict.fromkeys(mesh.boundaries, Fixed(lambda places: exact(places)[0])),
        degree=degree,
    )
    return solve_steady(law, 0.5)


def true_error(solution: DiffusionSolution, exact: Exact, flux: Conducting) -> float:
    """Of the flux, relative to it, in L² by the fine rule."""
    fine = solution.law.discretisation.fine
    here, places = fine.interpolate(solution.values), np.asarray(fine.global_coordinates()).reshape(2, -1).T
    found = flux.flux(places, np.asarray(here).ravel(), np.asarray(here.grad).reshape(2, -1).T)
    right = flux.flux(places, *exact(places)[:2])
    weights = np.asarray(fine.dx).ravel()
    return float(np.sqrt(weights @ ((found - right) ** 2).sum(axis=1) / (weights @ (right**2).sum(axis=1))))


@pytest.mark.parametrize("exact", [waves, harmonic])
@pytest.mark.parametrize("mesh", [square, disturbed, of_two_sizes, long])
@pytest.mark.parametrize("degree", [1, 2])
def test_the_indicator_is_the_true_error_with_and_without_a_source(
    degree: int, mesh: Callable[[int], Any], exact: Exact
) -> None:
    solution = solved(mesh(CELLS), degree, exact, Conducting())
    assert solution.indicators.macro == pytest.approx(true_error(solution, exact, Conducting()), rel=WITHIN)


@pytest.mark.parametrize("degree", [1, 2])
@pytest.mark.parametrize(
    ("flux", "exact"),
    [
        (Conducting(np.array([[10.0, 2.0], [2.0, 1.0]])), waves),
        (Conducting(slope=10.0), bump),
        (Conducting(wave=0.8), harmonic),
    ],
    ids=["direction", "temperature", "place"],
)
def test_it_is_where_the_conductivity_depends_on(degree: int, flux: Conducting, exact: Exact) -> None:
    solution = solved(square(CELLS), degree, exact, flux)
    assert solution.indicators.macro == pytest.approx(true_error(solution, exact, flux), rel=WITHIN)


@pytest.mark.parametrize("exact", [waves, harmonic])
def test_it_is_on_curved_elements(exact: Exact) -> None:
    solution = solved(curved(CELLS), 2, exact, Conducting())
    assert solution.indicators.macro == pytest.approx(true_error(solution, exact, Conducting()), rel=WITHIN)


@pytest.mark.parametrize("degree", [1, 2])
def test_two_materials_are_kept_apart_where_the_mesh_names_them(degree: int) -> None:
    flux, mesh = Conducting(left=4.0), square(CELLS)
    told = solved(mesh.with_subdomains({"metal": lambda place: place[0] < 0.5}), degree, refracted, flux)
    assert told.indicators.macro == pytest.approx(true_error(told, refracted, flux), rel=WITHIN)
    assert solved(mesh, degree, refracted, flux).indicators.macro > 1.3 * told.indicators.macro


@pytest.mark.parametrize("degree", [1, 2])
def test_it_vanishes_where_the_elements_hold_the_solution(degree: int) -> None:
    def held(places: Array) -> tuple[Array, Array, Array]:
        x, y = places.T
        curvature = degree - 1.0
        second = np.zeros((len(x), 2, 2))
        second[:, 0, 1] = second[:, 1, 0] = curvature
        return 1 + x + 2 * y + curvature * x * y, np.column_stack([1 + curvature * y, 2 + curvature * x]), second

    assert solved(disturbed(4), degree, held, Conducting()).indicators.macro < 1e-12


@pytest.mark.parametrize("degree", [1, 2])
def test_few_triangles_get_a_number(degree: int) -> None:
    one = named(skfem.MeshTri())
    alone = named(skfem.MeshTri(np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), np.array([[0], [1], [2]])))
    told = [solved(mesh, degree, bump, Conducting()).indicators.macro for mesh in (alone, one, square(1), square(2))]
    assert np.isfinite(told).all()
    assert told[-1] > 0.1


def test_the_closure_is_not_asked_again() -> None:
    asked = list[int]()

    @dataclass(frozen=True)
    class Counting(Conducting):
        def __call__(self, inputs: ArrayLike, state: Any = None, key: Key = ()) -> Answer:
            asked.append(len(np.asarray(inputs)))
            return super().__call__(inputs, state, key)

    solution = solved(square(2), 2, bump, Counting())
    before = len(asked)
    assert solution.indicators.macro > 0
    assert len(asked) == before


@pytest.mark.parametrize("degree", [1, 2])
def test_polynomials_of_the_degree_are_recovered_up_to_the_boundary(degree: int) -> None:
    def polynomial(places: Array) -> Array:
        x, y = places[..., 0], places[..., 1]
        return np.stack([1 + 2 * x - y, x - (degree - 1) * (x * x - 3 * x * y)], axis=-1)

    mesh = disturbed(5)
    inside, nodes = np.array([[1 / 6, 2 / 3, 1 / 6], [1 / 6, 1 / 6, 2 / 3]]), np.array([[0, 1, 0, 0.5], [0, 0, 1, 0.5]])
    points, wanted = (np.moveaxis(mesh.mapping().F(local), 0, -1) for local in (inside, nodes))
    found = recovered(mesh, degree, points, polynomial(points), nodes, wanted)
    np.testing.assert_allclose(found, polynomial(wanted), atol=1e-11)


def test_a_patch_that_determines_no_polynomial_takes_the_mean() -> None:
    mesh = skfem.MeshTri()  # two triangles
    centroids = np.moveaxis(mesh.mapping().F(np.full((2, 1), 1 / 3)), 0, -1)
    nodes = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    wanted = np.moveaxis(mesh.mapping().F(nodes), 0, -1)
    found = recovered(mesh, 1, centroids, np.array([[[1.0]], [[3.0]]]), nodes, wanted)
    np.testing.assert_allclose(found, 2.0, rtol=1e-12)
