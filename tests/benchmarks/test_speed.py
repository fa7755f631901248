"""The speed benchmarks compare the same networks, count arithmetic right and hide no failure."""

import itertools
import json
import os
import sys
from pathlib import Path

import flops
import machine_limit
import network_outline
import numpy as np
import operations
import pytest
import sampling_speed
import step_profile
import tensorflow as tf
import training_loops
import training_speed
import turns

from tutorial_lib.algorithms.base import step_values
from tutorial_lib.algorithms.gan import GAN
from tutorial_lib.algorithms.gan_recipes import GANRecipe
from tutorial_lib.algorithms.networks import get_networks
from tutorial_lib.algorithms.registry import RECIPES
from tutorial_lib.errors import TutorialError

SMALL = GANRecipe(size=16, latent_size=5, width=4, batch_size=2, r1_gamma=0.0)


def python(code: str, **options):
    return turns.run_program([sys.executable, "-c", code], **options)


# --- Turns


def test_the_watch_leaves_out_the_warm_up_and_stops_after_its_seconds(monkeypatch):
    times = iter([0, 100, 200, 201, 203, 206, 208, 211])
    monkeypatch.setattr(turns.time, "perf_counter", lambda: next(times))
    watch = turns.StopWatch(seconds=10.0)
    steps = sum(1 for _ in itertools.takewhile(lambda _: watch.tick(), itertools.count()))
    assert steps == 7 and next(times, None) is None
    assert watch.median() == 2  # of 1, 2, 3, 2, 3


def test_the_watch_takes_three_steps_however_long_they_last(monkeypatch):
    times = itertools.count(step=1000)
    monkeypatch.setattr(turns.time, "perf_counter", lambda: next(times))
    watch = turns.StopWatch(seconds=1.0, warmup=1)
    assert sum(1 for _ in itertools.takewhile(lambda _: watch.tick(), itertools.count())) == 4


def test_calls_are_timed_in_turns_after_two_that_do_not_count(monkeypatch):
    times = iter([0, 0, 0, 0, 10, 11, 20, 22, 30, 33, 40, 44])
    monkeypatch.setattr(turns.time, "perf_counter", lambda: next(times))
    called = []
    functions = {name: lambda name=name: called.append(name) for name in "ab"}
    assert turns.call_times(functions, 2) == {"a": 2, "b": 3}  # medians of 1, 3 and 2, 4
    assert called == list("abababab")


def test_a_program_answers_in_its_last_line_without_the_variables_to_drop(monkeypatch):
    monkeypatch.setenv("KEPT", "1")
    monkeypatch.setenv("DROPPED", "1")
    code = "import os; print('noise'); print('{\"seen\":', [0, 1]['KEPT' in os.environ], '}')"
    assert python(code, drop=("DROPPED",)) == {"seen": 1}
    assert python(code.replace("KEPT", "DROPPED"), drop=("DROPPED",)) == {"seen": 0}
    assert "DROPPED" in os.environ


def test_a_failing_program_is_reported_by_its_last_line():
    with pytest.raises(turns.MeasurementError, match=r"^ValueError: no such thing$"):
        python("raise ValueError('no such thing')")
    with pytest.raises(turns.MeasurementError, match="3"):
        python("raise SystemExit(3)")
    with pytest.raises(turns.MeasurementError, match="nowhere"):
        turns.run_program(["/nowhere/python"])


def test_programs_take_turns_and_neighbours_are_compared():
    order = []
    programs = {name: lambda name=name: order.append(name) or {"n": len(order)} for name in "ab"}
    assert turns.take_turns(programs, 2) == {"a": [{"n": 1}, {"n": 3}], "b": [{"n": 2}, {"n": 4}]}
    assert order == ["a", "b", "a", "b"]
    assert turns.compare([2, 6, 20], [1, 2, 4]) == {"median": 3, "min": 2, "max": 5}


# --- Arithmetic


