import pytest

from tutorial_lib.errors import TutorialError, choose

OPTIONS = {"hinge": 1, "least-squares": 2}


def test_an_option_is_chosen_by_its_name():
    assert choose("loss", "hinge", OPTIONS) == 1


@pytest.mark.parametrize("name", ["hing", "", "Hinge", None])
def test_an_unknown_name_lists_those_that_exist(name):
    with pytest.raises(TutorialError) as caught:
        choose("loss", name, OPTIONS)
    sentence = f"There is no loss named {name!r}. Choose from: hinge, least-squares."
    assert str(caught.value) == sentence


def test_an_option_may_be_nothing():
    assert choose("loss", "none", {"none": None}) is None


def test_a_users_mistake_is_a_value_error():
    assert issubclass(TutorialError, ValueError)
