"""The Beam jobs: thin graphs around Beam-free work. What is shuffled are paths, ids and counts, never frames or sound."""
