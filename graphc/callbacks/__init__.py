"""Floor 5: callbacks under Keras's names."""

from graphc.callbacks.callback import Callback, CallbackList
from graphc.callbacks.history import History
from graphc.callbacks.progress import ProgbarLogger

__all__ = ["Callback", "CallbackList", "History", "ProgbarLogger"]
