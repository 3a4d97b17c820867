"""Every activation function."""

from __future__ import annotations

from graphc.ops.piecewise_activations import celu as celu
from graphc.ops.piecewise_activations import elu as elu
from graphc.ops.piecewise_activations import hard_shrink as hard_shrink
from graphc.ops.piecewise_activations import hard_sigmoid as hard_sigmoid
from graphc.ops.piecewise_activations import hard_silu as hard_silu
from graphc.ops.piecewise_activations import hard_swish as hard_swish
from graphc.ops.piecewise_activations import hard_tanh as hard_tanh
from graphc.ops.piecewise_activations import leaky_relu as leaky_relu
from graphc.ops.piecewise_activations import relu6 as relu6
from graphc.ops.piecewise_activations import selu as selu
from graphc.ops.piecewise_activations import soft_shrink as soft_shrink
from graphc.ops.piecewise_activations import sparse_plus as sparse_plus
from graphc.ops.piecewise_activations import sparse_sigmoid as sparse_sigmoid
from graphc.ops.piecewise_activations import tanh_shrink as tanh_shrink
from graphc.ops.piecewise_activations import threshold as threshold
from graphc.ops.smooth_activations import exponential as exponential
from graphc.ops.smooth_activations import gelu as gelu
from graphc.ops.smooth_activations import glu as glu
from graphc.ops.smooth_activations import linear as linear
from graphc.ops.smooth_activations import log_sigmoid as log_sigmoid
from graphc.ops.smooth_activations import log_softmax as log_softmax
from graphc.ops.smooth_activations import mish as mish
from graphc.ops.smooth_activations import relu as relu
from graphc.ops.smooth_activations import sigmoid as sigmoid
from graphc.ops.smooth_activations import silu as silu
from graphc.ops.smooth_activations import softmax as softmax
from graphc.ops.smooth_activations import softplus as softplus
from graphc.ops.smooth_activations import softsign as softsign
from graphc.ops.smooth_activations import sparsemax as sparsemax
from graphc.ops.smooth_activations import squareplus as squareplus
from graphc.ops.smooth_activations import tanh as tanh
