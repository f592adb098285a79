"""The registry of actions."""

import pytest

from tui import actions


def test_ids_are_unique() -> None:
    ids = [action.id for action in actions.ACTIONS]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("place", list(actions.PLACES))
def test_no_key_has_two_meanings_in_one_place(place: actions.Place) -> None:
    bound = [key for action in actions.ACTIONS if action.place in actions.SHARED[place] for key in action.keys]
    assert len(bound) == len(set(bound))


def test_a_users_key_is_taken_from_its_former_action() -> None:
    keys = actions.effective_keys({"model": "p, ctrl+m"})
    assert keys["model"] == ("p", "ctrl+m")
    assert keys["provider"] == ()
    assert keys["period"] == ("p",)


def test_two_actions_can_change_their_keys() -> None:
    keys = actions.effective_keys({"model": "p", "provider": "m"})
    assert (keys["model"], keys["provider"]) == (("p",), ("m",))


def test_unknown_actions_are_named() -> None:
    assert actions.unknown_actions({"model": "x", "modle": "y"}) == ["modle"]
    assert actions.effective_keys({"modle": "y"}) == actions.effective_keys()


def test_no_two_keys_of_a_picker_of_models_stand_at_one_place_in_the_footer() -> None:
    order = [action.footer for action in actions.footer_actions("picker", "models")]
    assert len(order) == len(set(order))
