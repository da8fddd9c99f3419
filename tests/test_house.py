"""The rules of the house that a machine can check: imports, sizes, docstrings, no path of one machine."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = [name for name in ("models", "transforms", "pipeline", "trainer") if (ROOT / name).is_dir()]
MODULES = sorted(path for name in PACKAGES for path in (ROOT / name).rglob("*.py"))
OURS = sorted({*MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py"), ROOT / "setup.py"})

#: What a package must never import: imports run pipeline -> transforms -> models, and trainer -> models.
FORBIDDEN = {
    "models": {"transforms", "pipeline", "trainer", "apache_beam"},
    "transforms": {"pipeline", "trainer", "apache_beam"},
    "pipeline": {"trainer"},
    "trainer": {"transforms", "apache_beam", "tensorflow"},
}
#: Imported where it is used and never with the module, so that starting up and the decoders' children stay light.
HEAVY = {"apache_beam", "av", "cv2", "decord", "faiss", "librosa", "openvino", "tensorflow", "torch", "torchvision"}


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(nodes: list[ast.AST]) -> set[str]:
    """Names of the modules that import statements among ``nodes`` name, and of what is taken from them."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found |= {str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def packages(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def at_import(module: ast.Module) -> list[ast.AST]:
    """Nodes that run when the module is imported: not inside a function, nor under ``if TYPE_CHECKING``."""
    found: list[ast.AST] = []
    waiting: list[ast.AST] = list(module.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
            continue
        found.append(node)
        waiting += ast.iter_child_nodes(node)
    return found


def test_there_is_something_to_check() -> None:
    assert len(MODULES) > 50
    assert {"models", "transforms", "pipeline"} <= set(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_run_one_way(package: str) -> None:
    wrong = {
        relative(path): sorted(bad)
        for path in MODULES
        if path.relative_to(ROOT).parts[0] == package
        if (bad := packages(imported(list(ast.walk(parsed(path))))) & FORBIDDEN[package])
    }
    assert wrong == {}


def test_only_the_jobs_and_remote_files_know_beam() -> None:
    users = {relative(path) for path in MODULES if "apache_beam" in packages(imported(list(ast.walk(parsed(path)))))}
    assert {name for name in users if not name.startswith("pipeline/jobs/")} == {"pipeline/inputs/files.py"}


def test_jobs_are_imported_only_where_there_is_work() -> None:
    wrong = [
        relative(path)
        for path in MODULES
        if not relative(path).startswith("pipeline/jobs/")
        if any(name.startswith("pipeline.jobs") for name in imported(at_import(parsed(path))))
    ]
    assert wrong == []


def test_heavy_packages_are_not_imported_with_a_module() -> None:
    # the modules behind the features of the sound are imported by the features' functions
    lazily = r"transforms/(music|spectrograms)/\w+\.py"
    allowed = re.compile(rf"pipeline/jobs/\w+\.py|models/backends/\w+_backend\.py|models/networks/.*|{lazily}")
    wrong = {
        relative(path): sorted(heavy)
        for path in MODULES
        if not allowed.fullmatch(relative(path))
        if (heavy := packages(imported(at_import(parsed(path)))) & HEAVY)
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "code",
    [
        "from pipeline.cli.main import parser; parser()",
        "import pipeline.planning, pipeline.steps, pipeline.recipes, pipeline.extraction, pipeline.searching",
        "import transforms.decoding",
    ],
)
def test_starting_up_brings_nothing_heavy(code: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\nprint(*sorted({HEAVY!r} & set(sys.modules)))"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert found.stdout.split() == []


def test_no_file_is_long() -> None:
    lengths = {relative(path): len(path.read_text(encoding="utf-8").splitlines()) for path in OURS}
    assert {name: length for name, length in lengths.items() if length > 400} == {}


def test_every_module_opens_with_its_idea() -> None:
    without = [relative(path) for path in OURS if not (ast.get_docstring(parsed(path)) or "").strip()]
    assert without == []


def test_public_functions_and_classes_are_described() -> None:
    usual = {"add_arguments", "run"}  # what the module of every command has
    without = [
        f"{relative(path)}: {node.name}"
        for path in MODULES
        for node in parsed(path).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
        if not ast.get_docstring(node)
        if not (node.name in usual and relative(path).startswith("pipeline/cli/"))
    ]
    assert without == []


def tracked() -> list[Path]:
    """Files that git tracks or would add; the test is skipped where there is no repository."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git repository")
    return [path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file()]


def test_no_file_names_a_path_of_one_machine() -> None:
    homes = re.compile(rb"(?<![\w.])/(?:work/\w|root/\w|tmp/w/|home/\w+/|Users/\w+/)")
    wrong = [relative(path) for path in tracked() if homes.search(path.read_bytes())]
    assert wrong == []


def test_no_media_and_nothing_large_is_tracked() -> None:
    large = {relative(path): path.stat().st_size for path in tracked() if path.stat().st_size > 1_000_000}
    assert large == {}
    media = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".flac", ".wav", ".mp3", ".pth", ".safetensors", ".onnx"}
    assert [relative(path) for path in tracked() if path.suffix.lower() in media] == []
