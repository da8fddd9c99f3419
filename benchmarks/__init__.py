"""The job against the script that a researcher would write; run by hand, never by the tests."""
