"""The parts of a drawn cat: shapes with soft edges, the face, and its coats (see `drawn.py`).

A shape is a signed distance: negative inside, positive outside. Everything is built from +, -, *,
/, sqrt, min, max and rounding: these have one right result, so that a cat has the same bits however
it is batched (the vectorised sin and exp of a processor need not).

Face coordinates: the origin is the middle of the head, x points right, y points down, and the head
is about 2 wide. Most parts are symmetric and drawn once, in side = |x|. Arrays are (n, H, W), one
entry a pixel, or (n, 1, 1), one a cat; colours are (n, 3, H, W) or (n, 3, 1, 1), sRGB in [0, 1].
"""

from copy import copy

import numpy as np


def smoothstep(t: np.ndarray) -> np.ndarray:
    """Ease from 0 (t <= 0) to 1 (t >= 1) with no corner at either end."""
    t = np.clip(t, 0.0, 1.0)
    eased = t * -2.0
    eased += 3.0
    eased *= t
    eased *= t
    return eased


def cover(distance: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Turn a signed distance into coverage in [0, 1], with an edge about `width` wide."""
    t = distance * (-1.0 / (1.5 * width))
    t += 0.5
    return smoothstep(t)


def line_cover(distance: np.ndarray, half_width: np.ndarray, pixel: np.ndarray) -> np.ndarray:
    """Give the share of a pixel that a line covers; a line thinner than a pixel turns faint."""
    # The overlap of the line with a pixel, both taken across the line. 1.2 softens it a little.
    overlap = half_width + 0.6 * pixel - np.abs(distance)
    overlap = np.minimum(overlap, np.minimum(2.0 * half_width, 1.2 * pixel))
    return np.maximum(overlap, 0.0) * (1.0 / (1.2 * pixel))


def ellipse(x: np.ndarray, y: np.ndarray, rx: np.ndarray, ry: np.ndarray) -> np.ndarray:
    """Approximate the signed distance to an ellipse at the origin: right near its edge."""
    fx, fy = 1.0 / (rx * rx), 1.0 / (ry * ry)
    u, v = x * x * fx, y * y * fy
    # Value over slope, the distance to first order; the small number keeps the middle finite.
    return (u + v - 1.0) / np.sqrt(u * (4.0 * fx) + v * (4.0 * fy) + 1e-5)


def streak(
    u: np.ndarray, v: np.ndarray, start: float, end: float, bend: tuple, half_width: np.ndarray
) -> np.ndarray:
    """Measure the distance to a tapered stripe along v whose middle is u = a + b t + c t².

    Here t runs from 0 at v = start to 1 at v = end, and bend is (a, b, c). The stripe is
    half_width wide at t = 1/2 and pointed at both ends; past them the distance keeps growing.
    """
    t = (v - start) / (end - start)
    a, b, c = bend
    middle = a + t * (b + c * t)
    outward = (2.0 * t - 1.0) * (2.0 * t - 1.0)
    return np.abs(u - middle) - half_width * (1.0 - outward * outward)


def smooth_union(a: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    """Join two shapes and fill the crease between them with the given radius."""
    crease = np.maximum(radius - np.abs(a - b), 0.0)
    return np.minimum(a, b) - crease * crease * (0.25 / radius)


def smooth_intersection(a: np.ndarray, b: np.ndarray, radius: float | np.ndarray) -> np.ndarray:
    """Intersect two shapes and round the corner with the given radius."""
    corner = np.maximum(radius - np.abs(a - b), 0.0)
    return np.maximum(a, b) + corner * corner * (0.25 / radius)


def wave(t: np.ndarray) -> np.ndarray:
    """Approximate sin(2 pi t) by parabolas, within 6 %."""
    p = t - np.rint(t)
    return 8.0 * p * (1.0 - 2.0 * np.abs(p))


class Face:
    """The face coordinates of every pixel, the factors, and the picture so far.

    factors is a structured array (n,); coat (n, 3, 3), iris (n, 2, 3) and backdrop (n, 2, 3) are
    the colours that they stand for.
    """

    def __init__(
        self,
        factors: np.ndarray,
        size: int,
        coat: np.ndarray,
        iris: np.ndarray,
        backdrop: np.ndarray,
    ):
        self.factors, self.size = factors, size
        self.coat, self.iris, self.backdrop = (
            np.moveaxis(colours, 1, 0)[..., None, None] for colours in (coat, iris, backdrop)
        )
        grid = (np.arange(size, dtype=np.float32) + 0.5) / size
        self.across, self.down = grid[None, None, :], grid[None, :, None]
        tilt, scale = self["tilt"], self["scale"]
        half = tilt * (0.5 + tilt * tilt / 24.0)  # tan(tilt / 2) to 1e-4; avoids sin and cos
        self.cos = (1.0 - half * half) / (1.0 + half * half)
        self.sin = 2.0 * half / (1.0 + half * half)
        right = (self.across - self["position"][0]) / scale
        below = (self.down - self["position"][1]) / scale
        self.x = right * self.cos + below * self.sin
        self.y = below * self.cos - right * self.sin
        self.side = np.abs(self.x)
        self.pixel = np.float32(1 / size) / scale
        self.edge = np.maximum(self.pixel, 0.03)  # marks in fur are never sharper than this
        self.canvas = np.empty((len(factors), 4, size, size), np.float32)
        self.picture, self.alpha = self.canvas[:, :3], self.canvas[:, 3]

    def __getitem__(self, name: str) -> np.ndarray:
        """Give a factor as (n, 1, 1), or with its last axis first as (k, n, 1, 1)."""
        return self.factors[name].T[..., None, None]

    def paint(self, colour: np.ndarray, opacity: np.ndarray) -> None:
        """Lay a colour over the picture where opacity, (n, H, W), is not 0."""
        step = colour - self.picture
        step *= opacity[:, None]
        self.picture += step

    def window(self, left: float, right: float, top: float, bottom: float) -> "Face":
        """View the pixels around a box of the face, so that a small part costs little time."""
        x = np.array([left, left, right, right], np.float32)[:, None, None, None]
        y = np.array([top, bottom, top, bottom], np.float32)[:, None, None, None]
        across = self["position"][0] + self["scale"] * (x * self.cos - y * self.sin)
        down = self["position"][1] + self["scale"] * (x * self.sin + y * self.cos)
        rows, columns = (
            slice(max(0, int(at.min() * self.size) - 1), max(0, int(at.max() * self.size) + 2))
            for at in (down, across)
        )
        part = copy(self)
        for name in ("x", "y", "side", "head", "ears", "alpha", "picture"):
            setattr(part, name, getattr(self, name)[..., rows, columns])
        return part


def rgb(red: int, green: int, blue: int) -> np.ndarray:
    """Make a colour, each channel 0 to 255, that broadcasts over (n, 3, H, W)."""
    return (np.array([red, green, blue], np.float32) / 255).reshape(1, 3, 1, 1)


def draw_outline(face: Face) -> None:
    """Find the shapes of head and ears, and the alpha that they make together."""
    face.head = _head(face)
    roundness = np.where(face["folded"], np.float32(1.5), face["ear_roundness"])
    face.ears = _leaf(*_ear_axes(face), 0.46, roundness)
    face.alpha[:] = cover(np.minimum(face.head, face.ears), face.pixel)


def _head(face: Face) -> np.ndarray:
    """Join a round skull, full cheeks, and tufts of fur on the cheeks."""
    width, fluff = face["face_width"], face["fluff"]
    skull = ellipse(face.x, face.y + 0.14, 0.85 * width, 0.68)
    cheeks = ellipse(face.x, face.y - 0.18, 0.95 * width, 0.56)
    head = smooth_union(skull, cheeks, 0.3)
    for height, reach in ((0.24, 0.97), (0.41, 0.94), (0.56, 0.84)):
        tip = (reach + 0.14 * fluff) * width
        above = height - face.y
        flare = face.side - tip + above * (0.32 + 0.80 * above)
        tuft = np.maximum(flare, (0.4 * (tip - face.side) - above) * 0.93)
        head = smooth_union(head, tuft, 0.05)
    return head


def _ear_axes(face: Face) -> tuple[np.ndarray, np.ndarray]:
    """Turn to the ear's own axes: u across it, v from its base (0) to its tip (-1)."""
    folded = face["folded"]
    size = face["ear_size"] * np.where(folded, np.float32(0.7), np.float32(1))
    lean = 0.36 + face["ear_angle"] + np.where(folded, np.float32(0.25), np.float32(0))
    u, v = face.side - 0.50 * face["face_width"], face.y + 0.42
    return (u + lean * v) / size, (v - lean * u) / size


def _leaf(u: np.ndarray, v: np.ndarray, half: float, roundness: np.ndarray) -> np.ndarray:
    """Bound a leaf by two arcs that meet at its tip, (0, -0.95)."""
    middle = 2.0 * v + 0.9
    edge = half * (v / 0.95 + 1.0) + 0.16 * (1.0 - middle * middle)
    return smooth_intersection((u - edge) * 0.9, (-u - edge) * 0.9, 0.03 + 0.22 * roundness)


def draw_inner_ears(face: Face) -> None:
    """Paint the pink inside of the ears; the fur of the head hides their lower ends."""
    u, v = _ear_axes(face)
    inside = _leaf(u * 1.55, (v - 0.03) * 1.3, 0.42, np.float32(0.3))
    opacity = cover(inside, np.maximum(face.pixel, 0.05)) * smoothstep(face.head / 0.16 + 0.1)
    pink = 0.7 * rgb(248, 178, 172) + 0.3 * face.coat[0]
    face.paint(pink, 0.9 * opacity * ~face["folded"])


def draw_light(face: Face) -> None:
    """Shade the fur as if the head were a ball: bright towards the light, dim at the rim."""
    strength, towards = face["light_strength"], face["light"]
    x, y = face.x - 0.35 * towards[0], face.y - 0.35 * towards[1]
    ball = 0.32 - 0.46 * (x * x + y * y)
    crease = smoothstep(1.0 - face.head / 0.14) * (face.head > 0)
    shade = 1.0 + strength * ball - 0.1 * crease
    face.picture *= shade[:, None]


def draw_muzzle(face: Face) -> None:
    """Raise two soft pads beside the nose, with a faint blush on the cheeks."""
    pads = ellipse(face.side - 0.15, face.y - 0.45, 0.2, 0.16)
    face.paint(rgb(255, 250, 244), 0.16 * cover(pads, np.float32(0.12)))
    blush = ellipse(face.side - 0.66, face.y - 0.32, 0.15, 0.10)
    pale = 0.3 * face.coat[0][:, 1]
    face.paint(rgb(246, 130, 120), pale * cover(blush, np.float32(0.14)))


def draw_eyes(face: Face) -> None:
    """Paint the lids, or a line where they are closed, and the eyeballs between them."""
    radius, openness = face["eye_size"], face["openness"]
    across = face.side - (0.37 + 0.2 * radius) * face["face_width"]
    down = face.y - 0.04 + 0.12 * across  # the outer corners sit higher
    q = across * across / (radius * radius)
    arch = (1.0 - q) * (1.0 + 0.5 * q)
    closed = face["lid"] * radius * (1.0 - openness)
    upper = (closed - 0.98 * radius * openness) * arch
    lower = (closed + 0.92 * radius * openness) * arch
    slant = 1.0 / np.sqrt(1.0 + 3.0 * q * openness)
    beyond = np.abs(across) - 1.1 * radius
    lash = 1.25 - q
    above, below = upper - (0.03 + 0.03 * openness) * lash, lower + 0.03 * lash
    lids = np.maximum(down - below, above - down) * slant
    unseen = (face.coat[0][:, 1:2] < 0.35) & (openness[:, None] < 0.1)
    line = np.where(unseen, rgb(150, 144, 150), rgb(44, 34, 36))
    face.paint(line, cover(np.maximum(lids, beyond), face.pixel))
    ball = np.maximum(np.maximum(down - lower, upper - down) * slant, beyond)
    _draw_eyeballs(face, across, cover(ball, face.pixel) * smoothstep(openness * 5.0))


def _draw_eyeballs(face: Face, across: np.ndarray, ball: np.ndarray) -> None:
    """Paint iris, pupil and two highlights; not mirrored, since both eyes look one way."""
    radius, gaze = face["eye_size"], face["gaze"]
    right = face.x > 0
    u = np.where(right, across, -across) / radius - 0.12 * gaze[0]
    v = (face.y - 0.04) / radius - 0.08 * gaze[1]
    soft = np.maximum(face.pixel / radius, 0.03)
    shade = 1.0 + 0.24 * v - 0.32 * (u * u + v * v)
    iris = np.where(right[:, None], face.iris[1], face.iris[0])
    face.paint(iris * shade[:, None], ball)
    pupil = ellipse(u, v, 0.66 * face["pupil"], np.float32(0.70))
    face.paint(rgb(26, 22, 30), ball * cover(pupil, soft))
    u = np.where(face["light"][0] < 0, u, -u)
    shine = ellipse(u + 0.30, v + 0.34, np.float32(0.25), np.float32(0.25))
    spark = ellipse(u - 0.28, v - 0.36, np.float32(0.11), np.float32(0.11))
    glint = np.maximum(cover(shine, soft), 0.75 * cover(spark, soft))
    face.paint(rgb(255, 255, 255), ball * glint)


def draw_nose_and_mouth(face: Face) -> None:
    """Paint a small rounded triangle, the line below it, two arcs, now and then a tongue."""
    side, y, pixel = face.side, face.y, face.pixel
    tongue = np.maximum(ellipse(face.x, y - 0.54, 0.07, 0.09), 0.52 - y)
    face.paint(rgb(240, 128, 136), cover(tongue, pixel) * face["tongue"])
    across, down = side - 0.11, y - 0.425
    arc = np.sqrt(across * across + down * down) - 0.11
    lips = line_cover(arc, np.float32(0.015), pixel)
    lips = lips * smoothstep(0.3 + 0.7 * face["smile"] + down * 20.0)
    stem = line_cover(face.x, np.float32(0.013), pixel) * (y > 0.33) * (y < 0.44)
    dark = face.picture[:, 1:2] < 0.3
    line = np.where(dark, rgb(158, 128, 128), rgb(96, 64, 62))
    face.paint(line, 0.85 * np.maximum(lips, stem))
    nose = smooth_intersection(side * 0.84 + y * 0.6 - 0.236, 0.245 - y, 0.09)
    face.paint(rgb(228, 134, 136), cover(nose, pixel))


def draw_whiskers(face: Face) -> None:
    """Draw three thin bent hairs a side; they reach past the head, and alpha follows them."""
    hairs = np.float32(0.0)
    for height, rise in ((0.38, -0.10), (0.45, 0.02), (0.52, 0.14)):
        t = (face.side - 0.30) / 0.95
        middle = height + t * (rise + 0.08 * t)
        half_width = 0.03 * np.sqrt(np.maximum(t * (1.0 - t), 0.0)) * (1.1 - t)
        hairs = np.maximum(hairs, line_cover(face.y - middle, half_width, face.pixel))
    hairs = 0.8 * hairs
    face.alpha += hairs * (1.0 - face.alpha)
    face.paint(rgb(255, 252, 248), hairs / np.maximum(face.alpha, 1e-3))


def draw_backdrop(face: Face) -> np.ndarray:
    """Fade from one colour to its partner, lighter around the head; (n, 3, S, S)."""
    turn = face["background_turn"]
    x, y = face.across - 0.5, face.down - 0.5
    t = smoothstep(0.25 + 0.5 * (turn[0] * x + turn[1] * y) + 1.1 * (x * x + y * y))
    near, far = face.backdrop
    return near + (far - near) * t[:, None]


def solid(face: Face) -> None:
    """One colour all over."""
    face.picture[:] = face.coat[0]


def tabby(face: Face) -> None:
    """Ground colour, striped with the second on crown, brow and cheeks; the third at the chin."""
    solid(face)
    _pale_mouth(face)
    p = face["pattern"]
    bold, lean = 0.8 + 0.6 * p[0], 0.08 * (p[1] - 0.5)
    side, y = face.side, face.y
    stripes = face.head + 0.02
    marks = streak(face.x, y, -1.0, -0.52, (0.0, 0.0, 0.0), 0.045 * bold)
    # The M: a leg down to the eye and a stroke to the middle, then the bars of the crown.
    for start, end, bend, half_width in (
        (-0.66, -0.22, (0.24 + lean, 0.16, 0.0), 0.045),
        (-0.64, -0.32, (0.23 + lean, -0.18, 0.0), 0.035),
        (-0.95, -0.36, (0.46 + lean, 0.04, 0.06), 0.045),
    ):
        marks = np.minimum(marks, streak(side, y, start, end, bend, half_width * bold))
    for start, bend in (
        (0.58, (-0.06 + lean, 0.10, -0.16)),
        (0.62, (0.20 + lean, 0.14, -0.16)),
        (0.54, (0.43 + lean, 0.12, -0.14)),
    ):
        marks = np.minimum(marks, streak(y, side, start, 1.2, bend, 0.04 * bold))
    face.paint(face.coat[1], 0.9 * cover(np.maximum(stripes, marks), face.edge))


def _pale_mouth(face: Face) -> None:
    """Lighten the muzzle and the chin with the third colour."""
    chin = ellipse(face.x, face.y - 0.52, 0.36, 0.26)
    face.paint(face.coat[2], 0.9 * cover(chin, np.float32(0.16)))


def tabby_white(face: Face) -> None:
    """A tabby with a blaze and muzzle of the third colour."""
    tabby(face)
    _blaze(face, face.coat[2])


def _blaze(face: Face, colour: np.ndarray) -> None:
    """Paint a flame from the forehead that widens over the muzzle."""
    p = face["pattern"]
    down = face.y + 0.80 - 0.75 * p[2]
    half = down * (0.10 + (0.24 + 0.3 * p[3]) * np.abs(down))
    middle = 0.12 * (p[4] - 0.5) * (0.6 - face.y) + 0.05 * down * wave(face.y * 0.9 + p[5])
    face.paint(colour, cover((np.abs(face.x - middle) - half) * 0.85, face.edge))


def spotted(face: Face) -> None:
    """Ground colour with uneven spots of the second, none around eyes and nose; pale chin."""
    solid(face)
    _pale_mouth(face)
    p = face["pattern"]
    # One spot a cell of a bent grid, every second row moved by half a cell.
    v = face.y * 3.9 + 0.35 * wave(face.side * 0.7 + p[1]) + p[2]
    row = np.rint(v)
    u = face.side * 3.4 + 0.18 * wave(face.y * 1.1 + p[0]) + 0.5 * row
    column = np.rint(u)
    size = 0.27 + 0.11 * wave(0.37 * column + 0.23 * row + p[3])
    u, v = u - column, v - row
    spots = (np.sqrt(u * u + v * v * 0.6) - size) / 3.6
    clear = ellipse(face.side - 0.26, face.y - 0.26, 0.52, 0.56)
    face.paint(face.coat[1], 0.88 * cover(np.maximum(spots, 0.02 - clear), 1.3 * face.edge))


def tuxedo(face: Face) -> None:
    """Dark, with a white muzzle and often a thin blaze."""
    solid(face)
    p = face["pattern"]
    pads = ellipse(face.side - 0.12, face.y - 0.52, 0.28 + 0.12 * p[0], 0.24 + 0.06 * p[1])
    blaze = streak(face.x, face.y, -0.9 + 0.6 * p[2], 1.0, (0.0, 0.0, 0.0), 0.03 + 0.10 * p[3])
    face.paint(face.coat[1], cover(smooth_union(pads, blaze, 0.12), face.edge))


def bicolour(face: Face) -> None:
    """A coloured cap parted by a wide white blaze."""
    solid(face)
    _blaze(face, face.coat[1])


def van(face: Face) -> None:
    """White, coloured only on and between the ears."""
    solid(face)
    p = face["pattern"]
    cap = ellipse(face.side - 0.56, face.y + 1.0, 0.46 + 0.12 * p[0], 0.55 + 0.14 * p[1])
    face.paint(face.coat[1], cover(cap + 0.03 * wave(face.x * 2.2 + p[2]), face.edge))


def calico(face: Face) -> None:
    """White with a patch of the second colour on one side and of the third on the other."""
    solid(face)
    p = face["pattern"]
    x = np.where(p[0] < 0.5, face.x, -face.x)
    ragged = 0.05 * wave(face.y * 1.3 + p[1]) + 0.03 * wave(x * 2.1 + p[2])
    left = ellipse(x + 0.72, face.y + 0.62, 0.62 + 0.14 * p[3], 0.85 + 0.25 * p[4])
    right = ellipse(x - 0.72, face.y + 0.78, 0.54 + 0.16 * p[5], 0.72 + 0.3 * p[6])
    face.paint(face.coat[1], cover(left + ragged, face.edge))
    face.paint(face.coat[2], cover(right - ragged, face.edge))


def tortoiseshell(face: Face) -> None:
    """Dark, flecked all over with the second colour, often more on one half of the face."""
    solid(face)
    p = face["pattern"]
    x, y = face.x, face.y
    u = 0.62 * x + 0.16 * wave(0.8 * y + p[0]) + p[1]
    v = 0.58 * y + 0.16 * wave(0.7 * x + p[2]) + p[3]
    patches = wave(u + 0.5 * v) * wave(v - 0.4 * u) + 0.35 * wave(1.3 * x + 1.7 * y + p[4])
    flecks = wave(3.1 * x - 2.1 * y + p[6]) * wave(1.7 * y + 1.9 * x + p[7])
    half = 1.2 * (p[5] - 0.5) * np.clip(x * 6.0, -1.0, 1.0)
    face.paint(face.coat[1], 0.85 * smoothstep(patches + 0.25 * flecks + half + 0.35))


def colour_point(face: Face) -> None:
    """Pale, with a dark mask around eyes and nose and dark ears."""
    solid(face)
    p = face["pattern"]
    mask = ellipse(face.x, face.y - 0.24, 0.5 + 0.14 * p[0], 0.5 + 0.16 * p[1])
    ears = smoothstep(-1.4 - 2.8 * face.y) * smoothstep(0.6 + 5.0 * face.head)
    face.paint(face.coat[1], 0.92 * np.maximum(cover(mask, np.float32(0.45)), ears))
