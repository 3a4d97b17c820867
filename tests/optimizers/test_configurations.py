"""Optimizers and schedules as names and plain data, and what their learning rate is meanwhile."""

from __future__ import annotations

import json
from typing import Any

import pytest

import graphc
from graphc import errors, optimizers
from graphc.optimizers import schedules

NAMES = sorted(optimizers.Optimizer.registry.shown_names.values())


def test_every_optimizer_is_found_by_the_names_of_keras() -> None:
    for name in NAMES:
        cls = getattr(optimizers, name)
        if name in ("LossScaleOptimizer", "MultiOptimizer", "OptimizerMap"):
            continue  # these need others
        for identifier in (name, name.lower(), cls, {"class_name": name, "config": {}}):
            assert type(optimizers.get(identifier)) is cls
    assert optimizers.get(None) is None


def written(thing: Any) -> Any:
    """Through a file and back."""
    return json.loads(json.dumps(optimizers.serialize(thing)))


def test_an_optimizer_is_made_again_from_its_description() -> None:
    given = schedules.PolynomialDecay(0.5, 100, power=2.0, cycle=True)
    first = optimizers.Adam(given, 0.8, amsgrad=True, clipnorm=2.0, name="mine")
    data = written(first)
    again = optimizers.deserialize(data)
    assert written(again) == data
    assert data["config"]["learning_rate"]["class_name"] == "PolynomialDecay"
    assert type(again.learning_rate) is schedules.PolynomialDecay
    assert (again.learning_rate.power, again.learning_rate.cycle) == (2.0, True)
    assert again.hyperparameters == first.hyperparameters
    assert (again.options, again.name) == (first.options, "mine")
    assert schedules.deserialize(schedules.serialize(given)).decay_steps == 100
    assert optimizers.Adam.from_config(first.get_config()).options == first.options


def test_descriptions_that_keras_wrote_are_read() -> None:
    schedule = {
        "module": "keras.optimizers.schedules",
        "class_name": "ExponentialDecay",
        "config": {"initial_learning_rate": 0.5, "decay_steps": 2, "decay_rate": 0.25},
        "registered_name": None,
    }
    config = {"learning_rate": schedule, "rho": 0.5, "weight_decay": None, "name": "RMSprop"}
    data = {"module": "keras.optimizers", "class_name": "RMSprop", "config": config}
    made = optimizers.deserialize(data | {"registered_name": None})
    assert made.hyperparameters["rho"] == 0.5
    assert made.learning_rate.decay_rate == 0.25


def test_the_description_has_the_learning_rate_of_now() -> None:
    optimizer = optimizers.SGD(0.1)
    optimizer.learning_rate = 0.2
    assert optimizer.get_config()["learning_rate"] == 0.2
    with graphc.Graph().as_default():
        step = optimizer.minimize(graphc.Variable(1.0) * 2.0)
    assert optimizer.get_config()["learning_rate"] == 0.2
    with graphc.Session(step.graph) as session:
        session.run(step)
        optimizer.learning_rate = 0.3
        assert optimizer.get_config()["learning_rate"] == 0.3
        session.run(optimizer.learning_rate.assign(0.125))
        assert optimizer.get_config()["learning_rate"] == 0.125
        assert optimizers.deserialize(written(optimizer)).current_learning_rate() == 0.125


def test_arguments_are_attributes_as_in_keras() -> None:
    optimizer = optimizers.Adam(0.1, 0.8, clipnorm=2.0)
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.clipnorm) == (0.8, 0.999, 2.0)
    assert optimizers.Muon(exclude_layers=["top"]).exclude_layers == ["top"]
    assert not hasattr(optimizer, "beta_3")


@pytest.mark.parametrize(
    ("identifier", "words"),
    [
        ("adamm", "adam"),
        ({"class_name": "Adma", "config": {}}, "Adam"),
        ({"class_name": "Adam", "config": {"beta": 1.0}}, "beta_1"),
        (3, "Adam"),
        (print, "no optimizer"),
    ],
)
def test_names_and_descriptions_that_mean_nothing_are_told(identifier: Any, words: str) -> None:
    with pytest.raises(errors.GraphcError, match=words):
        optimizers.get(identifier)


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(errors.GraphcError, match="cannot be written"):
        optimizers.serialize(optimizers.SGD(lambda: 0.1))


def test_a_class_of_another_is_made_where_it_is_handed_over() -> None:
    class Halved(optimizers.SGD):
        pass

    data = written(Halved(0.5))
    with pytest.raises(errors.ModelFileError, match="custom_objects"):
        optimizers.deserialize(data)
    made = optimizers.deserialize(data, {"Halved": Halved})
    assert type(made) is Halved
    assert made.learning_rate == 0.5
