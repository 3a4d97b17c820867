"""A convolutional network learns scikit-learn's digits as 8×8 images; a third is held out."""

import os

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import graphc
from graphc import layers

EPOCHS = 2 if os.environ.get("GRAPHC_EXAMPLE_SHORT") else 40

images, labels = load_digits(return_X_y=True)
images = (images / 16).astype(np.float32).reshape(-1, 8, 8, 1)
train_x, test_x, train_y, test_y = train_test_split(
    images, labels, test_size=1 / 3, random_state=0, stratify=labels
)

model = graphc.Sequential(
    [
        graphc.Input((8, 8, 1)),
        layers.Conv2D(16, 3, padding="same", activation="relu"),
        layers.BatchNormalization(),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Dropout(0.3),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.BatchNormalization(),
        layers.GlobalAveragePooling2D(),
        layers.Dropout(0.3),
        layers.Dense(10, activation="softmax"),
    ]
)
model.summary()
schedule = graphc.optimizers.schedules.CosineDecay(2e-3, EPOCHS * -(-len(train_x) // 32))
model.compile(
    graphc.optimizers.Adam(schedule), "sparse_categorical_crossentropy", metrics=["accuracy"]
)
model.fit(train_x, train_y, epochs=EPOCHS, verbose=2, validation_data=(test_x, test_y),
          validation_freq=10)  # fmt: skip
loss, accuracy = model.evaluate(test_x, test_y)
print(f"held-out loss {loss:.4f}, accuracy {accuracy:.2%}")
