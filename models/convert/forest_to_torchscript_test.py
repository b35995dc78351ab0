"""Tests of forest_to_torchscript: the module must be indistinguishable from scikit-learn."""

import contextlib
import io
import os
import pickle
import sys
import tempfile
import unittest
import zipfile

import numpy as np
import torch
from sklearn.ensemble import ExtraTreesClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import forest_to_torchscript as converter  # noqa: E402

ROWS = 10_000


def features_and_scores(rows=1_500, columns=8, seed=0):
    """Features of mixed kinds, and a noisy score that depends on them."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, columns)).astype(np.float32)
    x[:, ::2] = np.round(3 * x[:, ::2])  # Small integers: thresholds are halves.
    x[:, 1] *= 1e6
    score = x[:, 0] + x[:, 2] * x[:, 3] + 1e-6 * x[:, 1] + random.normal(size=rows)
    return x, score


class EquivalenceTest(unittest.TestCase):
    def assert_same(self, forest, x=None):
        module = converter.convert(forest)
        x = converter.random_rows(forest, ROWS) if x is None else x
        saved = io.BytesIO()
        torch.jit.save(module, saved)
        saved.seek(0)
        for variant in (module, torch.jit.freeze(torch.jit.load(saved))):
            converter.verify(forest, variant, x)
            with torch.inference_mode():
                answers = variant(torch.from_numpy(x))
            self.assertEqual(answers.dtype, torch.float32)
            if hasattr(forest, "classes_"):
                self.assertTrue((forest.classes_[answers.argmax(1)] == forest.predict(x)).all())
        return module

    def test_binary_classifier(self):
        x, score = features_and_scores()
        self.assert_same(RandomForestClassifier(100, max_depth=8, random_state=0).fit(x, score > 0))

    def test_multi_class_classifier_with_string_labels(self):
        x, score = features_and_scores()
        names = np.array(["low", "middle", "high", "extreme"])[np.digitize(score, [-2, 0, 3])]
        self.assert_same(RandomForestClassifier(30, random_state=0).fit(x, names))

    def test_labels_that_are_not_indices(self):
        x, score = features_and_scores()
        self.assert_same(RandomForestClassifier(20, random_state=0).fit(x, np.sign(score) * 7))

    def test_weighted_classes(self):
        x, score = features_and_scores()
        forest = RandomForestClassifier(20, class_weight="balanced", max_depth=5, random_state=0)
        self.assert_same(forest.fit(x, score > 2))

    def test_extra_trees(self):
        x, score = features_and_scores()
        self.assert_same(ExtraTreesClassifier(20, random_state=0).fit(x, score > 0))

    def test_regressor(self):
        x, score = features_and_scores()
        self.assert_same(RandomForestRegressor(30, random_state=0).fit(x, 1e7 + 1e6 * score))

    def test_regressor_with_several_outputs(self):
        x, score = features_and_scores()
        targets = np.stack([score, -3 * score, x[:, 0]], axis=1)
        self.assert_same(RandomForestRegressor(10, random_state=0).fit(x, targets))

    def test_single_tree(self):
        x, score = features_and_scores()
        self.assert_same(RandomForestClassifier(1, random_state=0).fit(x, score > 0))

    def test_stumps(self):
        x, score = features_and_scores()
        module = self.assert_same(RandomForestClassifier(50, max_depth=1).fit(x, score > 0))
        self.assertEqual(module.depth, 1)

    def test_trees_without_any_split(self):
        x, _ = features_and_scores()
        module = self.assert_same(RandomForestClassifier(5).fit(x, np.full(len(x), "only")))
        self.assertEqual(module.depth, 0)

    def test_deep_lopsided_trees(self):
        x = np.arange(300, dtype=np.float32).reshape(-1, 1)
        y = 1.3 ** np.arange(300)  # Each split cuts off the greatest value.
        module = self.assert_same(RandomForestRegressor(3, random_state=0).fit(x, y))
        self.assertGreater(module.depth, 60)

    def test_rows_exactly_on_and_next_to_every_threshold(self):
        random = np.random.default_rng(1)
        x = random.uniform(0.1, 0.2, size=(2_000, 1)).astype(np.float32)
        # Neighbouring floats differ in truth, so that thresholds fall between them.
        x = np.concatenate([x, np.nextafter(x, np.float32(1))])
        y = np.arange(len(x)) >= 2_000
        forest = RandomForestClassifier(10, random_state=0).fit(x, y)
        trees = [e.tree_ for e in forest.estimators_]
        exact = np.concatenate([t.threshold[t.children_left >= 0] for t in trees])
        near = exact.astype(np.float32)
        self.assertTrue((near != exact).any())
        sides = [np.nextafter(near, np.float32(end)) for end in (-np.inf, np.inf)]
        self.assert_same(forest, np.concatenate([near, *sides]).reshape(-1, 1))

    def test_nearly_equal_probabilities_keep_their_order_in_float32(self):
        x = np.zeros((2, 1), np.float32)
        forest = RandomForestClassifier(1, bootstrap=False)
        forest.fit(x, [0, 1], sample_weight=[1.0, 1.0 + 1e-12])
        self.assertEqual(forest.predict(x[:1])[0], 1)
        self.assert_same(forest, x)

    def test_no_rows(self):
        x, score = features_and_scores()
        module = converter.convert(RandomForestClassifier(3).fit(x, score > 0))
        self.assertEqual(tuple(module(torch.empty(0, 8)).shape), (0, 2))

    def test_the_argument_has_the_given_name(self):
        x, score = features_and_scores()
        forest = RandomForestClassifier(3).fit(x, score > 0)
        for name in ("features", "rows", "INPUT__0"):
            module = converter.convert(forest, name)
            self.assertEqual(tuple(module(**{name: torch.zeros(2, 8)}).shape), (2, 2))


    def test_the_saved_module_does_not_name_the_folder_it_was_made_in(self):
        x, score = features_and_scores()
        saved = io.BytesIO()
        torch.jit.save(converter.convert(RandomForestClassifier(3).fit(x, score > 0)), saved)
        with zipfile.ZipFile(saved) as archive:
            parts = b"".join(archive.read(name) for name in archive.namelist())
        self.assertIn(b"index_select", parts)
        self.assertNotIn(os.path.dirname(os.path.abspath(converter.__file__)).encode(), parts)


class RefusalTest(unittest.TestCase):
    def assert_refused(self, forest, problem, input_name="features"):
        with self.assertRaisesRegex(converter.ConversionError, problem):
            converter.convert(forest, input_name)

    def test_something_that_is_no_forest(self):
        self.assert_refused(LinearRegression().fit([[0], [1]], [0, 1]), "LinearRegression")
        self.assert_refused("forest", "got str")

    def test_a_forest_that_is_not_fitted(self):
        self.assert_refused(RandomForestClassifier(), "not fitted")

    def test_a_classifier_with_several_outputs(self):
        forest = RandomForestClassifier(3).fit([[0], [1]], [[0, 1], [1, 0]])
        self.assert_refused(forest, "2 outputs")

    def test_a_forest_fitted_on_missing_values(self):
        forest = RandomForestClassifier(3, bootstrap=False).fit([[0], [1]], [0, 1])
        forest.estimators_[1].tree_.threshold[0] = np.inf  # How scikit-learn 1.4 marks them.
        self.assert_refused(forest, "missing values")

    def test_an_argument_name_that_is_none(self):
        forest = RandomForestClassifier(3).fit([[0], [1]], [0, 1])
        for name in ("self", "for", "two words", ""):
            self.assert_refused(forest, "argument", name)


class CommandTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name):
        return os.path.join(self.folder, name)

    def run_command(self, *arguments):
        """The exit code and what was written to standard error."""
        errors = io.StringIO()
        with contextlib.redirect_stderr(errors), contextlib.redirect_stdout(io.StringIO()):
            code = converter.main([self.path(a) if "." in a else a for a in arguments])
        return code, errors.getvalue()

    def dump(self, thing, name="forest.pkl"):
        with open(self.path(name), "wb") as file:
            pickle.dump(thing, file)

    def test_writes_a_module_and_its_labels(self):
        x, score = features_and_scores()
        forest = RandomForestClassifier(10, n_jobs=2, random_state=0)
        forest.fit(x, np.where(score > 0, "above", "below"))
        self.dump(forest)
        arguments = ["forest.pkl", "model.pt", "--labels", "labels.txt", "--rows", "100"]
        self.assertEqual(self.run_command(*arguments), (0, ""))
        converter.verify(forest, torch.jit.load(self.path("model.pt")), x)
        with open(self.path("labels.txt"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "above\nbelow\n")

    def assert_fails(self, problem, *arguments):
        code, errors = self.run_command(*arguments)
        self.assertEqual(code, 2)
        self.assertRegex(errors, problem)
        self.assertEqual(errors.count("\n"), 1)
        self.assertFalse(os.path.exists(self.path("model.pt")))

    def test_a_missing_file(self):
        self.assert_fails("no such file", "forest.pkl", "model.pt")

    def test_a_file_that_is_no_pickle(self):
        with open(self.path("forest.pkl"), "w", encoding="utf-8") as file:
            file.write("hour,weekday\n1,2\n")
        self.assert_fails("not a readable pickle", "forest.pkl", "model.pt")

    def test_a_pickle_of_something_else(self):
        self.dump({"forest": 1})
        self.assert_fails("got dict", "forest.pkl", "model.pt")

    def test_labels_of_a_regressor(self):
        self.dump(RandomForestRegressor(3).fit([[0], [1]], [0, 1]))
        self.assert_fails("no classes", "forest.pkl", "model.pt", "--labels", "labels.txt")

    def test_a_place_that_cannot_be_written(self):
        self.dump(RandomForestClassifier(3).fit([[0], [1]], [0, 1]))
        self.assert_fails("No such file", "forest.pkl", "nowhere/model.pt")


if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main()
