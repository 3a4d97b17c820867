"""Update rules: their numbers are Keras's, their slots too, and mistakes are told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import jax
import numpy as np
import pytest

import graphc.opset  # noqa: F401, registers the ops
from graphc.dtypes import as_dtype
from graphc.errors import AttributeValueError, GraphcError
from graphc.ir.builder import GraphBuilder
from graphc.ir.graph import Graph
from graphc.ir.types import as_type, type_of_array
from graphc.lowering.tracing import trace_graph
from graphc.reference.evaluator import evaluate
from graphc.update_rules.registry import UPDATE_RULES, find_update_rule, register_update_rule
from graphc.update_rules.update_rule import Hyperparameters, UpdateRule, times_number

CONFORMANCE = Path(__file__).resolve().parents[3] / "shared" / "conformance"
RECORDED = CONFORMANCE / "keras_optimizers.json"
RULE_OF_CLASS = {"SGD": "sgd", "Adam": "adam", "RMSprop": "rmsprop", "Adagrad": "adagrad"}

INITIAL = [1.0, -2.0, 0.5]
GRADIENTS = [[0.5, -1.0, 2.0], [0.25, 1.5, -0.75], [-1.0, 0.125, 0.0]]


def step_graph(rule_name: str, given: Mapping[str, Any], dtype: str, *shape: int) -> Graph:
    """One step: variable, gradient, learning rate, iteration, slots; gives variable and slots."""
    rule = find_update_rule(rule_name)
    hyperparameters = rule.complete(given)
    type_ = as_type(dtype, shape)
    build = GraphBuilder()
    variable, gradient = build.input(type_, "variable"), build.input(type_, "gradient")
    rate = build.input(as_type("float32"), "learning_rate")
    iteration = build.input(as_type("int64"), "iteration")
    declared = rule.slots(type_, hyperparameters)
    slots = [build.input(slot.type, slot.name) for slot in declared]
    made, new_slots = rule.build(build, variable, gradient, rate, iteration, slots, hyperparameters)
    assert [value.type for value in new_slots] == [slot.type for slot in declared]
    return build.finish([made, *new_slots])


def run_steps(
    rule_name: str,
    given: Mapping[str, Any],
    initial: np.ndarray,
    gradients: Sequence[Any],
    rate: float,
    run: Any = evaluate,
) -> list[np.ndarray]:
    """The variable and its slots after one step per gradient."""
    dtype = str(type_of_array(initial).dtype.name)
    graph = step_graph(rule_name, given, dtype, *initial.shape)
    rule = find_update_rule(rule_name)
    declared = rule.slots(as_type(dtype, initial.shape), rule.complete(given))
    state = [initial, *[np.full(s.type.shape, s.initial_value, initial.dtype) for s in declared]]
    for iteration, gradient in enumerate(gradients):
        variable, *slots = state
        gradient = np.asarray(gradient, initial.dtype)
        arrays = [variable, gradient, np.float32(rate), np.int64(iteration), *slots]
        with jax.enable_x64(True):  # steps are counted in i64
            state = [np.asarray(array) for array in run(graph, arrays)]
    return state


# What Keras 3.15 on JAX gives after GRADIENTS at the rate 0.1: the variable, then each slot.
KERAS_FIGURES: list[tuple[str, dict[str, Any], str, list[list[float]]]] = [
    ("sgd", {}, "float32", [[1.024999976158142, -2.0625, 0.375]]),
    (
        "sgd",
        {"momentum": 0.9},
        "float32",
        [
            [0.9169999957084656, -2.0264999866485596, 0.10050003230571747],
            [0.03700000047683716, -0.06650000810623169, -0.09449999034404755],
        ],
    ),
    (
        "sgd",
        {"momentum": 0.9, "nesterov": True},
        "float32",
        [
            [0.9502999782562256, -2.0863499641418457, 0.01545003056526184],
            [0.03700000047683716, -0.06650000810623169, -0.09449999034404755],
        ],
    ),
    (
        "sgd",
        {"momentum": 0.9, "nesterov": True},
        "bfloat16",
        [[0.953125, -2.09375, 0.0185546875], [0.03759765625, -0.06689453125, -0.09375]],
    ),
    (
        "adam",
        {},
        "float32",
        [
            [0.8274203538894653, -1.948293924331665, 0.3351169228553772],
            [-0.037000007927417755, 0.06650000810623169, 0.09450000524520874],
            [0.0013119378127157688, 0.003261376405134797, 0.004553942009806633],
        ],
    ),
    (
        "adam",
        {"amsgrad": True, "beta_1": 0.8},
        "float32",
        [
            [0.8383670449256897, -1.957416296005249, 0.34613320231437683],
            [-0.09600000083446503, 0.13699999451637268, 0.13600000739097595],
            [0.0013119378127157688, 0.003261376405134797, 0.004553942009806633],
            [0.0013119378127157688, 0.003261376405134797, 0.0045585003681480885],
        ],
    ),
    (
        "adam",
        {},
        "float16",
        [
            [0.82958984375, -1.94921875, 0.33740234375],
            [-0.03704833984375, 0.06646728515625, 0.094482421875],
            [0.001312255859375, 0.003261566162109375, 0.004558563232421875],
        ],
    ),
    (
        "rmsprop",
        {},
        "float32",
        [
            [0.8181890249252319, -1.9744457006454468, 0.30001989006996155],
            [0.12587499618530273, 0.2850624918937683, 0.37462496757507324],
        ],
    ),
    (
        "rmsprop",
        {"momentum": 0.5, "centered": True, "rho": 0.8},
        "float32",
        [
            [0.571014940738678, -1.8735135793685913, 0.1947523057460785],
            [0.242000013589859, 0.4911250174045563, 0.6020000576972961],
            [-0.07851403951644897, 0.053296200931072235, 0.018415898084640503],
            [-0.09599999338388443, 0.13700000941753387, 0.13600002229213715],
        ],
    ),
    (
        "rmsprop",
        {"momentum": 0.5},
        "float32",
        [
            [0.5072977542877197, -1.8709055185317993, 0.1209729015827179],
            [0.12587499618530273, 0.2850624918937683, 0.37462496757507324],
            [-0.1290801763534546, 0.07798579335212708, 0.0209331177175045],
        ],
    ),
    (
        "rmsprop",
        {"centered": True, "epsilon": 0.001},
        "float16",
        [
            [0.7978515625, -1.9599609375, 0.28466796875],
            [0.1258544921875, 0.284912109375, 0.374267578125],
            [-0.03704833984375, 0.06640625, 0.094482421875],
        ],
    ),
]


@pytest.mark.parametrize(("rule", "given", "dtype", "expected"), KERAS_FIGURES)
@pytest.mark.parametrize("run", [evaluate, trace_graph])
def test_numbers_are_those_of_keras(
    rule: str, given: dict[str, Any], dtype: str, expected: list[list[float]], run: Any
) -> None:
    initial = np.array(INITIAL).astype(as_dtype(dtype).numpy)
    found = run_steps(rule, given, initial, GRADIENTS, 0.1, run)
    tolerance = {"float32": 1e-6, "float16": 2e-3, "bfloat16": 2e-2}[dtype]
    assert len(found) == len(expected)
    for mine, keras in zip(found, expected, strict=True):
        assert mine.dtype == initial.dtype
        np.testing.assert_allclose(mine.astype(np.float64), keras, rtol=tolerance, atol=1e-7)


def recorded_cases() -> list[Any]:
    if not RECORDED.exists():
        return []
    cases = json.loads(RECORDED.read_text())["cases"]
    return [case for case in cases if case["cls"] in RULE_OF_CLASS]


def as_array(recorded: Any) -> np.ndarray:
    if isinstance(recorded, list):  # one recorded scalar per element
        return np.array([as_array(item).item() for item in recorded])
    return np.array(recorded["data"], recorded["dtype"]).reshape(recorded["shape"])


@pytest.mark.skipif(
    not RECORDED.exists(), reason="the recorded figures are not beside the checkout"
)
def test_figures_that_keras_tests_recorded() -> None:
    cases = recorded_cases()
    assert len(cases) > 10
    for case in cases:
        rule = find_update_rule(RULE_OF_CLASS[case["cls"]])
        config = case["config"]
        given = {name: config[name] for name in rule.defaults if name in config}
        gradients = [as_array(gradient) for gradient in case["grads"]]
        initial = as_array(case["init"])
        found, *_ = run_steps(rule.name, given, initial, gradients, config["learning_rate"])
        np.testing.assert_allclose(
            found, as_array(case["expected"]), rtol=case["rtol"], atol=case["atol"]
        )


def test_nothing_leaves_the_element_type_of_the_variable() -> None:
    for rule in UPDATE_RULES:
        graph = step_graph(rule, {}, "bfloat16", 3, 5)
        types = {
            value.type.dtype.name
            for node in graph.nodes
            if node.op.name not in ("input", "constant")
            for value in node.outputs
            if value.type.shape == (3, 5)
        }
        assert types == {"bfloat16"}


def test_slots_depend_on_the_hyperparameters() -> None:
    type_ = as_type("float32", (2, 3))

    def names(rule_name: str, **given: Any) -> list[str]:
        rule = find_update_rule(rule_name)
        return [slot.name for slot in rule.slots(type_, rule.complete(given))]

    assert names("sgd") == []
    assert names("sgd", momentum=0.5) == ["momentum"]
    assert names("adam") == ["momentum", "velocity"]
    assert names("adam", amsgrad=True) == ["momentum", "velocity", "velocity_hat"]
    assert names("adagrad") == ["accumulator"]
    assert names("rmsprop") == ["velocity"]
    assert names("rmsprop", momentum=0.1, centered=True) == [
        "velocity",
        "momentum",
        "average_gradient",
    ]


def test_plain_descent_is_two_nodes_beside_the_rate() -> None:
    graph = step_graph("sgd", {}, "float32", 3)
    names = [node.op.name for node in graph.nodes if node.op.name != "input"]
    assert names == ["broadcast_in_dim", "multiply", "subtract"]


def test_the_product_of_nadams_momenta_is_known_without_a_memory() -> None:
    """Dozat's algorithm as it stands, with the product kept from step to step."""
    generator = np.random.default_rng(0)
    gradients = generator.normal(size=(60, 3))
    found, *_ = run_steps("nadam", {"beta_1": 0.95}, np.array(INITIAL), gradients, 0.125)
    w, m, v, product = np.array(INITIAL), np.zeros(3), np.zeros(3), 1.0
    for t, g in enumerate(gradients, start=1):
        now, ahead = (0.95 * (1 - 0.5 * 0.96**step) for step in (t, t + 1))
        product *= now
        m, v = 0.95 * m + 0.05 * g, 0.999 * v + 0.001 * g * g
        way = ahead * m / (1 - product * ahead) + (1 - now) * g / (1 - product)
        w = w - 0.125 * way / (np.sqrt(v / (1 - 0.999**t)) + 1e-7)
    np.testing.assert_allclose(found, w, rtol=1e-12)


