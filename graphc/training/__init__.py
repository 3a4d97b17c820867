"""Floor 5: training, evaluation and prediction of models.

trainer           what a model can do with data: fit, evaluate, predict
trained_layer     what compile says, and what a step is made of
compiled_losses   the losses of a model's outputs, and their sum
compiled_metrics  the metrics of a model's outputs
output_names      outputs by name
data              arrays, dictionaries and generators as batches on the device
step_program      one step of training, evaluation or prediction as a loop on the device
fitting           epochs, callbacks, validation
training_state    all that a fit needs to go on after an interruption
"""
