"""Seven panels that follow a trained network through its test images: python -m nn_from_scratch.dashboard"""
