"""The programs that Lathe is compared with. Each is found below build/peers, or made there when it is first asked for:

llama.cpp        of the sources in the llama-cpp-python package (tools/fetch_test_data.py --sources), for this processor:
                 GGML_NATIVE, about ten minutes on two cores. LATHE_PEER_DIR names other sources, with build/bin in them.
llama.cpp-avx2   the same sources without AVX-512: GGML_NATIVE off, GGML_AVX2, GGML_FMA, GGML_F16C, GGML_BMI2 on.
openvino         a venv with OpenVINO GenAI, OpenVINO and onnx from the Python package index.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
PEERS = ROOT / "build" / "peers"
COMMON = ["-DCMAKE_BUILD_TYPE=Release", "-DLLAMA_CURL=OFF", "-DLLAMA_OPENSSL=OFF", "-DLLAMA_BUILD_TESTS=OFF",
          "-DLLAMA_BUILD_UI=OFF"]
NATIVE = ["-DGGML_NATIVE=ON"]
AVX2 = ["-DGGML_NATIVE=OFF", "-DGGML_AVX=ON", "-DGGML_AVX2=ON", "-DGGML_FMA=ON", "-DGGML_F16C=ON", "-DGGML_BMI2=ON",
        "-DGGML_AVX512=OFF"]
OPENVINO = ["openvino-genai==2026.4.1.0", "openvino==2026.4.1", "onnx==1.23.2", "numpy==2.4.6"]


def log(words):
    print(words, file=sys.stderr, flush=True)


def call(command, **options):
    """The command's output; ends the program with its messages where it fails."""
    result = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if result.returncode != 0:
        sys.exit(f"{result.stdout[-2000:]}{result.stderr[-4000:]}\n{command[0]} failed with status {result.returncode}")
    return result.stdout


def call_json(command, **options):
    return json.loads(call(command, **options))


def find_model(name):
    """The path of a file, or of a model that tools/fetch_model.py knows."""
    if os.path.exists(name):
        return name
    return call([sys.executable, ROOT / "tools" / "fetch_model.py", name]).strip()


def llama_cpp_sources():
    if os.environ.get("LATHE_PEER_DIR"):
        return pathlib.Path(os.environ["LATHE_PEER_DIR"])
    log("looking for the sources of llama.cpp")
    return pathlib.Path(call([sys.executable, ROOT / "tools" / "fetch_test_data.py", "--sources"]).strip())


def build_llama_cpp(sources, build, options, targets):
    if all((build / "bin" / target).exists() for target in targets):
        return
    log(f"building llama.cpp in {build}")
    if build.is_symlink():
        build.unlink()  # to a build that is gone, or to one that is not ours to remove
    elif build.exists():
        shutil.rmtree(build)  # of sources elsewhere, or half of it
    call(["cmake", "-S", sources, "-B", build, "-G", "Ninja", *COMMON, *options])
    call(["cmake", "--build", build, "--target", *targets])


def llama_cpp():
    """llama.cpp's sources, and its build with bin/llama-bench, bin/llama-batched-bench and libllama; others: llama_program()."""
    sources = llama_cpp_sources()
    if os.environ.get("LATHE_PEER_DIR"):
        return sources, sources / "build"
    build = PEERS / "llama.cpp"
    build_llama_cpp(sources, build, NATIVE, ["llama-bench", "llama-batched-bench"])
    return sources, build


def llama_program(name):
    """A program of that build, made where it is not there yet."""
    _, build = llama_cpp()
    program = build / "bin" / name
    if not program.exists():
        log(f"building {name}")
        call(["cmake", "--build", build, "--target", name])
    return program


def llama_cpp_avx2():
    """A build of llama.cpp without AVX-512, with bin/llama-bench."""
    build = PEERS / "llama.cpp-avx2"
    if not (build / "bin" / "llama-bench").exists():
        build_llama_cpp(llama_cpp_sources(), build, AVX2, ["llama-bench"])
    return build


def openvino():
    """The Python that has OpenVINO."""
    venv = PEERS / "openvino"
    python = venv / "bin" / "python"
    if not (venv / "installed").exists():
        log("installing OpenVINO")
        call([sys.executable, "-m", "venv", "--clear", venv])
        call([python, "-m", "pip", "install", "--disable-pip-version-check", "--only-binary", ":all:", *OPENVINO])
        (venv / "installed").touch()
    return python


def build_driver(name, llama=None):
    """A program of bench/peers that uses libllama; `llama`: as llama_cpp() gives it."""
    sources, build = llama or llama_cpp()
    PEERS.mkdir(parents=True, exist_ok=True)
    call(["c++", "-std=c++20", "-O2", f"-I{sources / 'include'}", f"-I{sources / 'ggml' / 'include'}",
          ROOT / "bench" / "peers" / f"{name}.cc", f"-L{build / 'bin'}", "-lllama", "-lggml", "-lggml-base",
          f"-Wl,-rpath,{build / 'bin'}", "-o", PEERS / name])
    return PEERS / name
