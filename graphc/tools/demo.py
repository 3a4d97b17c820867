"""`graphc demo`: an MLP learns handwritten digits in a session, and shows what was compiled."""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import graphc
from graphc.errors import GraphcError
from graphc.tools.command import Command, whole_number
from graphc.tools.printing import print_source

_BATCH: Final = 32
_EPOCHS: Final = 40
_SHORT_EPOCHS: Final = 3


@dataclass(frozen=True)
class Digits:
    """The digits of scikit-learn (1,797 images of 8 × 8), a fifth of each class held out.

    Attributes:
        train_images: f32[rows, 64], pixels from 0 to 1.
        train_labels: i32[rows].
        test_images: f32[rows, 64].
        test_labels: i32[rows].
    """

    train_images: np.ndarray[Any, Any]
    train_labels: np.ndarray[Any, Any]
    test_images: np.ndarray[Any, Any]
    test_labels: np.ndarray[Any, Any]


def load_digits() -> Digits:
    """Load and split the digits, always in the same way.

    Raises:
        GraphcError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits as load
        from sklearn.model_selection import train_test_split
    except ImportError as problem:
        raise GraphcError(
            "the demo trains on the digits of scikit-learn, which is not installed",
            fix='pip install "graphc-xla[demo]"',
        ) from problem
    images, labels = load(return_X_y=True)
    pieces: Any = train_test_split(
        (images / 16).astype(np.float32),
        labels.astype(np.int32),
        test_size=0.2,
        random_state=0,
        stratify=labels,
    )
    return Digits(pieces[0], pieces[2], pieces[1], pieces[3])


@dataclass(frozen=True)
class DemoResult:
    """What the demo learned.

    Attributes:
        accuracy: on the held-out rows.
        loss: mean over the last epoch's batches.
        seconds: training, compiling included.
        kernel: the first layer's weights, f32[64, 512]: equal to the bit in every run.
    """

    accuracy: float
    loss: float
    seconds: float
    kernel: np.ndarray[Any, Any]


def run_demo(
    console: Console, epochs: int = _EPOCHS, seed: int = 0, show: bool = True
) -> DemoResult:
    """Build, train, test, and print the optimized graph and the compile report.

    Args:
        console: where to print.
        epochs: passes over the training rows.
        seed: of the weights and of the order of the rows.
        show: whether to print the graph and the report.
    """
    digits = load_digits()
    with graphc.Graph().as_default(), graphc.Session(seed=seed) as session:
        images = graphc.placeholder("float32", [None, 64], name="images")
        labels = graphc.placeholder("int32", [None], name="labels")
        hidden_layer = graphc.layers.Dense(512, activation="relu", name="hidden")
        logits_layer = graphc.layers.Dense(10, name="logits")
        # Noise on the pixels and dropout keep 1,437 images from being learned by heart.
        noisy = images + graphc.random.normal(images.shape, stddev=0.1, name="noise")
        thinned = graphc.random.dropout(hidden_layer(noisy), 0.3)
        criterion = graphc.losses.SparseCategoricalCrossentropy(from_logits=True, name="loss")
        loss = criterion(labels, logits_layer(thinned))
        train = graphc.optimizers.Adam(1e-3).minimize(loss)
        predicted = graphc.ops.argmax(logits_layer(hidden_layer(images)), axis=-1)
        hits = graphc.ops.equal(predicted, labels)
        accuracy = graphc.ops.mean(graphc.ops.cast(hits, "float32"))

        started = time.perf_counter()
        step = session.make_callable([train, loss], [images, labels])
        last = _train(console, step, digits, epochs, seed)
        seconds = time.perf_counter() - started
        score = session.run(accuracy, {images: digits.test_images, labels: digits.test_labels})
        kernel = session.run(hidden_layer.kernel)
        console.print(
            f"held-out accuracy [bold]{score:.2%}[/] on {len(digits.test_labels)} rows, "
            f"loss {last:.4f}, {seconds:.1f} s with compiling"
        )
        if show:
            _show(console, session, [train, loss])
    return DemoResult(float(score), last, seconds, kernel)


def _train(console: Console, step: Any, digits: Digits, epochs: int, seed: int) -> float:
    """Train for some epochs; gives the last one's mean loss."""
    generator = np.random.default_rng(seed)
    rows = len(digits.train_labels)
    batches = rows // _BATCH
    mean_loss = float("nan")
    columns = (
        TextColumn("training"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("training", total=epochs, note="")
        for _ in range(epochs):
            order = generator.permutation(rows)
            losses = []
            for batch in range(batches):
                chosen = order[batch * _BATCH : (batch + 1) * _BATCH]
                _, value = step(digits.train_images[chosen], digits.train_labels[chosen])
                losses.append(float(value))
            mean_loss = float(np.mean(losses))
            progress.update(task, advance=1, note=f"loss {mean_loss:.4f}")
    return mean_loss


def _show(console: Console, session: graphc.Session, fetches: list[Any]) -> None:
    console.rule("the training step, optimized (stage fused)")
    text = session.dump(fetches, stage="fused")
    print_source(console, text, "llvm")
    console.rule("compile report")
    console.print(session.compile(fetches).report().table())


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    length = parser.add_mutually_exclusive_group()
    length.add_argument(
        "--epochs",
        type=whole_number(1),
        default=_EPOCHS,
        metavar="N",
        help=f"passes over the training rows (default: {_EPOCHS})",
    )
    length.add_argument(
        "--short",
        action="store_const",
        dest="epochs",
        const=_SHORT_EPOCHS,
        default=_EPOCHS,
        help=f"only {_SHORT_EPOCHS} epochs: does everything work?",
    )
    parser.add_argument(
        "--seed",
        type=whole_number(0),
        default=0,
        metavar="N",
        help="of the weights and of the order of the rows; equal seeds give equal weights, bit for "
        "bit (default: 0)",
    )
    parser.add_argument(
        "--no-show",
        action="store_false",
        dest="show",
        help="print neither the optimized graph nor the compile report",
    )


def _execute(options: argparse.Namespace, console: Console) -> int:
    run_demo(console, options.epochs, options.seed, options.show)
    return 0


DEMO: Final = Command(
    "demo",
    "train a small network on handwritten digits",
    "Train a network of two dense layers, with noise and dropout, on the digits of scikit-learn;\n"
    "test it on images that it has not seen; show the training step after all passes, and what\n"
    "compiling it took.",
    ("graphc demo", "graphc demo --short --no-show", "graphc demo --epochs 10 --seed 1"),
    _add_arguments,
    _execute,
)
