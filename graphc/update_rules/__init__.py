"""Floor 3: what one step of an optimizer does to one variable, as nodes.

update_rule  the protocol: UpdateRule, Slot, completed hyperparameters
sgd          stochastic gradient descent, with momentum and Nesterov's form
adam         Adam, with AMSGrad
adagrad      Adagrad
rmsprop      RMSprop, with momentum and centering
registry     rules by name; third parties register their own

The classes that users construct are in `graphc/optimizers`. Formulas are those of Keras 3.15.
"""
