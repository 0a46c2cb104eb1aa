"""What a convolution is, without any thought of speed: Conv2D must be equal to it.

`convolution` stands in docs/mathematics.md too, line by line.
"""

import numpy as np


def convolution(x, W, b, stride, padding):
    k = W.shape[-1]
    before, after = ((k - 1) // 2, k // 2) if padding == "same" else (0, 0)
    x = np.pad(x, [(0, 0), (0, 0), (before, after), (before, after)])
    rows, columns = ((pixels - k) // stride + 1 for pixels in x.shape[2:])
    y = np.empty((len(x), len(W), rows, columns))
    for n in range(len(x)):
        for f in range(len(W)):
            for h in range(rows):
                for w in range(columns):
                    seen = x[n, :, stride * h : stride * h + k, stride * w : stride * w + k]
                    y[n, f, h, w] = b[f] + (W[f] * seen).sum()
    return y


def gradients(x, W, dy, stride, padding):
    """dW, db and dx: what each output is made of is told by the same loops, and gets its share of dy."""
    k = W.shape[-1]
    before, after = ((k - 1) // 2, k // 2) if padding == "same" else (0, 0)
    wide = np.pad(x, [(0, 0), (0, 0), (before, after), (before, after)])
    dW, db, dwide = np.zeros_like(W), np.zeros(len(W)), np.zeros_like(wide)
    for n, f, h, w in np.ndindex(dy.shape):
        place = (n, slice(None), slice(stride * h, stride * h + k), slice(stride * w, stride * w + k))
        dW[f] += dy[n, f, h, w] * wide[place]
        db[f] += dy[n, f, h, w]
        dwide[place] += dy[n, f, h, w] * W[f]
    rows, columns = x.shape[2:]
    return dW, db, dwide[:, :, before : before + rows, before : before + columns]
