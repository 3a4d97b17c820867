"""Variables on the device: they initialize themselves at first use, and nobody else holds them.

Variables that a program reads stacked are kept stacked, as rows of a pack. Everyone else still sees
them by name: a value is a row that is cut out, a new value replaces a row.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import jax
import numpy as np

from graphc.errors import (
    CheckpointError,
    DTypeError,
    GraphcError,
    GraphMixError,
    ShapeError,
    StateError,
    did_you_mean,
)
from graphc.ir.literal import Literal, as_literal, is_repeated, stacked
from graphc.ir.origin import capture_origin
from graphc.lowering.jax_internals import scoped_x64
from graphc.ops.dataflow import DataflowGraph
from graphc.ops.tensor import Tensor
from graphc.ops.variable import Variable
from graphc.rewriting.pack_layout import PackLayout
from graphc.session.staging import unaligned_copy

SEED = "graphc/random_seed"
COUNTER = "graphc/random_counter"

Compute = Callable[[Sequence[Sequence[Variable]]], list[Any]]
"""Computes initial values: for each group of variables a device array, with a row for each of them;
the value itself for a variable alone. None of them begins as a fixed array."""


class VariableStore:
    """The values of a session's variables.

    Attributes:
        arrays: of variables and packs by name; those that are initialized.
        packs: which variables are rows of which pack, once a program has read them stacked.
        lock: held while a program that reads or changes state is dispatched: a donated buffer must
            not be read by another thread.
    """

    def __init__(self, graph: DataflowGraph, seed: int, device: Any) -> None:
        self.lock = threading.RLock()
        self._graph = graph
        self._seed = seed
        self._device = device
        self.arrays: dict[str, Any] = {}
        self.packs = PackLayout()
        self.reset_random()

    def set_seed(self, seed: int) -> None:
        """Begin the random numbers of another seed."""
        with self.lock:
            self._seed = seed
            self.reset_random()

    def reset_random(self) -> None:
        """Begin the session's random numbers again."""
        self._orders = 0
        self.arrays[SEED] = self.put(np.uint32(self._seed & 0xFFFFFFFF))
        self.arrays[COUNTER] = self.put(np.uint32(0))

    def seed_of_orders(self) -> int:
        """A seed for the orders of samples in the next fit: it hangs on the session's seed."""
        with self.lock:
            self._orders += 1
            entropy = np.random.SeedSequence((self._seed & 0xFFFFFFFF, self._orders))
        return int(entropy.generate_state(1)[0] >> 1)

    def put(self, array: Any) -> Any:
        """A copy of an array on the device; later changes of the original do not reach it."""
        with scoped_x64():
            if not is_repeated(array):  # in which there is nothing that could change
                array = unaligned_copy(array)
            return jax.device_put(array, self._device)

    def values(self, names: Iterable[str]) -> list[Any]:
        """The arrays of variables.

        Raises:
            KeyError: one is not initialized yet.
        """
        arrays, listed = self.arrays, list(names)
        try:
            return [arrays[name] for name in listed]
        except KeyError:
            return [self._value(name) for name in listed]

    def _value(self, name: str) -> Any:
        found = self.arrays.get(name)
        if found is not None:
            return found
        pack, row = self.packs.row_of(name) or (name, 0)
        with scoped_x64():
            return self.arrays[pack][row]

    def _is_there(self, name: str) -> bool:
        if name in self.arrays:
            return True
        place = self.packs.row_of(name)
        return place is not None and place[0] in self.arrays

    def lacks(self, names: Iterable[str]) -> bool:
        """Whether any of these variables and packs is not kept under its name yet."""
        return any(name not in self.arrays for name in names)

    def ensure(self, names: Iterable[str], compute: Compute) -> None:
        """Initialize those of `names` that have no value yet.

        Raises:
            StateError: the graph has no such variable.
        """
        arrays = self.arrays
        missing = [name for name in names if name not in arrays]
        if not missing:
            return
        unformed: list[str] = []
        wanted: dict[str, tuple[str, ...]] = {}
        for name in missing:
            members = self.packs.members.get(name, (name,))
            if name in self.packs.members and not self._is_stacked_at_first(members):
                unformed.append(name)
                wanted.update((member, (member,)) for member in members)
            else:
                wanted[name] = members
        self._initialize(
            {name: rows for name, rows in wanted.items() if not self._is_there(name)}, compute
        )
        for name in unformed:
            self._form(name)

    def _is_stacked_at_first(self, names: Sequence[str]) -> bool:
        """Whether variables can get their initial values as the rows of one array.

        None may have a value yet; and either all are computed, or all are fixed arrays.
        """
        if len(names) < 2 or any(self._is_there(name) for name in names):
            return False
        return len({isinstance(self.variable(name).initial_value, Tensor) for name in names}) == 1

    def _form(self, pack: str) -> None:
        """Stack the variables of a pack, and keep them as its rows from now on."""
        with scoped_x64():
            rows = [self.arrays[name] for name in self.packs.members[pack]]
            self.arrays[pack] = jax.device_put(jax.numpy.stack(rows), self._device)
        for name in self.packs.members[pack]:
            del self.arrays[name]

    def _dissolve(self, names: Iterable[str]) -> None:
        """Keep the variables of packs that hold any of `names` one by one, until the next use."""
        found = dict.fromkeys(place[0] for name in names if (place := self.packs.row_of(name)))
        for pack in found:
            whole = self.arrays.pop(pack, None)
            if whole is not None:
                with scoped_x64():
                    self.arrays.update(zip(self.packs.members[pack], list(whole), strict=True))

    def _initialize(self, wanted: Mapping[str, Sequence[str]], compute: Compute) -> None:
        """Give variables and packs, with the variables that are their rows, their first values."""
        computed: dict[str, list[Variable]] = {}
        for name, rows in wanted.items():
            variables = [self.variable(row) for row in rows]
            fixed = [
                variable.initial_value.array
                for variable in variables
                if isinstance(variable.initial_value, Literal)
            ]
            if fixed:
                self.arrays[name] = self.put(fixed[0] if len(fixed) == 1 else stacked(fixed))
            else:
                computed[name] = variables
        if computed:
            arrays = compute(list(computed.values()))
            self.arrays.update(zip(computed, arrays, strict=True))

    def variable(self, name: str) -> Variable:
        """The variable of that name.

        Raises:
            StateError: the graph has none.
        """
        found = self._graph.variables.get(name)
        if found is None:
            raise StateError(
                f"the graph has no variable named {name!r}",
                fix=did_you_mean(name, self._graph.variables),
                origin=capture_origin(),
            )
        return found

    def assign(self, values: Mapping[Any, Any]) -> None:
        """Set variables: all of them, or none when one does not fit.

        Args:
            values: variables, or their names, to what NumPy makes arrays of; cast to the element
                type of the variable.

        Raises:
            StateError: the graph has no such variable.
            ShapeError: a value has another shape than its variable.
            DTypeError: numbers do not fit the element type.
        """
        placed: dict[str, Any] = {}
        for key, value in values.items():
            variable = self.variable(key.name if isinstance(key, Variable) else key)
            if isinstance(key, Variable) and key is not variable:
                raise GraphMixError(
                    f"the variable {key.name!r} belongs to another graph", origin=capture_origin()
                )
            placed[variable.name] = self.put(_fitting(value, variable).array)
        with self.lock:
            self._dissolve(placed)
            self.arrays.update(placed)

    def update(self, names: Iterable[str], arrays: Iterable[Any]) -> None:
        """Set variables and packs to arrays that a program gave."""
        if not self.packs.members:
            self.arrays.update(zip(names, arrays, strict=True))
            return
        changed: dict[str, Any] = {}
        for name, array in zip(names, arrays, strict=True):
            place = self.packs.row_of(name)
            if place is not None and name not in self.arrays and place[0] in self.arrays:
                pack, row = place
                whole = changed.get(pack)
                with scoped_x64():
                    whole = self.arrays[pack] if whole is None else whole
                    changed[pack] = whole.at[row].set(array)
            else:
                changed[name] = array
        # All at once: who reads one pack does not ask for the lock.
        self.arrays.update(changed)
        for name in changed:  # nobody may find an old value of a row
            for member in self.packs.members.get(name, ()):
                self.arrays.pop(member, None)

    def reset(self, names: Iterable[str], compute: Compute) -> None:
        """Give variables their initial values back."""
        listed = list(names)
        with self.lock:
            self._dissolve(listed)
            for name in listed:
                self.arrays.pop(name, None)
            self.ensure(listed, compute)

    def clear(self) -> None:
        """Let go of everything."""
        with self.lock:
            self.arrays.clear()

    def lost(self) -> list[str]:
        """Variables whose buffers a failed program has consumed."""
        # Under the lock throughout: what another thread donates meanwhile is not lost.
        with self.lock:
            return [
                variable
                for name, array in self.arrays.items()
                if isinstance(array, jax.Array) and array.is_deleted()
                for variable in self.packs.members.get(name, (name,))
            ]

    def snapshot(self) -> dict[str, np.ndarray[Any, Any]]:
        """A copy of every value there is, random state included."""
        found: dict[str, np.ndarray[Any, Any]] = {}
        with self.lock:
            for name, array in self.arrays.items():
                members = self.packs.members.get(name)
                if members is None:
                    found[name] = np.array(array)
                else:
                    found.update(zip(members, np.array(array), strict=True))
        return found

    def load(self, arrays: dict[str, np.ndarray[Any, Any]]) -> None:
        """Set variables from a checkpoint: all of them, or none when one does not fit.

        Raises:
            CheckpointError: a variable is unknown, or has another shape or element type.
        """
        for name, array in arrays.items():
            if name in (SEED, COUNTER):
                continue
            variable = self._graph.variables.get(name)
            if variable is None:
                raise CheckpointError(
                    f"the checkpoint holds {name!r}, which the graph does not have",
                    fix=did_you_mean(name, self._graph.variables),
                    origin=capture_origin(),
                )
            if array.shape != variable.shape or array.dtype != variable.dtype.numpy:
                raise CheckpointError(
                    f"the checkpoint's {name!r} does not fit the variable",
                    given=f"{array.dtype}{list(array.shape)}",
                    expected=variable.type,
                    origin=variable.origin,
                )
        placed = {name: self.put(array) for name, array in arrays.items()}
        with self.lock:
            self._dissolve(placed)
            self.arrays.update(placed)


def _fitting(value: Any, variable: Variable) -> Literal:
    """A value as the variable can hold it.

    Raises:
        ShapeError: it has another shape.
        DTypeError: its numbers do not fit the element type.
    """
    try:
        made = as_literal(value, variable.dtype)
    except (GraphcError, OverflowError, ValueError, TypeError) as problem:
        raise DTypeError(
            f"this is no value for the variable {variable.name!r}",
            given=repr(value)[:200],
            expected=variable.type,
            fix=str(problem).splitlines()[0],
            origin=capture_origin(),
        ) from None
    if made.type is not variable.type:
        raise ShapeError(
            f"the value does not fit the variable {variable.name!r}",
            given=made.type,
            expected=variable.type,
            origin=capture_origin(),
        )
    return made
