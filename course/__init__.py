"""Build a neural network yourself, from an empty file: twelve chapters, whose checks run on what you write.

In this order: chapters.py (what there is), checking.py (how a check says what is wrong), predictions.py (guess first),
graft.py (your classes inside the real thing), __main__.py (the commands).
"""
