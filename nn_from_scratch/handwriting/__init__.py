"""Pictures and drawings of a digit, made as MNIST was made, and what a network reads in them."""
