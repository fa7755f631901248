"""What tells one drawn cat from another: coat, colours, eyes, pose, and how they are drawn by lot.

The factors of image i follow from (seed, i) alone. `drawn.py` turns them into a picture.
"""

from numbers import Integral

import numpy as np

from tutorial_lib.errors import TutorialError

WHITE, BLACK, SMOKE = (250, 246, 240), (46, 43, 50), (116, 124, 140)
GINGER, CREAM, CHOCOLATE = (230, 145, 68), (243, 217, 178), (104, 72, 58)
CINNAMON, LILAC, SEAL = (190, 122, 82), (196, 180, 182), (78, 58, 52)
RUST, FAWN = (208, 130, 70), (212, 190, 166)

# Tabby and spotted cats: the ground, the marks, the pale chin.
AGOUTI = (
    ((190, 154, 114), (84, 62, 50), (240, 222, 196)),
    ((206, 207, 212), (92, 94, 104), (246, 246, 246)),
    ((240, 172, 98), (204, 112, 48), (253, 232, 206)),
    ((160, 164, 172), (82, 86, 98), (226, 226, 228)),
    ((246, 222, 186), (222, 178, 128), (254, 244, 228)),
)
# Coat -> palettes of three colours; what each colour is for stands with the coat's function.
PALETTES = {
    "solid": tuple((c, c, c) for c in (BLACK, SMOKE, GINGER, CREAM, WHITE, CHOCOLATE, LILAC)),
    "tabby": AGOUTI,
    "tabby-white": tuple((ground, mark, WHITE) for ground, mark, _ in AGOUTI),
    "spotted": (((222, 174, 110), (104, 66, 42), (250, 230, 200)), *AGOUTI[1:4]),
    "tuxedo": tuple((c, WHITE, WHITE) for c in (BLACK, BLACK, SMOKE, CHOCOLATE)),
    "bicolour": tuple((c, WHITE, WHITE) for c in (SMOKE, GINGER, CREAM, BLACK, LILAC, CINNAMON)),
    "van": tuple((WHITE, c, c) for c in (GINGER, BLACK, SMOKE, CREAM, CINNAMON)),
    "calico": ((WHITE, GINGER, BLACK), (WHITE, CREAM, SMOKE), (WHITE, CINNAMON, CHOCOLATE)),
    "tortoiseshell": ((BLACK, RUST, RUST), (SMOKE, FAWN, FAWN), (SEAL, CINNAMON, CINNAMON)),
    "colour-point": tuple(
        (body, point, point)
        for body, point in (
            ((244, 230, 208), SEAL),
            ((250, 240, 224), CHOCOLATE),
            ((236, 236, 238), SMOKE),
            ((252, 240, 222), GINGER),
            ((246, 240, 236), LILAC),
        )
    ),
}
COATS = tuple(PALETTES)
EYE_COLOURS = {
    "green": (138, 190, 92),
    "gold": (240, 190, 66),
    "copper": (222, 128, 48),
    "hazel": (182, 172, 78),
    "aqua": (96, 196, 182),
    "blue": (98, 172, 232),
}
BLUE = tuple(EYE_COLOURS).index("blue")
# Pairs for the two ends of the background's gradient.
BACKGROUNDS = (
    ((255, 224, 204), (248, 176, 164)),  # peach
    ((214, 238, 226), (136, 200, 184)),  # mint
    ((222, 216, 246), (164, 152, 220)),  # lavender
    ((208, 232, 250), (128, 178, 226)),  # sky
    ((255, 240, 196), (246, 202, 120)),  # butter
    ((252, 214, 226), (228, 148, 180)),  # rose
    ((178, 214, 214), (82, 142, 156)),  # teal
    ((198, 204, 232), (104, 112, 168)),  # dusk
    ((232, 226, 206), (176, 176, 138)),  # sage
)

