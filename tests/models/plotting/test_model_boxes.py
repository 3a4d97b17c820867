"""The boxes and edges of a model's picture, and what the boxes say."""

from __future__ import annotations

import pytest

import graphc
from graphc import layers, ops
from graphc.errors import GraphcError
from graphc.models.plotting.boxes import Group
from graphc.models.plotting.model_boxes import Shown, boxes_of


@pytest.fixture(autouse=True)
def _own_graph():
    with graphc.Graph().as_default():
        yield


NAMES = Shown(show_layer_names=True)
NESTED = Shown(show_layer_names=True, expand_nested=True)


def edges_of(group: Group) -> set[tuple[str, str]]:
    """Edges between boxes by the first words of their titles."""
    titles = {box.key: box.title.value.partition(" ")[0] for box in group.boxes()}
    listed = [edge for each in group.groups() for edge in each.edges]
    return {(titles[edge.leaves], titles[edge.enters]) for edge in listed}


def functional() -> graphc.Model:
    entry = graphc.Input((4,), name="entry")
    shared = layers.Dense(4, name="shared", activation="tanh")
    x = layers.Dense(4, name="first")(entry)
    joined = layers.Add(name="joined")([shared(x), shared(entry)])
    return graphc.Model(entry, layers.Dense(2, name="last")(joined), name="whole")


def test_a_layer_is_one_box_however_often_it_is_called() -> None:
    group = boxes_of(functional(), NAMES)
    assert edges_of(group) == {
        *(("entry", "first"), ("first", "shared"), ("entry", "shared")),
        *(("shared", "joined"), ("joined", "last")),
    }
    assert [box.title.value for box in group.boxes()] == [
        *("entry (InputLayer)", "first (Dense)", "shared (Dense)", "joined (Add)", "last (Dense)")
    ]
    assert [box.title.value for box in boxes_of(functional(), Shown()).boxes()][-1] == "Dense"


def test_operations_between_layers_are_boxes_and_numbers_are_none() -> None:
    entry = graphc.Input((4,), name="entry")
    x = layers.Dense(4, name="first")(entry)
    model = graphc.Model(entry, layers.Dense(2, name="last")(ops.tanh(x) * 2.0))
    assert edges_of(boxes_of(model, NAMES)) == {
        ("entry", "first"), ("first", "tanh"), ("tanh", "multiply"), ("multiply", "last")
    }  # fmt: skip


def test_a_sequential_has_no_box_for_its_input_as_in_keras() -> None:
    row = [layers.Dense(3, name="a"), layers.Dropout(0.5, name="b"), layers.Dense(1, name="c")]
    group = boxes_of(graphc.Sequential([graphc.Input((4,)), *row]), NAMES)
    assert edges_of(group) == {("a", "b"), ("b", "c")}
    assert len(list(group.boxes())) == 3


def test_edges_go_to_and_from_the_layers_of_nested_models() -> None:
    one, two = graphc.Input((3,), name="one"), graphc.Input((3,), name="two")
    outputs = [layers.Dense(3, name="of_two")(two), layers.Dense(3, name="of_one")(one)]
    inner = graphc.Model([one, two], outputs, name="inner")
    deepest = graphc.Sequential([graphc.Input((3,)), layers.Dense(3, name="deepest")], name="deep")
    row = graphc.Sequential([graphc.Input((3,)), deepest, layers.Dense(3, name="z")], name="row")
    a, b = graphc.Input((3,), name="a"), graphc.Input((3,), name="b")
    first, second = inner([a, b])
    outer = graphc.Model([a, b], [row(first), layers.Dense(1, name="end")(second)], name="outer")
    expanded = boxes_of(outer, NESTED)
    assert edges_of(expanded) == {
        *(("a", "one"), ("b", "two"), ("one", "of_one"), ("two", "of_two")),
        *(("of_two", "deepest"), ("deepest", "z"), ("of_one", "end")),
    }
    assert [group.label for group in expanded.groups()] == ["outer", "inner", "row", "deep"]
    assert edges_of(boxes_of(outer, NAMES)) == {
        *(("a", "inner"), ("b", "inner"), ("inner", "row"), ("inner", "end")),
    }


def test_a_nested_model_called_on_a_dictionary_takes_inputs_by_name() -> None:
    one, two = graphc.Input((3,), name="one"), graphc.Input((2,), name="two")
    joined = layers.Concatenate(name="joined")([one, two])
    inner = graphc.Model({"two": two, "one": one}, joined, name="inner")
    a, b = graphc.Input((3,), name="a"), graphc.Input((2,), name="b")
    model = graphc.Model([a, b], inner({"one": a, "two": b}))
    found = edges_of(boxes_of(model, NESTED))
    assert found == {("a", "one"), ("b", "two"), ("one", "joined"), ("two", "joined")}


def test_a_layer_on_its_own_result_has_an_edge_to_itself() -> None:
    entry = graphc.Input((4,), name="entry")
    again = layers.Dense(4, name="again")
    between = layers.Dense(4, name="between")(again(again(entry)))
    model = graphc.Model(entry, again(between))
    assert edges_of(boxes_of(model, NAMES)) == {
        ("entry", "again"), ("again", "again"), ("again", "between"), ("between", "again")
    }  # fmt: skip


def test_rows_say_shapes_dtypes_activations_and_what_is_trained() -> None:
    model = functional()
    model.get_layer("first").trainable = False
    shown = Shown(show_shapes=True, show_dtype=True, show_layer_activations=True,
                  show_trainable=True)  # fmt: skip
    said = [
        [[cell.label + cell.value for cell in row] for row in box.rows]
        for box in boxes_of(model, shown).boxes()
    ]
    shapes = ["Input shape: (None, 4)", "Output shape: (None, 4)", "Output dtype: float32"]
    assert said[0] == [["Output shape: (None, 4)", "Output dtype: float32"]]
    assert said[1] == [["Activation: linear"], [*shapes, "Non-trainable"]]
    assert said[2] == [["Activation: tanh"], [*shapes, "Trainable"]]
    assert said[3] == [["Input shape: [(None, 4), (None, 4)]", *shapes[1:]]]


def test_a_layer_called_on_two_shapes_shows_both() -> None:
    shared = layers.Activation("relu", name="shared")
    a, b = graphc.Input((3,)), graphc.Input((5, 2))
    model = graphc.Model([a, b], [shared(a), shared(b)])
    (box,) = [each for each in boxes_of(model, Shown(show_shapes=True)).boxes()
              if each.title.value == "Activation"]  # fmt: skip
    assert set(box.rows[0][0].value.split(" or ")) == {"(None, 3)", "(None, 5, 2)"}


def test_a_subclass_is_one_box_and_what_is_not_built_is_refused() -> None:
    class Own(graphc.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    model = Own()
    with pytest.raises(GraphcError, match="not built"):
        boxes_of(model, NAMES)
    model(graphc.Input((3,)))
    (box,) = boxes_of(model, Shown(show_trainable=True)).boxes()
    assert (box.title.value, box.rows[0][0].value) == ("Own", "Trainable")
    with pytest.raises(GraphcError, match="not built"):
        boxes_of(graphc.Sequential([layers.Dense(2)]), NAMES)
