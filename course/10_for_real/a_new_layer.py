"""Your own layer in the package's network: `python -m course.10_for_real.a_new_layer`."""

import nn_from_scratch as nn
from course.checking import own_layers

data = nn.load_dataset("digits")
for kind in own_layers():
    network = nn.Network([nn.Dense(32), kind(), nn.Dense(10), nn.Softmax()], (784,), seed=0)
    batches = nn.Batches(data.train, 32, (784,), outputs=10, seed=0)
    for _ in nn.fit(network, nn.CrossEntropy(), nn.Adam(), nn.Constant(0.005), batches, epochs=5):
        pass
    print(f"{kind.__name__} learns: {nn.evaluate(network, nn.CrossEntropy(), data.test)[1]:.1%} of the test images")
