"""Initial values have the distribution, or the numbers, that Keras gives them."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np
import pytest
from scipy import signal, stats

import graphc
from graphc import errors, initializers
from graphc.initializers import fourier_kernels
from tests.keras_names.recording import names_of
from tests.keras_process import Case, KerasProcess, assert_same, our_results

WINDOW = [0.1, 0.5, 1.0, 0.5, 0.2, 0.1]
DETERMINISTIC = {
    f"{name} {config} {keywords}": Case(f"initializers.{name}", (shape,), config, keywords)
    for name, shape, config, keywords in (
        ("Constant", (2, 3), {"value": 2.5}, {}),
        ("Constant", (2, 3), {}, {"dtype": "int32"}),
        ("Constant", (2, 3), {"value": np.float32([[1, 2, 3], [4, 5, 6]])}, {}),
        ("Zeros", (3,), {}, {}),
        ("Ones", (), {}, {}),
        ("Ones", (3, 2), {}, {"dtype": "float16"}),
        ("Identity", (2, 3), {}, {}),
        ("IdentityInitializer", (4, 3), {"gain": 0.5}, {}),
        ("STFT", (6, 1, 5), {}, {}),
        ("STFTInitializer", (6, 1, 5), {"side": "imag", "window": "hamming"}, {}),
        ("STFT", (6, 1, 7), {"window": None, "side": "imag"}, {}),
        ("STFT", (6, 1, 5), {"scaling": "spectrum", "periodic": True}, {}),
        ("STFT", (6, 1, 5), {"window": np.array(WINDOW), "scaling": None}, {}),
    )
}
# what is drawn, its distribution in SciPy's terms
SHAPE = (400, 300)
DRAWN: dict[str, tuple[Any, Any]] = {
    "RandomUniform": (initializers.RandomUniform(-1, 3), stats.uniform(-1, 4)),
    "uniform": (initializers.get("uniform"), stats.uniform(-0.05, 0.1)),
    "RandomNormal": (initializers.RandomNormal(1, 2), stats.norm(1, 2)),
    "normal": (initializers.get("normal"), stats.norm(0, 0.05)),
    "TruncatedNormal": (initializers.TruncatedNormal(1, 2), stats.truncnorm(-2, 2, 1, 2)),
    "untruncated": (
        initializers.VarianceScaling(3, "fan_out", "untruncated_normal"),
        stats.norm(0, math.sqrt(3 / 300)),
    ),
    "other axes": (
        initializers.HeUniform(input_axes=[1], output_axes=[0]),
        stats.uniform(-math.sqrt(6 / 300), 2 * math.sqrt(6 / 300)),
    ),
}
for _name, _variance in {"glorot": 2 / 700, "he": 2 / 400, "lecun": 1 / 400}.items():
    _limit, _spread = math.sqrt(3 * _variance), math.sqrt(_variance) / 0.8796256610342398
    DRAWN[f"{_name}_uniform"] = (
        initializers.get(f"{_name}_uniform"),
        stats.uniform(-_limit, 2 * _limit),
    )
    DRAWN[f"{_name}_normal"] = (
        initializers.get(f"{_name}_normal"),
        stats.truncnorm(-2, 2, 0, _spread),
    )


def test_what_is_not_drawn_has_the_numbers_of_keras(keras_process: KerasProcess, capsys) -> None:
    assert_same(our_results(DETERMINISTIC), keras_process.results(DETERMINISTIC))
    theirs = names_of("initializers")
    assert theirs <= set(initializers.__all__)
    with capsys.disabled():
        sys.stdout.write(
            f"\ninitializers: {len(theirs)} names in Keras, all here; {len(DETERMINISTIC)} "
            f"configurations have its numbers, {len(DRAWN) + 3} its distribution\n"
        )


@pytest.fixture(scope="module")
def drawn() -> dict[str, np.ndarray]:
    with graphc.Graph().as_default(), graphc.Session(seed=5) as session:
        return session.run({name: make(SHAPE) for name, (make, _) in DRAWN.items()})


@pytest.mark.parametrize("name", DRAWN)
def test_what_is_drawn_has_its_distribution(name: str, drawn: dict[str, np.ndarray]) -> None:
    value, law = drawn[name], DRAWN[name][1]
    assert value.dtype == np.float32
    low, high = law.support()
    assert low - 1e-6 <= value.min() < value.max() <= high + 1e-6
    # the largest distance of 120,000 draws' distribution from the law, once in 10,000 seeds
    assert stats.kstest(value.ravel().astype(float), law.cdf).statistic < 2.25 / math.sqrt(120_000)
    assert value.mean() == pytest.approx(law.mean(), abs=5 * law.std() / math.sqrt(value.size))
    assert value.std() == pytest.approx(law.std(), rel=0.01)


def test_orthogonal_matrices_are_orthogonal_and_all_directions_alike() -> None:
    make, scaled = initializers.Orthogonal(), initializers.OrthogonalInitializer(0.5, seed=3)
    with graphc.Graph().as_default(), graphc.Session(seed=2) as session:
        tall, wide, kernel, half, empty = session.run(
            [
                make((40, 30)),
                scaled((30, 40)),
                make((3, 3, 4, 20)),
                make((6, 4), "bfloat16"),
                make((0, 4)),
            ]
        )
    np.testing.assert_allclose(tall.T @ tall, np.eye(30), atol=1e-5)
    np.testing.assert_allclose(wide @ wide.T, 0.25 * np.eye(30), atol=1e-5)
    rows = kernel.reshape(36, 20)
    np.testing.assert_allclose(rows.T @ rows, np.eye(20), atol=1e-5)
    assert half.dtype.name == "bfloat16"
    assert empty.shape == (0, 4)
    # without the signs of R, LAPACK's first column would have a negative diagonal always
    assert 0.2 < np.mean(np.diagonal(tall) > 0) < 0.8


def test_a_seed_repeats_itself_and_none_does_not() -> None:
    seeded, counted = initializers.HeNormal(seed=4), initializers.HeNormal()
    generator = initializers.RandomNormal(seed=graphc.random.SeedGenerator(1))
    makers = [make for make in (seeded, seeded.clone(), counted, generator) for _ in range(2)]
    with graphc.Graph().as_default(), graphc.Session() as session:
        values = session.run([make((3,)) for make in makers])
    assert [v.tolist() for v in values[1:4]] == [values[0].tolist()] * 3
    assert len({tuple(v.tolist()) for v in values}) == 5


@pytest.mark.parametrize("size", [1, 2, 7, 8])
def test_windows_are_those_of_scipy(size: int) -> None:
    for name in (*fourier_kernels._SHAPES, *fourier_kernels._WITH_SIZE):
        for periodic in (False, True):
            np.testing.assert_allclose(
                fourier_kernels.window(name, size, periodic),
                signal.get_window(name, size, periodic),
                atol=1e-12,
                err_msg=f"{name} {periodic}",
            )


def test_names_data_and_arrays_mean_initializers() -> None:
    for name in set(initializers.__all__) - {"Initializer", "get", "serialize", "deserialize"}:
        made = initializers.get(name)
        assert type(made) is getattr(initializers, name)
        again = initializers.get(initializers.serialize(made))
        assert again.get_config() == made.get_config()
    theirs = {
        "module": "keras.initializers",
        "class_name": "RandomNormal",
        "config": {
            "mean": 1.0,
            "stddev": 0.05,
            "seed": {
                "module": "keras.random",
                "class_name": "SeedGenerator",
                "config": {"name": "g", "seed": 3},
            },
        },
    }
    made = initializers.get(theirs)
    assert (made.mean, made.seed.seed) == (1.0, 3)
    given = initializers.get(np.float64([1, 2]))
    assert initializers.deserialize(initializers.serialize(given)).value.tolist() == [1, 2]
    assert initializers.get(np.zeros) is np.zeros
    assert initializers.get(None) is None
    with graphc.Session() as session:
        assert session.run(graphc.Variable(given((2,)))).tolist() == [1, 2]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: initializers.Identity()((2, 2, 2)), "only a matrix"),
        (lambda: initializers.Orthogonal()((2,)), "at least two axes"),
        (lambda: initializers.get(np.ones(3))((2, 3)), r"another shape.*\n.*f32\[3\]"),
        (lambda: initializers.VarianceScaling(mode="fan"), "fan_avg"),
        (lambda: initializers.VarianceScaling(scale=0), "above 0"),
        (lambda: initializers.STFT(side="left"), "imag"),
        (lambda: initializers.STFT(window="hannn"), "did you mean 'hann'"),
        (lambda: initializers.STFT(window=[1, 2])((3, 1, 3)), "as many numbers"),
        (lambda: initializers.STFT()((3, 2, 3)), "frame length"),
        (lambda: initializers.get("he_norml"), "did you mean 'he_normal'"),
    ],
)
def test_mistakes_are_told(make: Any, words: str) -> None:
    with pytest.raises(errors.GraphcError, match=words) as caught:
        make()
    assert caught.value.origin is not None
    assert caught.value.origin.file == __file__
