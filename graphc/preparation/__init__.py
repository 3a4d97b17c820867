"""Floor 4: what people do before they train; `graphc.utils` has it under Keras's names.

labels       class numbers as rows of one, rows of length one
sequences    sequences of one length, windows of a series
splitting    data in two parts
batch_parts  inputs, targets and weights of a batch
described_objects  objects as plain data and back
py_dataset   data that are made batch by batch
seeds        the same random numbers in every run, a fresh start
"""
