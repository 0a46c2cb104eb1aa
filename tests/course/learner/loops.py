import numpy as np


def dense_forward(x, W, b):
    N, inputs = x.shape
    units = W.shape[0]
    y = np.zeros((N, units))
    for n in range(N):
        for u in range(units):
            y[n, u] = b[u]
            for i in range(inputs):
                y[n, u] += W[u, i] * x[n, i]
    return y


def dense_backward(x, W, dy):
    dW = np.zeros_like(W)
    db = np.zeros(len(W))
    dx = np.zeros_like(x)
    for n in range(len(x)):
        for u in range(len(W)):
            db[u] += dy[n, u]
            for i in range(x.shape[1]):
                dW[u, i] += dy[n, u] * x[n, i]
                dx[n, i] += dy[n, u] * W[u, i]
    return dW, db, dx
