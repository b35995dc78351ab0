"""Turns a fitted scikit-learn forest into a TorchScript module that gives the same answers.

    python3 models/convert/forest_to_torchscript.py forest.pkl model.pt --input_name features

forest.pkl is a RandomForestClassifier or RandomForestRegressor (or their ExtraTrees sisters) saved
with pickle or joblib. Both can run code when read, so open only files that you trust.

The module's forward() takes one float32 tensor [N, features] and returns float32: for a classifier
the probabilities [N, classes], in the order of forest.classes_, for a regressor the values
[N, outputs]. Missing values are not supported; rows must be finite.

How a row falls through all trees at once. The nodes of all trees lie in one array; the roots come
first and siblings are neighbours, so that a step of every row in every tree is one expression:
    node = left[node] + (x[feature[node]] > threshold[node])
A leaf is its own left child and nothing exceeds its threshold, +infinity, so rows wait there until
the deepest tree is done. Measured for 100 trees of depth 10 (87,370 nodes, 28 features), LibTorch
1.13, frozen, one thread of an AMD EPYC (Zen 4), microseconds per call at batch 1, 32, 64, without
the check for ties below, which adds 4 us:
    this form, index_select on flat arrays      74    241    400
    the same with take() on [N, trees]          75    318    559
    the same with node[...] indexing           117    422    698
    perfect trees, node = 2 * node + c          70    215    367   but 2^depth nodes per tree
    four levels per step through a bit table    60    367    682   but 2^depth nodes per tree
    matrix products (a GEMM per tree)       16e3   70e3   86e3   nodes x leaves per tree
Perfect trees win by 5 to 11 % and cannot hold a deep tree; one form that holds every forest is
worth that.

Why the answers are the same. scikit-learn compares float32 x <= float64 t; for float32 x this is
x <= t rounded down to float32. It adds the trees' probabilities in float64 and in order, and so
does embedding_bag. Where two classes differ in float64 but not in float32, forward() lifts the
greater one by one float32 step, so that the first greatest probability names the class that
predict() gives (with n_jobs=1; with more, scikit-learn itself adds in no fixed order).
"""

import argparse
import inspect
import keyword
import sys
import textwrap
import warnings

import joblib
import numpy as np
import torch
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

CLASSIFIERS = (RandomForestClassifier, ExtraTreesClassifier)
REGRESSORS = (RandomForestRegressor, ExtraTreesRegressor)


class ConversionError(Exception):
    """What is wrong with the input, in one line for its owner."""


class _Forest(torch.nn.Module):
    def __init__(self, feature, threshold, left, value, trees, depth, classifies):
        super().__init__()
        self.trees: int = trees
        self.depth: int = depth
        self.classifies: bool = classifies
        self.register_buffer("roots", torch.arange(trees))
        self.register_buffer("feature", torch.from_numpy(feature))
        self.register_buffer("threshold", torch.from_numpy(threshold))
        self.register_buffer("left", torch.from_numpy(left))
        self.register_buffer("value", torch.from_numpy(value))

    def evaluate(self, x: torch.Tensor) -> torch.Tensor:
        n = x.size(0)
        node = self.roots.repeat(n)
        for _ in range(self.depth):
            feature = self.feature.index_select(0, node).view(n, self.trees)
            threshold = self.threshold.index_select(0, node)
            node = self.left.index_select(0, node) + (x.gather(1, feature).view(-1) > threshold)
        first = torch.arange(0, n * self.trees, self.trees)
        exact = torch.embedding_bag(self.value, node, first)[0] / self.trees
        answer = exact.to(torch.float32)
        if self.classifies:
            best = exact.argmax(1)
            if not torch.equal(answer.argmax(1), best):
                best = best.unsqueeze(1)
                greatest = answer.gather(1, best)
                answer = answer.scatter(1, best, greatest.nextafter(torch.ones_like(greatest)))
        return answer


