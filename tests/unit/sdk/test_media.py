"""Files written for pictures, sounds, tables and histograms."""

import json
import math
import os
import struct
import sys
import wave
import zlib
from pathlib import Path
from types import ModuleType
from typing import IO

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sweepd.script.errors import UsageError
from sweepd.script.media.image import Image
from sweepd.script.media.recordings import Audio, Html, Object3D, Plotly, Video
from sweepd.script.media.store import MediaFile
from sweepd.script.media.table import Histogram, Table
from sweepd.script.media.values import store_value


def pixels(path: Path) -> tuple[tuple[int, int], int, bytes]:
    """Return the size, the colour type and the samples of a PNG file."""
    content, position, found, data = path.read_bytes(), 8, b"", b""
    while position < len(content):
        (length,) = struct.unpack(">I", content[position : position + 4])
        kind, chunk = content[position + 4 : position + 8], content[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack(">I", content[position + 8 + length : position + 12 + length])
        assert checksum == zlib.crc32(kind + chunk)
        found, data = (chunk if kind == b"IHDR" else found), (data + chunk if kind == b"IDAT" else data)
        position += length + 12
    width, height, depth, colour = struct.unpack(">IIBB", found[:10])
    assert depth == 8
    rows = zlib.decompress(data)
    stride = len(rows) // height
    assert all(rows[start] == 0 for start in range(0, len(rows), stride))
    return (width, height), colour, b"".join(rows[s + 1 : s + stride] for s in range(0, len(rows), stride))


GREY, RGB, RGBA = 0, 2, 6


@pytest.mark.parametrize(
    ("array", "size", "colour", "samples"),
    [
        (np.array([[0, 255], [1, 2]], np.uint8), (2, 2), GREY, bytes([0, 255, 1, 2])),
        (np.array([[0.0, 1.0, 0.5]]), (3, 1), GREY, bytes([0, 255, 128])),
        (np.array([[0.0, 300.0, -4.0]]), (3, 1), GREY, bytes([0, 255, 0])),
        (np.arange(6, dtype=np.uint8).reshape(1, 2, 3), (2, 1), RGB, bytes(range(6))),
        (np.arange(8, dtype=np.uint8).reshape(1, 2, 4), (2, 1), RGBA, bytes(range(8))),
        (
            np.arange(30, dtype=np.uint8).reshape(3, 2, 5),
            (5, 2),
            RGB,
            bytes([0, 10, 20, 1, 11, 21, 2, 12, 22]),
        ),
        (np.arange(10, dtype=np.uint8).reshape(1, 2, 5), (5, 2), GREY, bytes(range(10))),
        (np.arange(4, dtype=np.uint8).reshape(2, 1, 1, 2), (4, 1), GREY, bytes(range(4))),
        ([[0, 1], [2, 3]], (2, 2), GREY, bytes(range(4))),
        (np.array([[np.nan, np.inf, -np.inf, 0.5]]), (4, 1), GREY, bytes([0, 255, 0, 128])),
        (np.array([[True, False]]), (2, 1), GREY, bytes([255, 0])),
        (np.full((1, 2), np.nan), (2, 1), GREY, bytes(2)),
    ],
)
def test_an_array_becomes_a_png_file(
    tmp_path: Path, array: object, size: tuple[int, int], colour: int, samples: bytes
) -> None:
    name = store_value(tmp_path, "val/digits", Image(array), 3)
    assert name == "media/images/val-digits_3_0.png"
    found = pixels(tmp_path / str(name))
    assert found[:2] == (size, colour)
    assert found[2].startswith(samples)


NUMBERS = st.sampled_from([0.0, 0.25, 0.5, 1.0, 1.5, -3.0, 100.5, 255.0, 1e9, math.nan, math.inf, -math.inf])
SHAPES = st.sampled_from(
    [(2, 3), (1, 1), (2, 2, 3), (3, 2, 2), (1, 4, 5), (4, 3, 2), (2, 3, 2, 2), (2, 2, 2, 1)]
)


@given(data=st.data(), shape=SHAPES, kind=st.sampled_from(["float64", "float32", "int64", "uint8", "bool"]))
def test_arrays_and_lists_of_the_same_numbers_give_the_same_files(
    data: st.DataObject, shape: tuple[int, ...], kind: str
) -> None:
    size = math.prod(shape)
    numbers = np.array(data.draw(st.lists(NUMBERS, min_size=size, max_size=size)))
    with np.errstate(invalid="ignore"):
        array = numbers.astype(kind).reshape(shape)
    assert Image(array)._content == Image(array.tolist())._content
    sound = Audio(array.reshape(size), sample_rate=8000)
    assert sound._frames == Audio(array.reshape(size).tolist(), sample_rate=8000)._frames
    of_array, of_list = Histogram(array, num_bins=4), Histogram(array.reshape(size).tolist(), num_bins=4)
    assert of_array.histogram == of_list.histogram
    assert of_array.bins == pytest.approx(of_list.bins)


def test_integers_of_zero_and_one_are_not_fractions_in_planes_either() -> None:
    array = np.array([0, 1] * 6).reshape(3, 2, 2)
    assert Image(array.tolist())._content == Image(array)._content


def test_the_array_may_change_after_the_image_was_made(tmp_path: Path) -> None:
    array = np.zeros((1, 1), np.uint8)
    image = Image(array)
    array[0, 0] = 9
    assert pixels(image.store(MediaFile(tmp_path, "a", 0)))[2] == b"\0"


@pytest.mark.parametrize("wrong", [3, [], np.zeros(3), np.zeros((2, 2, 2, 2, 2)), "missing.png", object()])
def test_a_value_that_is_not_an_image_is_refused(wrong: object) -> None:
    with pytest.raises(UsageError, match="Image"):
        Image(wrong)


def test_images_of_other_libraries_are_written_by_those_libraries(tmp_path: Path) -> None:
    class Picture:
        def save(self, fp: str, format: str) -> None:  # noqa: A002 (PIL's name)
            Path(fp).write_text(format)

    lines = ["a line"]

    class Figure:
        def savefig(self, fname: IO[bytes], *, format: str) -> None:  # noqa: A002 (matplotlib's name)
            fname.write(f"{format} of {lines}".encode())

    class Axes:
        figure = Figure()

    pyplot = ModuleType("matplotlib.pyplot")
    vars(pyplot)["gcf"] = Figure
    images = [
        (Image(Picture()), ".png", "PNG"),
        (Image(Picture(), file_type="jpg"), ".jpg", "JPEG"),
        (Image(Figure()), ".png", "png of ['a line']"),
        (Image(Figure(), file_type="jpg"), ".jpg", "jpg of ['a line']"),
        (Image(Axes()), ".png", "png of ['a line']"),
        (Image(pyplot), ".png", "png of ['a line']"),
    ]
    lines.clear()  # as `pyplot.clf()` does before the image is logged
    for image, suffix, written in images:
        path = image.store(MediaFile(tmp_path, "a", None))
        assert (path.suffix, path.read_text()) == (suffix, written)


def test_a_chart_of_plotly_is_stored_as_its_json_wrapped_or_not(tmp_path: Path) -> None:
    class Figure:
        __module__ = "plotly.graph_objs._figure"

        def to_json(self) -> str:
            return '{"data": []}'

    for value, name in ((Plotly(Figure()), "a"), (Figure(), "b"), (Plotly.make_plot_media(Figure()), "c")):
        kept = store_value(tmp_path, name, value, 0)
        assert kept == f"media/plotly/{name}_0_0.plotly.json"
        assert (tmp_path / str(kept)).read_text() == '{"data": []}'
    with pytest.raises(UsageError, match="Plotly: expected a plotly chart, not int"):
        Plotly(3)


def test_files_are_copied_and_lists_numbered_under_unique_names(tmp_path: Path) -> None:
    source = tmp_path / "cat.JPG"
    source.write_bytes(b"jpeg")
    files = tmp_path / "files"
    pair = [Image(source), Image(str(source))]
    assert store_value(files, "a", pair, 1) == ["media/images/a_1_0.jpg", "media/images/a_1_1.jpg"]
    assert store_value(files, "a", Image(source), 1) == "media/images/a_1_0.1.jpg"
    assert store_value(files, "../a", Image(Image(source)), 1) == "media/images/a_1_0.2.jpg"


def test_values_without_a_step_have_unique_names_in_all_processes(tmp_path: Path) -> None:
    image = Image([[1]])
    names = [store_value(tmp_path, "a", image, None) for _ in range(3)]
    assert len(set(names)) == 3
    assert all(str(name).startswith(f"media/images/a_{os.getpid()}-") for name in names)


def test_a_file_that_cannot_be_written_is_removed(tmp_path: Path) -> None:
    class Picture:
        def save(self, fp: str, format: str) -> None:  # noqa: A002 (PIL's name)
            raise ValueError("cannot write mode F as PNG")

    with pytest.raises(TypeError, match="mode F"):
        store_value(tmp_path, "a", Image(Picture()), 0)
    assert list((tmp_path / "media" / "images").iterdir()) == []


def test_the_suffix_of_an_array_matches_its_file_format(tmp_path: Path) -> None:
    assert Image([[1]], file_type="jpg").store(MediaFile(tmp_path, "a", 0)).suffix == ".png"


def test_a_list_of_one_image_is_stored_as_that_image(tmp_path: Path) -> None:
    source = tmp_path / "cat.jpg"
    source.write_bytes(b"jpeg")
    assert store_value(tmp_path / "files", "a", [Image(source)], 2) == "media/images/a_2_0.jpg"


def test_sounds_are_wav_files(tmp_path: Path) -> None:
    path = Audio(np.array([0.0, 1.0, -1.0, 2.0]), sample_rate=8000).store(MediaFile(tmp_path, "a", 0))
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 8000, 2)
        assert np.frombuffer(file.readframes(4), np.int16).tolist() == [0, 32767, -32767, 32767]
    path = Audio(np.zeros((5, 2)), sample_rate=8000).store(MediaFile(tmp_path, "a", 0))
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getnframes()) == (2, 5)
    wave_file = Audio(np.array([0, 32767, -32768, 40000]), sample_rate=8000).store(
        MediaFile(tmp_path, "a", 0)
    )
    with wave.open(str(wave_file)) as file:
        assert np.frombuffer(file.readframes(4), np.int16).tolist() == [0, 32767, -32768, 32767]
    with pytest.raises(UsageError, match="sample_rate"):
        Audio(np.zeros(3))


