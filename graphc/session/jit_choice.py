"""Whether passes are worth their time for a JAX function, which XLA compiles without them too.

What they find is repeated layers, initial values of like weights, and attention over long
sequences. All are looked for in the jaxpr, in microseconds, before it is imported; what the passes
then made is looked at before it is compiled. Where nothing is to be gained, the function runs as it
was written, and the report says why. The numbers below were measured on a few programs of the kinds
that `benchmarks.foreign` and `benchmarks.deep_compile` hold, once each, with JAX 0.10 on two CPU
cores: a rule of thumb.

XLA:CPU compiles equal kernels once, so that layers of a product and a normalization cost it little,
written out: 0.04 s each with their gradients, where the two loops that stand for all of them cost
1.5 s. Import and passes come to an eighth of a millisecond an equation. Seconds of CPU time to the
first result, written out and rolled, passes included; - is where passes decline, after all:

    train step                     equations   products: equal   all   written out   rolled
    Transformer, 4 layers, Adam        1,636                35   101           2.3        -
    24 dense layers, normalized        2,165                47    71           1.1        -
    32 dense layers, normalized        2,885                63    95           1.5        -
    16 gated and plain layers          2,103                48   120           4.1      2.7
    Transformer, 6 layers, Adam        2,426                51   149           3.7      2.6
    Transformer, 8 layers, Adam        3,216                67   197           5.1      2.9
    Transformer, 16 layers, Adam       6,376               131   389          17.8      3.5
    32 residual convolution blocks     3,758               127   191           5.5      2.2
    GPT-2 of 12 blocks                 2,795                24   219           5.9      4.1
    LLaMA of 12 blocks                 3,433                48   327           2.8      3.5
    LLaMA of 24 blocks                 6,817                96   651           3.9      4.2
    LLaMA of 40 blocks                11,329               160  1083           6.5      4.6
    Perceiver, 6 layers three times    4,457               156   509           3.4      7.5
    T5 of 4 and 4 layers               2,751                48   291           4.5      6.7
    T5 of 12 and 12 layers             7,871               144   867           7.4      8.8
    16 layers of attention, gradient   2,243                15   287           2.1      2.6
    40 layers of attention, gradient   5,603                39   719           3.6      2.8

Draws of random numbers are dear to compile. The hash of an imported draw is one kernel, where JAX's
is several, and all but the first of one type cost nothing in a loop. Seconds of CPU time to the
first result, of normal matrices, two busy cores: 4 take 1.1 written out and 0.66 as a loop, 8 take
1.4 and 0.70, 12 take 2.0 and 0.66; 4 that no loop can hold take 1.6 and, by way of the passes, 0.8.
The calls that follow take 0.3 to 0.9 times as long.

Attention in blocks takes 0.35 s longer to compile, 0.6 s with its gradient, and the calls that
follow a sixth to a half of the time. Seconds of CPU time to the first result and for a step,
causal, heads of 64:

    attention                            logits     first, written    in blocks     steps
    1 x 1024, 8 heads                    32 MiB               0.27         0.69    0.08 and 0.03
    1 x 1024, 8 heads, with gradient     32 MiB               0.80         1.4     0.35 and 0.11
    1 x 2048, 8 heads                   128 MiB               0.55         0.65    0.37 and 0.07
    1 x 2048, 8 heads, with gradient    128 MiB               2.0          1.4     1.6  and 0.26
    8 x 1024, 8 heads                   256 MiB               0.82         0.95    0.62 and 0.25
    8 x 1024, 8 heads, with gradient    256 MiB               1.9          2.2     1.6  and 0.9
"""

from __future__ import annotations

from typing import Final

from jax.extend.core import ClosedJaxpr

from graphc.importers.jax_functions.repetition import Repetition, find_repetition
from graphc.session.jit_compilation import Compiled
from graphc.session.rolling_savings import estimate_savings

