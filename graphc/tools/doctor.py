"""`graphc doctor` and `graphc devices`: what is installed, what it can use, whether it works."""

from __future__ import annotations

import argparse
import os
import platform
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal

import jax
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

import graphc
import graphc.settings as settings
from graphc.ir.versions import OPSET_VERSION
from graphc.reference.evaluator import evaluate
from graphc.tools.command import Command, no_arguments

Verdict = Literal["good", "note", "bad"]

_DISTRIBUTION: Final = "graphc-xla"
_STYLES: Final[dict[Verdict, str]] = {"good": "green", "note": "yellow", "bad": "bold red"}
# Accelerators multiply matrices of f32 in shorter floats unless they are told not to.
_TOLERANCES: Final = {"cpu": 1e-5}
_OTHER_TOLERANCE: Final = 2e-2


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        subject: what was looked at.
        text: what was found.
        verdict: whether that is as it should be.
    """

    subject: str
    text: str
    verdict: Verdict = "good"


def examine_versions() -> list[Finding]:
    """Versions of what results depend on."""
    try:
        own = metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        own = "not installed: imported from a folder"
    return [
        Finding("graphc", f"{own}, op set {OPSET_VERSION}"),
        Finding(
            "python", f"{platform.python_version()} on {platform.system()} {platform.machine()}"
        ),
        Finding("jax", jax.__version__),
        Finding("jaxlib", metadata.version("jaxlib")),
        Finding("numpy", np.__version__),
    ]


def examine_devices() -> list[Finding]:
    """The devices that XLA can use, and which is taken when nobody says."""
    default = jax.devices()[0]
    return [
        Finding(
            device.name,
            str(device.jax_device.device_kind)
            + (f", {_memory(limit)}" if (limit := device.memory_limit_bytes) else "")
            + (", the default" if device.jax_device == default else ""),
        )
        for device in graphc.list_devices()
    ]


def examine_settings() -> list[Finding]:
    """Each setting with its environment variable."""
    findings: list[Finding] = []
    for name, setting in settings.ALL.items():
        variable = f"GRAPHC_{name.upper()}"
        source = f"from {variable}" if variable in os.environ else f"default; {variable} is not set"
        findings.append(Finding(name, f"{setting.get()!r} ({source})"))
    known = {f"GRAPHC_{name.upper()}" for name in settings.ALL}
    for variable in sorted(set(os.environ) - known):
        if variable.startswith("GRAPHC_"):
            findings.append(Finding(variable, "is set, and no setting has that name", "note"))
    return findings


def examine_cache() -> Finding:
    """The folder of compiled programs: whether there is one, what it holds, who can write it."""
    directory = settings.cache_dir.get()
    if not directory:
        return Finding("program cache", "off; GRAPHC_CACHE_DIR or Session(cache_dir=…) turns it on")
    folder = Path(directory).expanduser()
    try:
        found = folder.stat()
        if not stat.S_ISDIR(found.st_mode):
            return Finding("program cache", f"{folder} is no folder", "bad")
        sizes = [path.stat().st_size for path in folder.glob("*.xla")]
    except FileNotFoundError:
        return Finding("program cache", f"{folder} will be made by the first session")
    except OSError as problem:
        return Finding("program cache", f"{folder}: {problem.strerror}", "bad")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        text = f"others can write to {folder}, and it holds machine code: chmod 700 {folder}"
        return Finding("program cache", text, "bad")
    if hasattr(os, "getuid") and found.st_uid != os.getuid():
        return Finding("program cache", f"{folder} belongs to somebody else", "bad")
    if not os.access(folder, os.W_OK):
        return Finding("program cache", f"{folder} is read-only: programs are not kept", "note")
    return Finding("program cache", f"{folder}: {len(sizes)} programs, {_memory(sum(sizes))}")


def examine_gradient() -> Finding:
    """Compile and run a small graph with a gradient, and compare it with NumPy."""
    started = time.perf_counter()
    generator = np.random.default_rng(0)
    inputs = generator.normal(size=(5, 4)).astype(np.float32)
    weights = generator.normal(size=(4, 3)).astype(np.float32)
    with graphc.Graph().as_default(), graphc.Session() as session:
        x = graphc.placeholder("float32", [None, 4], name="x")
        w = graphc.Variable(weights, name="w")
        y = graphc.nn.tanh(graphc.ops.matmul(x, w))
        slope = graphc.gradients(y, w)
        value, gradient = session.run([y, slope], {x: inputs})
        program = session.compile([y, slope], {x: inputs})
        graph = program.graph("simplified")
    known = {"x": inputs, "w": weights}
    arrays = [known[item.node.attributes["name"]] for item in graph.inputs]
    # Each of the two judges another part: the reference XLA's work, the formula the passes'.
    reference = evaluate(graph, arrays, precise=True)
    tanh = np.tanh(inputs.astype(np.float64) @ weights)
    formula = [tanh, inputs.T @ (1 - tanh**2)]
    seconds = time.perf_counter() - started
    error = max(
        float(np.max(np.abs(np.asarray(got, np.float64) - wanted)))
        for got, *all_wanted in zip((value, gradient), reference, formula, strict=True)
        for wanted in all_wanted
    )
    text = f"tanh(x @ w) and its gradient are off by {error:.1e} in {seconds:.2f} s"
    tolerance = _TOLERANCES.get(jax.default_backend(), _OTHER_TOLERANCE)
    return Finding("self-test", text, "good" if error <= tolerance else "bad")


def _memory(size: int) -> str:
    for unit, scale in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{size} bytes"


def findings_table(title: str, findings: Iterable[Finding]) -> Table:
    """A part of the report."""
    table = Table(box=box.SIMPLE, title=title, title_justify="left", show_header=False)
    table.add_column("subject", no_wrap=True)
    table.add_column("finding", overflow="fold")
    for finding in findings:
        table.add_row(Text(finding.subject), Text(finding.text, style=_STYLES[finding.verdict]))
    return table


def _attempt(subject: str, examine: Callable[[], Any]) -> list[Finding]:
    """What an examination found; a failure of it is a finding too, and the others go on."""
    try:
        found = examine()
    except Exception as problem:
        return [Finding(subject, f"failed: {type(problem).__name__}: {problem}", "bad")]
    return found if isinstance(found, list) else [found]


def examine() -> dict[str, list[Finding]]:
    """Everything, by title."""
    return {
        "versions": _attempt("versions", examine_versions),
        "devices": _attempt("devices", examine_devices),
        "settings": _attempt("settings", examine_settings),
        "state": _attempt("program cache", examine_cache) + _attempt("self-test", examine_gradient),
    }


def _execute(options: argparse.Namespace, console: Console) -> int:
    report = examine()
    for title, findings in report.items():
        console.print(findings_table(title, findings))
    bad = [item.subject for part in report.values() for item in part if item.verdict == "bad"]
    verdict = f"not in order: {', '.join(bad)}" if bad else "everything is in order"
    console.print(Text(verdict, style=_STYLES["bad" if bad else "good"]))
    return 1 if bad else 0


DOCTOR: Final = Command(
    "doctor",
    "show versions, devices and settings, and test that everything works",
    "Show the versions, devices, settings (with their environment variables) and the folder of\n"
    "compiled programs; then compile and run a small graph with a gradient and compare it with\n"
    "NumPy. Exit status 1 when something is not in order. Bug reports should carry this output.",
    ("graphc doctor", "GRAPHC_VERIFY_PASSES=pass graphc doctor"),
    no_arguments,
    _execute,
)


def devices_table() -> Table:
    """The devices of this process."""
    table = Table(box=box.SIMPLE_HEAD)
    for column in ("name", "type", "kind", "memory limit"):
        table.add_column(column, no_wrap=column != "kind")
    for device in graphc.list_devices():
        memory = f"{device.memory_limit_bytes:,} bytes" if device.memory_limit_bytes else "unknown"
        kind = str(device.jax_device.device_kind)
        table.add_row(Text(device.name), Text(device.device_type), Text(kind), memory)
    return table


def _execute_devices(options: argparse.Namespace, console: Console) -> int:
    console.print(devices_table())
    return 0


DEVICES: Final = Command(
    "devices",
    "list the devices that XLA can compile for",
    "List the devices of this process by the names that Session(device=…) and --device take.",
    ("graphc devices", "JAX_PLATFORMS=cpu graphc devices"),
    no_arguments,
    _execute_devices,
)
