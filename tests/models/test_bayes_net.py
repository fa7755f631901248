import itertools
import time

import numpy as np
import pytest

from tutorial_lib.errors import TutorialError
from tutorial_lib.models import bayes_net
from tutorial_lib.models.bayes_net import TreeNetwork, learn_independent, learn_tree

LEVELS = 3
# Pixel 3 is the root; 0 and 4 hang on it, 1 and 2 on pixel 0.
TREE = TreeNetwork(
    order=np.array([3, 0, 1, 4, 2]),
    parents=np.array([3, 0, 0, -1, 3]),
    log_tables=np.zeros((5, LEVELS, LEVELS)),
)


def random_network(parents, order, levels, seed=0):
    tables = np.random.default_rng(seed).dirichlet(np.ones(levels), (len(parents), levels))
    tables[parents < 0] = tables[parents < 0, :1]
    return TreeNetwork(order, parents, np.log(tables))


def all_images(pixels, levels):
    return np.array(list(itertools.product(range(levels), repeat=pixels)))


def probability(network, image):
    """Multiply the tables' entries one by one, as the definition says."""
    total = 1.0
    for pixel, parent in enumerate(network.parents):
        row = image[parent] if parent >= 0 else 0
        total *= np.exp(network.log_tables[pixel, row, image[pixel]])
    return total


def correlated_values(count=400, pixels=6, levels=LEVELS, seed=0):
    """Return a random walk over the pixels, so that neighbours know most about each other."""
    rng = np.random.default_rng(seed)
    steps = rng.integers(-1, 2, (count, pixels))
    steps[:, 0] = rng.integers(0, levels, count)
    return np.clip(np.cumsum(steps, axis=1), 0, levels - 1)


@pytest.fixture(params=["tree", "forest", "independent"])
def network(request):
    parents = {
        "tree": TREE.parents,
        "forest": np.array([3, 0, -1, -1, 3]),
        "independent": np.full(5, -1),
    }[request.param]
    return random_network(parents, TREE.order, LEVELS)


@pytest.fixture
def images():
    return all_images(5, LEVELS)


@pytest.fixture
def exact(network, images):
    return np.array([probability(network, image) for image in images])


OBSERVED = [[], [0], [3], [1, 4], [0, 2, 3], [0, 1, 2, 3, 4]]


def matching(images, image, seen):
    """Return which images agree with `image` in the pixels `seen`."""
    return (images[:, seen] == image[seen]).all(axis=1)


def test_likelihood_is_the_product_of_the_tables_and_sums_to_one(network, images, exact):
    found = np.exp(network.log_likelihood(images))
    np.testing.assert_allclose(found, exact, rtol=1e-12)
    assert found.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("seen", OBSERVED)
def test_likelihood_of_observed_pixels_sums_over_the_hidden_ones(network, images, exact, seen):
    observed = np.isin(np.arange(5), seen)
    found = np.exp(network.log_likelihood(images[::7], observed))
    wanted = [exact[matching(images, image, seen)].sum() for image in images[::7]]
    np.testing.assert_allclose(found, wanted, rtol=1e-12)


@pytest.mark.parametrize("seen", OBSERVED)
def test_marginals_match_enumeration(network, images, exact, seen):
    observed = np.isin(np.arange(5), seen)
    found = network.marginals(images[::50], observed)
    np.testing.assert_allclose(found.sum(axis=-1), 1, rtol=1e-12)
    for image, marginal in zip(images[::50], found, strict=True):
        weights = exact * matching(images, image, seen)
        wanted = [
            [(weights * (images[:, pixel] == level)).sum() for level in range(LEVELS)]
            for pixel in range(5)
        ]
        np.testing.assert_allclose(marginal, np.array(wanted) / weights.sum(), atol=1e-12)


def frequencies(drawn, images):
    code = LEVELS ** np.arange(5)[::-1]
    return np.bincount(drawn @ code, minlength=len(images)) / len(drawn)


def assert_close_to(found, wanted, count):
    """Let each frequency be within five standard errors of its probability."""
    spread = np.sqrt(wanted * (1 - wanted) / count)
    assert (np.abs(found - wanted) <= 5 * spread + 1 / count).all()


