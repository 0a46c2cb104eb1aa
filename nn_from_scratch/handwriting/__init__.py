"""Pictures and drawings of a digit, made as MNIST was made, other pictures, and what a network reads in them."""
