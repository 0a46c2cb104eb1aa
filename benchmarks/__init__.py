"""How fast the package is, always beside something else doing the same work in the same minute.

An absolute time says as much about the machine as about the code, so everything here is a comparison: with PyTorch,
JAX and scikit-learn, and with the floor, the matrix products that no implementation can do without. `python -m
benchmarks` runs it; read timing.py first, then ours.py beside pytorch.py and jax_jit.py, then any of the measurements.
"""
