"""Floor 5: callbacks under Keras's names."""

from graphc.callbacks.backup_and_restore import BackupAndRestore
from graphc.callbacks.callback import Callback, CallbackList
from graphc.callbacks.history import History
from graphc.callbacks.progress import ProgbarLogger

__all__ = ["BackupAndRestore", "Callback", "CallbackList", "History", "ProgbarLogger"]
