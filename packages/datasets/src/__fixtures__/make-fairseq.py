"""Writes fairseq.json: blocks and evaluation windows as fairseq (July 2020) makes them from a stream of ids.

Written anew from the description of its data/token_block_dataset.py (break mode none) and
data/lm_context_window_dataset.py, which eval_lm uses with blocks of tokens-per-sample minus context-window.
"""
import json
import pathlib

EOS = 2


def blocks(ids, size):
    """Inputs and targets of each block: targets are the text itself, inputs the token before each, </s> before the first."""
    before = [EOS] + ids[:-1]
    return [dict(inputs=before[i : i + size], targets=ids[i : i + size]) for i in range(0, len(ids), size)]


def windows(ids, tokens_per_sample, context):
    """What each token of the text is predicted from: a block, after as many of the inputs before it as the context holds."""
    seen, scored = [], []
    for block in blocks(ids, tokens_per_sample - context):
        fed = seen + block["inputs"]
        for i, target in enumerate(block["targets"]):
            scored.append(dict(context=fed[: len(seen) + i + 1], target=target))
        seen = fed[-context:]
    return scored


cases = []
for length, block, context in [(37, 8, 4), (40, 8, 4), (21, 6, 4), (3, 8, 4), (9, 4, 3)]:
    ids = [3 + (7 * i * i + 3 * i) % 11 for i in range(length)]
    cases.append(dict(ids=ids, block=block, context=context, blocks=blocks(ids, block), scored=windows(ids, block, context)))
path = pathlib.Path(__file__).parent / "fairseq.json"
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
