"""The vendor's rule for learning on the chip, in the vendor's simulator: one layer of binary weights on binary features.

    learn.py CASES     names the class of every query, after as many cases as asked for, on stdout

CASES is a folder with learn.json and bits.bin. learn.json: `features`, `classes`, `neurons` of each class, `weights` that a
neuron has, `labels` of the cases in their order, `after` which numbers of cases the queries are named. bits.bin: uint8, 0 or
1, a row for each case, then one for each query. Printed: int32, little endian, the queries' classes after the first of those
numbers, then after the second, and so on. A fault is one line on stderr, exit code 1.
"""

import json
import sys
from pathlib import Path

try:
    import akida
    import numpy as np
except ImportError as missing:
    sys.exit(f"{missing}; type: {sys.executable} -m pip install -r {Path(__file__).with_name('requirements.txt')}")


def layer_that_learns(features, classes, neurons, weights):
    model = akida.Model()
    model.add(akida.InputData(input_shape=(1, 1, features), input_bits=1))
    model.add(akida.FullyConnected(units=classes * neurons, weights_bits=1, activation=False))
    # All else as the vendor has it by default.
    model.compile(optimizer=akida.AkidaUnsupervised(num_weights=weights, num_classes=classes))
    return model


def named(folder):
    task = json.loads((folder / "learn.json").read_text())
    features, classes = task["features"], task["classes"]
    rows = np.frombuffer((folder / "bits.bin").read_bytes(), np.uint8).reshape([-1, 1, 1, features])
    labels = np.array(task["labels"], np.int32)
    cases, queries = rows[: len(labels)], rows[len(labels) :]
    model = layer_that_learns(features, classes, task["neurons"], task["weights"])
    learned = 0
    for count in task["after"]:
        # One after the other, in their order.
        if count > learned:
            model.fit(cases[learned:count], labels[learned:count])
        learned = count
        yield model.predict_classes(queries, num_classes=classes)


if __name__ == "__main__":
    try:
        answers = np.concatenate(list(named(Path(sys.argv[1]))))
        sys.stdout.buffer.write(answers.astype("<i4").tobytes())
    except Exception as fault:  # Whatever the vendor raises, the caller gets one line.
        sys.exit(" ".join(str(fault).split()))
