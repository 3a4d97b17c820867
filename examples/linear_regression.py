"""A line through noisy points, with placeholders and variables alone: no layers, no optimizer.

The gradient is asked for by name, and the update is written by hand.
"""

import os

import numpy as np

import graphc as tf

SHORT = bool(os.environ.get("GRAPHC_EXAMPLE_SHORT"))

generator = np.random.default_rng(0)
points = generator.uniform(-1, 1, 200).astype(np.float32)
values = 3.0 * points - 0.5 + generator.normal(0, 0.05, 200).astype(np.float32)

x = tf.placeholder(tf.float32, [None], name="x")
y = tf.placeholder(tf.float32, [None], name="y")
slope = tf.Variable(0.0, name="slope")
offset = tf.Variable(0.0, name="offset")

error = slope * x + offset - y
loss = tf.ops.mean(error * error)
slope_gradient, offset_gradient = tf.gradients(loss, [slope, offset])
step = tf.group(slope.assign_sub(0.3 * slope_gradient), offset.assign_sub(0.3 * offset_gradient))

with tf.Session() as session:
    for round_number in range(20 if SHORT else 200):
        _, value = session.run([step, loss], {x: points, y: values})
        if round_number % 20 == 0:
            print(f"step {round_number:3d}  loss {value:.5f}")
    print(
        "slope {:.3f}, offset {:.3f} (3 and -0.5 plus noise)".format(*session.run([slope, offset]))
    )
