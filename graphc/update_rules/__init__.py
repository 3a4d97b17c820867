"""Floor 3: what one step of an optimizer does to one variable, as nodes.

update_rule  the protocol: UpdateRule, Slot, completed hyperparameters
sgd          stochastic gradient descent, with momentum and Nesterov's form
adam         Adam, with AMSGrad; adamax, nadam, lamb, schedule_free (AdamW): what grew from it
adagrad      Adagrad; adadelta, ftrl, adafactor, rmsprop divide by squares too
lion, muon   along a momentum
rule_formulas  what several rules compute
registry     rules by name; third parties register their own

The classes that users construct are in `graphc/optimizers`. Formulas are those of Keras 3.15.
"""
