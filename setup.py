"""Packaging. Tool settings live in pyproject.toml, tested versions in constraints.txt."""

from setuptools import find_packages, setup

setup(
    name="reelscore",
    version="0.1.0",
    description="Turns videos into feature datasets and indexes for retrieval research",
    python_requires=">=3.11",
    packages=find_packages(include=["pipeline*", "transforms*", "models*", "trainer*"]),
    package_data={"pipeline.recipes": ["*.yaml"]},
    install_requires=[
        "apache-beam>=2.77,<2.78",
        "av>=16",
        "decord>=0.6",
        "faiss-cpu>=1.12",
        "ffmpeg-python>=0.2",
        "imageio-ffmpeg>=0.6",
        "librosa>=0.11",
        "numba>=0.61",
        "numpy>=2",
        "opencv-python-headless>=4.10",
        "pyarrow>=18",
        "pyyaml>=6",
        "safetensors>=0.5",
        # PySceneDetect without a second OpenCV
        "scenedetect-headless>=0.7.2",
        "scipy>=1.13",
        "soxr>=0.5",
        "threadpoolctl>=3.5",
        # torch and torchvision must be a matching pair of the registry's own builds
        "torch>=2.14",
        "torchvision>=0.29",
        "tqdm>=4.66",
    ],
    extras_require={
        # ncnn takes the part of a network in which Winograd's convolutions beat OpenVINO's (processors without AVX-512)
        "cpu": ["ncnn>=1.0.20260000", "openvino>=2025.0"],
        # shares its module's name with faiss-cpu: run_local.sh installs one of the two
        "gpu": ["faiss-gpu>=1.12"],
        "tfhub": ["tensorflow>=2.20", "tensorflow-hub>=0.16.1", "setuptools<81"],
        # draws the pictures of docs/features
        "docs": ["matplotlib>=3.10"],
        "test": ["mypy>=1.14", "onnx>=1.17", "pytest>=8", "pytest-xdist>=3.6", "ruff>=0.9"],
    },
    entry_points={"console_scripts": ["reelscore = pipeline.cli.main:main"]},
)
