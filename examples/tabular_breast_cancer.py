"""An MLP on scikit-learn's breast cancer table: scaled columns, early end, weights of classes."""

import os

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import train_test_split

import graphc
from graphc import layers

EPOCHS = 3 if os.environ.get("GRAPHC_EXAMPLE_SHORT") else 200

table, labels = load_breast_cancer(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(
    table.astype(np.float32), labels, test_size=1 / 3, random_state=0, stratify=labels
)

scaling = layers.Normalization()
scaling.adapt(train_x)
model = graphc.Sequential(
    [
        graphc.Input((table.shape[1],)),
        scaling,
        layers.Dense(32, activation="relu", kernel_regularizer="l2"),
        layers.Dropout(0.2),
        layers.Dense(1, activation="sigmoid"),
    ]
)
model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
history = model.fit(
    train_x, train_y, epochs=EPOCHS, validation_split=0.2, verbose=0, class_weight={0: 1.5, 1: 1.0}
)
loss, accuracy = model.evaluate(test_x, test_y)
print(f"{len(history.epoch)} epochs, held-out accuracy {accuracy:.2%}")
