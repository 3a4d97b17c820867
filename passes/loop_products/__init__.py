"""Products that a loop makes of few rows at a time, made of the rows of all iterations at once.

What cuDNN and Keras do for recurrent layers by hand, for any `scan`:

* before the loop: a product of what is scanned with what does not change. Its rows are scanned;
* after the loop: a sum over the iterations, as the gradient of weights is on the way back. What
  is multiplied is stacked, and one product contracts over the iterations too, so that no
  accumulator of the size of the weights is read and written in each. Sums of rows, as the
  gradients of biases, follow where the rows are stacked for a product;
* after the loop: a product with what does not change that is a stacked result alone.

Train steps of stacked LSTMs in a session over 32 steps, in JAX 0.10 on two busy CPU cores (steps'
milliseconds, and MiB of temporary memory):

    layers  units  rows     with  without  jax.jit     with  without  jax.jit
         8     64    16     16.8     22.4     22.4      8.6      8.5     15.3
         4     64     4      3.6      5.9      6.1      1.3      1.5      2.4
         4    256     4      124      353      340      7.0     10.7     17.1
         4    256    16      281      645      683     21.1     24.6     38.2

A stack takes more than the sum that it stands for where iterations are many. XLA makes products of
loops that follow one another late, so that the stacks of all lie in memory; and where the sum is
a result, it lies there in any case. So a loop in another loop, as in rolled layers, whose stacks
are those of one layer, may take more than what leaves it, and one in no other hardly anything.

Modules:

* when_it_pays: for which sizes, and where; with what was measured.
* outside: values of the body, computed for all iterations at once.
* loop_sums: sums over iterations, and results, that follow from products alone.
* plans: which products of a loop to make where, and what more is stacked for it.
* loop_products: the pass, which writes the loop anew.

A loop of counted rows keeps its products: what is scanned in rows that it does not reach may be no
number, and a sum over all rows would have it. So does a `while_loop`, which stacks little.
"""

from passes.loop_products.loop_products import LoopProducts

__all__ = ["LoopProducts"]
