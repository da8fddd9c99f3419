"""Shots: where a clip cuts from one continuous take to the next, and which pictures stand for each."""