def test_a_tensor_of_a_type_that_numpy_lacks_is_converted_to_a_list(tmp_path: Path) -> None:
    class Tensor:  # as torch has them of bfloat16
        shape = (2, 2)

        def __array__(self, *_: object, **__: object) -> object:
            raise TypeError("Got unsupported ScalarType BFloat16")

        def tolist(self) -> list[list[float]]:
            return [[0.0, 1.0], [1.0, 4.0]]

    assert Histogram(Tensor(), num_bins=2).histogram == [3.0, 1.0]
    for made in (Image(Tensor()), Audio(Tensor(), sample_rate=8000)):
        assert made.store(MediaFile(tmp_path, "a", 0)).stat().st_size > 0


def test_histograms_are_stored_as_lines_of_one_file(tmp_path: Path) -> None:
    name: object = None
    for step in range(2):
        name = store_value(tmp_path, "grads", Histogram([0, 1, 1, 4, float("nan")], num_bins=2), step)
    assert name == "media/histograms/grads.jsonl"
    lines = [json.loads(line) for line in (tmp_path / str(name)).read_text().splitlines()]
    assert lines == [
        {"key": "grads", "step": step, "counts": [3.0, 1.0], "edges": [0.0, 2.0, 4.0]} for step in range(2)
    ]
    numpy_made = Histogram(np_histogram=np.histogram(np.arange(4), bins=2))
    assert (numpy_made.histogram, numpy_made.bins) == ([2.0, 2.0], [0.0, 1.5, 3.0])
    assert Histogram([]).histogram == [0.0] * 64


