"""Floor 5: callbacks under Keras's names."""

from graphc.callbacks.backup_and_restore import BackupAndRestore
from graphc.callbacks.callback import Callback, CallbackList
from graphc.callbacks.csv_logger import CSVLogger
from graphc.callbacks.early_stopping import EarlyStopping
from graphc.callbacks.history import History
from graphc.callbacks.lambda_callback import LambdaCallback
from graphc.callbacks.learning_rates import LearningRateScheduler, ReduceLROnPlateau
from graphc.callbacks.model_checkpoint import ModelCheckpoint
from graphc.callbacks.progress import ProgbarLogger
from graphc.callbacks.swap_ema_weights import SwapEMAWeights
from graphc.callbacks.tensorboard import TensorBoard
from graphc.callbacks.terminate_on_nan import TerminateOnNaN

__all__ = [
    "BackupAndRestore",
    "CSVLogger",
    "Callback",
    "CallbackList",
    "EarlyStopping",
    "History",
    "LambdaCallback",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgbarLogger",
    "ReduceLROnPlateau",
    "SwapEMAWeights",
    "TensorBoard",
    "TerminateOnNaN",
]