def test_samples_follow_the_distribution(network, images, exact):
    drawn = network.sample(40_000, seed=1)
    assert_close_to(frequencies(drawn, images), exact, 40_000)


@pytest.mark.parametrize("seen", OBSERVED)
def test_completions_follow_the_conditional_distribution(network, images, exact, seen):
    image = np.array([2, 0, 1, 2, 1])
    observed = np.isin(np.arange(5), seen)
    drawn = network.complete(np.tile(image, (20_000, 1)), observed, seed=2)
    assert (drawn[:, seen] == image[seen]).all()
    weights = exact * matching(images, image, seen)
    assert_close_to(frequencies(drawn, images), weights / weights.sum(), 20_000)


def test_each_image_may_have_observed_pixels_of_its_own(network, images):
    rng = np.random.default_rng(0)
    observed = rng.random(images.shape) < 0.5
    together = network.log_likelihood(images, observed)
    marginals = network.marginals(images, observed)
    for number in range(0, len(images), 40):
        alone = images[number : number + 1], observed[number]
        np.testing.assert_allclose(network.log_likelihood(*alone), together[[number]])
        np.testing.assert_allclose(network.marginals(*alone), marginals[[number]], atol=1e-12)
    completed = network.complete(images, observed)
    assert (completed == images)[observed].all()
    assert (completed != images)[~observed].any()


def test_hidden_values_are_not_looked_at(network, images):
    observed = np.array([True, False, True, False, False])
    spoilt = np.where(observed, images, -99)
    for method in (network.complete, network.marginals, network.log_likelihood):
        np.testing.assert_array_equal(method(spoilt, observed), method(images, observed))


def test_many_pixels_and_tiny_probabilities_stay_finite():
    values = np.zeros((50, 2000), int)
    independent = learn_independent(values, 4, smoothing=1e-12)
    odd = np.full((1, 2000), 3)
    found = independent.log_likelihood(odd)
    np.testing.assert_allclose(found, 2000 * (np.log(1e-12) - np.log(50)), rtol=1e-6)
    np.testing.assert_allclose(independent.log_likelihood(odd, odd == 3), found)
    assert np.isfinite(independent.marginals(odd, odd == 3)).all()


def test_mutual_information_agrees_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    values = correlated_values()
    found = bayes_net.mutual_information(values, LEVELS)
    wanted = [[metrics.mutual_info_score(a, b) for b in values.T] for a in values.T]
    np.testing.assert_allclose(found, wanted, atol=1e-12)


def test_mutual_information_counts_images_in_pieces(monkeypatch):
    values = correlated_values()
    whole = bayes_net.mutual_information(values, LEVELS)
    monkeypatch.setattr(bayes_net, "IMAGES_AT_ONCE", 37)
    np.testing.assert_array_equal(bayes_net.mutual_information(values, LEVELS), whole)


@pytest.mark.parametrize("highest", [2, 10, 10**9])  # many ties, a few, none
def test_spanning_tree_weighs_as_much_as_that_of_networkx(highest):
    networkx = pytest.importorskip("networkx")
    weights = np.random.default_rng(highest).integers(0, highest, (20, 20)).astype(float)
    weights += weights.T
    order, parents = bayes_net.spanning_tree(weights)
    wanted = networkx.maximum_spanning_tree(networkx.from_numpy_array(weights + 1))
    children = order[1:]
    found = weights[children, parents[children]].sum()
    assert found == pytest.approx(wanted.size(weight="weight") - 19)
    assert sorted(order) == list(range(20)) and order[0] == 0 and parents[0] == -1
    place = np.argsort(order)
    assert (place[parents[children]] < place[children]).all()


def test_learnt_tree_agrees_with_scikit_learn_and_networkx():
    metrics = pytest.importorskip("sklearn.metrics")
    networkx = pytest.importorskip("networkx")
    values = correlated_values(seed=3)
    graph = networkx.Graph()
    for a, b in itertools.combinations(range(6), 2):
        graph.add_edge(a, b, weight=metrics.mutual_info_score(values[:, a], values[:, b]))
    wanted = {tuple(sorted(edge)) for edge in networkx.maximum_spanning_tree(graph).edges}
    parents = learn_tree(values, LEVELS).parents
    assert {tuple(sorted((i, p))) for i, p in enumerate(parents) if p >= 0} == wanted