@pytest.mark.parametrize(
    "values",
    [[1e300, 1e300], [-1.7e308, 1.7e308], [0.0, 5e-324], [sys.float_info.max], [1e17, 1e17], [-5e-324]],
)
def test_values_at_the_limits_of_floats_are_counted(values: list[float]) -> None:
    made = Histogram(values)
    assert sum(made.histogram) == len(values)
    assert all(map(math.isfinite, made.bins))
    assert made.bins == sorted(made.bins)
    assert made.bins[0] <= min(values) <= max(values) <= made.bins[-1]


@pytest.mark.parametrize("wrong", [([1], [1]), ([1],), (range(513), range(514))])
def test_histograms_of_mismatched_lengths_are_refused(wrong: tuple[object, ...]) -> None:
    with pytest.raises(UsageError, match="Histogram"):
        Histogram(np_histogram=wrong)


def test_media_in_a_table_are_stored_beside_it(tmp_path: Path) -> None:
    table = Table(columns=["id", "image"], data=[[1, Image(np.zeros((1, 1)))]])
    table.add_data(np.int64(2), None)
    table.add_column("score", [0.5, 0.25])
    assert table.get_column("score") == [0.5, 0.25]
    assert [row for _, row in table.iterrows()] == table.data
    name = store_value(tmp_path, "preds", table, 4)
    assert name == "media/table/preds_4_0.table.json"
    assert json.loads((tmp_path / str(name)).read_text()) == {
        "columns": ["id", "image", "score"],
        "data": [[1, "media/images/preds.image_4_0.png", 0.5], [2, None, 0.25]],
    }
    assert (tmp_path / "media/images/preds.image_4_0.png").exists()
    for wrong in (
        lambda: table.add_data(1),
        lambda: table.get_column("x"),
        lambda: table.add_column("y", [1]),
    ):
        with pytest.raises(UsageError, match="Table"):
            wrong()