@pytest.mark.parametrize("initial", [[0.0, 0.0, 0.0], INITIAL])
def test_lamb_goes_as_far_as_adam_where_there_is_no_length(initial: list[float]) -> None:
    gradient = [0.0, 0.0, 0.0] if any(initial) else [3.0, -4.0, 0.5]
    found, *_ = run_steps("lamb", {}, np.array(initial), [gradient], 0.125)
    np.testing.assert_allclose(found, np.array(initial) - 0.125 * np.sign(gradient), rtol=1e-6)


def test_muon_makes_a_step_whose_directions_are_all_of_one_length() -> None:
    """The iteration of Newton and Schulz leaves singular values between 0.7 and 1.2."""
    generator = np.random.default_rng(0)
    for shape in ((5, 3), (3, 5)):
        gradient = generator.normal(size=shape)
        given = {"has_rms_rate": False, "nesterov": False}
        found, *_ = run_steps("muon", given, np.zeros(shape), [gradient], 1.0)
        left, before, right = np.linalg.svd(gradient, full_matrices=False)
        lengths = np.diag(left.T @ -found @ right.T)
        assert before.max() / before.min() > 1.5
        assert np.all((lengths > 0.65) & (lengths < 1.25))
        np.testing.assert_allclose(left @ np.diag(lengths) @ right, -found, atol=1e-12)


