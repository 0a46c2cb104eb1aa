"""Networks from JSON to safetensors and back. `python -m nn_from_scratch.convert`; storage/ has the code."""