# The same tables as arrays, in [0, 1]; a coat with fewer palettes than another repeats its own,
# so that every palette goes with every coat.
_MOST = max(map(len, PALETTES.values()))
COAT_COLOURS = np.array([np.resize(colours, (_MOST, 3, 3)) for colours in PALETTES.values()])
COAT_COLOURS = COAT_COLOURS.astype(np.float32) / 255
IRIS_COLOURS = np.array(list(EYE_COLOURS.values()), np.float32) / 255
BACKDROP_COLOURS = np.array(BACKGROUNDS, np.float32) / 255
FACTORS = np.dtype(
    [
        ("coat", "u1"),  # index into COATS
        ("palette", "u1"),  # index into PALETTES[name of the coat]
        ("warmth", "f4"),  # shift of the fur's colour, -0.03 (bluish) to 0.03 (reddish)
        ("brightness", "f4"),  # factor on the fur's colour, 0.92 to 1.04
        ("eye_colour", "u1"),  # index into EYE_COLOURS
        ("odd_eyes", "?"),  # the eye on the right of the picture is blue instead
        ("eye_size", "f4"),  # half the width of an eye, 0.23 to 0.29 of the head's half-width
        ("openness", "f4"),  # of the lids, 0 (closed) or 0.72 to 1 (wide open)
        ("lid", "f4"),  # where the lids meet: -0.5 smiling, 0.5 sleeping
        ("pupil", "f4"),  # width over height, 0.3 (slit) to 1 (round)
        ("gaze", "f4", (2,)),  # right and down, each -1 to 1; 0 is straight ahead
        ("ear_size", "f4"),  # length, 0.8 to 1.12
        ("ear_roundness", "f4"),  # of the tips, 0 (pointed) to 1 (round)
        ("ear_angle", "f4"),  # -0.1 (upright) to 0.28 (outward) radians
        ("folded", "?"),  # the ears are folded forward: short, and closed
        ("face_width", "f4"),  # 0.92 (narrow) to 1.08 (broad)
        ("fluff", "f4"),  # cheek fur, 0 (sleek) to 1 (fluffy)
        ("smile", "f4"),  # how far the corners of the mouth go up, 0 to 1
        ("tongue", "?"),  # the tip of the tongue shows
        ("tilt", "f4"),  # turn of the head, -0.35 to 0.35 radians, clockwise
        ("position", "f4", (2,)),  # middle of the head, near (0.5, 0.585) of the picture
        ("scale", "f4"),  # half the width of the head, 0.32 to 0.37 of the picture
        ("light", "f4", (2,)),  # towards the light: right -1 to 1, down -1 to -0.4 (from above)
        ("light_strength", "f4"),  # 0.15 (overcast) to 0.4 (sunny)
        ("background", "u1"),  # index into BACKGROUNDS
        ("background_turn", "f4", (2,)),  # slope of the background: right and down, -1 to 1
        ("pattern", "f4", (8,)),  # places and sizes of the coat's marks, each 0 to 1
    ],
    align=True,
)


MOST = 10_000_000  # cats drawn at once

# Of how many kinds each factor is that can be told from a picture; `visible_kinds` numbers them.
EYE_KINDS = (*EYE_COLOURS, "odd", "closed")
KINDS = {
    "coat": len(COATS),
    "eyes": len(EYE_KINDS),
    "ears": 2,  # upright, folded
    "tongue": 2,  # hidden, shown
    "background": len(BACKGROUNDS),
}


def draw_factors(count: int, *, seed: int = 0, start: int = 0) -> np.ndarray:
    """Draw the factors of cats `start` to `start + count - 1`; (count,) of type FACTORS.

    Raises TutorialError unless all are whole numbers and at least 0, and count at most `MOST`.
    """
    check_whole("count", count, 0, MOST)
    for name, value in (("seed", seed), ("start", start)):
        check_whole(name, value, 0, 2**62)
    f = np.zeros(count, FACTORS)
    number = _Uniforms(int(seed), int(start) + np.arange(count, dtype=np.uint64))
    _draw_fur(f, number)
    _draw_features(f, number)
    _draw_scene(f, number)
    return f


def _draw_fur(f: np.ndarray, number: "_Uniforms") -> None:
    """Draw the coat, its colours and its marks."""
    f["coat"] = number.index(len(COATS))
    f["palette"] = number.index(np.array([len(PALETTES[coat]) for coat in COATS])[f["coat"]])
    f["warmth"] = number.between(-0.03, 0.03)
    f["brightness"] = number.between(0.92, 1.04)
    for i in range(8):
        f["pattern"][:, i] = number.between(0, 1)
    fluff = number.between(0, 1)
    f["fluff"] = fluff * fluff


