"""The same as score-texts.ts with Python's sacreBLEU: python score-texts.py bleu ref.txt hyp.txt"""
import json
import sys
import time

from sacrebleu.metrics import BLEU, CHRF, TER

METRICS = {"bleu": BLEU, "chrf": CHRF, "chrf++": lambda: CHRF(word_order=2), "ter": TER}


def lines(path):
    with open(path, encoding="utf-8", newline="\n") as file:
        return [line.rstrip("\n") for line in file]


name, reference_file, hypothesis_file = sys.argv[1:]
references, hypotheses = [lines(reference_file)], lines(hypothesis_file)
metric = METRICS[name]()
started = time.perf_counter()
score = metric.corpus_score(hypotheses, references).score
print(json.dumps({"ms": (time.perf_counter() - started) * 1000, "score": score}))
