"""The stage `functional`: state, control dependencies and random keys become plain values.

* state_ordering: which assignment a read sees, and in which order assignments take place.
* gradient_taps: identities that keep the path through a value which a gradient is taken at.
* functional_graphs: a body without effects, and the state it takes and gives beside.
* control_flow_state: state through branches and loops.
* effect_removal: all of this, for a program or the body of a branch or a loop.
* functional: the pass.
"""

from passes.functional.functional import Functional

__all__ = ["Functional"]
