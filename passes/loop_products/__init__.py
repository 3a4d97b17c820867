"""Products that a loop makes of few rows at a time, made of the rows of all iterations at once.

What cuDNN and Keras do for recurrent layers by hand, for any `scan`:

* before the loop: a product of what is scanned with what does not change. Its rows are scanned;
* after the loop: a sum over the iterations, as the gradient of weights is on the way back. What
  is multiplied is stacked, and one product contracts over the iterations too, so that no
  accumulator of the size of the weights is read and written in each. Sums of rows, as the
  gradients of biases, follow where the rows are stacked for a product;
* after the loop: a product with what does not change that is a stacked result alone.

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
