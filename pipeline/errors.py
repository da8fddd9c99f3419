"""Errors that end a command with one line: the exit code says whose turn it is."""

from __future__ import annotations


class UsageError(Exception):
    """The command was used wrongly (exit code 2): what was found, what was expected, what to do."""


class JobError(Exception):
    """The job could not be done (exit code 1); what the dataset held before is intact."""


class TooFewError(Exception):
    """There is too little data to learn a projection from; the rest of the job goes on without it."""
