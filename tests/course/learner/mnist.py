from my_nn.activations import ReLU, Softmax
from my_nn.batches import Batches
from my_nn.dense import Dense
from my_nn.losses import CrossEntropy
from my_nn.network import Network
from my_nn.optimizers import Adam
from my_nn.schedules import Cosine
from my_nn.training import fit


def train(data):
    network = Network([Dense(128), ReLU(), Dense(64), ReLU(), Dense(10), Softmax()], (784,), 0)
    batches = Batches(data.train, 128, (784,), 10, 0)
    epochs = 8 if len(data.train.images) > 10_000 else 40
    schedule = Cosine(0.004, epochs * len(batches))
    list(fit(network, CrossEntropy(), Adam(weight_decay=0.1), schedule, batches, epochs))
    return network
