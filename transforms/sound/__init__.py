"""The sound of a clip: one channel on the clip's timeline at the rate a feature asks for, or the whole track as FLAC.

The track is decoded from its start, since AAC's noise substitution, for one, depends on the decoder's state, so that
seeking would not give the same samples twice; only decoders that forget are entered near an excerpt. Encoder delay and
edit lists are removed by FFmpeg (its skip-samples side data).

How it hangs together: ``window`` says which samples a view wants, ``entering`` where decoding may begin, ``placing``
where a decoded frame lies, ``mixing`` turns frames into blocks of one channel, ``resampling`` takes each view's part of
them to its rate, ``decode`` drives all of it; ``flac`` is a path of its own.
"""

from transforms.sound.decode import decode_sound
from transforms.sound.flac import write_flac
from transforms.sound.mixing import mono

__all__ = ["decode_sound", "mono", "write_flac"]
