"""Pictures of two phases."""

import struct
import zlib
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from scenarios.composite.cell import CellProblem
from scenarios.composite.micrograph import draw_micrograph, write_micrograph
from scenarios.composite.microstructures import Image
from scenarios.composite.windows import Window, periodic

LAYERS = np.tile([[True, False, False, False]], (4, 1))  # upright, a quarter of inclusion
COPPER_IN_PLASTIC = (0.2, 401.0)


def save(path: Path, grey: object, mode: str | None = None) -> Path:
    picture = PIL.Image.fromarray(np.asarray(grey))
    (picture.convert(mode) if mode else picture).save(path)
    return path


def test_bright_is_inclusion_unless_inverted(tmp_path: Path) -> None:
    path = save(tmp_path / "layers.png", np.where(LAYERS, 200, 40).astype(np.uint8))
    np.testing.assert_array_equal(Image.read(path).pixels, LAYERS)
    assert Image.read(path).volume_fraction == 0.25
    assert Image.read(path, invert=True).volume_fraction == 0.75


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA"])
def test_every_kind_of_png_is_read(tmp_path: Path, mode: str) -> None:
    path = save(tmp_path / "layers.png", np.where(LAYERS, 255, 0).astype(np.uint8), mode)
    np.testing.assert_array_equal(Image.read(path).pixels, LAYERS)


def test_sixteen_bits_are_not_clipped(tmp_path: Path) -> None:
    path = save(tmp_path / "layers.png", np.where(LAYERS, 50_000, 30_000).astype(np.uint16))
    np.testing.assert_array_equal(Image.read(path).pixels, LAYERS)


def test_the_example_micrograph_is_the_same_every_time(tmp_path: Path) -> None:
    drawn = Image.read(write_micrograph(tmp_path / "micrograph.png"))
    np.testing.assert_array_equal(drawn.pixels, draw_micrograph())
    assert drawn.size == (200, 200)
    assert drawn.volume_fraction == 0.55
    assert drawn.percolates(1, "x")
    assert drawn.percolates(1, "y")
    assert (draw_micrograph(seed=2) != draw_micrograph(seed=1)).any()


def test_the_first_row_is_the_top() -> None:
    picture = Image(np.array([[True, False], [False, False], [False, False]]))
    _, phase = picture.mesh()
    middle = picture.mesh()[0].p[:, picture.mesh()[0].t].mean(axis=1)
    np.testing.assert_allclose(middle[:, phase == 1].T, [[0.5, 2.5]])
    (rectangle,) = picture.outline()
    np.testing.assert_allclose(rectangle, np.array([[0, 1], [0.5, 1], [0.5, 1.5], [0, 1.5]]))


@pytest.mark.parametrize("degree", [1, 2])
def test_layers_by_pixels_have_the_exact_tensor(degree: int) -> None:
    series, parallel = 1 / (0.25 / 401 + 0.75 / 0.2), 0.25 * 401 + 0.75 * 0.2
    upright = CellProblem(Image(LAYERS).cell(), degree)(COPPER_IN_PLASTIC).tensor
    np.testing.assert_allclose(upright, np.diag([series, parallel]), rtol=1e-10, atol=1e-10)
    lying = CellProblem(Image(LAYERS[:3].T).cell(2), degree)(COPPER_IN_PLASTIC).tensor  # 3 pixels across, 4 up
    np.testing.assert_allclose(lying, np.diag([parallel, series]), rtol=1e-10, atol=1e-10)


def test_a_picture_need_not_be_square() -> None:
    picture = Image(draw_micrograph((24, 16), grain=6, seed=2))
    alone = CellProblem(picture.cell(), degree=1)((1.0, 10.0))
    tiled = CellProblem(Image(np.tile(picture.pixels, (3, 2))).cell(), degree=1)((1.0, 10.0))
    np.testing.assert_allclose(alone.tensor, tiled.tensor, rtol=1e-11)
    np.testing.assert_allclose(alone.lower, tiled.lower, rtol=1e-11)
    window = periodic(Window.of_image(picture, (1.0, 10.0)))  # another assembly, in pixels
    np.testing.assert_allclose(alone.tensor, window.tensor, rtol=1e-10)
    np.testing.assert_allclose(np.einsum("p,pij->ij", [1.0, 10.0], alone.shares), alone.tensor, rtol=1e-11)


def test_bounds_enclose_the_tensor_of_a_finer_mesh() -> None:
    picture = Image(draw_micrograph((16, 16), grain=8, seed=1))
    coarse, fine = (CellProblem(picture.cell(refinement))((1.0, 10.0)) for refinement in (1, 2))
    assert np.linalg.eigvalsh(coarse.tensor - fine.tensor).min() > 0
    assert np.linalg.eigvalsh(fine.lower - coarse.lower).min() > 0


