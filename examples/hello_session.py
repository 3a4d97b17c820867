"""A session says hello, lists its devices, and trains a small network for one step."""

import numpy as np

import graphc

generator = np.random.default_rng(0)
x = generator.random((32, 784), dtype=np.float32)
y = generator.integers(0, 10, 32)

message = graphc.constant("Hello World")
with graphc.Session() as session:
    session.run(message)
    print(message.eval())
    for device in session.list_devices():
        print(device)

    images = graphc.placeholder("float32", [None, 784], name="images")
    labels = graphc.placeholder("int32", [None], name="labels")
    logits = graphc.layers.Dense(10)(graphc.layers.Dense(128, activation="relu")(images))
    loss = graphc.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
    train = graphc.optimizers.Adam(1e-3).minimize(loss)
    _, value = session.run([train, loss], feed_dict={images: x, labels: y})
    print(session.dump([train, loss], stage="fused"))
    print("loss of the first step:", value)
