"""Export of networks for other software. `python -m nn_from_scratch.export`; onnx_model.py makes the file."""