def _round_down(values):
    """The greatest float32 that is not above each float64."""
    with np.errstate(over="ignore"):
        rounded = values.astype(np.float32)
    below = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded > values, below, rounded).astype(np.float32)


def _answers(tree, classifies):
    """What each node answers as a leaf, [nodes, outputs]."""
    if not classifies:
        return tree.value[:, :, 0]
    counts = tree.value[:, 0, :]
    totals = counts.sum(axis=1, keepdims=True)
    return counts / np.where(totals == 0, 1, totals)


def _lay_out(trees, classifies):
    """The arrays of _Forest: roots first, then pair after pair of siblings, level by level."""
    feature = np.concatenate([t.feature for t in trees])
    threshold = _round_down(np.concatenate([t.threshold for t in trees]))
    left = np.concatenate([t.children_left for t in trees])
    right = np.concatenate([t.children_right for t in trees])
    value = np.concatenate([_answers(t, classifies) for t in trees])
    sizes = [t.node_count for t in trees]
    roots = np.cumsum([0] + sizes[:-1])
    is_leaf = left < 0
    left, right = left + np.repeat(roots, sizes), right + np.repeat(roots, sizes)

    levels = [roots]  # Of each level the old numbers, in their new order.
    while (inner := levels[-1][~is_leaf[levels[-1]]]).size:
        levels.append(np.stack([left[inner], right[inner]], axis=1).reshape(-1))
    order = np.concatenate(levels)
    renumbered = np.empty_like(order)
    renumbered[order] = np.arange(order.size)

    is_leaf = is_leaf[order]
    return {
        "feature": np.where(is_leaf, 0, feature[order]).astype(np.int64),
        "threshold": np.where(is_leaf, np.float32(np.inf), threshold[order]).astype(np.float32),
        "left": np.where(is_leaf, np.arange(order.size), renumbered[left[order]]).astype(np.int64),
        "value": np.ascontiguousarray(value[order], dtype=np.float64),
        "depth": len(levels) - 1,
    }


def _check(forest):
    kind = type(forest).__name__
    if not isinstance(forest, CLASSIFIERS + REGRESSORS):
        raise ConversionError(
            f"expected a RandomForestClassifier or RandomForestRegressor, got {kind}"
        )
    try:
        check_is_fitted(forest)
    except NotFittedError:
        raise ConversionError(f"this {kind} is not fitted: call fit() first") from None
    if isinstance(forest, CLASSIFIERS) and forest.n_outputs_ > 1:
        raise ConversionError(
            f"this classifier has {forest.n_outputs_} outputs; convert one classifier per output"
        )
    for estimator in forest.estimators_:
        tree = estimator.tree_
        if not np.isfinite(tree.threshold[tree.children_left >= 0]).all():
            raise ConversionError("a forest fitted on missing values is not supported")


def convert(forest, input_name="features"):
    """A TorchScript module, in eval mode, whose forward(<input_name>) answers as `forest` does."""
    _check(forest)
    if not input_name.isidentifier() or keyword.iskeyword(input_name) or input_name == "self":
        raise ConversionError(f"'{input_name}' cannot be the name of an argument of forward()")
    classifies = isinstance(forest, CLASSIFIERS)
    trees = [estimator.tree_ for estimator in forest.estimators_]
    arrays = _lay_out(trees, classifies)
    # A class of its own: modules of one class share one compiled type, which has one forward().
    kind = type("Forest", (_Forest,), {})
    module = torch.jit.script(kind(**arrays, trees=len(trees), classifies=classifies).eval())
    # Defined from text, so that the saved module does not name the path of this file.
    module.define(textwrap.dedent(inspect.getsource(_Forest.evaluate)))
    module.define(f"def forward(self, {input_name}):\n    return self.evaluate({input_name})\n")
    return module


