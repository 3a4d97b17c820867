"""Update rules by name: what `apply_update` intents refer to."""

from __future__ import annotations

from typing import Final

from graphc.errors import GraphcError, did_you_mean
from graphc.update_rules.adadelta import Adadelta
from graphc.update_rules.adafactor import Adafactor
from graphc.update_rules.adagrad import Adagrad
from graphc.update_rules.adam import Adam
from graphc.update_rules.adamax import Adamax
from graphc.update_rules.ftrl import FollowTheRegularizedLeader
from graphc.update_rules.lamb import LayerwiseAdaptiveMoments
from graphc.update_rules.lion import Lion
from graphc.update_rules.muon import MomentumOrthogonalized
from graphc.update_rules.nadam import Nadam
from graphc.update_rules.rmsprop import RootMeanSquarePropagation
from graphc.update_rules.schedule_free import ScheduleFreeAdamW
from graphc.update_rules.sgd import StochasticGradientDescent
from graphc.update_rules.update_rule import UpdateRule

UPDATE_RULES: Final[dict[str, UpdateRule]] = {
    rule.name: rule
    for rule in (
        StochasticGradientDescent(),
        Adam(),
        RootMeanSquarePropagation(),
        Adagrad(),
        Adadelta(),
        Adamax(),
        Nadam(),
        FollowTheRegularizedLeader(),
        Adafactor(),
        Lion(),
        LayerwiseAdaptiveMoments(),
        MomentumOrthogonalized(),
        ScheduleFreeAdamW(),
    )
}


def register_update_rule(rule: UpdateRule) -> UpdateRule:
    """Add a rule and give it back.

    Raises:
        GraphcError: another rule has the name.
    """
    if rule.name in UPDATE_RULES:
        raise GraphcError(
            f"an update rule named {rule.name!r} is registered already", fix="choose another name"
        )
    UPDATE_RULES[rule.name] = rule
    return rule


def find_update_rule(name: str) -> UpdateRule:
    """The rule of that name.

    Raises:
        GraphcError: there is none; the message holds names that look like it.
    """
    found = UPDATE_RULES.get(name)
    if found is None:
        raise GraphcError(
            f"there is no update rule named {name!r}", fix=did_you_mean(name, UPDATE_RULES)
        )
    return found
