"""Make the peers' environments: each library that vael is compared with lives in a virtual environment of its own.

    python benchmarks/peers.py              # all of them
    python benchmarks/peers.py pythae jax   # these

They go to `.peers/<name>/` at the repository's root, which ignores itself in git. An environment that is complete is
left alone; one whose installation broke off is made anew.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

__all__ = ["PEERS_ROOT", "REQUIREMENTS", "make_environment", "peer_python"]

PEERS_ROOT = Path(__file__).resolve().parents[1] / ".peers"

# torch is pinned in the same pip call: that takes the CPU build where an index offers one, instead of CUDA's gigabytes.
# pythae 0.1.2 runs unmodified beside these versions: its training code does not import torchvision.
REQUIREMENTS = {
    "pythae": ("pythae==0.1.2", "torch==2.13.0", "numpy>=2,<3", "pydantic>=2,<3", "pillow"),
    "jax": ("jax==0.10.2", "jaxlib==0.10.2", "optax==0.2.8", "numpy>=2,<3"),
}


def peer_python(name: str) -> Path:
    """Return the interpreter of a peer's environment, whether it exists or not."""
    return PEERS_ROOT / name / "bin" / "python"


def make_environment(name: str) -> bool:
    """Install the peer `name` and return True, or return False where it lies complete already."""
    folder = PEERS_ROOT / name
    wanted = "\n".join(REQUIREMENTS[name]) + "\n"
    stamp = folder / "complete.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return False
    shutil.rmtree(folder, ignore_errors=True)
    PEERS_ROOT.mkdir(exist_ok=True)
    (PEERS_ROOT / ".gitignore").write_text("*\n")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    subprocess.run([str(peer_python(name)), "-m", "pip", "install", "--quiet", *REQUIREMENTS[name]], check=True)
    stamp.write_text(wanted)
    return True


def main() -> int:
    """Make the environments that the command line names, all by default."""
    parser = argparse.ArgumentParser(description="Make the virtual environments of the libraries to compare with.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(REQUIREMENTS)}; default: all")
    names = parser.parse_args().names or list(REQUIREMENTS)
    if unknown := [name for name in names if name not in REQUIREMENTS]:
        parser.error(f"unknown peer {unknown[0]!r}: known are {', '.join(REQUIREMENTS)}")
    for name in names:
        try:
            print(f"{name}: {'installed' if make_environment(name) else 'complete already'}", flush=True)
        except subprocess.CalledProcessError as error:
            print(f"{name}: not installed, `{' '.join(error.cmd[1:3])}` ended with {error.returncode}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
