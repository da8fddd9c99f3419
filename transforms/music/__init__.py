"""The musical half of VM-NET: 380 rows of a harmonic and a percussive component, exact and fast.

``layout`` and ``contract`` say what the rows are; ``reference`` has them as librosa calls; the other modules are the
fast path, held to the reference by tests.
"""