def test_arithmetic_of_a_step_agrees_with_a_hand_calculation():
    gan = GAN(SMALL, precision="float32")
    images = training_loops.random_images(SMALL)
    step = tf.function(gan.train_step).get_concrete_function(images, *step_values(gan, 100))
    large = 2 * (8 * 8) * (4 * 4) * 3 * 4  # 16×16×3 to 8×8×4, or back
    small = 2 * (4 * 4) * (4 * 4) * 4 * 8  # 8×8×4 to 4×4×8, or back
    network, first, last = large + small, 2 * 5 * (4 * 4 * 8), 2 * (4 * 4 * 8) * 1
    each_image = {
        # D forward on both kinds of images, and back through the layers of G
        "Conv2D": 3 * network,
        # G forward; D back to the fakes for G's loss; for its own, not as far as the images
        "Conv2DBackpropInput": 2 * network + 2 * small,
        # both networks' kernels, D's on both kinds of images
        "Conv2DBackpropFilter": 3 * network,
        # G's first layer needs no gradient towards the latents; D's last does all, and for G's loss
        # its gradient towards its input
        "MatMul": 2 * first + (2 + 2 + 3) * last,
    }
    assert flops.count_flops(step) == {name: 2 * count for name, count in each_image.items()}


def test_arithmetic_that_no_result_needs_is_not_counted():
    weights = tf.Variable(tf.ones((3, 5)))

    @tf.function
    def function(x):
        y = tf.matmul(x, weights)
        tf.matmul(y, weights, transpose_b=True)
        return y

    concrete = function.get_concrete_function(tf.TensorSpec((7, 3)))
    assert flops.count_flops(concrete) == {"MatMul": 2 * 7 * 3 * 5}
    with pytest.raises(ValueError, match="fixed batch"):
        flops.count_flops(function.get_concrete_function(tf.TensorSpec((None, 3))))


def test_limits_are_measured_in_flops_a_second(monkeypatch):
    for name, value in {"SIDE": 16, "BATCH": 1, "SIZE": 4, "CHANNELS": 2}.items():
        monkeypatch.setattr(machine_limit, name, value)
    monkeypatch.setattr(machine_limit, "best_time", lambda run, tries: (run(), 2.0)[1])
    limits = machine_limit.measure_limits("float32")
    assert limits["matrix product"] == 2 * 16**3 / 2
    del limits["matrix product"]
    assert len(limits) == 3 and set(limits.values()) == {2 * (4 * 4) * (3 * 3) * 2 * 2 / 2}


# --- Profile


def test_times_are_summed_by_the_type_of_operation():
    xplane = pytest.importorskip("tensorflow.tsl.profiler.protobuf.xplane_pb2")
    names = {
        1: "generator/dense/MatMul:MatMul",
        2: "d/BiasAdd:_MklNativeFusedConv2D",
        3: "d/convolution:Conv2D",
        4: "EagerLocalExecute: __inference_step",
        5: "ThreadpoolListener::Record",
        6: "cond:If",
    }
    plane = xplane.XPlane()
    for key, name in names.items():
        plane.event_metadata[key].name = name
    for _ in range(2):
        line = plane.lines.add()
        for key in names:
            line.events.add(metadata_id=key, duration_ps=10**key)
    times = step_profile.operation_times(xplane.XSpace(planes=[plane]).SerializeToString())
    assert times == {"MatMul": 20, "Conv2D": 2200}


def test_rewritten_operations_keep_their_type():
    plain = {
        "_MklNativeConv2DBackpropFilterWithBias": "Conv2DBackpropFilter",
        "_FusedMatMul": "MatMul",
        "FusedBatchNormV3": "FusedBatchNormV3",
        "AddN": "AddN",
    }
    assert {name: step_profile.plain_type(name) for name in plain} == plain


# --- The same networks everywhere


@pytest.mark.slow
def test_every_loop_trains_networks_of_the_same_size():
    measured = [
        training_loops.measure(loop, SMALL, 0.0, *(["float32"] if loop == "library" else []))
        for loop in training_loops.LOOPS
    ]
    assert len({tuple(result["weights"]) for result in measured}) == 1
    assert all(result["images_per_second"] > 0 < result["peak_mb"] for result in measured)


def test_an_outline_holds_all_weights_and_can_be_stored(tmp_path):
    networks = training_loops.build(SMALL)
    arrays = network_outline.describe(*networks, SMALL.latent_size)
    np.savez(tmp_path / "outline.npz", **arrays)
    stored = np.load(tmp_path / "outline.npz", allow_pickle=False)
    assert sum(stored[key].size for key in stored.files if "/" in key) == sum(
        weight.size for network in networks for weight in network.get_weights()
    )
    layers = json.loads(str(stored["discriminator"]))
    assert layers[0] == {
        "type": "Conv2D",
        "channels": 3,
        "filters": 4,
        "kernel_size": [4, 4],
        "strides": [2, 2],
        "padding": "same",
        "use_bias": True,
    }


