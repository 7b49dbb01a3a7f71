"""Writes fairseq.json: trajectories of Nesterov's accelerated gradient and rates of the cosine schedule with restarts,
by the formulas of fairseq (float64, momentum buffer and previous rate kept as there). Needs numpy alone:

    python fairseq.py > fairseq.json
"""
import json
import math

import numpy as np


def nag(initial, gradients, rates, momentum, weight_decay):
    p, buf, previous, out = initial.copy(), np.zeros_like(initial), rates[0], []
    for g, rate in zip(gradients, rates):
        correct = rate / previous
        p *= 1 - rate * weight_decay
        p += momentum**2 * correct * buf
        p -= (1 + momentum) * rate * g
        buf = momentum * correct * buf - rate * g
        previous = rate
        out.append(p.tolist())
    return out


def cosine(step, warmup, initial, peak, minimum, period, growth, shrink):
    if step < warmup:
        return initial + step * (peak - initial) / warmup
    since = step - warmup
    if growth == 1:
        i = since // period
        length, into = period, since - i * period
    else:
        i = math.floor(math.log(1 - since / period * (1 - growth), growth))
        length = growth**i * period
        into = since - (1 - growth**i) / (1 - growth) * period
    low, high = minimum * shrink**i, peak * shrink**i
    return low + 0.5 * (high - low) * (1 + math.cos(math.pi * into / length))


random = np.random.default_rng(1)
initial = random.normal(size=5).round(4)
gradients = random.normal(size=(6, 5)).round(4)
rates = [0.01, 0.3, 0.2, 0.2, 0.05, 0.4]
optimizer = [
    {"momentum": m, "weightDecay": d, "parameters": nag(initial, gradients, rates, m, d)}
    for m, d in [(0.99, 0.0), (0.9, 0.1), (0.0, 0.0)]
]
schedule = []
for steps, warmup, start, peak, low, period, growth, shrink in [
    (40, 10, 1e-7, 1.0, 1e-4, 30, 2, 0.75),
    (60, 4, 0.0, 0.5, 0.01, 8, 2, 0.75),
    (30, 0, 0.0, 2.0, 0.1, 7, 1, 0.5),
    (50, 5, 0.2, 1.0, 0.0, 9, 1.5, 1.0),
]:
    options = {"warmup": warmup, "initial": start, "peak": peak, "min": low, "period": period, "growth": growth, "shrink": shrink}
    values = [cosine(s, warmup, start, peak, low, period, growth, shrink) for s in range(steps)]
    schedule.append({"options": options, "rates": values})
print(
    json.dumps(
        {"initial": initial.tolist(), "gradients": gradients.tolist(), "rates": rates, "nag": optimizer, "cosine": schedule}
    )
)
