"""transformers' `generate` with the weights of a pre-norm translation checkpoint and the sources that translate-file.ts has read.

M2M100's classes: Marian's attention and search, with the norm before each block as these checkpoints have it. Usage:
python translate-file.py <checkpoint> <results of translate-file.ts> <beam> <batch> <threads> <given | sorted>
Prints the time, and how many translations are the same, as JSON.
"""
import json
import sys
import time

import torch
import transformers
from safetensors.torch import load_file

folder, results, beam, batch, threads, order = sys.argv[1:7]
beam, batch = int(beam), int(batch)
torch.set_num_threads(int(threads))
config = json.load(open(folder + "/config.json"))["model"]
tokens, encoder, decoder = config["tokens"], config["encoder"], config["decoder"]
if config["norm"] != "pre" or config["positions"] != "sinusoidal" or tokens["padding"] != 1:
    sys.exit("expected a pre-norm model with sinusoidal positions and padding token 1")

model = transformers.M2M100ForConditionalGeneration(
    transformers.M2M100Config(
        vocab_size=config["vocab"], d_model=config["dim"], activation_function=config["activation"],
        encoder_layers=encoder["layers"], encoder_attention_heads=encoder["heads"], encoder_ffn_dim=encoder["ffn"],
        decoder_layers=decoder["layers"], decoder_attention_heads=decoder["heads"], decoder_ffn_dim=decoder["ffn"],
        max_position_embeddings=config["maxPositions"], scale_embedding=config["scaleEmbedding"],
        decoder_start_token_id=tokens["start"], bos_token_id=tokens["start"], pad_token_id=tokens["padding"],
        eos_token_id=tokens["end"], forced_eos_token_id=None,
    )
).eval()

NAMES = [
    ("attention.out", "self_attn.out_proj"), ("attention.", "self_attn."), ("cross_norm", "encoder_attn_layer_norm"),
    ("cross.out", "encoder_attn.out_proj"), ("cross.", "encoder_attn."), ("norm1", "self_attn_layer_norm"),
    ("norm2", "final_layer_norm"),
]
state = {}
for name, value in load_file(folder + "/model.safetensors").items():
    if name == "embed.weight":
        for table in ("model.shared", "model.encoder.embed_tokens", "model.decoder.embed_tokens", "lm_head"):
            state[table + ".weight"] = value
        continue
    side, rest = name.split(".", 1)
    if rest.startswith("final_norm"):
        state[f"model.{side}.layer_norm{rest[10:]}"] = value
        continue
    _, layer, rest = rest.split(".", 2)
    own, other = next(((a, b) for a, b in NAMES if rest.startswith(a)), ("", ""))
    rest = other + rest[len(own):]
    for part in "qkv":
        rest = rest.replace(f"attn.{part}.", f"attn.{part}_proj.")
    # Matrices are stored [in, out] there, [out, in] here.
    state[f"model.{side}.layers.{layer}.{rest}"] = value.T.contiguous() if value.dim() == 2 else value
missing, unexpected = model.load_state_dict(state, strict=False)
assert not unexpected and all("positions" in name for name in missing), (missing, unexpected)
for stack in (model.model.encoder, model.model.decoder):
    # Positions count from 2 here and from 0 there.
    places = stack.embed_positions
    table = places.weights.clone()
    table[2:] = places.get_embedding(table.shape[0] - 2, config["dim"], None)
    places.weights = table

given = json.load(open(results))
sources = [torch.tensor(row) for row in given["sources"]]
rows = list(range(len(sources)))
if order == "sorted":
    rows.sort(key=lambda i: -len(sources[i]))
started = time.perf_counter()
same = 0
for at in range(0, len(rows), batch):
    chosen = rows[at:at + batch]
    longest = max(len(sources[i]) for i in chosen)
    ids = torch.full((len(chosen), longest), tokens["padding"])
    mask = torch.zeros_like(ids)
    for row, i in enumerate(chosen):
        ids[row, :len(sources[i])] = sources[i]
        mask[row, :len(sources[i])] = 1
    with torch.no_grad():
        out = model.generate(
            ids, attention_mask=mask, num_beams=beam, max_new_tokens=200, do_sample=False, early_stopping=True,
            bad_words_ids=[[tokens["padding"]]],
        )
    for i, row in zip(chosen, out.tolist()):
        row = row[1:]
        row = row[:row.index(tokens["end"])] if tokens["end"] in row else row
        same += row == given["found"][i]
print(json.dumps({"ms": (time.perf_counter() - started) * 1000, "same": same}))
