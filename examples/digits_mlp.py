"""An MLP learns the handwritten digits of scikit-learn: dropout, and a rate that falls to zero."""

import os

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import graphc

EPOCHS = 3 if os.environ.get("GRAPHC_EXAMPLE_SHORT") else 60
BATCH = 32

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(
    (images / 16).astype(np.float32), labels, test_size=1 / 3, random_state=0, stratify=labels
)

x = graphc.placeholder("float32", [None, 64], name="x")
y = graphc.placeholder("int32", [None], name="y")
hidden = graphc.layers.Dense(256, activation="relu", name="hidden")
more = graphc.layers.Dense(128, activation="relu", name="more")
last = graphc.layers.Dense(10, name="last")


def network(inputs, dropout):
    """Logits of the images; the weights are shared between training and testing."""
    thinned = graphc.random.dropout(hidden(inputs), dropout)
    return last(graphc.random.dropout(more(thinned), dropout))


loss = graphc.losses.SparseCategoricalCrossentropy(from_logits=True)(y, network(x, 0.3))
rate = graphc.optimizers.schedules.CosineDecay(3e-3, decay_steps=EPOCHS * (len(train_x) // BATCH))
train = graphc.optimizers.Adam(rate).minimize(loss)
correct = graphc.ops.equal(graphc.ops.argmax(network(x, 0.0), axis=-1), y)
accuracy = graphc.ops.mean(graphc.ops.cast(correct, "float32"))

with graphc.Session(seed=0) as session:
    step = session.make_callable([train, loss], [x, y])
    generator = np.random.default_rng(0)
    for epoch in range(EPOCHS):
        order = generator.permutation(len(train_x))
        losses = [
            step(train_x[rows], train_y[rows])[1]
            for rows in np.array_split(order, len(order) // BATCH)
        ]
        if epoch % 10 == 0 or epoch == EPOCHS - 1:
            held_out = session.run(accuracy, {x: test_x, y: test_y})
            print(f"epoch {epoch:2d}  loss {np.mean(losses):.4f}  held-out {held_out:.2%}")
