import pytest
from helpers.images import coloured

from tutorial_lib.errors import TutorialError
from tutorial_lib.show import plotting
from tutorial_lib.training.log import append_record


def test_loss_curves_show_the_log(tmp_path):
    for nimg, loss in ((1000, 2.0), (2000, 1.0)):
        record = {"nimg": nimg, "generator_loss": loss, "discriminator_loss": loss / 2}
        append_record(tmp_path / "log.jsonl", record)
    (axis,) = plotting.plot_losses(tmp_path).axes
    curves = {line.get_label(): line.get_xydata().tolist() for line in axis.lines}
    assert curves == {
        "generator loss": [[1, 2], [2, 1]],
        "discriminator loss": [[1, 1], [2, 0.5]],
    }
    assert "thousand" in axis.get_xlabel()


def test_loss_curves_of_an_empty_run_are_refused(tmp_path):
    with pytest.raises(TutorialError, match="nothing to plot"):
        plotting.plot_losses(tmp_path)


def test_rows_are_labelled():
    figure = plotting.plot_rows({"before": coloured(1, 2), "after": coloured(3, 4)})
    assert [axis.get_title(loc="left") for axis in figure.axes] == ["before", "after"]


def test_curves_are_labelled_and_told_apart_without_colours():
    axis = plotting.plot_curves(
        [0, 1], {"p": [2, 3], "q": [4, 5]}, xlabel="x (pixels)", ylabel="density"
    )
    assert (axis.get_xlabel(), axis.get_ylabel()) == ("x (pixels)", "density")
    assert [text.get_text() for text in axis.get_legend().get_texts()] == ["p", "q"]
    assert axis.lines[1].get_xydata().tolist() == [[0, 4], [1, 5]]
    assert axis.lines[0].get_linestyle() != axis.lines[1].get_linestyle()
    again = plotting.plot_curves([0], {"r": [1]}, xlabel="x", ylabel="y", axis=axis)
    assert again is axis and len(axis.lines) == 3