@pytest.mark.slow
def test_a_micrograph_is_solved_within_bounds() -> None:
    picture = Image(draw_micrograph())
    answer = CellProblem(picture.cell(), degree=1)((1.0, 10.0))
    assert answer.unknowns == 200 * 200
    assert np.linalg.eigvalsh(answer.tensor - answer.lower).min() > 0
    assert (np.diag(answer.error) < 0.04 * np.diag(answer.tensor)).all()


def rows(*lines: str) -> Image:
    return Image(np.array([[letter == "#" for letter in line] for line in lines]))


@pytest.mark.parametrize(
    ("picture", "periodic", "side_to_side"),
    [
        (rows("#.#", "#.#", "#.#"), (False, True), (False, True)),
        (rows("#..", ".#.", "..#"), (False, False), (False, False)),  # corners do not count
        (rows(".##.", "#.##", "#...", "##.."), (True, True), (False, False)),  # obliquely, through the seams
        (rows("#..#", "#..#", "....", "...."), (False, False), (False, False)),  # over a seam and back
        (rows("...#", "####", "....", "...."), (True, False), (True, False)),
        (rows("#...", "####", "...#", "...."), (True, False), (True, False)),
        (rows(".#..", ".###", "...#", "...#"), (False, False), (False, True)),  # top and bottom do not meet
    ],
)
def test_connected_means_by_sides_of_pixels(
    picture: Image, periodic: tuple[bool, bool], side_to_side: tuple[bool, bool]
) -> None:
    assert (picture.percolates(1, "x"), picture.percolates(1, "y")) == periodic
    assert (picture.percolates(1, "x", False), picture.percolates(1, "y", False)) == side_to_side


def test_note_says_which_way_the_good_phase_connects() -> None:
    layers, islands = Image(LAYERS), rows("#...", "....", "..#.", "....")
    good = "The better conducting phase (inclusion, 25.0%) connects"
    assert layers.connected_note((1.0, 10.0)) == f"{good} bottom-top but not left-right, where the poor phase governs."
    assert islands.connected_note((10.0, 1.0)).endswith("(matrix, 87.5%) connects left-right and bottom-top.")
    assert islands.connected_note((1.0, 10.0)).endswith("neither left-right nor bottom-top: the poor phase governs.")


def header_only(columns: int, rows: int) -> bytes:
    content = b"IHDR" + struct.pack(">IIBBBBB", columns, rows, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + content
        + struct.pack(">I", zlib.crc32(content))
        + b"\0\0\0\0IDAT"
    )


def test_what_is_no_picture_of_two_phases_is_refused_in_one_line(tmp_path: Path) -> None:
    def refused(path: Path, match: str) -> None:
        with pytest.raises(ValueError, match=match) as caught:
            Image.read(path)
        assert "\n" not in str(caught.value)

    wedge = np.arange(64, dtype=np.uint8).reshape(8, 8)
    refused(save(tmp_path / "wedge.png", wedge), "got 64 grey values in .*wedge.png. Threshold it first")
    refused(save(tmp_path / "flat.png", np.full((8, 8), 7, dtype=np.uint8)), r"got one grey value \(7\)")
    see_through = np.dstack([wedge, wedge, wedge, wedge])
    refused(save(tmp_path / "clear.png", see_through), "must be opaque")
    refused(tmp_path / "missing.png", "there is no file")
    refused(tmp_path, "there is no file")
    refused(save(tmp_path / "photo.jpg", wedge), "must be a PNG file: got something else")
    whole = write_micrograph(tmp_path / "whole.png").read_bytes()
    for name, content in {
        "empty": b"",
        "short": whole[: len(whole) // 2],
        "signature": whole[:8],
        "flipped": whole[:200] + bytes([whole[200] ^ 0xFF]) + whole[201:],
    }.items():
        path = tmp_path / f"{name}.png"
        path.write_bytes(content)
        refused(path, "must be a (whole )?PNG file")
    for columns, expected in (
        (1001, "got 1001 x 1000"),
        (12_000, "at most a million"),
        (40_000_000, "at most a million"),
    ):
        path = tmp_path / "bomb.png"
        path.write_bytes(header_only(columns, 1000))
        refused(path, expected)


def test_pixels_are_two_phases() -> None:
    with pytest.raises(ValueError, match="got inclusion only"):
        Image(np.ones((3, 3), dtype=bool))
    with pytest.raises(ValueError, match="Boolean array"):
        Image(np.eye(3))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at most a million pixels: got 1001 x 1000"):
        Image(np.arange(1001)[None] % 2 * np.ones((1000, 1)) > 0)
    with pytest.raises(ValueError, match="`refinement` must be a positive"):
        Image(LAYERS).cell(0)
    with pytest.raises(ValueError, match="at most a million elements: got 200 x 200 pixels with 16"):
        Image(draw_micrograph()).cell(16)
    with pytest.raises(ValueError, match="`volume_fraction` must be between"):
        draw_micrograph(volume_fraction=1.2)
    with pytest.raises(ValueError, match="`grain` must be from 2 pixels"):
        draw_micrograph((10, 10))
