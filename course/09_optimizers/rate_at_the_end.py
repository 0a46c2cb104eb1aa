"""A rate that ends at 0, against a constant one: `python -m course.09_optimizers.rate_at_the_end`."""

import nn_from_scratch as nn

data = nn.load_dataset("digits")
for schedule in (nn.Constant, nn.Cosine):
    network = nn.Network([nn.Dense(32), nn.ReLU(), nn.Dense(10), nn.Softmax()], (784,), seed=0)
    batches = nn.Batches(data.train, 8, (784,), outputs=10, seed=0)
    rates = schedule(0.3, 10 * len(batches))
    losses = [result.loss for result in nn.fit(network, nn.CrossEntropy(), nn.SGD(), rates, batches, epochs=10)]
    print(f"{schedule.__name__.lower()}: training loss {losses[-1]:.4f} after ten epochs")
