import dataclasses

import pytest

from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.algorithms.recipes import Recipe, from_fields, read_fields
from tutorial_lib.algorithms.registry import ALGORITHMS
from tutorial_lib.algorithms.vae import VAERecipe
from tutorial_lib.errors import TutorialError

POSITIVE = "must be positive"
NOT_NEGATIVE = "must not be negative"
FRACTION = r"must be in \[0, 1\)"
SEED = r"must be from 0 to 2\*\*31 - 1"
RULES = {
    "size": POSITIVE,
    "latent_size": POSITIVE,
    "width": POSITIVE,
    "batch_size": POSITIVE,
    "learning_rate": POSITIVE,
    "beta_1": FRACTION,
    "beta_2": FRACTION,
    "ema_halflife_kimg": NOT_NEGATIVE,
    "flip": None,
    "seed": SEED,
}
RULES_OF_A_GAN = RULES | {
    "networks": None,
    "generator_blocks": NOT_NEGATIVE,
    "discriminator_blocks": NOT_NEGATIVE,
    "loss": None,
    "r1_gamma": NOT_NEGATIVE,
    "r2_gamma": NOT_NEGATIVE,
    "slope_weight": NOT_NEGATIVE,
    "penalty_interval": POSITIVE,
    "decay_kimg": NOT_NEGATIVE,
    "final_learning_rate": NOT_NEGATIVE,
    "augment": None,
}
RULES_OF_A_VAE = RULES | {
    "sigma": POSITIVE,
    "beta": NOT_NEGATIVE,
    "warmup_kimg": NOT_NEGATIVE,
}
ALL = {Recipe: RULES, GANRecipe: RULES_OF_A_GAN, VAERecipe: RULES_OF_A_VAE}
# Values just inside and just outside, for whole numbers and for others
INSIDE = {
    POSITIVE: {int: [1], float: [1, 1e-9]},
    NOT_NEGATIVE: {int: [0], float: [0, 0.0, 1e9]},
    FRACTION: {float: [0, 0.0, 0.999999]},
    SEED: {int: [0, 2**31 - 1]},
}
OUTSIDE = {
    POSITIVE: {int: [0, -1], float: [0, 0.0, -1e-9]},
    NOT_NEGATIVE: {int: [-1], float: [-1, -1e-9]},
    FRACTION: {float: [1, 1.0, -1e-9]},
    SEED: {int: [-1, 2**31]},
}


def bounded(table):
    """List (kind of recipe, field, value) for every field with bounds."""
    return [
        pytest.param(kind, field.name, value, id=f"{kind.__name__}-{field.name}-{value}")
        for kind, rules in ALL.items()
        for field in dataclasses.fields(kind)
        if rules[field.name]
        for value in table[rules[field.name]][type(field.default)]
    ]


@pytest.mark.parametrize("kind", ALL)
def test_every_field_is_known_here(kind):
    assert list(ALL[kind]) == [field.name for field in dataclasses.fields(kind)]
    assert {algorithm.recipe_type for algorithm in ALGORITHMS.values()} <= set(ALL)


@pytest.mark.parametrize(("kind", "name", "value"), bounded(INSIDE))
def test_values_at_the_bounds_are_taken(kind, name, value):
    assert getattr(kind(**{name: value}), name) == value
    assert getattr(dataclasses.replace(kind(), **{name: value}), name) == value


@pytest.mark.parametrize(("kind", "name", "value"), bounded(OUTSIDE))
def test_values_beyond_the_bounds_are_named(kind, name, value):
    with pytest.raises(TutorialError, match=rf"^{name} {ALL[kind][name]}, but is {value}\.$"):
        kind(**{name: value})


@pytest.mark.parametrize("kind", ALL)
def test_other_types_are_named(kind):
    for field in dataclasses.fields(kind):
        wrong = {bool: [1, "yes"], int: [1.0, True, "1"], float: [True, "1"], str: [1, None]}
        for value in wrong[type(field.default)]:
            of_type = f"^{field.name} must be of type {type(field.default).__name__}, not {value!r}"
            with pytest.raises(TutorialError, match=of_type):
                kind(**{field.name: value})
        for value in [float("nan"), float("inf"), 10**400] if type(field.default) is float else []:
            with pytest.raises(TutorialError, match=f"^{field.name} must be finite, not {value}"):
                kind(**{field.name: value})


def test_a_field_that_does_not_exist_is_named_with_those_that_do():
    assert from_fields(VAERecipe, {"sigma": 0.5}) == VAERecipe(sigma=0.5)
    with pytest.raises(TutorialError, match="no field 'gamma'; the fields are size, .*, sigma"):
        from_fields(VAERecipe, {"sigma": 0.5, "gamma": 1.0})


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_file_of_fields_is_json_with_or_without_a_byte_order_mark(tmp_path, encoding):
    path = tmp_path / "recipe.json"
    path.write_text('{"width": 8, "Größe": 1}', encoding)
    assert read_fields(path) == {"width": 8, "Größe": 1}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "no JSON in UTF-8"),
        (b"", "no JSON in UTF-8"),
        (b'{"width": "\xff"}', "no JSON in UTF-8"),
        (b"[1]", "a JSON object"),
        (b"null", "a JSON object"),
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, content, message):
    path = tmp_path / "recipe.json"
    path.write_bytes(content)
    with pytest.raises(TutorialError, match=message):
        read_fields(path)
    with pytest.raises(OSError, match="missing"):
        read_fields(tmp_path / "missing.json")
