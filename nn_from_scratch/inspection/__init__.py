"""Looking at a trained network: its answers, what goes on inside it, its parameters, its gradients."""
