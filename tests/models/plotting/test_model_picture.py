"""Pictures of models: complete, inside their bounds, well-formed, in files of every form."""

from __future__ import annotations

import itertools
import re
import sys
import xml.etree.ElementTree as ElementTree

import pytest

import graphc
from graphc import layers
from graphc.errors import GraphcError
from graphc.models.plotting.boxes import Group
from graphc.models.plotting.model_boxes import Shown, boxes_of
from graphc.models.plotting.placing import place
from graphc.utils import model_to_dot, plot_model

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


def model_with_everything() -> graphc.Model:
    """Two inputs and outputs, models inside models, a shared layer, a long way past others."""
    one, two = graphc.Input((4,)), graphc.Input((4,))
    joined = layers.Concatenate()([layers.Dense(4)(one), two])
    inner = graphc.Model([one, two], [layers.Dense(2)(one), joined], name="inner")
    tower = graphc.Sequential([graphc.Input((8,)), layers.Dense(4), layers.ReLU()], name="tower")
    a, b = graphc.Input((4,), name="a"), graphc.Input((4,), name="b")
    shared = layers.Dense(4, name="shared")
    first, second = inner([shared(a), shared(shared(b))])
    end = layers.Concatenate()([tower(second), first, a])
    return graphc.Model([a, b], [layers.Dense(1)(end), first + 1.0], name='a <&> "b" -- model')


def overlap(a, b) -> bool:
    apart_x = a.x + a.width <= b.x or b.x + b.width <= a.x
    apart_y = a.y + a.height <= b.y or b.y + b.height <= a.y
    return not (apart_x or apart_y)


def inside(a, b) -> bool:
    fits_x = b.x <= a.x and a.x + a.width <= b.x + b.width
    return fits_x and b.y <= a.y and a.y + a.height <= b.y + b.height


@pytest.mark.parametrize("right_angles", [True, False])
@pytest.mark.parametrize("direction", ["TB", "BT", "LR", "RL"])
def test_boxes_stand_apart_groups_hold_theirs_and_edges_join_boxes(direction, right_angles) -> None:
    shown = Shown(*[True] * 6)
    group = boxes_of(model_with_everything(), shown)
    places = place(group, direction, right_angles)
    boxes = {}
    for box, cells in places.boxes:
        rows = [r for _, r in cells]
        x, y = min(r.x for r in rows), min(r.y for r in rows)
        width = max(r.x + r.width for r in rows) - x
        boxes[box.key] = type(rows[0])(x, y, width, max(r.y + r.height for r in rows) - y)
    listed = list(boxes.values())
    assert not any(overlap(a, b) for n, a in enumerate(listed) for b in listed[:n])
    whole = type(listed[0])(0, 0, places.width, places.height)
    assert all(inside(r, whole) for r in [*listed, *[border for _, border in places.groups]])
    for each, border in places.groups:
        assert isinstance(each, Group)
        own = {box.key for box in each.boxes()}
        assert own == {key for key, r in boxes.items() if inside(r, border)}
        assert not any(overlap(r, border) for key, r in boxes.items() if key not in own)
    edges = [edge for each in group.groups() for edge in each.edges]
    assert len(places.edges) == len(edges)
    ends = {(edge.leaves, edge.enters) for edge in edges}
    touching = set()
    for points in places.edges:
        first, last = ({key for key, r in boxes.items() if r.x - 1 <= x <= r.x + r.width + 1
                        and r.y - 1 <= y <= r.y + r.height + 1}
                       for x, y in (points[0], points[-1]))  # fmt: skip
        touching |= {(a, b) for a in first for b in last}
        if right_angles:
            steps = itertools.pairwise(points)
            assert all(min(abs(x - u), abs(y - v)) < 1 for (x, y), (u, v) in steps)
    assert ends == touching


@pytest.mark.parametrize("splines", ["ortho", "curved", "polyline"])
def test_an_svg_is_well_formed_and_says_what_the_boxes_say(splines, tmp_path) -> None:
    model = model_with_everything()
    options = {"show_shapes": True, "show_layer_names": True, "expand_nested": True}
    picture = plot_model(model, tmp_path / "m.svg", splines=splines, **options)
    root = ElementTree.parse(tmp_path / "m.svg").getroot()
    assert root.tag == f"{SVG}svg"
    said = ["".join(text.itertext()) for text in root.iter(f"{SVG}text")]
    assert {"a (InputLayer)", "shared (Dense)", "inner", "tower"} <= set(said)
    assert "Input shape: (None, 8)" in said
    paths = [p for p in root.iter(f"{SVG}path") if p.get("marker-end")]
    assert len(paths) == sum(len(each.edges) for each in picture._group.groups())
    assert model.name in "".join(root.find(f"{SVG}title").itertext())
    assert picture._repr_svg_().startswith("<svg ")


def test_dot_names_every_box_and_edges_join_named_ones(tmp_path) -> None:
    model = model_with_everything()
    plot_model(model, tmp_path / "m.dot", expand_nested=True, rankdir="LR", dpi=90)
    text = (tmp_path / "m.dot").read_text()
    assert text.startswith('digraph "a <&> \\"b\\" -- model" {')
    assert "rankdir=LR" in text
    assert "dpi=90" in text
    assert text.count("subgraph cluster_") == 2
    assert text.count("{") == text.count("}")
    named = set(re.findall(r"^\s*(n\d+) \[label=<", text, re.M))
    joined = re.findall(r"^\s*(n\d+) -> (n\d+);", text, re.M)
    assert {end for edge in joined for end in edge} <= named
    for table in re.findall(r"label=<(<table.*</table>)>", text):
        ElementTree.fromstring(table)
    assert model_to_dot(model, expand_nested=True).to_dot().count("->") == len(joined)


def test_pixels_are_drawn_by_matplotlib(tmp_path) -> None:
    pytest.importorskip("matplotlib")
    model = model_with_everything()
    small = plot_model(model, tmp_path / "m.png", dpi=50)
    plot_model(model, tmp_path / "m")
    assert (tmp_path / "m.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert (tmp_path / "m").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(GraphcError, match="not written as 'xyz'"):
        small.save(tmp_path / "m.xyz")


def test_without_matplotlib_the_error_names_the_forms_that_need_none(monkeypatch, tmp_path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    model = graphc.Sequential([graphc.Input((3,)), layers.Dense(1)])
    with pytest.raises(GraphcError, match="needs matplotlib") as caught:
        plot_model(model, tmp_path / "m.png")
    assert ".svg" in caught.value.fix
    assert not list(tmp_path.iterdir())
    plot_model(model, tmp_path / "m.svg")


def test_mistakes_are_told(tmp_path) -> None:
    model = graphc.Sequential([graphc.Input((3,)), layers.Dense(1)])
    with pytest.raises(GraphcError, match="no rankdir='TL'"):
        plot_model(model, None, rankdir="TL")
    with pytest.raises(GraphcError, match="no splines='ortho2'"):
        plot_model(model, None, splines="ortho2")
    with pytest.raises(GraphcError, match="there is no show_shape=") as caught:
        plot_model(model, None, show_shape=True)
    assert "show_shapes" in caught.value.fix
    with pytest.raises(GraphcError, match="cannot be written"):
        plot_model(model, tmp_path / "missing" / "m.svg")
