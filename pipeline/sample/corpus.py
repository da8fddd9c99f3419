"""Writing the corpus: one FFmpeg per clip, a few clips at a time, and the manifest beside them.

Every clip carries a comment that says which clip of which corpus it is. It stands at the end of the file, so a file
that has it is complete; by it a later call knows what is already made and what is not its own.
"""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
import tempfile
import time
import wave
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

import ffmpeg

from pipeline.sample import music, picture
from pipeline.sample.mood import Plan, draw, plan
from pipeline.sample.words import sentence
from transforms.ffmpeg import executable

#: Raised whenever the same plan would make other bytes; clips of another version are not taken for one's own.
VERSION = 1
MANIFEST = "manifest.csv"
PARTS = ".making-"
#: A folder of half-made clips that is older than this was left behind by a run that was killed.
STALE_S = 3600.0
WIDTH_PX, HEIGHT_PX = 320, 180
CLIP_NAME = re.compile(r"(\d{4,})-[a-z]+\.mp4")


def file_name(seed: int, index: int) -> str:
    """Name of a clip: its number and its mood, for example ``0007-joyful.mp4``."""
    return f"{index:04d}-{draw(seed, index).name}.mp4"


def mark(seed: int, index: int, seconds: float) -> str:
    """The comment that a clip carries."""
    return f"reelscore sample {VERSION} seed={seed} clip={index} seconds={seconds:g}."


def has_mark(path: Path, text: str) -> bool:
    """Whether a file ends with the comment ``text``."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 1024))
        return text.encode() in file.read()


def write_sound(made: Plan, path: Path) -> None:
    """Write the clip's music as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(music.RATE_HZ)
        file.writeframes(music.render(made).tobytes())


def command(made: Plan, sound: Path, target: Path, comment: str) -> list[str]:
    """FFmpeg's command line: raw pictures on its input, the sound from a file, H.264 + AAC in MP4 out.

    One thread for each encoder, bit-exact flags and no date, so that the same input gives the same bytes.
    """
    size = f"{picture.WIDTH_PX}x{picture.HEIGHT_PX}"
    frames = ffmpeg.input("pipe:", format="rawvideo", pix_fmt="gbrp", s=size, r=picture.FPS)
    frames = frames.filter("scale", WIDTH_PX, HEIGHT_PX, flags="bicubic+accurate_rnd+bitexact").filter(
        "format", "yuv420p"
    )
    if made.look.grain:
        frames = frames.filter("noise", alls=made.look.grain, allf="t", all_seed=1 + made.index)
    output = ffmpeg.output(
        frames,
        ffmpeg.input(str(sound)).audio,
        str(target),
        format="mp4",
        vcodec="libx264",
        preset="veryfast",
        crf=26,
        bf=2,
        g=50,
        acodec="aac",
        audio_bitrate="128k",
        threads=1,
        fflags="+bitexact",
        map_metadata=-1,
        metadata=f"comment={comment}",
        **{"flags:v": "+bitexact", "flags:a": "+bitexact"},
    )
    arguments: list[str] = output.global_args("-v", "error", "-nostdin", "-filter_threads", "1").compile(
        cmd=executable(), overwrite_output=True
    )
    return arguments


def make_clip(seed: int, index: int, seconds: float, parts: Path, target: Path) -> None:
    """Make one clip in the folder ``parts`` and move it to ``target``.

    Raises
    ------
    RuntimeError: FFmpeg failed; the message is its last line.
    """
    made = plan(seed, index, seconds)
    sound, half = parts / f"{index}.wav", parts / f"{index}.mp4"
    write_sound(made, sound)
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            command(made, sound, half, mark(seed, index, seconds)), stdin=subprocess.PIPE, stderr=errors
        )
        try:
            assert process.stdin is not None
            for block in picture.planes(made):
                process.stdin.write(block)
            process.stdin.close()
        except BrokenPipeError:
            # FFmpeg stopped reading; its exit code and last line say why.
            pass
        except BaseException:
            process.kill()
            raise
        finally:
            code = process.wait()
        errors.seek(0)
        said = errors.read().decode(errors="replace").strip().splitlines()
    if code != 0:
        raise RuntimeError(f"FFmpeg could not write {target}: {said[-1] if said else f'exit code {code}'}")
    sound.unlink()
    half.replace(target)


