import numpy as np


def conv_forward(x, W, b):
    N, _, rows, columns = x.shape
    filters, _, k, _ = W.shape
    y = np.zeros((N, filters, rows - k + 1, columns - k + 1))
    for n in range(N):
        for f in range(filters):
            for h in range(rows - k + 1):
                for w in range(columns - k + 1):
                    y[n, f, h, w] = b[f] + (W[f] * x[n, :, h : h + k, w : w + k]).sum()
    return y
