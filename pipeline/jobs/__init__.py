"""The Beam jobs: thin graphs around Beam-free work. Only paths, ids and counts are shuffled, never frames or sound."""
