"""Ops that slide a window over an input: convolutions and their gradients."""

from graphc.opset.sliding_windows import convolution as convolution
from graphc.opset.sliding_windows import convolution_gradients as convolution_gradients
