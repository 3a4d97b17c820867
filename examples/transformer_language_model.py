"""A small causal Transformer learns the letters of the docstrings of Python's standard library.

It is judged by bits per character on text it has not seen, beside a model of three letters.
"""

import inspect
import os
import sys
from collections import Counter, defaultdict
from importlib import import_module

import numpy as np

import graphc
from graphc import layers

IS_SHORT = bool(os.environ.get("GRAPHC_EXAMPLE_SHORT"))
EPOCHS, BATCH = 1 if IS_SHORT else 2, 8
LENGTH, WIDTH, HEADS, BLOCKS = 64, 96, 4, 2
MODULES = (
    "argparse ast asyncio collections contextlib copy csv dataclasses datetime decimal "
    "difflib email enum fractions functools gzip hashlib heapq html http inspect io itertools "
    "json logging math multiprocessing operator os pathlib pickle pprint random re sched "
    "shelve shutil socket sqlite3 statistics string struct subprocess tarfile tempfile "
    "textwrap threading time tokenize traceback types typing unittest urllib uuid warnings "
    "weakref xml zipfile"
)


def docstrings():
    """The documentation of modules and of what is in them, in a fixed order."""
    for name in MODULES.split():
        module = import_module(name)
        for _, value in sorted(vars(module).items()):
            text = inspect.getdoc(value) if callable(value) else None
            if text and len(text) > 80:
                yield text


text = "\n\n".join(dict.fromkeys(docstrings()))
text = "".join(letter for letter in text if letter == "\n" or 32 <= ord(letter) < 127)
alphabet = sorted(set(text))
codes = np.array([alphabet.index(letter) for letter in text], np.int32)
if IS_SHORT:
    codes = codes[:20_000]
border = len(codes) * 9 // 10
train, test = codes[:border], codes[border:]
print(f"{len(codes):,} letters of {sys.implementation.name}'s own documentation, "
      f"{len(alphabet)} different ones")  # fmt: skip


def windows(letters):
    """Stretches of letters, and for each letter the one that follows."""
    count = (len(letters) - 1) // LENGTH
    x = letters[: count * LENGTH].reshape(count, LENGTH)
    return x, letters[1 : count * LENGTH + 1].reshape(count, LENGTH)


class Block(layers.Layer):
    """Attention to what came before, then a layer for each letter."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first, self.second = layers.LayerNormalization(), layers.LayerNormalization()
        self.attention = layers.MultiHeadAttention(HEADS, WIDTH // HEADS)
        self.wide = layers.Dense(4 * WIDTH, activation="gelu")
        self.narrow = layers.Dense(WIDTH)

    def call(self, x):
        normal = self.first(x)
        x = x + self.attention(normal, normal, use_causal_mask=True)
        return x + self.narrow(self.wide(self.second(x)))


letters = graphc.Input((LENGTH,), dtype="int32")
places = layers.Embedding(LENGTH, WIDTH)(np.arange(LENGTH, dtype=np.int32))
hidden = layers.Embedding(len(alphabet), WIDTH)(letters) + places
# What the few letters before make of the next one is learned at once, and attention does the rest.
hidden += layers.Conv1D(WIDTH, 6, padding="causal", activation="gelu")(hidden)
for _ in range(BLOCKS):
    hidden = Block()(hidden)
model = graphc.Model(letters, layers.Dense(len(alphabet))(layers.LayerNormalization()(hidden)))
steps = EPOCHS * -(-len(windows(train)[0]) // BATCH)
model.compile(
    graphc.optimizers.AdamW(graphc.optimizers.schedules.CosineDecay(3e-3, steps)),
    graphc.losses.SparseCategoricalCrossentropy(from_logits=True),
)
model.fit(*windows(train), batch_size=BATCH, epochs=EPOCHS, verbose=2)
bits = model.evaluate(*windows(test), batch_size=BATCH) / np.log(2)


def trigram_bits(train, test, weight=(0.65, 0.25, 0.09, 0.01)):
    """Bits per character of the model that knows the two letters before, smoothed."""
    counts = [defaultdict(Counter) for _ in range(3)]
    for order in range(3):
        for i in range(order, len(train)):
            counts[order][tuple(train[i - order : i])][train[i]] += 1
    total = 0.0
    for i in range(2, len(test)):
        chance = weight[3] / len(alphabet)
        for order, share in zip((2, 1, 0), weight, strict=False):
            seen = counts[order][tuple(test[i - order : i])]
            chance += share * seen[test[i]] / max(1, seen.total())
        total -= np.log2(chance)
    return total / (len(test) - 2)


print(f"held-out bits per character: Transformer {bits:.3f}, "
      f"three letters {trigram_bits(train.tolist(), test.tolist()):.3f}")  # fmt: skip
