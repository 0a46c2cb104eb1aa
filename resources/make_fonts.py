"""Make the live page's typeface: DejaVu Sans, as all figures have it, cut down to the signs that it needs.

    python resources/make_fonts.py

Matplotlib brings the typeface and fontTools along, but not brotli, which WOFF2 takes: pip install brotli. The license
stands beside what is made.
"""

import shutil
from pathlib import Path

import matplotlib
from fontTools import subset

SOURCE = Path(matplotlib.get_data_path()) / "fonts/ttf"
STATIC = Path(__file__).parent.parent / "nn_from_scratch/web/static"
LATIN = [*range(0x20, 0x7F), *range(0xA0, 0x100)]
SIGNS = "ΓΔΣβγδημσ‖–—’“”…→←↑↓↻∂−×÷≈≤≥√∞✓✗⁻⁰¹²³⁴⁵⁶⁷⁸⁹₀₁₂₃′"


def main() -> None:
    options = subset.Options(flavor="woff2", hinting=False, layout_features=["kern"], drop_tables=["FFTM"])
    for name, made in (("DejaVuSans.ttf", "regular.woff2"), ("DejaVuSans-Bold.ttf", "bold.woff2")):
        font = subset.load_font(str(SOURCE / name), options)
        subsetter = subset.Subsetter(options)
        subsetter.populate(unicodes=[*LATIN, *map(ord, SIGNS)])
        subsetter.subset(font)
        subset.save_font(font, str(STATIC / made), options)
    shutil.copy(SOURCE / "LICENSE_DEJAVU", STATIC / "fonts_license.txt")


if __name__ == "__main__":
    main()
