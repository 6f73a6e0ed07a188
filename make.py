"""The one command of this repository, on Linux, macOS and Windows; needs only Python 3.11 or newer.

    python make.py app                         set up what is missing, then serve the apps and print the link
    python make.py app DATA=photos             train on a folder of photos first, and serve that model
    python make.py app MODEL=my.onnx PORT=8000 serve this model file
    python make.py test                        all that CI runs: lint, types, tests, browser, wheel
    python make.py lint                        the quick part of it
    python make.py bench                       the measurements; bench-NAME runs tests/bench/bench_NAME.py alone
    python make.py bench-data                  fetch the photos that are measured on
    python make.py setup                       only the set-up, in .venv
    python make.py clean                       remove .venv and the caches; photos and models (var/) stay

Where there is make, `make app` is the same. Settings may stand in the environment as well.
FIELDMARK_TORCH=cpu or cuda chooses the build of torch; without it, cuda is taken where nvidia-smi is found.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
SETTINGS = ("DATA", "MODEL", "PORT")
REQUIREMENTS = {"app": "requirements.txt", "test": "requirements-test.txt"}

# One pair: torchvision is compiled against exactly this torch.
TORCH = "2.13.0"
TORCHVISION = "0.28.0"
# What pip would do one file after the other, on all cores; a file that cannot be compiled is none that is imported.
COMPILE = (
    "import compileall, sysconfig as s; compileall.compile_dir(s.get_path('purelib'), quiet=2, workers=0)"
)
PYTORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


# --- Set-up -------------------------------------------------------------------------------------------------


def setup(kind: str) -> None:
    """Bring .venv to what `kind` ("app" or "test") needs; at once where it is there already."""
    if any(_stamp(done).is_file() and _stamp(done).read_text() == _wanted() for done in {kind, "test"}):
        return
    print(
        f"Setting up Fieldmark in {VENV.name}: some minutes the first time, about 2 GB of disk.", flush=True
    )
    if not _runs(PYTHON, "-m", "pip", "--version"):
        _step("a Python environment", [sys.executable, "-m", "venv", "--clear", VENV])
    _drop_half_installed()
    _install_torch()
    # With what they need among them (a test looks): pip has nothing to find out.
    _pip_step("the libraries", "--no-deps", "-r", ROOT / REQUIREMENTS[kind])
    _pip_step("Fieldmark itself", "--no-deps", "--no-build-isolation", "-e", ROOT)
    _step("compiling all of it", [PYTHON, "-c", COMPILE])
    _stamp(kind).write_text(_wanted())


def _stamp(kind: str) -> Path:
    """The file that says a set-up came to its end, and for which pins."""
    return VENV / f"fieldmark-{kind}.stamp"


def _wanted() -> str:
    """A hash of all that a set-up depends on; the folder counts, because environments cannot be moved."""
    files = ("make.py", "pyproject.toml", *REQUIREMENTS.values())
    facts = b"".join((ROOT / name).read_bytes() for name in files)
    return hashlib.sha256(facts + f"{ROOT} {_torch_build()}".encode()).hexdigest()


def _drop_half_installed() -> None:
    """Let pip install again what it was writing when it was stopped: that looks installed, but has no RECORD."""
    for info in VENV.rglob("*.dist-info"):
        if not (info / "RECORD").is_file():
            shutil.rmtree(info)


def _torch_build() -> str:
    """ "cpu" where gigabytes of CUDA would be of no use, else "cuda"; "plain" where the index has only one."""
    if platform.system() != "Linux":
        return "plain"  # for macOS and Windows the plain package is the CPU build
    return os.environ.get("FIELDMARK_TORCH") or ("cuda" if shutil.which("nvidia-smi") else "cpu")


def _install_torch() -> None:
    """Install torch and torchvision; the CPU builds wherever an index offers them, and they are wanted."""
    if _torch_build() != "cpu":
        _pip_step("torch", f"torch=={TORCH}", f"torchvision=={TORCHVISION}")
        return
    if not _install_cpu_build("torch", TORCH):
        print("  No index in reach offers the CPU build of torch: this one brings gigabytes of CUDA along.")
        _pip_step("torch", f"torch=={TORCH}")
    # Without its dependencies: it must never replace the torch above.
    if not _install_cpu_build("torchvision", TORCHVISION):
        _pip_step("torchvision", "--no-deps", f"torchvision=={TORCHVISION}")


def _install_cpu_build(package: str, version: str) -> bool:
    """Install the CPU build from the configured indexes or PyTorch's own; False where neither offers it.

    First asks, which takes a second, then installs: a download that breaks off stops the set-up, and is
    never taken for an index without the CPU build.
    """
    build = f"{version}+cpu"
    pytorch = ("--index-url", PYTORCH_CPU_INDEX)
    for index, patience in (((), ()), (pytorch, ("--timeout", "5", "--retries", "0"))):
        offered = _pip("index", "versions", package, *index, *patience).stdout
        if build in offered.replace(",", " ").split():
            _pip_step(f"{package}, CPU build", "--no-deps", *index, f"{package}=={build}")
            return True
    return False


def _pip(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def _pip_step(what: str, *arguments: str | Path) -> None:
    options = (
        "--quiet",
        "--no-compile",
        "--disable-pip-version-check",
        "--no-input",
        "--no-warn-script-location",
    )
    _step(what, [PYTHON, "-m", "pip", "install", *options, *arguments])


def _step(what: str, command: Sequence[str | Path]) -> None:
    """Run one part of the set-up: a line that says what and how long; its own output only when it fails."""
    start = time.monotonic()
    _say(f"  {what} …")
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=subprocess.STDOUT)
        try:
            while process.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=1)
                if sys.stdout.isatty():
                    _say(f"\r  {what} … {time.monotonic() - start:.0f} s")
        finally:
            process.kill()  # nothing goes on in the background after ctrl-C
            process.wait()
        print("" if sys.stdout.isatty() else f" {time.monotonic() - start:.0f} s", flush=True)
        if process.returncode:
            log.seek(0)
            lines = [line for line in log.read().splitlines() if not line.endswith("is ignored.")]
            raise SystemExit("\n".join([*lines[-25:], f"The set-up stopped at: {what}. {_advice(what)}"]))


def _advice(what: str) -> str:
    if what == "a Python environment":
        return "On Debian and Ubuntu, `sudo apt install python3-venv` brings what is missing."
    return "Look at the lines above, then run the same command again; it goes on from here."


def _say(text: str) -> None:
    print(text, end="", flush=True)


def _runs(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


# --- The browser that tests drive ---------------------------------------------------------------------------


def install_browser() -> bool:
    """Make sure that there is a Chromium for tests/browser: the system's, or Playwright's own."""
    if any(shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")):
        return True
    root = platform.system() == "Linux" and os.geteuid() == 0
    if root and shutil.which("apt-get"):
        print("Installing Debian's chromium for the browser tests …", flush=True)
        _runs("apt-get", "update")
        _runs("apt-get", "install", "--yes", "--no-install-recommends", "chromium", "fonts-liberation")
        if shutil.which("chromium"):
            return True
    return _run("-m", "playwright", "install", *(["--with-deps"] if root else []), "chromium") == 0


# --- Commands -----------------------------------------------------------------------------------------------


def app(settings: Mapping[str, str]) -> int:
    """Serve the apps: with the model of MODEL, one trained on DATA, or the demo model."""
    arguments = ["-m", "fieldmark", "app"]
    for name in ("DATA", "MODEL"):
        if name in settings:
            path = Path(settings[name]).expanduser().resolve()
            if not path.exists():
                raise SystemExit(f"{name}={settings[name]}: there is no such file or folder.")
            arguments += [f"--{name.lower()}", str(path)]
    if "PORT" in settings:
        arguments += ["--port", settings["PORT"]]
    setup("app")
    if os.name == "posix":  # in place of this process, so that a signal to it reaches the server
        os.chdir(ROOT)
        os.execv(PYTHON, [str(PYTHON), *arguments])
    return _run(*arguments)


def lint(_settings: Mapping[str, str]) -> int:
    """Style, format, types, the arrow of imports (ruff.toml files) and stripped notebooks."""
    setup("test")
    failed = _failed_checks()
    print(f"Lint failed: {', '.join(failed)}." if failed else "Lint passed.", flush=True)
    return 1 if failed else 0


def _failed_checks() -> list[str]:
    notebooks = sorted(str(path) for path in (ROOT / "apps").glob("*.ipynb"))
    checks = {
        "ruff check": ["ruff", "check"],
        "ruff format": ["ruff", "format", "--check"],
        "mypy": ["mypy"],
        "nbstripout": ["nbstripout", "--verify", *notebooks],
    }
    failed = []
    for name, command in checks.items():
        print(f"--- {name}", flush=True)
        if _run("-m", *command):
            failed.append(name)
    return failed


def test(_settings: Mapping[str, str]) -> int:
    """All that CI runs. The tests come last, so that the last line says how many passed."""
    setup("test")
    failed = _failed_checks()
    if not install_browser():
        failed.append("a browser for tests/browser")
    print(f"--- pytest (failed before it: {', '.join(failed) or 'nothing'})", flush=True)
    # Two at a time, a file always in one process: most tests wait for a browser or a server half of their time.
    # With one thread each: two that wait for each other on a core that is taken made some tests ten times slower.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # Where that is set, as containers like to, each of the hundreds of processes would compile Fieldmark anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if _run("-m", "pytest", "-n", "2", "--dist", "loadfile"):
        failed.append("pytest")
    if failed:
        print(f"Failed: {', '.join(failed)}.", flush=True)
    return 1 if failed else 0


def bench(_settings: Mapping[str, str], only: str = "*") -> int:
    """Run the measurements of tests/bench, one after the other; each prints its own figures."""
    setup("test")
    scripts = sorted((ROOT / "tests" / "bench").glob(f"bench_{only}.py"))
    if only == "*":  # fetching photos is no measurement
        scripts = [script for script in scripts if script.name != "bench_data.py"]
    if not scripts:
        raise SystemExit(f"There is no measurement tests/bench/bench_{only}.py.")
    return max(_run(str(script)) for script in scripts)


def clean(_settings: Mapping[str, str]) -> int:
    """Remove what set-up and tests made. Photos, datasets and models are never touched."""
    made = [VENV, ROOT / "dist", *ROOT.glob(".*_cache"), ROOT / ".hypothesis"]
    for top in ("core", "apps", "tests"):
        made += [*(ROOT / top).rglob("__pycache__"), *(ROOT / top).rglob(".ruff_cache")]
    for path in made:
        shutil.rmtree(path, ignore_errors=True)
    return 0


def setup_app(_settings: Mapping[str, str]) -> int:
    setup("app")
    return 0


def _run(*arguments: str) -> int:
    """Run .venv's Python in the repository, in plain sight; its exit code."""
    return subprocess.run([PYTHON, *arguments], cwd=ROOT, check=False).returncode


