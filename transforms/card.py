"""Feature cards: what a feature's numbers are, where each constant comes from, and the fingerprint that pins them."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Value = int | float | str | bool | None
Source = Literal["paper", "code", "review", "ours"]


@dataclass(frozen=True)
class Parameter:
    """A constant that a feature's numbers depend on, where it comes from, and why it has this value.

    ``choices`` lists the allowed values where there are only a few; ``minimum`` bounds a number from below.
    """

    value: Value
    source: Source
    note: str
    choices: tuple[Value, ...] = ()
    minimum: float | None = None

    def parse(self, name: str, text: str) -> Value:
        """``text`` from a command line as a value of this parameter's kind.

        Raises
        ------
        ValueError: one line that says what was found and what was expected.
        """
        value: Value = text
        kind = type(self.value)
        try:
            if kind is bool:
                value = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}[text.lower()]
            elif kind in (int, float):
                value = kind(text)
        except (KeyError, ValueError):
            raise ValueError(f"{name}={text}: expected a value of type {kind.__name__}") from None
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name}={text}: expected a finite number")
        if self.choices and value not in self.choices:
            raise ValueError(f"{name}={text}: expected one of {', '.join(map(str, self.choices))}")
        if self.minimum is not None and isinstance(value, (int, float)) and not value >= self.minimum:
            raise ValueError(f"{name}={text}: expected at least {self.minimum:g}")
        return value


@dataclass(frozen=True)
class Column:
    """What stands beside the values of a sequence, one for each row."""

    type: Literal["float32", "float64", "int64", "bool", "binary"]
    about: str


@dataclass(frozen=True)
class Card:
    """The description of one feature.

    Attributes
    ----------
    name, version: the version grows whenever the same parameters give other numbers.
    about: one line for people.
    paper: where the feature is defined (paper and section, or code).
    layout: ``clip`` (one vector a clip) or ``sequence`` (one vector a row of the time grid).
    dims: length of one vector; None where it follows from a fitted projection.
    dtype: stored type; what the type cannot hold within ``tolerance`` is a reject, never a silent loss.
    unit: unit of one value, ``1`` for none.
    hop_s: spacing of the rows of a sequence in seconds.
    tolerance: how far two backends may be apart, relative to the largest value of the clip.
    parameters: every constant with its provenance.
    contracts: sets of parameters that belong together, such as a paper's and its code's where the two disagree: name ->
        the parameters that differ, with the same keys in each. The first one is the default.
    chooser: (name, meaning) of the parameter that chooses between them.
    follows: features whose parameters this one shares: what is set for them holds here, unless it is set here as well.
    columns: what a table holds for each row of a sequence besides values, times and mask.
    row: what a row of a sequence is, where rows are not evenly spaced.
    input: the feature that a derivation reads; None for an extractor.
    one_second_grid: row k is second k of the clip's timeline, and there are ceil(min(duration, max_s)) rows; features
        on this grid pair up row by row.
    """

    name: str
    version: int
    about: str
    paper: str
    layout: Literal["clip", "sequence"]
    dims: int | None
    dtype: Literal["float32", "float16", "uint8"]
    unit: str
    hop_s: float | None
    tolerance: float
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    contracts: Mapping[str, Mapping[str, Parameter]] = field(default_factory=dict)
    input: str | None = None
    one_second_grid: bool = False
    chooser: tuple[str, str] = (
        "contract",
        "sets the parameters in which paper and code differ; each of them can also be set by itself",
    )
    follows: tuple[str, ...] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)
    row: str = ""

    def known(self, contract: Value = None) -> dict[str, Parameter]:
        """Every parameter by name, with the defaults of one of the contracts (None: of the default one).

        Raises
        ------
        ValueError: the card has no contract of that name.
        """
        found = dict(self.parameters)
        if self.contracts:
            names = tuple(self.contracts)
            name = names[0] if contract is None else str(contract)
            if name not in names:
                raise ValueError(f"{self.name}.{self.chooser[0]}={name}: expected one of {', '.join(names)}")
            found[self.chooser[0]] = Parameter(name, "ours", self.chooser[1], names)
            found |= self.contracts[name]
        return found

    def values(self, overrides: Mapping[str, Value] | None = None) -> dict[str, Value]:
        """The parameter values in force: the defaults (of the contract that ``overrides`` name), then ``overrides``."""
        given = dict(overrides or {})
        return {name: known.value for name, known in self.known(given.get(self.chooser[0])).items()} | given

    def defaults(self) -> dict[str, Value]:
        """The parameter values that hold where a user says nothing."""
        return self.values()


def fingerprint(card: Card, parameters: Mapping[str, Value], **dependencies: str | None) -> str:
    """16 hex digits over everything that the numbers depend on.

    Parameters
    ----------
    parameters: the values in force.
    dependencies: digests of what lies outside of the card: ``weights``, ``projection``, ``input`` (the fingerprint of
        the feature that a derivation reads).
    """
    content = {
        "name": card.name,
        "version": card.version,
        "parameters": dict(sorted(parameters.items())),
        "dependencies": dict(sorted(dependencies.items())),
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
