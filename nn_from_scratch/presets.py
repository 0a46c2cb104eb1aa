"""Named recipes: data, no code.

Their numbers were chosen on the last 10,000 training images of MNIST, which were held out.
"""

from nn_from_scratch.data.dataset import Split
from nn_from_scratch.recipe import Recipe

DEFAULT_PRESET = "784-128-64-10"

DIGITS = tuple(range(10))

PRESETS: dict[str, Recipe] = {
    "784-10-10": Recipe(
        layers=("dense:10", "relu", "dense:10", "softmax"),
        loss="cross-entropy",
        optimizer="adam:weight-decay=0.05",
        learning_rate=0.004,
        schedule="one-cycle",
        batch_size=32,
        epochs=100,
        initializer="scaled-normal",
        input_shape=(784,),
        classes=DIGITS,
    ),
    "784-100-10": Recipe(
        layers=("dense:100", "sigmoid", "dense:10", "sigmoid"),
        loss="mean-squared-error",
        optimizer="adam:weight-decay=0.03",
        learning_rate=0.005,
        schedule="cosine",
        batch_size=64,
        epochs=30,
        initializer="glorot",
        input_shape=(784,),
        classes=DIGITS,
    ),
    "784-128-64-10": Recipe(
        layers=("dense:128", "relu", "dense:64", "relu", "dense:10", "softmax"),
        loss="cross-entropy",
        optimizer="adam:weight-decay=0.15",
        learning_rate=0.01,
        schedule="one-cycle",
        batch_size=192,
        epochs=18,
        initializer="normal:0.1",
        input_shape=(784,),
        classes=DIGITS,
    ),
    # 98 % in a second: a high rate for three epochs, and an Adam that forgets sooner, because there are only 705 steps.
    "784-128-64-10-fast": Recipe(
        layers=("dense:128", "relu", "dense:64", "relu", "dense:10", "softmax"),
        loss="cross-entropy",
        optimizer="adam:beta1=0.7:beta2=0.95:weight-decay=0.2",
        learning_rate=0.015,
        schedule="one-cycle:warmup=0.15",
        batch_size=256,
        epochs=3,
        initializer="normal:0.1",
        input_shape=(784,),
        classes=DIGITS,
    ),
    "784-128-64-10-sigmoid": Recipe(
        layers=("dense:128", "sigmoid", "dense:64", "sigmoid", "dense:10", "softmax"),
        loss="cross-entropy",
        optimizer="sgd:weight-decay=6e-05",
        learning_rate=0.1,
        schedule="cosine",
        batch_size=1,
        epochs=8,
        initializer="glorot",
        input_shape=(784,),
        classes=DIGITS,
    ),
    "784-196-1": Recipe(
        layers=("dense:196", "sigmoid", "dense:1", "sigmoid"),
        loss="binary-cross-entropy",
        optimizer="adam",
        learning_rate=0.04,
        schedule="one-cycle",
        batch_size=64,
        epochs=15,
        initializer="glorot",
        input_shape=(784,),
        classes=(1, 2),
    ),
    # The default network on images that are changed in a new way in every epoch.
    "784-128-64-10-augmented": Recipe(
        layers=("dense:128", "relu", "dense:64", "relu", "dense:10", "softmax"),
        loss="cross-entropy",
        optimizer="adam:weight-decay=0.02",
        learning_rate=0.006,
        schedule="one-cycle",
        batch_size=128,
        epochs=75,
        initializer="normal:0.1",
        input_shape=(784,),
        classes=DIGITS,
        augmentation=("affine:rotation=8:scale=0.08:shift=1", "elastic:strength=0.7"),
    ),
    "lenet": Recipe(
        layers=(
            *("conv2d:16:5", "max-pool2d", "relu"),
            *("conv2d:32:5", "max-pool2d", "relu"),
            *("flatten", "dense:64", "relu", "dense:10", "softmax"),
        ),
        loss="cross-entropy",
        optimizer="adam:weight-decay=0.02",
        learning_rate=0.006,
        schedule="one-cycle",
        batch_size=64,
        epochs=20,
        input_shape=(1, 28, 28),
        classes=DIGITS,
        augmentation=("affine:shift=1",),
    ),
    # 99 % in ten seconds: smaller kernels, no hidden Dense layer, and for two epochs an Adam with a short memory.
    "lenet-fast": Recipe(
        layers=(
            *("conv2d:12:5", "max-pool2d", "relu"),
            *("conv2d:32:3", "max-pool2d", "relu"),
            *("flatten", "dense:10", "softmax"),
        ),
        loss="cross-entropy",
        optimizer="adam:beta1=0.7:beta2=0.95",
        learning_rate=0.012,
        schedule="one-cycle",
        batch_size=64,
        epochs=2,
        input_shape=(1, 28, 28),
        classes=DIGITS,
    ),
    # No biases before a batch normalization, which would subtract them again.
    "cnn": Recipe(
        layers=(
            *("conv2d:24:3:padding=same:bias=false", "max-pool2d", "batch-norm", "relu"),
            *("conv2d:48:3:bias=false", "batch-norm", "relu"),
            *("conv2d:48:3:bias=false", "max-pool2d", "batch-norm", "relu"),
            *("conv2d:96:3:bias=false", "batch-norm", "relu"),
            *("flatten", "dropout:rate=0.3", "dense:10", "softmax"),
        ),
        loss="cross-entropy:smoothing=0.1",
        optimizer="adam:weight-decay=0.02",
        learning_rate=0.006,
        schedule="one-cycle",
        batch_size=64,
        epochs=24,
        input_shape=(1, 28, 28),
        classes=DIGITS,
        augmentation=("affine:shift=1",),
    ),
}

# For rows of numbers, such as measurements or points in a plane. The first layer gives each number the mean 0 and the
# deviation 1. A batch is the whole training set, so the layer uses the mean and deviation of this set, and the
# network's file stores them.
NUMBERS = Recipe(
    layers=("batch-norm", "dense:32", "relu", "dense:16", "relu", "dense:2", "softmax"),
    loss="cross-entropy",
    optimizer="adam",
    learning_rate=0.03,
    schedule="one-cycle",
    batch_size=None,
    epochs=100,
)

# For pictures of another size than MNIST's, or in colour. The padding is for small ones.
PICTURES = Recipe(
    layers=(
        *("conv2d:16:3:padding=same", "max-pool2d", "relu"),
        *("conv2d:32:3:padding=same", "max-pool2d", "relu"),
        *("flatten", "dense:2", "softmax"),
    ),
    loss="cross-entropy",
    optimizer="adam",
    learning_rate=0.005,
    schedule="one-cycle",
    batch_size=32,
    epochs=20,
)


def usual_recipe(split: Split) -> Recipe:
    """The recipe to use if no preset is named. NUMBERS and PICTURES take the shape and the classes of the data."""
    if split.images.ndim == 2:
        return NUMBERS
    return PRESETS[DEFAULT_PRESET] if split.sample_shape == (1, 28, 28) else PICTURES
