"""A recipe at work: one training and its checkpoint, and the search for a learning rate."""
