import numpy as np
from my_nn.neuron import weighted_sum


def slope(f, x, h=1e-5):
    return (f(x + h) - f(x - h)) / (2 * h)


def gradient(f, x, h=1e-5):
    result = np.zeros(x.shape)
    for place in np.ndindex(x.shape):
        old = x[place]
        x[place] = old + h
        up = f(x)
        x[place] = old - h
        down = f(x)
        x[place] = old
        result[place] = (up - down) / (2 * h)
    return result


def chain(steps, x):
    s = 1
    for f, df in steps:
        s = s * df(x)
        x = f(x)
    return x, s


def neuron_slopes(examples, w, b):
    dw = [0] * len(w)
    db = 0
    for x, t in examples:
        e = 2 * (weighted_sum(x, w, b) - t) / len(examples)
        for i in range(len(w)):
            dw[i] += e * x[i]
        db += e
    return dw, db


def descend(examples, w, b, rate, steps):
    w = list(w)
    for _ in range(steps):
        dw, db = neuron_slopes(examples, w, b)
        for i in range(len(w)):
            w[i] -= rate * dw[i]
        b -= rate * db
    return w, b
