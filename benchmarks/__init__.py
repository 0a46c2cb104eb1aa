"""The speed of the package, always compared with something else that does the same work in the same minute.

An absolute time says as much about the machine as about the code. So everything here is a comparison: with PyTorch, JAX
and scikit-learn, and with the floor, the matrix products that every implementation has to compute. `python -m
benchmarks` runs it; read timing.py first, then ours.py beside pytorch.py and jax_jit.py, then any of the measurements.
"""
