"""Writes adaptive.json: adaptive inputs, and PyTorch's AdaptiveLogSoftmaxWithLoss with its weights tied to them, with
losses, log-probabilities and the gradients of the mean loss. Needs torch:

    python adaptive.py > adaptive.json
"""
import json

import torch
from torch.func import functional_call

DIM, VOCAB, CUTOFFS, FACTOR = 8, 20, [5, 11], 2
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
borders = [0, *CUTOFFS, VOCAB]
parameters = {}
for i, (low, high) in enumerate(zip(borders, borders[1:])):
    width = DIM // FACTOR**i
    parameters[f"embed.bands.{i}.weight"] = torch.randn(high - low, width)
    parameters[f"embed.bands.{i}.projection"] = torch.randn(width, DIM) / width**0.5
parameters["output.clusters.weight"] = torch.randn(DIM, len(CUTOFFS))
parameters = {name: value.mul(1e4).round().div(1e4).requires_grad_() for name, value in parameters.items()}

ids = torch.tensor([0, 4, 5, 10, 11, 19, 3, 12])
targets = torch.tensor([4, 5, 10, 11, 19, 0, 12, 7])
tables = [parameters[f"embed.bands.{i}.weight"] for i in range(3)]
projections = [parameters[f"embed.bands.{i}.projection"] for i in range(3)]
whole = torch.cat([table @ projection for table, projection in zip(tables, projections)])
hidden = whole[ids]

softmax = torch.nn.AdaptiveLogSoftmaxWithLoss(DIM, VOCAB, CUTOFFS, div_value=FACTOR, head_bias=False)
weights = {"head.weight": torch.cat([tables[0], parameters["output.clusters.weight"].T])}
for i in (1, 2):
    weights[f"tail.{i - 1}.0.weight"] = projections[i]
    weights[f"tail.{i - 1}.1.weight"] = tables[i]
output, loss = functional_call(softmax, weights, (hidden, targets))
loss.backward()
with torch.no_grad():
    for name, value in weights.items():
        softmax.get_parameter(name).copy_(value)
    log_probabilities = softmax.log_prob(hidden)

shaped = lambda tensors: {name: {"shape": list(t.shape), "data": t.flatten().tolist()} for name, t in tensors.items()}
print(
    json.dumps(
        {
            "dim": DIM,
            "vocab": VOCAB,
            "cutoffs": CUTOFFS,
            "factor": FACTOR,
            "parameters": shaped(parameters),
            "ids": ids.tolist(),
            "targets": targets.tolist(),
            "hidden": hidden.tolist(),
            "losses": (-output).tolist(),
            "logProbabilities": log_probabilities.tolist(),
            "gradients": shaped({name: value.grad for name, value in parameters.items()}),
        }
    )
)