def present(folder: Path, seed: int, seconds: float) -> set[int]:
    """Numbers of the clips that are already there.

    Raises
    ------
    ValueError: the folder holds something that this corpus did not make.
    """
    found = set()
    for path in sorted(folder.iterdir()):
        if path.name == MANIFEST or path.name.startswith(PARTS):
            continue
        name = CLIP_NAME.fullmatch(path.name)
        index = int(name.group(1)) if name else -1
        if not name or not path.is_file() or not has_mark(path, mark(seed, index, seconds)):
            raise ValueError(
                f"{folder} holds {path.name}, which is no clip of the sample corpus of seed {seed} and {seconds:g} s: "
                "name a new or empty folder"
            )
        found.add(index)
    return found


def write_manifest(folder: Path, seed: int, seconds: float, indices: set[int]) -> None:
    """Write ``manifest.csv`` (uri, label, text), one row per clip in the folder, unless it already says so."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["uri", "label", "text"])
    for index in sorted(indices):
        made = plan(seed, index, seconds)
        writer.writerow([file_name(seed, index), made.mood.name, sentence(made)])
    path = folder / MANIFEST
    if path.is_file() and path.read_text(encoding="utf-8") == text.getvalue():
        return
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=PARTS, encoding="utf-8", delete=False) as file:
        file.write(text.getvalue())
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def make_corpus(
    folder: Path,
    clips: int = 36,
    seed: int = 0,
    seconds: float = 8.0,
    say: Callable[[str], None] | None = None,
    workers: int | None = None,
) -> list[Path]:
    """Make the sample corpus in ``folder`` and return the paths of its first ``clips`` clips, in order.

    The same seed, number and FFmpeg build give the same bytes, however many clips are made and by however many
    workers. Clips that are already there are kept, so a second call does nothing and a killed one is finished by
    calling again. ``manifest.csv`` names every clip in the folder, those of an earlier, larger call too.

    Parameters
    ----------
    clips: how many, at least 1.
    seed: another seed makes another corpus, at least 0.
    seconds: the lengths lie within a quarter of it on both sides; at least 1.
    say: called with one line after each clip that was made, from the calling thread.
    workers: clips made at once; the number of cores if None.

    Raises
    ------
    ValueError: a number out of range, or a folder that holds something else (nothing is written then).
    RuntimeError: FFmpeg is missing or failed.
    OSError: the folder cannot be written.
    """
    if clips < 1 or seed < 0 or not 1.0 <= seconds <= 600.0:
        raise ValueError(
            f"clips={clips}, seed={seed}, seconds={seconds:g}: expected clips >= 1, seed >= 0, seconds from 1 to 600"
        )
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: name a folder for the sample corpus")
    folder.mkdir(parents=True, exist_ok=True)
    done = present(folder, seed, seconds)
    missing = [index for index in range(clips) if index not in done]
    if missing:
        make_missing(folder, missing, seed, seconds, say, workers or len(os.sched_getaffinity(0)))
    write_manifest(folder, seed, seconds, done | set(missing))
    return [folder / file_name(seed, index) for index in range(clips)]


def make_missing(
    folder: Path, missing: list[int], seed: int, seconds: float, say: Callable[[str], None] | None, workers: int
) -> None:
    """Make the clips ``missing`` in threads: the work is in numpy and FFmpeg, which run beside each other."""
    for stale in folder.glob(PARTS + "*"):
        if time.time() - stale.stat().st_mtime > STALE_S:
            shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=PARTS, dir=folder) as parts, ThreadPoolExecutor(workers) as pool:
        waiting = {
            pool.submit(make_clip, seed, index, seconds, Path(parts), folder / file_name(seed, index)): index
            for index in missing
        }
        try:
            for count, future in enumerate(as_completed(waiting), start=1):
                future.result()
                if say:
                    say(f"made {file_name(seed, waiting[future])} ({count} of {len(missing)})")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