def test_equal_weights_are_decided_by_number():
    order, parents = bayes_net.spanning_tree(np.ones((4, 4)))
    assert order.tolist() == [0, 1, 2, 3] and parents.tolist() == [-1, 0, 0, 0]


def test_no_other_tree_fits_the_training_images_better():
    values = correlated_values(pixels=4, seed=5)[:, [2, 0, 3, 1]]
    best = learn_tree(values, LEVELS, smoothing=1e-9).log_likelihood(values).sum()
    others = []
    for parents in itertools.product(range(4), repeat=3):
        parents = np.array([-1, *parents])
        reached = [0]
        for _ in range(3):
            reached += [i for i in range(1, 4) if i not in reached and parents[i] in reached]
        if len(reached) == 4:  # a tree, and no circle
            tables = bayes_net._learn_tables(values, parents, LEVELS, 1e-9)
            tree = TreeNetwork(np.array(reached), parents, tables)
            others.append(tree.log_likelihood(values).sum())
    assert len(others) == 16  # Cayley: 4² trees on 4 points
    assert best == pytest.approx(max(others), rel=1e-9) and best > np.median(others) + 1


def test_likelihood_is_information_minus_entropies():
    values = correlated_values()
    information = bayes_net.mutual_information(values, LEVELS)
    tree = learn_tree(values, LEVELS, smoothing=1e-9)
    edges = information[tree.order[1:], tree.parents[tree.order[1:]]].sum()
    found = tree.log_likelihood(values).mean()
    assert found == pytest.approx(edges - information.diagonal().sum(), abs=1e-6)


def test_tables_are_smoothed_counts():
    values = np.array([[0, 1], [0, 1], [1, 0], [1, 1]])
    tree = learn_tree(values, 3, smoothing=0.5)
    assert tree.parents.tolist() == [-1, 0]
    tables = np.exp(tree.log_tables)
    np.testing.assert_allclose(tables[0], np.tile(np.array([2.5, 2.5, 0.5]) / 5.5, (3, 1)))
    seen = [[0.5 / 3.5, 2.5 / 3.5, 0.5 / 3.5], [1.5 / 3.5, 1.5 / 3.5, 0.5 / 3.5], [1 / 3] * 3]
    np.testing.assert_allclose(tables[1], seen)


def test_independent_pixels_are_a_network_without_edges():
    values = correlated_values()
    independent = learn_independent(values, LEVELS)
    assert (independent.parents == -1).all()
    counts = np.array([np.bincount(column, minlength=LEVELS) for column in values.T])
    wanted = (counts + 1) / (len(values) + LEVELS)
    np.testing.assert_allclose(np.exp(independent.log_tables[:, 0]), wanted)
    marginals = independent.marginals(values[:1], np.zeros(6, bool))
    np.testing.assert_allclose(marginals[0], wanted)


def test_a_constant_pixel_does_no_harm():
    values = correlated_values()
    values[:, 2] = 1
    tree = learn_tree(values, LEVELS)
    information = bayes_net.mutual_information(values, LEVELS)
    np.testing.assert_allclose(information[2], 0, atol=1e-12)
    odd = values.copy()
    odd[:, 2] = 0  # never seen, and yet possible
    assert np.isfinite(tree.log_likelihood(odd)).all()
    assert tree.log_likelihood(odd).mean() < tree.log_likelihood(values).mean() - 4
    assert (tree.sample(200)[:, 2] == 1).mean() > 0.95
    assert np.isfinite(learn_tree(np.ones((3, 4), int), LEVELS).log_tables).all()


def test_the_same_seed_draws_the_same_images():
    tree = random_network(TREE.parents, TREE.order, LEVELS)
    observed = np.array([True, False, False, False, False])
    start = tree.sample(50, seed=7)
    np.testing.assert_array_equal(start, tree.sample(50, seed=7))
    assert (start != tree.sample(50, seed=8)).any()
    again = tree.complete(start, observed, seed=7)
    np.testing.assert_array_equal(again, tree.complete(start, observed, seed=7))
    assert (again != tree.complete(start, observed, seed=8)).any()


