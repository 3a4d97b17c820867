"""Programs as people write them with JAX's libraries: what `graphc.jit` is held to `jax.jit` on."""
