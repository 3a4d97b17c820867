"""The default pipeline: one readable list of named stages.

    built → functional → canonical → composed → cast → rolled → differentiated → updated
          → simplified → specialised → placed → legalized → budgeted → fused → lowered

`built` is what a person wrote, `lowered` is StableHLO. Up to `simplified` a graph goes through
once, with symbolic sizes; from `specialised` on once per concrete signature. A stage without passes
is a place where passes can be put: `pipeline.after("legalized", MyPass())`.
"""

from __future__ import annotations

from typing import Final

from graphc.ir.op import Trait
from graphc.rewriting.graph_pass import GraphPass
from graphc.rewriting.pipeline import Pipeline, Stage
from passes.algebra import Algebra
from passes.attention_fusion import AttentionFusion, AttentionGradients
from passes.attention_kernels import AttentionKernels
from passes.attention_legalization import AttentionLegalization
from passes.autodiff import Autodiff
from passes.common_subexpressions import CommonSubexpressions
from passes.constant_folding import ConstantFolding
from passes.custom_gradient_removal import CustomGradientRemoval
from passes.elementwise_fusion import ElementwiseFusion
from passes.functional import Functional
from passes.layer_rolling import LayerRolling
from passes.loop_products import LoopProducts
from passes.memory_budget import ComputationInPieces, FirstIterations, MemoryBudget
from passes.optimizer_updates import OptimizerUpdates
from passes.pruning import Pruning
from passes.row_access import RowAccess
from passes.shape_simplification import ShapeSimplification
from passes.specialisation import Specialisation
from passes.stabilisation import Stabilisation
from passes.stack_parts import StackParts
from passes.stack_reuse import StackReuse
from passes.tap_removal import TapRemoval
from passes.update_order import UpdateOrder
from passes.updates_in_loops import UpdatesInLoops
from passes.variable_packing import VariablePacking

CLEAN_UP: Final[tuple[GraphPass, ...]] = (
    Pruning(),
    ConstantFolding(),
    Algebra(),
    ShapeSimplification(),
    Stabilisation(),
    CommonSubexpressions(),
)
"""What brings a graph into its canonical form; run until nothing changes."""

_NO_EFFECTS: Final = frozenset({Trait.EFFECT})
_NO_GRADIENTS: Final = _NO_EFFECTS | {"gradient", "jvp", "tap", "custom_gradient"}
_NO_INTENTS: Final = _NO_GRADIENTS | {Trait.INTENT}
_STATIC: Final = _NO_INTENTS | {"dimension_size"}


def default_pipeline() -> Pipeline:
    """The passes that a session runs when it is given no others."""
    return Pipeline(
        (
            Stage("functional", (Functional(),), forbidden=_NO_EFFECTS),
            Stage("canonical", CLEAN_UP, fixpoint=True, forbidden=_NO_EFFECTS),
            Stage("composed", (AttentionGradients(), AttentionFusion()), forbidden=_NO_EFFECTS),
            Stage("cast", forbidden=_NO_EFFECTS),
            Stage(
                "rolled",
                (LayerRolling(weighs_stacks=True), VariablePacking()),
                forbidden=_NO_EFFECTS,
            ),
            Stage(
                "differentiated",
                (Autodiff(), CustomGradientRemoval(), TapRemoval()),
                forbidden=_NO_GRADIENTS,
            ),
            Stage("updated", (OptimizerUpdates(),), forbidden=_NO_INTENTS),
            Stage("simplified", CLEAN_UP, fixpoint=True, forbidden=_NO_INTENTS),
            Stage("specialised", (Specialisation(), *CLEAN_UP), fixpoint=True, forbidden=_STATIC),
            Stage("placed", forbidden=_STATIC),
            Stage(
                "legalized",
                (AttentionKernels(), AttentionLegalization(), LoopProducts()),
                forbidden=_STATIC,
            ),
            Stage(
                "budgeted",
                (
                    FirstIterations(),
                    Pruning(),
                    MemoryBudget(),
                    Pruning(),
                    CommonSubexpressions(),
                    ComputationInPieces(),
                    StackReuse(),
                    RowAccess(),
                    StackParts(),
                    UpdatesInLoops(),
                ),
                forbidden=_STATIC,
            ),
            Stage("fused", (ElementwiseFusion(), UpdateOrder()), forbidden=_STATIC),
        )
    )
