"""Trains accidents-forest and writes its directory in the model repository.

    weir-dataset accidents --rows=40000 --seed=1 > training.csv
    weir-dataset accidents --rows=10000 --seed=2 > held_out.csv
    python3 models/convert/train_forest.py --training training.csv --held_out held_out.csv \
        --model_dir models/repository/accidents-forest

Writes config.pbtxt, labels.txt and 1/model.pt below --model_dir. The rows and seeds above are
kAccidents{Training,HeldOut}{Rows,Seed} of models/data/accidents.h; both CSV files come from
weir-dataset (or WriteCsv), the truth in the last column. The last line printed is
    FOREST trees=100 nodes=... depth=... accuracy=... roc_auc=... bytes=...
with the quality of the written model on the held-out rows. The same rows give the same forest.
"""

import argparse
import os
import sys

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score

from forest_to_torchscript import ConversionError, convert, random_rows, save, verify

CONFIG = """\
# Written by models/convert/train_forest.py.
name: "accidents-forest"
backend: "pytorch"
max_batch_size: 64
input [ {{ name: "features" data_type: TYPE_FP32 dims: [ {features} ] }} ]
output [ {{ name: "probabilities" data_type: TYPE_FP32 dims: [ 2 ] label_filename: "labels.txt" }} ]
parameters {{ key: "weir.family" value {{ string_value: "accidents" }} }}
parameters {{ key: "weir.variant" value {{ string_value: "forest" }} }}
parameters {{ key: "weir.finite_inputs" value {{ string_value: "true" }} }}
parameters {{ key: "weir.slo_latency" value {{ string_value: "20ms" }} }}
parameters {{ key: "weir.quality.accuracy" value {{ string_value: "{accuracy:.4f}" }} }}
parameters {{ key: "weir.quality.roc_auc" value {{ string_value: "{roc_auc:.4f}" }} }}
"""


def read_rows(path):
    table = np.loadtxt(path, delimiter=",", skiprows=1, dtype=np.float32, ndmin=2)
    return table[:, :-1], table[:, -1].astype(np.int64)


def train(features, truth):
    # Depth 12 reaches 0.2 points more and depth 16 no more than that, for twice and four times the
    # bytes; shallower trees lose: depth 8 half a point.
    return RandomForestClassifier(
        n_estimators=100, max_depth=10, min_samples_leaf=5, n_jobs=1, random_state=1
    ).fit(features, truth)


def write_text(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Trains accidents-forest.")
    parser.add_argument("--training", required=True, help="CSV of the rows to learn from")
    parser.add_argument("--held_out", required=True, help="CSV of the rows to measure quality on")
    parser.add_argument("--model_dir", required=True, help="where to write the model")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    try:
        training, held_out = read_rows(options.training), read_rows(options.held_out)
        print(f"training 100 trees on {len(training[0])} rows", flush=True)
        forest = train(*training)
        module = convert(forest, "features")
        verify(forest, module, random_rows(forest, 10_000))

        features, truth = held_out
        with torch.inference_mode():
            probabilities = module(torch.from_numpy(features)).numpy()
        accuracy = (probabilities.argmax(axis=1) == truth).mean()
        roc_auc = roc_auc_score(truth, probabilities[:, 1])

        model_path = os.path.join(options.model_dir, "1", "model.pt")
        os.makedirs(os.path.dirname(model_path), exist_ok=True)
        save(module, model_path)
        write_text(os.path.join(options.model_dir, "labels.txt"), "slight\nsevere\n")
        config = CONFIG.format(features=features.shape[1], accuracy=accuracy, roc_auc=roc_auc)
        write_text(os.path.join(options.model_dir, "config.pbtxt"), config)
    except (ConversionError, OSError, ValueError) as error:
        print(f"train_forest: {error}", file=sys.stderr)
        return 2
    print(
        f"FOREST trees={len(forest.estimators_)} nodes={module.left.numel()} depth={module.depth} "
        f"accuracy={accuracy:.4f} roc_auc={roc_auc:.4f} bytes={os.path.getsize(model_path)}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
