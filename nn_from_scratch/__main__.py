"""python -m nn_from_scratch: what there is to run."""

OVERVIEW = """\
nn_from_scratch: a neural network from scratch, in readable NumPy

  python -m nn_from_scratch.web        watch a network learn, in a browser
  python -m nn_from_scratch.dashboard  follow a trained network through its test images
  python -m nn_from_scratch.data       look at a data set
  python -m nn_from_scratch.export     save a network for other software, as ONNX
  python -m nn_from_scratch.convert    exchange networks with PyTorch, as safetensors

In a clone of its repository:

  python train.py                      train a network and save it
  python evaluate.py                   test a saved network, or let it read pictures
  python plot_weights.py               see what its layers have learnt
  python hyper-tune.py                 find a learning rate

Each explains itself with --help. In Python: import nn_from_scratch as nn; help(nn)"""

if __name__ == "__main__":
    print(OVERVIEW)
