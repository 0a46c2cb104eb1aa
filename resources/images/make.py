"""Make the pictures of the README anew, each with the command that a reader would type.

    python resources/images/make.py              all of them, in about two minutes
    python resources/images/make.py mistakes     those whose names begin so

The picture of the live page takes a browser; what makes it is told. That of the benchmarks is drawn from results that
are on record.
"""

import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

IMAGES = Path(__file__).parent
ROOT = IMAGES.parent.parent
DEFAULT = "--weights resources/pretrained/784-128-64-10.json --data mnist"
# What is made, and the command that makes it in the directory OUT.
COMMANDS = {
    "first_layer_weights layer_2_weights layer_3_weights weight_histograms": (
        "plot_weights.py --weights resources/pretrained/784-128-64-10.json --data mnist --output-dir OUT"
    ),
    "feature_maps": (
        "plot_weights.py --weights resources/pretrained/lenet.json --data mnist --example 4 --output-dir OUT"
    ),
    "convolution_in_memory": "-m resources.images.convolution_in_memory OUT/convolution_in_memory.png",
    "confusion_matrix mistakes calibration": f"evaluate.py {DEFAULT} --figure OUT/confusion_matrix.png --errors OUT",
    "handwriting": (
        "evaluate.py --weights resources/pretrained/784-128-64-10.json --figure OUT/handwriting.png --image "
        "resources/handwriting/two.png resources/handwriting/three.jpg resources/handwriting/five.png "
        "resources/handwriting/seven.png resources/handwriting/eight.png"
    ),
    "learning_rates": (
        "hyper-tune.py --data mnist --optimizer sgd --learning-rates 0.001 0.01 0.1 0.5 2 10 --epochs 2 "
        "--output OUT/learning_rates"
    ),
    "data": "-m nn_from_scratch.data --data mnist --save OUT/data.png",
    "augmentation": "-m nn_from_scratch.data --data mnist --augment affine elastic --save OUT/augmentation.png",
    "benchmark_scaling": "-m benchmarks.scaling OUT/benchmark_scaling.png",
    "dashboard": f"-m nn_from_scratch.dashboard {DEFAULT} --start 247 --save OUT/dashboard.png",
}
ELSEWHERE = {
    "live_page": "NN_FROM_SCRATCH_SCREENSHOT=1 pytest tests/web/browser/test_screenshot.py",
}


def main() -> None:
    for names, command in COMMANDS.items():
        wanted = [name for name in names.split() if name.startswith(tuple(sys.argv[1:]) or "")]
        if not wanted:
            continue
        with tempfile.TemporaryDirectory() as out:
            subprocess.run([sys.executable, *shlex.split(command.replace("OUT", out))], cwd=ROOT, check=True)
            for name in wanted:
                shutil.copyfile(f"{out}/{name}.png", IMAGES / f"{name}.png")
    for name, command in ELSEWHERE.items():
        print(f"{name}.png: {command}")


if __name__ == "__main__":
    main()
