"""torchvision's own operators where its library does not load: PyPI's is for CUDA, and beside a PyTorch without it its
import fails for want of them. No classifier uses one; declared, they are enough."""

from importlib.util import find_spec
from pathlib import Path

import torch

_declared: list[torch.library.Library] = []


def define_missing() -> None:
    """Before `import torchvision`."""
    package = find_spec("torchvision")
    library = Path(package.origin or "").parent / "_C.so" if package else None
    try:
        torch.ops.load_library(str(library))
    except OSError:
        operators = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _declared.append(operators)