def test_columns_can_be_computed_and_read_as_arrays_and_frames() -> None:
    table = Table(columns=["a", "b"], data=[[1, 2.5], [3, 4.5]])
    table.add_computed_columns(lambda at, row: {"sum": float(str(row["a"])) + float(str(row["b"])), "at": at})
    assert table.columns == ["a", "b", "sum", "at"]
    assert table.data == [[1, 2.5, 3.5, 0], [3, 4.5, 7.5, 1]]
    assert np.asarray(table.get_column("sum", convert_to="numpy")).mean() == 5.5
    assert isinstance(table.get_column("sum", convert_to="numpy"), np.ndarray)
    assert pd.DataFrame({"a": [1, 3], "b": [2.5, 4.5], "sum": [3.5, 7.5], "at": [0, 1]}).equals(
        table.get_dataframe()
    )
    assert table.get_index() == [0, 1]
    Table(columns=["a"]).add_computed_columns(lambda at, row: {"b": 1})


def test_arrays_and_frames_are_tables_too() -> None:
    class Frame:
        columns = ("a", "b")

        def itertuples(self, *, index: bool, name: None) -> object:
            return iter([(1, 2), (3, 4)])

    assert Table(dataframe=Frame()).data == [[1, 2], [3, 4]]
    assert Table(columns=["a"], data=np.array([[1], [2]])).data == [[1], [2]]


def test_html_and_video_files_are_stored(tmp_path: Path) -> None:
    assert Html("<b>x</b>").store(MediaFile(tmp_path, "a", 0)).read_text() == "<b>x</b>"
    assert Html("x" * 5_000 + ".html").html.endswith("x.html")
    assert Html("\udc80").store(MediaFile(tmp_path, "a", 0)).read_text() == "\\udc80"
    film = tmp_path / "film.mp4"
    film.write_bytes(b"mp4")
    assert Video(str(film)).store(MediaFile(tmp_path, "a", 0)).read_bytes() == b"mp4"
    with pytest.raises(TypeError, match="an array cannot be encoded"):
        store_value(tmp_path, "a", Video(np.zeros((1, 3, 2, 2)), fps=4), 0)


def test_unsupported_types_accept_any_argument_and_are_refused_when_logged(tmp_path: Path) -> None:
    scene = Object3D(np.zeros((3, 3)), caption="scene")
    with pytest.raises(TypeError, match=r"sweepd\.Object3D is not stored"):
        store_value(tmp_path, "a", scene, 0)


def test_arrays_of_many_values_become_histograms(tmp_path: Path) -> None:
    assert store_value(tmp_path, "weights", np.arange(4.0), 0) == "media/histograms/weights.jsonl"
    with pytest.raises(TypeError, match="neither a number nor media"):
        store_value(tmp_path, "weights", object(), 0)