def test_layers_without_a_twin_are_refused():
    document = get_networks("document").discriminator(RECIPES["document"])
    with pytest.raises(TutorialError, match="Dropout"):
        network_outline.outline(document)


def test_a_twin_in_pytorch_computes_the_same(tmp_path):
    pytest.importorskip("torch", reason="PyTorch is not installed")
    import torch_loop

    arrays = network_outline.describe(*training_loops.build(SMALL), SMALL.latent_size)
    path = tmp_path / "outline.npz"
    np.savez(path, **arrays)  # `measure` raises an error if the results differ
    result = torch_loop.measure(str(path), 2, 0.0, "float32", "contiguous", "eager")
    sizes = [training_loops.count_weights(network) for network in training_loops.build(SMALL)]
    assert result["weights"] == sizes
    arrays["images"] = arrays["images"] + 0.1
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="does not compute"):
        torch_loop.measure(str(path), 2, 0.0, "float32", "contiguous", "eager")


# --- Results


def rounds(*speeds, weights=(1, 2), peak=100.0):
    return [{"images_per_second": s, "peak_mb": peak, "weights": list(weights)} for s in speeds]


def test_loops_are_compared_with_the_library_at_its_best():
    runs = {
        "eager": rounds(10.0, 20.0, 30.0),
        "library float32": rounds(15.0, 30.0, 45.0),
        "library mixed_bfloat16": rounds(20.0, 60.0, 150.0, peak=50.0),
    }
    summary = training_speed.summarise(runs)
    assert summary["best"] == "library mixed_bfloat16" and summary["weights"] == [1, 2]
    eager = summary["loops"]["eager"]
    assert eager["library_faster"] == {"median": 3.0, "min": 2.0, "max": 5.0}
    assert (eager["images_per_second"], eager["peak_mb"]) == (20.0, 100.0)
    with pytest.raises(ValueError, match="same networks"):
        training_speed.summarise(runs | {"fit": rounds(1.0, 1.0, 1.0, weights=(1, 3))})


def test_the_step_is_compared_with_the_best_limit_of_its_round():
    limits = [{"matrix product": 80e9, "convolution": 100e9}, {"matrix product": 50e9}]
    limits[1]["convolution"] = 40e9
    steps = rounds(10.0, 10.0)
    result = training_speed.reach({"Conv2D": 8e9, "MatMul": 2e9}, 2, steps, limits)
    assert result["gflop_per_image"] == 5 and result["step"] == 50
    assert result["share"] == {"median": 0.75, "min": 0.5, "max": 1.0}
    assert result["limits"] == {"matrix product": 65, "convolution": 70}


def test_pytorch_is_left_out_with_the_reason(capsys):
    arguments = training_speed.argparse.Namespace(
        batch=2, seconds=0.0, torch_python="/nowhere/python"
    )
    comparison = training_speed.Comparison(arguments, Path("outline.npz"))
    assert comparison.torch(["float32"], {"no_outline": "", "versions": {}}) == {}
    assert comparison.torch(["float32"], {"no_outline": "the generator is odd"}) == {}
    missing, odd = comparison.left_out
    assert "PyTorch" in missing and "/nowhere/python" in missing and "odd" in odd
    assert missing in capsys.readouterr().out


def test_times_of_operations_are_medians_and_pytorch_has_its_better_format():
    def run(**times):
        return {"milliseconds": {name.replace("_", ", "): time for name, time in times.items()}}

    runs = {
        "tensorflow float32": [run(norm=3.0, norm_library=1.0), run(norm=5.0, norm_library=2.0)],
        "tensorflow mixed_bfloat16": [run(norm=9.0)] * 2,
        "torch float32 contiguous": [run(norm=7.0)] * 2,
        "torch float32 channels_last": [run(norm=6.0)] * 2,
    }
    wanted = {"norm": {"tensorflow": 4.0, "library": 1.5, "torch": 6.0}}
    assert operations.summarise(runs, "float32") == wanted


def test_times_of_sampling_are_summed_up():
    runs = {
        "first image": [{"seconds": s} for s in (5.0, 4.0, 9.0)],
        "import": [{"seconds": s} for s in (3.0, 3.0, 4.0)],
        "many": [{"images_per_second": {"1": s, "64": 10 * s}} for s in (1.0, 3.0, 2.0)],
    }
    summary = sampling_speed.summarise(runs)
    assert summary["seconds"]["first image"] == {"median": 5.0, "min": 4.0, "max": 9.0}
    assert summary["images_per_second"] == {"1": 2.0, "64": 20.0}
