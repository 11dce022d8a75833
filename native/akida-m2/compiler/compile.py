"""A network of integers, layer by layer, as the vendor's model: mapped onto a virtual device, or simulated.

    compile.py map NETWORK DEVICE OUT     writes model.fbz, program-info.bin, program-data.bin and program.json to OUT
    compile.py simulate NETWORK IMAGES    writes what every layer makes of every image to stdout
    compile.py answer MODEL IMAGES        writes what a model.fbz makes of every image to stdout

NETWORK is a folder with network.json and weights.bin; src/conversion/akida1/network.ts says what they hold. IMAGES is a file
of uint8, image after image, in row, column, channel order. Simulated values are int32, little endian, image after image,
within an image layer after layer, in row, column, channel order; the last layer's are its potentials. A fault is one line on
stderr, exit code 1.
"""

import json
import sys
from pathlib import Path

try:
    import akida
    import numpy as np
except ImportError as missing:
    sys.exit(f"{missing}; type: {sys.executable} -m pip install -r {Path(__file__).with_name('requirements.txt')}")

DEVICES = {"akd1000": akida.AKD1000, "akd1500": akida.AKD1500}
DTYPES = {"int8": np.int8, "int32": np.int32}


def read_network(folder):
    """The description, its arrays resolved."""
    layers = json.loads((folder / "network.json").read_text())["layers"]
    data = (folder / "weights.bin").read_bytes()

    def resolved(value):
        if isinstance(value, dict) and "offset" in value:
            array = np.frombuffer(data, DTYPES[value["type"]], value["length"], value["offset"])
            return array.reshape(value["shape"])
        return value

    return [{name: resolved(value) for name, value in layer.items()} for layer in layers]


def layer_of(description):
    """The vendor's layer, without its variables."""
    kind = description["kind"]
    common = {"name": description["name"], "weights_bits": description["weightBits"]}
    if description["activationBits"] is None:
        common["activation"] = False
    else:
        common["act_bits"] = description["activationBits"]
    if kind == "FullyConnected":
        return akida.FullyConnected(units=description["filters"], **common)
    common.update(
        filters=description["filters"],
        kernel_size=tuple(description["kernel"]),
        kernel_stride=tuple(description["stride"]),
        padding=akida.Padding.Same,
    )
    if description["pool"] is not None:
        side = (description["pool"], description["pool"])
        common.update(pool_type=akida.PoolType.Max, pool_size=side, pool_stride=side)
    if kind == "Convolutional":
        return akida.Convolutional(**common)
    shape = tuple(description["inputShape"])
    return akida.InputConvolutional(input_shape=shape, padding_value=description["paddingValue"], **common)


def build(network):
    model = akida.Model()
    for description in network:
        layer = layer_of(description)
        model.add(layer)
        layer.set_variable("weights", description["weights"])
        if description["activationBits"] is not None:
            layer.set_variable("threshold", description["thresholds"])
            # A step of sixteenths: exact in single precision below 2^20.
            layer.set_variable("act_step", (description["steps"] / 16).astype(np.float32))
    return model


def processors_of(layer):
    """Identities of the neural processors that compute a layer; none of the one that reads the image by itself."""
    if layer.mapping is None:
        return []
    return [[part.ident.col, part.ident.row, part.ident.id] for part in layer.mapping.nps]


def map_network(folder, device_name, out):
    device = DEVICES[device_name]()
    model = build(read_network(folder))
    # Neither fills the mesh for its own sake: a partition that sees only zeros can make a fetch time out.
    model.map(device, hw_only=True, mode=akida.MapMode.Minimal)
    sequences = model.sequences
    if len(sequences) != 1 or sequences[0].backend != akida.BackendType.Hardware:
        raise RuntimeError("The model does not lie on the device as one sequence")
    sequence = sequences[0]
    layers = [layer for part in sequence.passes for layer in part.layers]
    placed = [{"name": layer.name, "processors": processors_of(layer)} for layer in layers]
    used = {tuple(processor) for layer in placed for processor in layer["processors"]}
    report = {
        "compiler": akida.__version__,
        "device": device_name,
        "deviceVersion": str(device.version),
        "mode": "Minimal",
        "passes": len(sequence.passes),
        "processors": {"used": len(used), "of": len(device.mesh.nps)},
        "layers": placed,
    }
    model.save(str(out / "model.fbz"))
    (out / "program-info.bin").write_bytes(sequence.program_parts.program_info)
    (out / "program-data.bin").write_bytes(sequence.program_parts.program_data)
    (out / "program.json").write_text(json.dumps(report, indent=2) + "\n")


def simulate(folder, images_file):
    network = read_network(folder)
    shape = network[0]["inputShape"]
    images = np.frombuffer(images_file.read_bytes(), np.uint8).reshape([-1, *shape])
    outputs = []
    for count in range(1, len(network) + 1):
        values = build(network[:count]).forward(images)
        outputs.append(values.reshape(len(images), -1).astype(np.int32))
    sys.stdout.buffer.write(np.concatenate(outputs, axis=1).astype("<i4").tobytes())


def answer(model_file, images_file):
    model = akida.Model(str(model_file))
    images = np.frombuffer(images_file.read_bytes(), np.uint8).reshape([-1, *model.input_shape])
    sys.stdout.buffer.write(model.forward(images).astype("<i4").tobytes())


def main(command, source, *rest):
    if command == "map":
        device, out = rest
        map_network(Path(source), device, Path(out))
    elif command == "simulate":
        (images,) = rest
        simulate(Path(source), Path(images))
    elif command == "answer":
        (images,) = rest
        answer(Path(source), Path(images))
    else:
        raise ValueError(f"Unknown command {command}")


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as fault:  # Whatever the vendor raises, the caller gets one line.
        sys.exit(" ".join(str(fault).split()))