def test_an_unknown_hyperparameter_is_named() -> None:
    with pytest.raises(AttributeValueError, match="'sgd' has no hyperparameter beta_1"):
        find_update_rule("sgd").complete({"beta_1": 0.5})
    with pytest.raises(AttributeValueError, match=r"'momentum'.*not a number"):
        find_update_rule("sgd").complete({"momentum": "much"})  # type: ignore[dict-item]


def test_an_unknown_rule_gets_a_suggestion() -> None:
    with pytest.raises(GraphcError, match=r"'adamm'(.|\n)*'adam'"):
        find_update_rule("adamm")


def test_a_third_party_registers_its_own_rule_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Halving(UpdateRule):
        name: ClassVar[str] = "halving"
        defaults: ClassVar[Hyperparameters] = {}

        def slots(self, variable_type: Any, hyperparameters: Any) -> tuple[()]:
            return ()

        def build(self, build: Any, variable: Any, *rest: Any) -> Any:
            return times_number(build, variable, 0.5), ()

    monkeypatch.setattr("graphc.update_rules.registry.UPDATE_RULES", dict(UPDATE_RULES))
    rule = register_update_rule(Halving())
    assert find_update_rule("halving") is rule
    found, *_ = run_steps("halving", {}, np.ones(2, np.float32), [[1, 1], [1, 1]], 0.1)
    np.testing.assert_array_equal(found, [0.25, 0.25])
    with pytest.raises(GraphcError, match="registered already"):
        register_update_rule(Halving())
