"""NumPyro: a logistic regression's log density with its gradient, and a step of HMC."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp
import numpyro
from numpyro import distributions
from numpyro.infer import HMC
from numpyro.infer.util import initialize_model

Case = tuple[Callable[..., Any], Sequence[Any]]


def _model(x: jax.Array, y: jax.Array) -> None:
    scale = numpyro.sample("scale", distributions.HalfNormal(1.0))
    weights = numpyro.sample("weights", distributions.Normal(jnp.zeros(x.shape[1]), scale))
    offset = numpyro.sample("offset", distributions.Normal(0.0, 5.0))
    numpyro.sample("y", distributions.Bernoulli(logits=x @ weights + offset), obs=y)


def _data() -> tuple[jax.Array, jax.Array]:
    x = jax.random.normal(jax.random.key(0), (200, 6))
    return x, (x.sum(1) > 0).astype(jnp.int32)


def density() -> Case:
    """The potential energy and its gradient."""
    data = _data()
    made = initialize_model(jax.random.PRNGKey(0), _model, model_args=data)
    return jax.value_and_grad(made.potential_fn), [made.param_info.z]


def hmc() -> Case:
    """A step of Hamiltonian Monte Carlo."""
    data = _data()
    kernel = HMC(_model, step_size=0.05, num_steps=8, adapt_step_size=False)
    state = kernel.init(jax.random.PRNGKey(1), 10, None, data, {})
    return lambda state: kernel.sample(state, data, {}).z, [state]


PROGRAMS: Final = {"log density and gradient": density, "HMC step": hmc}
