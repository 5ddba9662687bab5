"""The 8-bit floats, decoded as ml_dtypes decodes them: every bit pattern."""
import os
import subprocess
import sys

import ml_dtypes
import numpy as np

TOOL = os.path.join(os.environ["LATHE_BINARY_DIR"], "tests", "f8_tool")


def main():
    values = np.frombuffer(subprocess.run([TOOL], stdout=subprocess.PIPE, check=True).stdout, np.float32).reshape(2, 256)
    bits = np.arange(256, dtype=np.uint8)
    for row, kind in zip(values, (ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2)):
        expected = bits.view(kind).astype(np.float32)
        same = (row.view(np.uint32) == expected.view(np.uint32)) | (np.isnan(row) & np.isnan(expected))
        if not same.all():
            sys.exit(f"{kind.__name__}: {bits[~same]} give {row[~same]}, expected {expected[~same]}")
    print("as ml_dtypes decodes them")


if __name__ == "__main__":
    main()
