"""Models of sequences and of graphs that are no plain Transformer, written out with `jax.numpy`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import jax
import jax.numpy as jnp

from benchmarks.foreign.jax_networks import Draws, descend, likelihood, normalized

Case = tuple[Callable[..., Any], Sequence[Any]]
Layer = dict[str, jax.Array]


def selective_scan() -> Case:
    """Mamba: eight layers whose state forgets by what is read, each with a `scan` over time."""
    draw, width, inner, states, places = Draws(), 32, 64, 8, 32

    def layer() -> Layer:
        return {
            "scale": jnp.ones(width),
            "enter": draw(width, 2 * inner),
            "filter": draw(4, inner),
            "choose": draw(inner, 2 * states + 4),
            "rate": draw(4, inner),
            "decay": jnp.log(jnp.tile(jnp.arange(1.0, states + 1), (inner, 1))),
            "leave": draw(inner, width),
        }

    def mix(w: Layer, x: jax.Array) -> jax.Array:
        chosen = x @ w["choose"]
        rate, write, read = jnp.split(chosen, [4, 4 + states], -1)
        rate = jax.nn.softplus(rate @ w["rate"] - 2)[..., None]
        kept = jnp.exp(rate * -jnp.exp(w["decay"]))
        written = rate * write[:, :, None] * x[..., None]

        def move(state: jax.Array, now: Any) -> tuple[jax.Array, jax.Array]:
            keep, new, look = now
            state = keep * state + new
            return state, (state * look[:, None]).sum(-1)

        over_time = [a.swapaxes(0, 1) for a in (kept, written, read)]
        return jax.lax.scan(move, jnp.zeros_like(kept[:, 0]), tuple(over_time))[1].swapaxes(0, 1)

    def loss(weights: Any, tokens: jax.Array) -> jax.Array:
        table, layers = weights
        x = table[tokens[:, :-1]]
        for w in layers:
            inside, gate = jnp.split(normalized(x) * w["scale"] @ w["enter"], 2, -1)
            padded = jnp.pad(inside, ((0, 0), (3, 0), (0, 0)))
            inside = sum(padded[:, i : i + places] * w["filter"][i] for i in range(4))
            x = x + mix(w, jax.nn.silu(inside)) * jax.nn.silu(gate) @ w["leave"]
        return likelihood(normalized(x) @ table.T, tokens[:, 1:])

    return descend(loss), [(draw(50, width), [layer() for _ in range(8)]), draw.tokens(2, 33)]


def weighted_keys() -> Case:
    """RWKV: twelve layers of sums over time that fade, and of tokens mixed with the one before."""
    draw, width = Draws(), 48

    def layer() -> Layer:
        square = {name: draw(width, width) for name in ("key", "value", "gate", "out", "pass")}
        mixed = {name: jnp.full(width, 0.5) for name in ("of key", "of value", "of gate")}
        wide = {"up": draw(width, 2 * width), "down": draw(2 * width, width)}
        return square | mixed | wide | {"fading": draw(width) * 0.1 - 1, "first": draw(width)}

    def before(x: jax.Array) -> jax.Array:
        return jnp.pad(x, ((0, 0), (1, 0), (0, 0)))[:, :-1]

    def mix(w: Layer, x: jax.Array) -> jax.Array:
        def mixed(name: str) -> jax.Array:
            share = w[f"of {name}"]
            return (x * share + before(x) * (1 - share)) @ w[name]

        def move(state: Any, now: Any) -> tuple[Any, jax.Array]:
            above, below, largest = state
            key, value = now
            most = jnp.maximum(largest, w["first"] + key)
            old, new = jnp.exp(largest - most), jnp.exp(w["first"] + key - most)
            given = (old * above + new * value) / (old * below + new)
            most = jnp.maximum(largest + w["fading"], key)
            old, new = jnp.exp(largest + w["fading"] - most), jnp.exp(key - most)
            return (old * above + new * value, old * below + new, most), given

        zeros = jnp.zeros((x.shape[0], width))
        over_time = mixed("key").swapaxes(0, 1), mixed("value").swapaxes(0, 1)
        given = jax.lax.scan(move, (zeros, zeros, zeros - 1e30), over_time)[1]
        return jax.nn.sigmoid(mixed("gate")) * given.swapaxes(0, 1) @ w["out"]

    def loss(weights: Any, tokens: jax.Array) -> jax.Array:
        table, layers = weights
        x = table[tokens[:, :-1]]
        for w in layers:
            x = x + mix(w, normalized(x))
            y = normalized(x)
            wide = jnp.square(jax.nn.relu(y @ w["up"])) @ w["down"]
            x = x + jax.nn.sigmoid(before(y) @ w["pass"]) * wide
        return likelihood(normalized(x) @ table.T, tokens[:, 1:])

    return descend(loss), [(draw(50, width), [layer() for _ in range(12)]), draw.tokens(2, 33)]


def _next_token(weights: Any, token: jax.Array, place: jax.Array, caches: Any) -> tuple[Any, Any]:
    """Scores of what follows `token: i32[batch]`, and caches with one place more."""
    table, layers = weights
    x, kept = table[token], list[Any]()
    for (joint, out), (keys, values) in zip(layers, caches, strict=True):
        query, key, value = jnp.split(normalized(x) @ joint, 3, -1)
        keys = jax.lax.dynamic_update_slice(keys, key[:, None], (0, place, 0))
        values = jax.lax.dynamic_update_slice(values, value[:, None], (0, place, 0))
        kept.append((keys, values))
        logits = jnp.einsum("bd,bkd->bk", query, keys) / 5
        logits = jnp.where(jnp.arange(keys.shape[1]) <= place, logits, -jnp.inf)
        x = x + jnp.einsum("bk,bkd->bd", jax.nn.softmax(logits), values) @ out
    return normalized(x) @ table.T, kept


def _decoder(depth: int, batch: int, places: int) -> tuple[Draws, Any, Any]:
    draw = Draws()
    weights = draw(50, 32), [(draw(32, 96), draw(32, 32)) for _ in range(depth)]
    return draw, weights, [(jnp.zeros((batch, places, 32)),) * 2 for _ in range(depth)]


def generation() -> Case:
    """Twenty tokens drawn one after the other, with caches, in one `scan`."""
    draw, weights, caches = _decoder(depth=6, batch=2, places=20)

    def generate(weights: Any, first: jax.Array, key: jax.Array) -> Any:
        def move(state: Any, place: jax.Array) -> tuple[Any, jax.Array]:
            token, caches, key = state
            scores, caches = _next_token(weights, token, place, caches)
            key, own = jax.random.split(key)
            token = jax.random.categorical(own, scores / 0.8)
            return (token, caches, key), token

        return jax.lax.scan(move, (first, caches, key), jnp.arange(20))[1]

    return generate, [weights, draw.tokens(2), jax.random.key(3)]


def beam_search() -> Case:
    """The four most probable sequences of at most 16 tokens, in a `while_loop`."""
    _, weights, caches = _decoder(depth=4, batch=4, places=16)

    def search(weights: Any, first: jax.Array) -> Any:
        tokens = jnp.zeros((4, 16), jnp.int32).at[:, 0].set(first)
        scores = jnp.where(jnp.arange(4) == 0, 0.0, -1e9)

        def move(state: Any) -> Any:
            place, tokens, scores, done, caches = state
            logits, caches = _next_token(weights, tokens[:, place], place, caches)
            more = jnp.where(
                done[:, None], jnp.log(jnp.arange(50) == 0), jax.nn.log_softmax(logits)
            )
            scores, best = jax.lax.top_k((scores[:, None] + more).reshape(-1), 4)
            source, token = best // 50, best % 50
            tokens = tokens[source].at[:, place + 1].set(token)
            caches = jax.tree.map(lambda cache: cache[source], caches)
            return place + 1, tokens, scores, done[source] | (token == 0), caches

        def goes_on(state: Any) -> jax.Array:
            return (state[0] < 15) & ~state[3].all()

        start = jnp.int32(0), tokens, scores, jnp.zeros(4, bool), caches
        return jax.lax.while_loop(goes_on, move, start)[:4]

    return search, [weights, jnp.int32(5)]


def experts() -> Case:
    """Six layers in which each token goes to the best two of four experts, with places for half."""
    draw, width, tokens, places = Draws(), 32, 64, 32

    def mix(w: Layer, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        shares = jax.nn.softmax(x @ w["choose"])
        best, chosen = jax.lax.top_k(shares, 2)
        hot = jax.nn.one_hot(chosen, 4)
        place = (jnp.cumsum(hot.reshape(-1, 4), 0) - 1).reshape(hot.shape) * hot
        seated = ((place < places) * hot)[..., None] * jax.nn.one_hot(place.astype(int), places)
        back = (seated * (best / best.sum(-1, keepdims=True))[..., None, None]).sum(1)
        given = jnp.einsum("tec,td->ecd", seated.sum(1), x)
        wide = jax.nn.gelu(jnp.einsum("ecd,edf->ecf", given, w["up"]))
        made = jnp.einsum("ecf,efd->ecd", wide, w["down"])
        return jnp.einsum("tec,ecd->td", back, made), (shares.mean(0) * hot[:, 0].mean(0)).sum()

    def loss(weights: Any, x: jax.Array) -> jax.Array:
        uneven = jnp.zeros(())
        for w in weights:
            added, more = mix(w, normalized(x))
            x, uneven = x + added, uneven + more
        return jnp.mean(x**2) + 0.01 * uneven

    shapes = {"choose": (width, 4), "up": (4, width, 64), "down": (4, 64, width)}
    layers = [{name: draw(*shape) for name, shape in shapes.items()} for _ in range(6)]
    return descend(loss), [layers, draw(tokens, width)]


def maxima_over_neighbours() -> Case:
    """Eight layers that take the largest of what neighbours send: gradients go to one of them."""
    draw = Draws()
    layers = [[draw(32, 32), draw(32), draw(32, 32)] for _ in range(8)]
    start, end = draw.tokens(2, 400)

    def loss(weights: Any, x: jax.Array) -> jax.Array:
        for into, scale, out in weights:
            sent = jax.nn.gelu(x @ into)
            sent = sent * (sent * scale).mean(-1, keepdims=True)
            largest = jax.ops.segment_max(sent[start], end, 50)
            largest = jnp.where(largest > -1e30, largest, 0)
            x = x + jnp.tanh(largest @ out)
        return jnp.mean(x**2)

    return descend(loss), [layers, draw(50, 32)]


def latents() -> Case:
    """A Perceiver: few latents read many places; the same six layers three times."""
    draw, width, batch = Draws(), 64, 2
    names = ("query", "key", "value", "out")

    def layer() -> Layer:
        wide = {"up": draw(width, 4 * width), "down": draw(4 * width, width)}
        return {name: draw(width, width) for name in names} | wide

    def attend(w: Layer, x: jax.Array, read: jax.Array) -> jax.Array:
        given = x @ w["query"], read @ w["key"], read @ w["value"]
        query, key, value = (each.reshape(batch, -1, 4, width // 4) for each in given)
        shares = jax.nn.softmax(jnp.einsum("bihd,bjhd->bhij", query, key) / 4)
        x = x + jnp.einsum("bhij,bjhd->bihd", shares, value).reshape(x.shape) @ w["out"]
        return x + jax.nn.gelu(normalized(x) @ w["up"]) @ w["down"]

    def loss(weights: Any, places: jax.Array, classes: jax.Array) -> jax.Array:
        first, enter, across, layers, leave = weights
        x, read = jnp.broadcast_to(first, (batch, *first.shape)), normalized(places @ enter)
        for _ in range(3):
            x = attend(across, normalized(x), read)
            for w in layers:
                x = attend(w, normalized(x), normalized(x))
        return likelihood(x.mean(1) @ leave, classes)

    layers = [layer() for _ in range(6)]
    weights = draw(32, width), draw(3, width), layer(), layers, draw(width, 9)
    return descend(loss), [weights, draw(batch, 256, 3), draw.tokens(batch) % 9]


PROGRAMS: Final = {
    "beam search": beam_search,
    "generation with caches": generation,
    "experts in 6 layers": experts,
    "maxima over neighbours in 8 layers": maxima_over_neighbours,
    "Mamba of 8 layers": selective_scan,
    "RWKV of 12 layers": weighted_keys,
    "Perceiver, 6 layers three times": latents,
}
