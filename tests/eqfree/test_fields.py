from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eqfree.fields import Field, OutOfBoundsError, as_fields, check_bounds, split


def test_a_field_without_coordinates_is_one_number() -> None:
    assert Field("density").shape == ()
    assert Field("density").size == 1


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 4), max_size=3), min_size=1, max_size=4))
def test_the_parts_of_a_macro_state_put_together_are_the_macro_state(shapes: list[list[int]]) -> None:
    fields = [
        Field(f"part_{number}", coordinates={f"x{axis}": range(length) for axis, length in enumerate(shape)})
        for number, shape in enumerate(shapes)
    ]
    macro = np.arange(float(sum(item.size for item in fields)))
    parts = split(fields, macro)
    assert [part.shape for part in parts.values()] == [tuple(shape) for shape in shapes]
    assert np.array_equal(np.concatenate([part.ravel() for part in parts.values()]), macro)


def test_a_field_may_be_a_mapping_so_that_a_population_need_not_import_eqfree() -> None:
    given_mapping: dict[str, Any] = {"name": "density", "unit": "1/m", "bounds": (0.0, 1.0)}
    (made,) = as_fields([given_mapping])
    assert vars(made) == vars(Field("density", "1/m", bounds=(0.0, 1.0)))


def test_fields_that_do_not_cover_the_macro_state_are_refused_with_both_sizes() -> None:
    with pytest.raises(ValueError, match=r"\{'a': 1, 'b': 2\} add up to 3 numbers, the macro state has 4"):
        split([Field("a"), Field("b", coordinates={"x": [0, 1]})], np.zeros(4))


def test_two_fields_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"different names: got \['a', 'a'\]"):
        as_fields([Field("a"), Field("a")])


def test_empty_bounds_are_refused() -> None:
    with pytest.raises(ValueError, match=r"low <= high: got \(1, 0\)"):
        Field("density", bounds=(1, 0))


def test_a_unit_of_no_coordinate_is_refused() -> None:
    with pytest.raises(ValueError, match=r"name its coordinates \['x'\]: got \['y'\]"):
        Field("density", coordinates={"x": [0.0]}, coordinate_units={"y": "m"})


@pytest.mark.parametrize("value", [-0.1, 0.3])
def test_a_value_outside_its_bounds_is_refused_with_field_bounds_and_unit(value: float) -> None:
    fields = [Field("speed"), Field("density", "1/m", bounds=(0, 0.2))]
    with pytest.raises(OutOfBoundsError, match=rf"density must lie in \[0, 0.2\] 1/m: got {value} 1/m"):
        check_bounds(fields, np.array([7.0, value]))


@pytest.mark.parametrize("fields", [[], [Field("density")]])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_macro_state_that_is_not_finite_is_refused_with_and_without_fields(fields: list[Field], value: float) -> None:
    with pytest.raises(OutOfBoundsError, match="must be finite"):
        check_bounds(fields, np.array([value]))


def test_the_bounds_themselves_are_admissible() -> None:
    check_bounds([Field("a", bounds=(0, 1)), Field("b", bounds=(0, 1))], np.array([0.0, 1.0]))
