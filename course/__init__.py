"""Build a neural network yourself, from an empty file: twelve chapters, with checks that run on your code.

In this order: chapters.py (the chapters), checking.py (how a check names a mistake), predictions.py (guess first),
graft.py (your classes inside the real thing), __main__.py (the commands).
"""
