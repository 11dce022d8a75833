"""What stands for "yours" in docs/use/conversion.md: a small network of random weights, seed 1, by the name of its exporter.

    python prepare.py NAME BLOCK PHOTOS     runs the page's block on it, in the current folder
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Ultralytics would install packages by itself.
os.environ.setdefault("YOLO_AUTOINSTALL", "false")


def small_torch_network():
    import torch
    from torch import nn

    torch.manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.Hardswish(),
        nn.Conv2d(16, 24, 3, stride=2, padding=1, groups=1),
        nn.ReLU6(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(24, 7),
    )
    # Random averages hardly depend on the image.
    network[-1].weight.data *= 20
    return network


def train_briefly(network, photos: Path) -> None:
    """On photographs and two classes by brightness: what an untrained deep network answers, rounding alone turns over."""
    import numpy as np
    import torch
    from PIL import Image

    images = [np.asarray(Image.open(file).convert("RGB").resize((64, 64))) for file in sorted(photos.iterdir())]
    batch = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 255
    brightness = batch.mean((1, 2, 3))
    classes = (brightness > brightness.median()).long()
    optimiser = torch.optim.Adam(network.parameters(), 2e-3)
    network.train()
    for _ in range(40):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(batch), classes).backward()
        optimiser.step()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.reset_running_stats()
            module.momentum = None
    with torch.no_grad():
        network(batch)
    network.eval()


def torch_network(_: Path) -> dict:
    return {"network": small_torch_network()}


def timm_network(photos: Path) -> dict:
    from torchvision_operators import define_missing

    define_missing()
    import timm

    # No weights can be downloaded where this is tested.
    create = timm.create_model

    def hardly_trained(name: str, pretrained: bool, **options):
        import torch

        torch.manual_seed(1)
        network = create(name, pretrained=False, **options)
        train_briefly(network, photos)
        return network

    timm.create_model = hardly_trained
    return {}


def keras_network(_: Path) -> dict:
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((64, 64, 3)),
            layers.Rescaling(255.0),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(16, 3, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(),
            layers.Activation("swish"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.ReLU(max_value=6),
            layers.GlobalAveragePooling2D(),
            layers.Dense(7, kernel_initializer=keras.initializers.RandomNormal(stddev=5, seed=1), activation="softmax"),
        ]
    )
    # As whoever trained it did.
    network(keras.ops.zeros((1, 64, 64, 3)))
    return {"network": network}


def features_and_head(_: Path) -> dict:
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    backbone = small_torch_network()[:-1]
    random = np.random.default_rng(1)
    features = random.random((70, 24))
    head = make_pipeline(StandardScaler(), LogisticRegression(C=100)).fit(features, np.arange(70) % 7)
    return {"backbone": backbone, "head": head}


def ultralytics_network(photos: Path) -> dict:
    from torchvision_operators import define_missing

    define_missing()
    import ultralytics

    # The file of weights that the page names cannot be downloaded: the same network, hardly trained.
    original = ultralytics.YOLO

    def hardly_trained(file: str):
        import torch

        torch.manual_seed(1)
        model = original(file.replace(".pt", ".yaml"))
        train_briefly(model.model, photos)
        return model

    ultralytics.YOLO = hardly_trained
    return {}


PREPARED = {
    "dynamo": torch_network,
    "torchscript": torch_network,
    "timm": timm_network,
    "keras": keras_network,
    "tf2onnx": keras_network,
    "scikit-learn": features_and_head,
    "ultralytics": ultralytics_network,
}


def main() -> None:
    name, block, photos = sys.argv[1:]
    sys.path.insert(0, str(Path(__file__).parent))
    exec(compile(Path(block).read_text(), f"docs/use/conversion.md, {name}", "exec"), PREPARED[name](Path(photos)))


if __name__ == "__main__":
    main()