def random_rows(forest, rows, seed=0):
    """float32 rows that visit the whole forest; about a third of the values are thresholds."""
    random = np.random.default_rng(seed)
    splits = [e.tree_ for e in forest.estimators_]
    features = np.concatenate([t.feature[t.children_left >= 0] for t in splits])
    thresholds = np.concatenate([t.threshold[t.children_left >= 0] for t in splits])
    x = np.empty((rows, forest.n_features_in_), np.float32)
    for column in range(forest.n_features_in_):
        known = thresholds[features == column]
        known = known if known.size else np.zeros(1)
        span = known.max() - known.min() + 1
        anywhere = random.uniform(known.min() - span / 4, known.max() + span / 4, rows)
        on_threshold = random.choice(known, rows)
        x[:, column] = np.where(random.random(rows) < 1 / 3, on_threshold, anywhere)
    return x


def verify(forest, module, x):
    """Raises ConversionError unless module answers as forest does on the float32 rows x."""
    with torch.inference_mode():
        answers = module(torch.from_numpy(x)).numpy()
    if isinstance(forest, CLASSIFIERS):
        expected = forest.predict_proba(x)
        allowed = 1e-6
        if (answers.argmax(axis=1) != expected.argmax(axis=1)).any():
            raise ConversionError("the converted module names other classes: please report this")
    else:
        expected = forest.predict(x).reshape(len(x), -1)
        allowed = 1e-6 * np.maximum(1, np.abs(expected))
    if answers.shape != expected.shape or (np.abs(answers - expected) > allowed).any():
        raise ConversionError("the converted module gives other answers: please report this")


def load(path):
    """The object in a pickle or joblib file."""
    try:
        return joblib.load(path)
    except FileNotFoundError:
        raise ConversionError(f"{path}: no such file") from None
    except OSError as error:
        raise ConversionError(f"{path}: {error.strerror or error}") from None
    except Exception as error:  # Unpickling raises whatever the bytes ask for.
        problem = str(error).splitlines() or [type(error).__name__]
        raise ConversionError(f"{path}: not a readable pickle ({problem[0]})") from None


def save(module, path):
    try:
        with open(path, "wb") as file:
            torch.jit.save(module, file)
    except OSError as error:
        raise ConversionError(f"{path}: {error.strerror}") from None


def write_labels(forest, path):
    """One class per line, in the order of the probabilities."""
    try:
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(f"{label}\n" for label in forest.classes_)
    except OSError as error:
        raise ConversionError(f"{path}: {error.strerror}") from None


def main(arguments=None):
    parser = argparse.ArgumentParser(
        description="Turns a fitted scikit-learn forest into a TorchScript module."
    )
    parser.add_argument("forest", help="the forest, saved with pickle or joblib")
    parser.add_argument("model", help="the module to write, such as model.pt")
    parser.add_argument("--input_name", default="features", help="the name of forward()'s argument")
    parser.add_argument("--labels", help="also write the class names to this file")
    parser.add_argument(
        "--rows", type=int, default=10_000, help="random rows to compare both on before writing"
    )
    options = parser.parse_args(arguments)
    warnings.simplefilter("ignore")  # Of other scikit-learn versions; verify() judges the outcome.
    try:
        forest = load(options.forest)
        module = convert(forest, options.input_name)
        forest.set_params(n_jobs=1, verbose=0)
        if options.labels and not isinstance(forest, CLASSIFIERS):
            raise ConversionError("--labels: a regressor has no classes")
        if options.rows > 0:
            verify(forest, module, random_rows(forest, options.rows))
        save(module, options.model)
        if options.labels:
            write_labels(forest, options.labels)
    except ConversionError as error:
        print(f"forest_to_torchscript: {error}", file=sys.stderr)
        return 2
    print(
        f"{options.model}: {len(forest.estimators_)} trees, {module.left.numel()} nodes, depth "
        f"{module.depth}; {options.input_name} [N, {forest.n_features_in_}] -> "
        f"[N, {module.value.size(1)}]"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
