"""Inspection of a trained network: its answers, the outputs of its layers, its parameters, its gradients."""
