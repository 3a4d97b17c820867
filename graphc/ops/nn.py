"""What `keras.ops.nn` lists: functions of `graphc.ops`, under the same names."""

from graphc.ops.keras_names import namespace

__getattr__, __dir__ = namespace(__name__, "nn")
