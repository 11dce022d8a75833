"""The same network, loss and optimiser in PyTorch, for `spikescope bench training-step` to race against.

Reads one line per request from standard input (the number of steps to take) and answers with one line of JSON: the
milliseconds of each step and the processor time of all threads. The first line that it writes says which PyTorch it is. Channels last, AdamW, batch norm with
the statistics of the batch, no dropout.

    python3 bench/training_step.py THREADS BATCH SIDE
"""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional


class GhostBlock(nn.Module):
    """concat(pw(x), pw(dw(pw(x)))), ReLU6, mask sigmoid(pw(BN(dw(.)))), shortcut BN(pw(x)), 2x2 mean (QANA, section 3)."""

    def __init__(self, inputs, filters):
        super().__init__()
        half = filters // 2
        self.primary = nn.Conv2d(inputs, half, 1, bias=False)
        self.spread = nn.Conv2d(half, half, 3, padding=1, groups=half, bias=False)
        self.cheap = nn.Conv2d(half, half, 1, bias=False)
        self.norm = nn.BatchNorm2d(filters)
        self.attention_spread = nn.Conv2d(filters, filters, 3, padding=1, groups=filters, bias=False)
        self.attention_norm = nn.BatchNorm2d(filters)
        self.attention_mix = nn.Conv2d(filters, filters, 1, bias=False)
        self.shortcut = nn.Conv2d(inputs, filters, 1, bias=False)
        self.shortcut_norm = nn.BatchNorm2d(filters)

    def forward(self, x):
        a = self.primary(x)
        h = functional.relu6(self.norm(torch.cat([a, self.cheap(self.spread(a))], 1)))
        mask = torch.sigmoid(self.attention_mix(self.attention_norm(self.attention_spread(h))))
        return functional.avg_pool2d(h * mask + self.shortcut_norm(self.shortcut(x)), 2)


class Qana(nn.Module):
    def __init__(self, side, widths=(32, 64, 128, 256), classes=7):
        super().__init__()
        self.blocks = nn.Sequential(*[GhostBlock(i, o) for i, o in zip((3, *widths), widths)])
        last = widths[-1]
        self.spread = nn.Conv2d(last, last, 3, padding=1, groups=last, bias=False)
        self.mix = nn.Conv2d(last, last, 1, bias=False)
        self.norm = nn.BatchNorm2d(last)
        self.squeeze = nn.Linear(last, last // 16, bias=False)
        self.excite = nn.Linear(last // 16, last, bias=False)
        self.head = nn.Linear(last * (side // 2 ** len(widths)) ** 2, classes)

    def forward(self, x):
        x = self.norm(self.mix(self.spread(self.blocks(x)))).clamp(0, 1)
        gate = torch.sigmoid(self.excite(functional.relu(self.squeeze(x.mean((2, 3))))))
        x = x * gate[:, :, None, None]
        return self.head(x.permute(0, 2, 3, 1).flatten(1))


def main():
    threads, batch, side = map(int, sys.argv[1:4])
    torch.set_num_threads(threads)
    torch.manual_seed(1)
    net = Qana(side).to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-3, weight_decay=0.01)
    images = torch.rand(batch, 3, side, side).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(batch) % 7

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(net(images), labels, label_smoothing=0.1)
        loss.backward()
        optimiser.step()
        return loss.item()

    parameters = sum(p.numel() for p in net.parameters())
    print(json.dumps({"version": torch.__version__, "parameters": parameters}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start, used = time.perf_counter(), time.process_time()
            step()
            times.append({"wall": 1000 * (time.perf_counter() - start), "processor": 1000 * (time.process_time() - used)})
        print(json.dumps(times), flush=True)


main()