def test_impossible_levels_are_never_drawn():
    log_weights = np.array([[-np.inf, 0.0, -np.inf], [-800.0, -np.inf, -np.inf]])
    drawn = bayes_net.draw_levels(log_weights, np.random.default_rng(0))
    assert drawn.tolist() == [1, 0]


def test_bits_per_pixel_of_guessing():
    assert bayes_net.bits_per_pixel(16 * np.log(1 / 8), 16) == pytest.approx(3)


def test_quantise_cuts_luma_into_equal_levels():
    greys = np.arange(256, dtype=np.uint8)[:, None, None, None].repeat(3, axis=-1)
    for levels in (2, 3, 8, 256):
        found = bayes_net.quantise(greys, levels).ravel()
        np.testing.assert_array_equal(found, np.arange(256) * levels // 256)
    colours = np.array([[[[255, 0, 0], [0, 255, 0], [0, 0, 255]]]], np.uint8)
    assert bayes_net.quantise(colours, 256).tolist() == [[[76, 150, 29]]]


@pytest.mark.parametrize("levels", [2, 3, 8, 100, 128, 256])
def test_grey_pictures_keep_their_levels(levels):
    values = np.arange(levels).reshape(1, 1, -1)
    pictures = bayes_net.to_grey(values, levels)
    assert pictures.shape == (1, 1, levels, 3) and pictures.dtype == np.uint8
    np.testing.assert_array_equal(bayes_net.quantise(pictures, levels), values)


GOOD = np.zeros((4, 5), int)
ALL = np.ones(5, bool)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda: learn_tree(GOOD, 3, smoothing=0), "smoothing must be greater than 0"),
        (lambda: learn_tree(GOOD, 3, smoothing=-1), "-1"),
        (lambda: learn_tree(GOOD, 3, smoothing=np.nan), "nan"),
        (lambda: learn_tree(GOOD, 3, smoothing=np.inf), "inf"),
        (lambda: learn_tree(GOOD, 1), "levels must be from 2 to 256, not 1"),
        (lambda: learn_tree(GOOD, 2.5), "2.5"),
        (lambda: learn_tree(GOOD + 3, 3), "from 0 to 2, not 3"),
        (lambda: learn_tree(GOOD - 1, 3), "not -1"),
        (lambda: learn_tree(GOOD / 2, 3), "integers, not float64"),
        (lambda: learn_tree(GOOD[:0], 3), r"not \(0, 5\)"),
        (lambda: learn_tree(GOOD[0], 3), r"shape \(N, pixels\)"),
        (lambda: learn_tree(np.zeros((2, 700), int), 8), "5600 indicators"),
        (lambda: learn_independent(GOOD[:, :0], 3), r"not \(4, 0\)"),
        (lambda: TREE.log_likelihood(GOOD[:, :4]), r"shape \(N, 5\)"),
        (lambda: TREE.log_likelihood(GOOD + 3), "from 0 to 2"),
        (lambda: TREE.complete(GOOD, ALL[:4]), r"shape \(5,\)"),
        (lambda: TREE.complete(GOOD, ALL.astype(int)), "boolean"),
        (lambda: TREE.complete(GOOD[0], ALL), r"shape \(N, 5\)"),
        (lambda: TREE.marginals(GOOD + 3, ALL), "not 3"),
        (lambda: TREE.sample(0), "count must be at least 1, not 0"),
        (lambda: bayes_net.quantise(GOOD, 8), r"\(N, h, w, 3\)"),
        (lambda: bayes_net.quantise(np.zeros((1, 2, 2, 3)), 8), "float64"),
        (lambda: bayes_net.quantise(np.zeros((1, 2, 2, 3), np.uint8), 257), "257"),
        (lambda: bayes_net.to_grey(GOOD, 0), "levels"),
    ],
)
def test_bad_input_is_named(call, named):
    with pytest.raises(TutorialError, match=named):
        call()


@pytest.mark.slow
def test_ten_thousand_cats_are_learnt_in_seconds():
    rng = np.random.default_rng(0)
    values = np.clip(np.cumsum(rng.integers(-1, 2, (10_000, 256)), axis=1) + 4, 0, 7)
    start = time.perf_counter()
    tree = learn_tree(values, 8)
    assert time.perf_counter() - start < 20
    assert (tree.parents[1:] == np.arange(255)).mean() > 0.9  # the walk's own chain
