"""Writes fairseq-init.json: spread and range of a decoder's initial parameters, drawn by PyTorch's own initialisers.

The calls are those of fairseq in July 2020 (modules/multihead_attention.py, transformer_layer.py, adaptive_input.py,
adaptive_softmax.py) and of T2R's released code (random_feature_attention/causal_attention.py, init_scale 6).
"""
import json
import pathlib

import torch
from torch import nn

DIM, FFN = 256, 1024
torch.manual_seed(0)


def figures(tensor):
    return dict(std=tensor.double().pow(2).mean().sqrt().item(), max=tensor.abs().max().item())


def attention(gain_in, gain_out):
    q, out = nn.Linear(DIM, DIM), nn.Linear(DIM, DIM)
    nn.init.xavier_uniform_(q.weight, gain=gain_in)
    nn.init.xavier_uniform_(out.weight, gain=gain_out)
    nn.init.constant_(out.bias, 0.0)
    return {"q.weight": q.weight, "q.bias": q.bias, "out.weight": out.weight, "out.bias": out.bias}


def band(size, width):
    table, projection = nn.Embedding(size, width), nn.Linear(width, DIM, bias=False)
    nn.init.normal_(table.weight, mean=0, std=table.weight.shape[1] ** -0.5)
    nn.init.xavier_uniform_(projection.weight)
    return table.weight, projection.weight


fc1, fc2, clusters = nn.Linear(DIM, FFN), nn.Linear(FFN, DIM), nn.Linear(DIM, 2, bias=False)
nn.init.xavier_uniform_(clusters.weight)
parameters = {f"layers.0.attention.{name}": value for name, value in attention(2**-0.5, 1).items()}
parameters |= {f"scaled.attention.{name}": value for name, value in attention(6**-0.5, 6**-0.5).items()}
parameters |= {
    "layers.0.fc1.weight": fc1.weight,
    "layers.0.fc1.bias": fc1.bias,
    "layers.0.fc2.weight": fc2.weight,
    "layers.0.fc2.bias": fc2.bias,
    "output.clusters.weight": clusters.weight,
}
for i, (size, width) in enumerate([(500, 256), (1500, 64), (6000, 16)]):
    parameters[f"embed.bands.{i}.weight"], parameters[f"embed.bands.{i}.projection"] = band(size, width)
whole = nn.Embedding(2000, DIM)
nn.init.normal_(whole.weight, mean=0, std=DIM**-0.5)
parameters["embed.weight"] = whole.weight
path = pathlib.Path(__file__).parent / "fairseq-init.json"
path.write_text(json.dumps({name: figures(value.detach()) for name, value in parameters.items()}, indent=1) + "\n")
