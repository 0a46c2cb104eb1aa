"""Pictures of a digit, prepared like MNIST's, other pictures, and a network's answers to them."""
