"""What happens to one clip: timeline, decoding, sound split, and one file per feature.

Everything here is a function of files or arrays; nothing imports Beam or the store.
"""
