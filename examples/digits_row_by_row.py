"""An LSTM and a GRU read scikit-learn's digits row by row: eight steps of eight pixels."""

import os

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import graphc
from graphc import layers

EPOCHS = 2 if os.environ.get("GRAPHC_EXAMPLE_SHORT") else 60

images, labels = load_digits(return_X_y=True)
rows = (images / 16).astype(np.float32).reshape(-1, 8, 8)
train_x, test_x, train_y, test_y = train_test_split(
    rows, labels, test_size=1 / 3, random_state=0, stratify=labels
)

for layer in (layers.LSTM, layers.GRU):
    model = graphc.Sequential(
        [
            graphc.Input((8, 8)),
            layer(64, return_sequences=True),
            layer(64),
            layers.Dropout(0.3),
            layers.Dense(10, activation="softmax"),
        ]
    )
    schedule = graphc.optimizers.schedules.CosineDecay(4e-3, EPOCHS * -(-len(train_x) // 32))
    model.compile(
        graphc.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    history = model.fit(train_x, train_y, epochs=EPOCHS, verbose=0)
    loss, accuracy = model.evaluate(test_x, test_y)
    last = history.history["loss"][-1]
    print(f"{layer.__name__}: training loss {last:.4f}, held-out accuracy {accuracy:.2%}")
