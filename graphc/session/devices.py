"""Devices, as TensorFlow 1 shows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax

from graphc.errors import GraphcError, did_you_mean
from graphc.ir.origin import capture_origin


@dataclass(frozen=True)
class Device:
    """A device that XLA can compile for.

    Attributes:
        name: "/device:CPU:0".
        device_type: "CPU", "GPU" or "TPU".
        memory_limit_bytes: how much memory programs may use; 0 where the platform does not say.
        jax_device: JAX's own object.
    """

    name: str
    device_type: str
    memory_limit_bytes: int
    jax_device: Any

    def __str__(self) -> str:
        return (
            f"_DeviceAttributes({self.name}, {self.device_type}, {self.memory_limit_bytes}, "
            f"{self.jax_device.id})"
        )


def list_devices() -> list[Device]:
    """Every device of this process."""
    devices: list[Device] = []
    seen: set[Any] = set()
    for device in [*jax.devices(), *jax.local_devices(backend="cpu")]:
        if device in seen:
            continue
        seen.add(device)
        platform: str = device.platform
        kind = {"cuda": "GPU", "rocm": "GPU"}.get(platform, platform.upper())
        stats = device.memory_stats() or {}
        devices.append(
            Device(f"/device:{kind}:{device.id}", kind, int(stats.get("bytes_limit", 0)), device)
        )
    return devices


def find_device(name: str | None) -> Any:
    """JAX's device of that name: "cpu", "gpu:0", "/device:CPU:0"; None is JAX's default.

    Raises:
        GraphcError: this process has none of that name.
    """
    if name is None:
        return None
    wanted = name.lower().removeprefix("/device:")
    kind, _, number = wanted.partition(":")
    devices = list_devices()
    for device in devices:
        same_number = not number or device.name.endswith(f":{number}")
        if device.device_type.lower() == kind and same_number:
            return device.jax_device
    raise GraphcError(
        f"there is no device {name!r}",
        fix=did_you_mean(name, [device.name for device in devices]),
        origin=capture_origin(),
    )
