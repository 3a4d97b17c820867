"""graphc: a declarative graph compiler on XLA.

A graph is built (`graphc.ops`, `graphc.layers`), slices of it become frozen graphs (`graphc.ir`),
passes rewrite them (`passes`, on the engine of `graphc.rewriting`), `graphc.lowering` writes them
as one XLA program, and a `graphc.Session` runs it and holds its state.

The floors, imports go down only:

    0  errors, settings, dtypes, dimensions
    1  ir            types, nodes, graphs, editor, builder, text
    2  opset         one block per op
    3  rewriting, lowering, reference, update_rules: the engines, side by side
    4  ops, nn, random, layers, activations, losses, metrics, initializers, regularizers,
       constraints, optimizers, preparation: what people call; and passes
    5  session, callbacks, training, files, models, tools, and this façade, which holds no logic
"""

import sys
from typing import NoReturn

import graphc.activations as activations
import graphc.backend as backend
import graphc.callbacks as callbacks
import graphc.config as config
import graphc.constraints as constraints
import graphc.dtype_policies as dtype_policies
import graphc.errors as errors
import graphc.initializers as initializers
import graphc.layers as layers
import graphc.losses as losses
import graphc.metrics as metrics
import graphc.mixed_precision as mixed_precision
import graphc.models as models
import graphc.nn as nn
import graphc.ops as ops
import graphc.optimizers as optimizers
import graphc.random as random
import graphc.regularizers as regularizers
import graphc.rewriting as rewriting
import graphc.saving as saving
import graphc.settings as settings
import graphc.utils as utils
from graphc.dtypes import BF16 as bfloat16
from graphc.dtypes import BOOL as bool_
from graphc.dtypes import C64 as complex64
from graphc.dtypes import C128 as complex128
from graphc.dtypes import F16 as float16
from graphc.dtypes import F32 as float32
from graphc.dtypes import F64 as float64
from graphc.dtypes import I8 as int8
from graphc.dtypes import I16 as int16
from graphc.dtypes import I32 as int32
from graphc.dtypes import I64 as int64
from graphc.dtypes import STRING as string
from graphc.dtypes import U8 as uint8
from graphc.dtypes import U16 as uint16
from graphc.dtypes import U32 as uint32
from graphc.dtypes import U64 as uint64
from graphc.files.graph_files import load, save
from graphc.files.model_files import load_model
from graphc.initializers import Initializer
from graphc.ir.parser import parse
from graphc.layers.dtype_policy import DTypePolicy
from graphc.layers.input_layer import Input
from graphc.layers.input_spec import InputSpec
from graphc.layers.layer import Layer
from graphc.losses import Loss
from graphc.metrics import Metric
from graphc.missing_names import missing_name
from graphc.models.functional import Functional
from graphc.models.model import Model
from graphc.models.sequential import Sequential
from graphc.ops.context import current_session as get_default_session
from graphc.ops.context import device
from graphc.ops.control_flow import case, cond
from graphc.ops.custom_gradients import custom_gradient
from graphc.ops.dataflow import DataflowGraph as Graph
from graphc.ops.dataflow import (
    control_dependencies,
    get_default_graph,
    name_scope,
    reset_default_graph,
)
from graphc.ops.forward_mode import hessians, jvp
from graphc.ops.gradients import gradients
from graphc.ops.grouping import (
    global_variables,
    global_variables_initializer,
    group,
    no_op,
    trainable_variables,
)
from graphc.ops.identities import stop_gradient
from graphc.ops.loops import scan, while_loop
from graphc.ops.mapping import map_fn
from graphc.ops.sources import constant, placeholder, placeholder_with_default
from graphc.ops.tensor import Operation, Tensor
from graphc.ops.variable import Variable
from graphc.optimizers import Optimizer
from graphc.regularizers import Regularizer
from graphc.session.devices import list_devices
from graphc.session.jit_function import from_jax, jit
from graphc.session.session import Session

__version__ = "0.1.0"


def __getattr__(name: str) -> NoReturn:
    raise missing_name(sys.modules[__name__], name)


__all__ = [
    "DTypePolicy",
    "Functional",
    "Graph",
    "Initializer",
    "Input",
    "InputSpec",
    "Layer",
    "Loss",
    "Metric",
    "Model",
    "Operation",
    "Optimizer",
    "Regularizer",
    "Sequential",
    "Session",
    "Tensor",
    "Variable",
    "activations",
    "backend",
    "bfloat16",
    "bool_",
    "callbacks",
    "case",
    "complex64",
    "complex128",
    "cond",
    "config",
    "constant",
    "constraints",
    "control_dependencies",
    "custom_gradient",
    "device",
    "dtype_policies",
    "errors",
    "float16",
    "float32",
    "float64",
    "from_jax",
    "get_default_graph",
    "get_default_session",
    "global_variables",
    "global_variables_initializer",
    "gradients",
    "group",
    "hessians",
    "initializers",
    "int8",
    "int16",
    "int32",
    "int64",
    "jit",
    "jvp",
    "layers",
    "list_devices",
    "load",
    "load_model",
    "losses",
    "map_fn",
    "metrics",
    "mixed_precision",
    "models",
    "name_scope",
    "nn",
    "no_op",
    "ops",
    "optimizers",
    "parse",
    "placeholder",
    "placeholder_with_default",
    "random",
    "regularizers",
    "reset_default_graph",
    "rewriting",
    "save",
    "saving",
    "scan",
    "settings",
    "stop_gradient",
    "string",
    "trainable_variables",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "utils",
    "while_loop",
]
