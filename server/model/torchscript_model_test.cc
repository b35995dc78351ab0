#include "server/model/torchscript_model.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/api/module.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "absl/strings/str_cat.h"
#include "server/model/compute_backend.h"
#include "server/model/formats.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ModelSettings Settings(int64_t inputs = 1, int64_t outputs = 1) {
  ModelSettings settings{.name = "test", .max_batch_rows = 4, .backend = "pytorch"};
  for (int i = 0; i < inputs; ++i) {
    settings.inputs.push_back({absl::StrCat("INPUT__", i), v1::TYPE_FP32, {2}});
  }
  for (int i = 0; i < outputs; ++i) {
    settings.outputs.push_back({absl::StrCat("OUTPUT__", i), v1::TYPE_FP32, {2}});
  }
  return settings;
}

// Writes a module with the given forward() to a file of the test's own.
std::string Save(const std::string& forward) {
  torch::jit::Module module("test");
  module.register_parameter("scale", at::full({1}, 10.0), false);
  module.define(forward + "\n");
  const std::string path =
      absl::StrCat(testing::TempDir(), "/",
                   testing::UnitTest::GetInstance()->current_test_info()->name(), ".pt");
  module.save(path);
  return path;
}

std::vector<float> Values(const Tensor& tensor) {
  std::vector<float> values(tensor.data.size() / sizeof(float));
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

// Runs a model on rows of two numbers, one list for each input.
absl::StatusOr<std::vector<Tensor>> RunOn(const Model& model,
                                          const std::vector<std::vector<float>>& inputs) {
  std::vector<std::vector<int64_t>> shapes;
  std::vector<TensorView> views;
  shapes.reserve(inputs.size());
  for (const std::vector<float>& input : inputs) {
    shapes.push_back({static_cast<int64_t>(input.size() / 2), 2});
    views.push_back({v1::TYPE_FP32, shapes.back(),
                     absl::string_view(reinterpret_cast<const char*>(input.data()),
                                       input.size() * sizeof(float))});
  }
  const absl::StatusOr<TensorBundle> outputs = model.Run(views);
  if (!outputs.ok()) return outputs.status();
  std::vector<Tensor> copies;
  for (const TensorView& view : outputs->views) {
    copies.push_back({view.type, {view.shape.begin(), view.shape.end()}, std::string(view.data)});
  }
  return copies;
}

std::string Error(const ModelSettings& settings, const std::string& path) {
  const auto model = LoadTorchScriptModel(settings, path);
  return model.ok() ? "no error" : std::string(model.status().message());
}

TEST(TorchScriptModelTest, RunsABatchOfRows) {
  const ModelSettings settings = Settings();
  const auto model = LoadModel(settings, Save("def forward(self, x): return x * self.scale"));
  ASSERT_TRUE(model.ok()) << model.status();
  const auto outputs = RunOn(**model, {{1, 2, 3, 4}});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_THAT((*outputs)[0].shape, ElementsAre(2, 2));
  EXPECT_THAT(Values((*outputs)[0]), ElementsAre(10, 20, 30, 40));
}

TEST(TorchScriptModelTest, WithoutOptimisedExecutionTheAnswerIsTheSame) {
  ModelSettings settings = Settings();
  settings.optimized_execution = false;
  const auto model = LoadModel(settings, Save("def forward(self, x): return x * self.scale"));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(Values((*RunOn(**model, {{1, 2}}))[0]), ElementsAre(10, 20));
}

TEST(TorchScriptModelTest, InputsGoToTheArgumentsOfTheirNames) {
  ModelSettings settings = Settings(2);
  settings.inputs[0].name = "b";
  settings.inputs[1].name = "a";
  const auto model = LoadModel(settings, Save("def forward(self, a, b): return a - b"));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(Values((*RunOn(**model, {{1, 1}, {5, 7}}))[0]), ElementsAre(4, 6));
}

TEST(TorchScriptModelTest, InputsGoToThePositionsInTheirNames) {
  ModelSettings settings = Settings(2);
  std::swap(settings.inputs[0], settings.inputs[1]);  // INPUT__1 first
  const auto model = LoadModel(settings, Save("def forward(self, a, b): return a - b"));
  ASSERT_TRUE(model.ok()) << model.status();
  EXPECT_THAT(Values((*RunOn(**model, {{1, 1}, {5, 7}}))[0]), ElementsAre(4, 6));
}

TEST(TorchScriptModelTest, ATupleGivesOutputsByPosition) {
  const ModelSettings settings = Settings(1, 2);
  const auto model = LoadModel(settings, Save("def forward(self, x): return x + 1, x + 2"));
  ASSERT_TRUE(model.ok()) << model.status();
  const auto outputs = RunOn(**model, {{0, 0}});
  EXPECT_THAT(Values((*outputs)[0]), ElementsAre(1, 1));
  EXPECT_THAT(Values((*outputs)[1]), ElementsAre(2, 2));
}

TEST(TorchScriptModelTest, ADictionaryGivesOutputsByName) {
  const ModelSettings settings = Settings(1, 2);
  const auto model = LoadModel(
      settings, Save("def forward(self, x): return {'OUTPUT__1': x + 1, 'OUTPUT__0': x + 2}"));
  ASSERT_TRUE(model.ok()) << model.status();
  const auto outputs = RunOn(**model, {{0, 0}});
  EXPECT_THAT(Values((*outputs)[0]), ElementsAre(2, 2));
  EXPECT_THAT(Values((*outputs)[1]), ElementsAre(1, 1));
}

TEST(TorchScriptModelTest, AModuleThatWritesToItsInputLeavesTheCallersBytesAlone) {
  for (const bool optimized : {true, false}) {
    ModelSettings settings = Settings();
    settings.optimized_execution = optimized;
    const auto model = LoadModel(settings, Save("def forward(self, x): return x.add_(1)"));
    ASSERT_TRUE(model.ok()) << model.status();
    const std::vector<std::vector<float>> inputs = {{1, 2}};
    EXPECT_THAT(Values((*RunOn(**model, inputs))[0]), ElementsAre(2, 3));
    EXPECT_THAT(inputs[0], ElementsAre(1, 2));
  }
}

TEST(TorchScriptModelTest, AnyNumberOfThreadsMayRunIt) {
  const ModelSettings settings = Settings();
  const auto model = LoadModel(settings, Save("def forward(self, x): return x * self.scale"));
  ASSERT_TRUE(model.ok()) << model.status();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&model, t] {
      for (int i = 0; i < 200; ++i) {
        const float value = static_cast<float>(t * 1000 + i);
        const auto outputs = RunOn(**model, {{value, 0}});
        ASSERT_TRUE(outputs.ok());
        ASSERT_EQ(Values((*outputs)[0])[0], value * 10);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST(TorchScriptModelTest, AModelThatThrowsOnItsInputReportsAnInternalError) {
  const ModelSettings settings = Settings();
  const auto model = LoadModel(settings, Save(R"(
def forward(self, x):
    assert not bool((x > 100).any()), 'too large'
    return x)"));
  ASSERT_TRUE(model.ok()) << model.status();
  const absl::Status status = RunOn(**model, {{101, 0}}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(status.message()), HasSubstr("too large")) << "the module's own words";
  EXPECT_TRUE(RunOn(**model, {{99, 0}}).ok()) << "and goes on working";
}

TEST(TorchScriptModelTest, AModuleThatDoesNotFitItsConfigIsRefusedAtLoad) {
  EXPECT_THAT(Error(Settings(2), Save("def forward(self, x): return x")),
              HasSubstr("forward() takes 1 inputs (x), the config has 2"));
  EXPECT_THAT(Error(Settings(1, 2), Save("def forward(self, x): return x")),
              HasSubstr("output \"OUTPUT__1\" of the config is none of them"));
  EXPECT_THAT(Error(Settings(), Save("def forward(self, x): return x.sum(1)")),
              HasSubstr("the config says TYPE_FP32 [1, 2], the module returns Float [1]"));
  EXPECT_THAT(Error(Settings(), Save("def forward(self, x): return x.double()")),
              HasSubstr("the module returns Double [1, 2]"));
  EXPECT_THAT(Error(Settings(), Save("def forward(self, x): return 7")),
              HasSubstr("where a tensor is expected"));
  EXPECT_THAT(Error(Settings(), Save("def forward(self, x): return x.reshape([3, 5])")),
              testing::AllOf(HasSubstr("on 1 row of made-up inputs"),
                             HasSubstr("shape '[3, 5]' is invalid")));
}

TEST(TorchScriptModelTest, AModuleThatDoesNotTakeSeveralRowsIsRefusedAtLoad) {
  EXPECT_THAT(Error(Settings(), Save("def forward(self, x): return x.reshape([1, 2])")),
              HasSubstr("on 4 rows of made-up inputs: "));
}

TEST(TorchScriptModelTest, ASampleOnWhichTheModuleFailsIsNamed) {
  ModelSettings settings = Settings();
  settings.warm_up = {{"small", 1, 1, {{v1::TYPE_FP32, {1, 2}, std::string(8, '\0')}}}};
  EXPECT_THAT(Error(settings, Save(R"(
def forward(self, x):
    assert bool((x > 0).any()), 'too small'
    return x)")),
              testing::AllOf(HasSubstr("of made-up inputs: "), HasSubstr("too small")))
      << "the sample stands in for made-up inputs";
}

struct Loaded {
  absl::StatusOr<std::unique_ptr<Model>> model;
  std::string log;
};

// Loads a module that has its convolution normalised by the tiny standard deviation of 1e-19.
Loaded LoadNormalized(const ModelSettings& settings, const std::string& scale_and_bias) {
  torch::jit::Module module("test");
  module.register_parameter("huge", at::full({1, 1, 1, 1}, 1e30), false);
  module.register_parameter("one", at::ones({1}), false);
  module.register_parameter("zero", at::zeros({1}), false);
  module.register_parameter("variance", at::full({1}, 1e-38), false);
  module.define(absl::StrCat(R"(
def forward(self, x):
    y = torch.conv2d((x * 1e-30).unsqueeze(1).unsqueeze(1), self.huge)
    y = torch.batch_norm(y, )",
                             scale_and_bias, R"(, self.zero, self.variance, False, 0.1, 0., False)
    return y.squeeze(1).squeeze(1) * 1e-19
)"));
  const std::string path =
      absl::StrCat(testing::TempDir(), "/",
                   testing::UnitTest::GetInstance()->current_test_info()->name(), ".pt");
  module.save(path);
  testing::internal::CaptureStderr();
  Loaded loaded;
  loaded.model = LoadModel(settings, path);
  loaded.log = testing::internal::GetCapturedStderr();
  return loaded;
}

TEST(TorchScriptModelTest, AModuleWhoseOptimisedFormDiffersRunsAsItIs) {
  const ModelSettings settings = Settings();
  // Optimised, weight and deviation become one number, which overflows.
  const Loaded loaded = LoadNormalized(settings, "self.one, self.zero");
  ASSERT_TRUE(loaded.model.ok()) << loaded.model.status();
  EXPECT_THAT(Values((*RunOn(**loaded.model, {{1, 2}}))[0]),
              ElementsAre(testing::FloatNear(1, 1e-3), testing::FloatNear(2, 1e-3)));
  EXPECT_THAT(
      loaded.log,
      testing::AllOf(HasSubstr("WARNING"), HasSubstr("the module runs as it is"),
                     HasSubstr("model=test"), HasSubstr("path=" + testing::TempDir()),
                     HasSubstr("on 1 row of made-up inputs: output \\\"OUTPUT__0\\\": it is off by "
                               "up to inf: inf instead of ")));
}

TEST(TorchScriptModelTest, AModuleWhoseOptimisedFormFailsRunsAsItIs) {
  const ModelSettings settings = Settings();
  // LibTorch's optimised normalisation needs a scale and a bias.
  const Loaded loaded = LoadNormalized(settings, "None, None");
  ASSERT_TRUE(loaded.model.ok()) << loaded.model.status();
  EXPECT_THAT(Values((*RunOn(**loaded.model, {{1, 2}}))[0]),
              ElementsAre(testing::FloatNear(1, 1e-3), testing::FloatNear(2, 1e-3)));
  EXPECT_THAT(loaded.log, HasSubstr("the module runs as it is"));
}

TEST(TorchScriptModelTest, AModuleThatIsNotToBeOptimisedRunsAsItIsWithoutAWord) {
  ModelSettings settings = Settings();
  settings.optimized_execution = false;
  const Loaded loaded = LoadNormalized(settings, "self.one, self.zero");
  ASSERT_TRUE(loaded.model.ok()) << loaded.model.status();
  EXPECT_THAT(Values((*RunOn(**loaded.model, {{1, 2}}))[0]),
              ElementsAre(testing::FloatNear(1, 1e-3), testing::FloatNear(2, 1e-3)));
  EXPECT_EQ(loaded.log, "");
}

TEST(TorchScriptModelTest, AModuleThatIsFineWhenOptimisedIsOptimisedWithoutAWord) {
  testing::internal::CaptureStderr();
  const ModelSettings settings = Settings();
  EXPECT_TRUE(LoadModel(settings, Save("def forward(self, x): return x * self.scale")).ok());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(TorchScriptModelTest, AModelUsesItsNumberOfThreadsOnTheThreadThatRunsIt) {
  InitializeTorch();
  ModelSettings three = Settings();
  three.intra_op_threads = 3;
  const ModelSettings one = Settings();
  const std::string path = Save("def forward(self, x): return x * self.scale");
  const auto model_of_three = LoadModel(three, path);
  const auto model_of_one = LoadModel(one, path);
  ASSERT_TRUE(model_of_three.ok() && model_of_one.ok());
  std::thread([&] {
    ASSERT_TRUE(RunOn(**model_of_three, {{1, 2}}).ok());
    EXPECT_EQ(at::get_num_threads(), 3);
    std::thread([] { EXPECT_EQ(at::get_num_threads(), 1) << "of a thread that is new"; }).join();
    ASSERT_TRUE(RunOn(**model_of_one, {{1, 2}}).ok());
    EXPECT_EQ(at::get_num_threads(), 1) << "of one that is used for another model";
  }).join();
}

TEST(TorchScriptModelTest, ACorruptFileIsRefusedByName) {
  const std::string path = Save("def forward(self, x): return x");
  std::ofstream(path) << "this is no archive";
  EXPECT_THAT(Error(Settings(), path),
              HasSubstr(path + ": not a TorchScript file or a damaged one"));
}

TEST(TorchScriptModelTest, ATruncatedFileIsRefusedByName) {
  const std::string path = Save("def forward(self, x): return x * self.scale");
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  EXPECT_THAT(Error(Settings(), path),
              HasSubstr(path + ": not a TorchScript file or a damaged one"));
}

TEST(TorchScriptModelTest, AMissingFileIsRefusedByName) {
  EXPECT_THAT(Error(Settings(), "/nowhere/model.pt"), HasSubstr("/nowhere/model.pt"));
}

TEST(FormatsTest, AnUnknownBackendIsNamed) {
  ModelSettings settings = Settings();
  settings.backend = "tensorrt";
  EXPECT_THAT(std::string(LoadModel(settings, "x").status().message()), HasSubstr("\"tensorrt\""));
}

}  // namespace
}  // namespace weir