EQUATIONS: Final = 2000
"""From how many equations on XLA takes longer for layers than for loops, and for the passes.

Twice as many where there are but `FEW_PRODUCTS`: what is between them is soon compiled.
"""
FEW_PRODUCTS: Final = 100
"""So many products, of all kinds, are few."""
EQUATIONS_PER_PRODUCT: Final = 12
"""Where there are fewer, little is between the products, and XLA takes longer for layers than for
loops from four times as many equations on.
"""
PRODUCTS: Final = 48
"""How many products of one kind there must be: those of a Transformer's step of six layers."""
PRODUCTS_WITH_ATTENTION: Final = 140
"""How many there must be of all kinds that repeat, where layers attend: a type of its own for each
product of a layer is as good as one for all. Without attention there is no telling: layers of a
mixer gain by it, convolutions and products of a gated layer take longer.
"""
PRODUCTS_PER_ARGUMENT: Final = 8
"""More than that have no weights of their own: their gradients would be stacked, then added."""
TRAINED_SHARE: Final = 2
"""Training gives gradients or new weights: at least one in so many bytes of what it is given.

What but reads weights has little beside them in memory, and would have copies of all in stacks:
24 layers of a GPT-2, forward, 1.3 MB in place of 0.04, and as long to the first result.
"""
FLOPS_PER_BYTE: Final = 100
"""How much work there must be for each byte of the arguments: they are copied into stacks.

A copy takes about as long as 15 operations of a product for each byte, there and back.
"""
NODES_PER_LOOP: Final = 300
"""How many nodes a loop must spare: nine loops of 12 dense layers of a GAN spare 214 each, and take
XLA 2.4 s in place of 1.8; of 30 programs that gain, each loop spares 455 or more.
"""
DRAWS: Final = 4
"""How many draws of one type there must be, where nothing else is repeated: initial values."""
LOGITS: Final = 256 * 2**20
"""Bytes of logits from which on a function that is called once gains by attention in blocks."""
BLOCKS: Final = 32 * 2**20
"""Bytes from which on the passes cut it, where they run: who calls often may ask for them."""


def nothing_to_gain(program: ClosedJaxpr) -> str | None:
    """Why the passes cannot gain anything; None if they may.

    Args:
        program: the function, traced.
    """
    if program.jaxpr.effects:
        return None  # the import says which
    found = find_repetition(program)
    if found.largest_logits >= LOGITS:
        return None
    if _only_draws(found):
        return None
    reason = _no_loop_pays(found)
    if reason is not None and found.largest_logits >= BLOCKS:
        return (
            f"attention over {found.largest_logits / 2**20:,.0f} MiB of logits takes longer to "
            "compile in blocks than a first call gains; what is called often gains by "
            "jit(function, pipeline=passes.default_pipeline())"
        )
    return reason


def _only_draws(found: Repetition) -> bool:
    """Whether nothing is as dear to compile as the draws."""
    return not found.products and found.draws >= DRAWS


def _no_loop_pays(found: Repetition) -> str | None:
    """Why rolling layers cannot gain anything."""
    if found.products < PRODUCTS and not _attends_in_layers(found):
        return f"too little repeats for a loop to pay: {found.products} equal products"
    if found.equations < _least_equations(found):
        return f"XLA compiles {found.equations} equations as fast as loops"
    if found.flops < FLOPS_PER_BYTE * found.argument_bytes:
        return (
            "copying arguments into stacks would take a good part of a call: "
            f"{found.flops:,} operations on {found.argument_bytes:,} bytes"
        )
    if _has_own_weights(found) and TRAINED_SHARE * found.result_bytes < found.argument_bytes:
        return (
            "stacks of weights would take more memory than layers that keep nothing: "
            f"{found.argument_bytes:,} bytes are given, {found.result_bytes:,} come out"
        )
    return None


def _least_equations(found: Repetition) -> int:
    """How many equations there must be."""
    if found.equations < EQUATIONS_PER_PRODUCT * found.heavy:
        return 4 * EQUATIONS
    return EQUATIONS if found.heavy > FEW_PRODUCTS else 2 * EQUATIONS


def _attends_in_layers(found: Repetition) -> bool:
    """Whether there are layers of attention, with weights of their own."""
    return found.attends and found.in_layers >= PRODUCTS_WITH_ATTENTION and _has_own_weights(found)


def _has_own_weights(found: Repetition) -> bool:
    return found.heavy <= PRODUCTS_PER_ARGUMENT * found.arguments


def nothing_was_gained(made: Compiled, program: ClosedJaxpr) -> str | None:
    """Why what the passes made is no better than the function as it was written; None if it is.

    Args:
        made: by the passes.
        program: the function, traced.
    """
    records = (*made.symbolic.records, *made.concrete.records)
    changed = {record.pass_name for record in records if record.changed}
    if "attention_legalization" in changed or _only_draws(find_repetition(program)):
        return None
    savings = estimate_savings(made.symbolic.result, 0.0)
    if savings is None:
        return "no layers of it can run in a loop, and no attention in blocks"
    spared = savings.nodes_written_out - savings.nodes
    if spared < NODES_PER_LOOP * savings.loops:
        return f"XLA compiles {spared:,} nodes as fast as the {savings.loops} loops that spare them"
    return None
