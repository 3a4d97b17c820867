"""Ops that slide a window over an input: convolutions, reductions, and their derivatives."""

from graphc.opset.sliding_windows import convolution as convolution
from graphc.opset.sliding_windows import convolution_gradients as convolution_gradients
from graphc.opset.sliding_windows import reduce_window as reduce_window
from graphc.opset.sliding_windows import window_selection as window_selection
