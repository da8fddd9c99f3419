"""Cards: values from text, defaults, and the fingerprint."""

from __future__ import annotations

import dataclasses

import pytest

from transforms.card import Card, Parameter, Value, fingerprint

CARD = Card(
    name="x",
    version=1,
    about="a",
    paper="p",
    layout="clip",
    dims=3,
    dtype="float32",
    unit="1",
    hop_s=None,
    tolerance=1e-3,
    parameters={
        "count": Parameter(3, "paper", "", minimum=1),
        "share": Parameter(0.5, "code", "", minimum=0),
        "kind": Parameter("a", "ours", "", choices=("a", "b")),
        "fast": Parameter(True, "ours", ""),
    },
)


@pytest.mark.parametrize(
    ("parameter", "text", "value"),
    [
        ("count", "1", 1),
        ("count", "-0007", None),
        ("count", "1.0", None),
        ("count", "", None),
        ("share", "0", 0.0),
        ("share", "1e-3", 0.001),
        ("share", "-1", None),
        ("share", "nan", None),
        ("share", "inf", None),
        ("share", "-inf", None),
        ("share", "1e999", None),
        ("share", "half", None),
        ("kind", "b", "b"),
        ("kind", "c", None),
        ("kind", "A", None),
        ("fast", "no", False),
        ("fast", "TRUE", True),
        ("fast", "0", False),
        ("fast", "2", None),
        ("fast", "", None),
    ],
)
def test_text_becomes_a_value_of_the_same_kind_or_one_line(parameter: str, text: str, value: Value) -> None:
    known = CARD.parameters[parameter]
    if value is not None:
        found = known.parse("x.y", text)
        assert found == value
        assert type(found) is type(known.value)
        return
    with pytest.raises(ValueError, match="expected") as caught:
        known.parse("x.y", text)
    assert str(caught.value).startswith(f"x.y={text}: ")
    assert "\n" not in str(caught.value)


def test_defaults() -> None:
    assert CARD.defaults() == {"count": 3, "share": 0.5, "kind": "a", "fast": True}


def test_fingerprint_changes_with_what_the_numbers_depend_on() -> None:
    defaults = CARD.defaults()
    prints = [fingerprint(CARD, defaults)]
    changes: dict[str, Value] = {"count": 4, "share": 0.25, "kind": "b", "fast": False}
    for name in changes:
        prints.append(fingerprint(CARD, {**defaults, name: changes[name]}))
    prints.append(fingerprint(dataclasses.replace(CARD, version=2), defaults))
    prints.append(fingerprint(dataclasses.replace(CARD, name="y"), defaults))
    for dependency in ("weights", "projection", "input"):
        prints.append(fingerprint(CARD, defaults, **{dependency: "digest"}))
        prints.append(fingerprint(CARD, defaults, **{dependency: "another"}))
    assert len(set(prints)) == len(prints)


def test_fingerprint_does_not_change_with_words_order_or_time() -> None:
    defaults = CARD.defaults()
    plain = fingerprint(CARD, defaults, weights="w", input=None)
    assert fingerprint(CARD, dict(reversed(defaults.items())), input=None, weights="w") == plain
    assert (
        fingerprint(dataclasses.replace(CARD, about="other words", paper="v2"), defaults, weights="w", input=None)
        == plain
    )
    # pinned: another hash would recompute every dataset
    assert fingerprint(CARD, defaults) == "dec0dd31ea1836fe"


CONTRACTS = {
    "code": {"bands": Parameter(8, "code", "", (8, 9)), "log": Parameter("all", "code", "")},
    "paper": {"bands": Parameter(9, "paper", "", (8, 9)), "log": Parameter("all", "code", "")},
}
TWO = dataclasses.replace(CARD, contracts=CONTRACTS)


def test_a_contract_sets_what_paper_and_code_differ_in() -> None:
    plain = CARD.defaults()
    assert TWO.defaults() == {**plain, "contract": "code", "bands": 8, "log": "all"}
    assert TWO.values({"contract": "paper"}) == {**plain, "contract": "paper", "bands": 9, "log": "all"}
    # what a person sets by itself holds, whatever the contract
    assert TWO.values({"contract": "paper", "bands": 8, "count": 4})["bands"] == 8
    assert TWO.known("paper")["bands"].source == "paper"
    assert TWO.known()["contract"].choices == ("code", "paper")
    assert len({fingerprint(TWO, TWO.values({"contract": name})) for name in CONTRACTS}) == 2


def test_an_unknown_contract_is_one_line() -> None:
    with pytest.raises(ValueError, match=r"x\.contract=nope: expected one of code, paper"):
        TWO.known("nope")


def test_a_card_without_contracts_has_no_such_parameter() -> None:
    assert "contract" not in CARD.known()
    assert CARD.known() == dict(CARD.parameters)
