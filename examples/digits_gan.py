"""A GAN learns to draw digits: two optimizers over two lists of variables, one step, one program.

Writes a grid of pictures as it learns (a plain PGM file, which any viewer opens), and lets a
convolutional network, trained on the real digits, say what the drawn ones are.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import graphc
from graphc import layers, ops

IS_SHORT = bool(os.environ.get("GRAPHC_EXAMPLE_SHORT"))
EPOCHS, ROUNDS = (1, 2) if IS_SHORT else (40, 8)
LATENT, CLASSES = 32, 10

images, labels = load_digits(return_X_y=True)
images = (images / 8 - 1).astype(np.float32)


class GAN(graphc.Model):
    """A generator of the digit that is asked for, and a discriminator of digit and drawing."""

    def __init__(self):
        super().__init__()
        self.generator = graphc.Sequential(
            [
                layers.Dense(256, activation="relu"),
                layers.BatchNormalization(),
                layers.Dense(256, activation="relu"),
                layers.BatchNormalization(),
                layers.Dense(64, activation="tanh"),
            ]
        )
        self.discriminator = graphc.Sequential(
            [
                layers.Dense(256, activation="leaky_relu"),
                layers.Dropout(0.3),
                layers.Dense(128, activation="leaky_relu"),
                layers.Dropout(0.3),
                layers.Dense(1),
            ]
        )
        self.judged = graphc.losses.BinaryCrossentropy(from_logits=True)

    def draw(self, digits, training=False):
        """Pictures of these digits, f32[batch, 64] from -1 to 1."""
        noise = graphc.random.normal([ops.shape(digits)[0], LATENT])
        wanted = ops.one_hot(digits, CLASSES)
        return self.generator(ops.concatenate([noise, wanted], axis=-1), training=training)

    def judge(self, pictures, digits, training=False):
        """Logits that pictures are real ones of these digits."""
        wanted = ops.one_hot(digits, CLASSES)
        both = ops.concatenate([pictures, wanted], axis=-1)
        return self.discriminator(both, training=training)

    def call(self, digits):
        return self.draw(digits)

    def compile(self, generator_optimizer, discriminator_optimizer):
        """One optimizer for each side."""
        super().compile(optimizer=generator_optimizer)
        self.discriminator_optimizer = discriminator_optimizer

    def train_step(self, data):
        real, digits, _ = data
        drawn = self.draw(digits, training=True)
        on_real = self.judge(real, digits, training=True)
        on_drawn = self.judge(ops.stop_gradient(drawn), digits, training=True)
        one, zero = ops.ones_like(on_real), ops.zeros_like(on_drawn)
        real_loss = self.judged(one * 0.9, on_real)
        discriminator_loss = real_loss + self.judged(zero, on_drawn)
        step = self.discriminator_optimizer.minimize(
            discriminator_loss, self.discriminator.trainable_variables
        )
        # The generator's turn: it meets the discriminator that has just learned.
        with graphc.control_dependencies([step]):
            on_drawn = self.judge(self.draw(digits, training=True), digits, training=True)
            generator_loss = self.judged(ops.ones_like(on_drawn), on_drawn)
            self.optimizer.minimize(generator_loss, self.generator.trainable_variables)
        return {"generator": generator_loss, "discriminator": discriminator_loss}


def write_grid(path, pictures, columns=10):
    """Pictures of 8×8 in rows, as a portable graymap."""
    tiles = np.pad(pictures.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)), constant_values=-1)
    grid = tiles.reshape(-1, columns, 10, 10).swapaxes(1, 2).reshape(-1, columns * 10)
    grey = np.clip((grid + 1) * 127.5, 0, 255).astype(np.uint8)
    path.write_bytes(b"P5 %d %d 255\n" % grey.shape[::-1] + grey.tobytes())


critic = graphc.Sequential(
    [
        graphc.Input((64,)),
        layers.Reshape((8, 8, 1)),
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(10, activation="softmax"),
    ]
)
critic.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
critic.fit(images[:1200], labels[:1200], epochs=2 if IS_SHORT else 30, verbose=0)
print(f"the critic knows {critic.evaluate(images[1200:], labels[1200:])[1]:.2%} of unseen digits")

gan = GAN()
rates = [graphc.optimizers.Adam(rate, beta_1=0.5) for rate in (5e-4, 3e-4)]
gan.compile(*rates)
wanted = np.repeat(np.arange(10), 10).astype(np.int32)
folder = Path(tempfile.mkdtemp(prefix="graphc-gan-"))
for number in range(ROUNDS):
    logs = gan.fit(images, labels, batch_size=64, epochs=EPOCHS, verbose=0).history
    drawn = gan.predict(wanted)
    write_grid(folder / f"digits-{number}.pgm", drawn)
    said = critic.predict(drawn)
    agree = (said.argmax(1) == wanted).mean()
    print(
        f"after {(number + 1) * EPOCHS:3d} epochs: generator {logs['generator'][-1]:.3f}, "
        f"discriminator {logs['discriminator'][-1]:.3f}, the critic agrees on {agree:.0%}, "
        f"mean confidence {said.max(1).mean():.2f}, digits seen {len(set(said.argmax(1)))}"
    )
print(f"pictures are in {folder}")
