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
