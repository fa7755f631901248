"""Write the font of the site's formulas: the signs of Latin Modern Math that a book like this uses.

Usage, from the project's root, where a formula needs a sign that is not among them (a test of the
site says which; add it to `SIGNS` first):

    python scripts/make_math_font.py [PATH OF latinmodern-math.otf]

Debian's and Ubuntu's package fonts-lmodern has the whole font, 734 kB; TeX Live has it too. Its
licence, GUST's, lies beside the result. Needs fonttools[woff].
"""

import sys
from pathlib import Path

from fontTools import subset

SOURCE = "/usr/share/texmf/fonts/opentype/public/lm-math/latinmodern-math.otf"
TARGET = Path(__file__).resolve().parent.parent / "book" / "_static" / "fonts" / "math.woff2"
PRIME = ord("′")
RANGES = (
    (0x0020, 0x007E),  # what a keyboard has
    (0x0391, 0x03C9),  # Greek
    (0x1D400, 0x1D433),  # bold, upright
    (0x1D434, 0x1D467),  # italic
    (0x1D49C, 0x1D4B5),  # script capitals
    (0x1D538, 0x1D551),  # blackboard capitals
    (0x1D6E2, 0x1D71B),  # italic Greek
    (0x1D7CE, 0x1D7D9),  # bold digits and the blackboard 1
)
SIGNS = (
    "\N{NO-BREAK SPACE}\N{FUNCTION APPLICATION}\N{INVISIBLE TIMES}"
    "ϑϕϱϵℂℍℕℙℚℝℤℬℰℱℋℐℒℳℛℎℓℑℜℵ"
    "¬¯°±·×÷ˆˇ˘˙˜‖‘’“”…′←↑→↓↔↦⇐⇒⇔⟵⟶⟹⟺"
    "∀∂∃∅∆∇∈∉∋∏∑−∓∗∘√∝∞∠∣∤∥∧∨∩∪∫∬∮∴∼≃≅≈≔≠≡≢≤≥≪≫≺≻⊂⊃⊆⊇⊕⊖⊗⊙⊤⊥⋅⋆⋮⋯⋱⌈⌉⌊⌋⏞⏟⟦⟧⟨⟩"
)


def raise_prime(font) -> None:
    """Let the prime be the font's sign for a superscript: the other is raised and small already."""
    table = font["GSUB"].table
    lookups = {
        index
        for record in table.FeatureList.FeatureRecord
        if record.FeatureTag == "ssty"
        for index in record.Feature.LookupListIndex
    }
    parts = [part for index in lookups for part in table.LookupList.Lookup[index].SubTable]
    plain = font.getBestCmap()[PRIME]
    raised = next(part.alternates[plain][0] for part in parts if plain in part.alternates)
    for encoding in font["cmap"].tables:
        encoding.cmap[PRIME] = raised


def make_math_font(source: str = SOURCE, target: Path = TARGET) -> None:
    """Write the signs of `source` that formulas use to `target`, as woff2."""
    options = subset.Options(flavor="woff2", layout_features=[], drop_tables=["FFTM"])
    font = subset.load_font(source, options)
    raise_prime(font)
    subsetter = subset.Subsetter(options)
    numbers = {ord(sign) for sign in SIGNS}
    numbers |= {number for first, last in RANGES for number in range(first, last + 1)}
    subsetter.populate(unicodes=numbers)
    subsetter.subset(font)
    subset.save_font(font, target, options)


if __name__ == "__main__":
    try:
        make_math_font(*sys.argv[1:2])
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} does not exist: install fonts-lmodern, or name the font.")
    print(f"{TARGET}: {TARGET.stat().st_size / 1000:.0f} kB")