# --- Command line -------------------------------------------------------------------------------------------

COMMANDS: dict[str, Callable[[Mapping[str, str]], int]] = {
    "app": app,
    "bench": bench,
    "clean": clean,
    "lint": lint,
    "setup": setup_app,
    "test": test,
}


def main(arguments: Sequence[str]) -> int:
    """Run one command; 0 done, 1 failed with a sentence, 2 when the command itself was wrong."""
    settings = {name: os.environ[name] for name in SETTINGS if os.environ.get(name)}
    settings.update(_parse_setting(text) for text in arguments[1:])
    command = arguments[0] if arguments else ""
    if command.startswith("bench-"):
        return bench(settings, only=command.removeprefix("bench-").replace("-", "_"))
    if command not in COMMANDS:
        print(__doc__)
        return 0 if command in {"help", "-h", "--help"} else 2
    return COMMANDS[command](settings)


def _parse_setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if name not in SETTINGS or not equals:
        print(f"{text!r} is not a setting; write one of {', '.join(f'{name}=…' for name in SETTINGS)}.")
        raise SystemExit(2)
    return name, value


if __name__ == "__main__":
    if sys.version_info < (3, 11):  # noqa: UP036 - this file is where the minimum is enforced
        sys.exit(f"Fieldmark needs Python 3.11 or newer; this is {platform.python_version()}.")
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("\nStopped. The same command goes on from here.")