def _draw_features(f: np.ndarray, number: "_Uniforms") -> None:
    """Draw eyes, ears and mouth; pointed cats have blue eyes, and white ones sometimes odd ones."""
    eyes = number.index(len(EYE_COLOURS))
    f["eye_colour"] = np.where(f["coat"] == COATS.index("colour-point"), BLUE, eyes)
    white = (COAT_COLOURS[f["coat"], f["palette"], 0] > 0.9).all(axis=-1)
    f["odd_eyes"] = number.chance(0.15) & white & (f["eye_colour"] != BLUE)
    f["eye_size"] = number.between(0.235, 0.285)
    awake = number.between(0.72, 1)
    f["openness"] = np.where(number.chance(0.08), 0, awake)
    f["lid"] = np.where(number.chance(0.5), -0.5, 0.5)
    f["pupil"] = number.between(0.3, 1)
    f["ear_size"] = number.between(0.8, 1.12)
    f["ear_roundness"] = number.between(0, 1)
    f["ear_angle"] = number.between(-0.1, 0.28)
    f["folded"] = number.chance(0.06)
    f["face_width"] = number.between(0.92, 1.08)
    f["smile"] = number.between(0, 1)
    f["tongue"] = number.chance(0.08)


def _draw_scene(f: np.ndarray, number: "_Uniforms") -> None:
    """Draw the pose, the light and the background."""
    f["tilt"] = number.between(-0.175, 0.175) + number.between(-0.175, 0.175)
    f["scale"] = number.between(0.32, 0.37)
    f["light_strength"] = number.between(0.15, 0.4)
    f["background"] = number.index(len(BACKGROUNDS))
    for axis, middle in enumerate((0.5, 0.585)):
        f["position"][:, axis] = middle + number.between(-0.03, 0.03)
        f["gaze"][:, axis] = number.between(-1, 1)
        f["background_turn"][:, axis] = number.between(-1, 1)
        f["light"][:, axis] = number.between(-1, (1, -0.4)[axis])


def visible_kinds(factors: np.ndarray) -> dict[str, np.ndarray]:
    """Return which kind each cat is of, for every factor in KINDS, int64 (N,).

    `factors` is an array like the one that `draw_factors` returns. Closed eyes hide their colour.
    """
    eyes = np.where(factors["odd_eyes"], EYE_KINDS.index("odd"), factors["eye_colour"])
    kinds = {
        "coat": factors["coat"],
        "eyes": np.where(factors["openness"] == 0, EYE_KINDS.index("closed"), eyes),
        "ears": factors["folded"],
        "tongue": factors["tongue"],
        "background": factors["background"],
    }
    return {name: values.astype(np.int64) for name, values in kinds.items()}


class _Uniforms:
    """Random numbers by hashing (seed, image, how many were drawn before) with splitmix64.

    Counter-based: nothing depends on the other images of the batch (Steele et al. 2014).
    """

    def __init__(self, seed: int, images: np.ndarray):
        self.key = self._mix(self._mix(np.uint64(seed) + np.zeros_like(images)) + images)
        self.drawn = 0

    @staticmethod
    def _mix(bits: np.ndarray) -> np.ndarray:
        """Scramble 64 bits, so that neighbours have nothing in common."""
        bits = bits + np.uint64(0x9E3779B97F4A7C15)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return bits ^ (bits >> np.uint64(31))

    def between(self, low: float, high: float) -> np.ndarray:
        """Draw a number from [low, high) for every image."""
        self.drawn += 1
        bits = self._mix(self.key + np.uint64(self.drawn * 0xD1342543DE82EF95 % 2**64))
        return low + (high - low) * ((bits >> np.uint64(11)) * 2.0**-53)

    def chance(self, share: float) -> np.ndarray:
        """Draw True for this share of the images."""
        return self.between(0, 1) < share

    def index(self, length: int | np.ndarray) -> np.ndarray:
        """Draw a whole number from 0 to length - 1 for every image."""
        return (self.between(0, 1) * length).astype(np.int64)


def check_whole(name: str, value: int, low: int, high: int) -> None:
    """Raise `TutorialError` unless a value is a whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TutorialError(f"{name} must be a whole number, not {value!r}.")
    if not low <= value <= high:
        raise TutorialError(f"{name} must be from {low} to {high}, not {value}.")
