"""Pictures and drawings of a digit, prepared like MNIST's, and a network's answers to them."""
