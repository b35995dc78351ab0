#include "server/model/model_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr char kConfig[] = R"pb(
  name: "shoes-fast"
  backend: "pytorch"
  max_batch_size: 8
  input { name: "image" data_type: TYPE_UINT8 dims: 28 dims: 28 }
  output { name: "probabilities" data_type: TYPE_FP32 dims: 10 label_filename: "labels.txt" }
)pb";

absl::StatusOr<ModelSettings> Parse(const std::string& text) {
  return ParseModelConfig(text, "shoes-fast", "repo/shoes-fast/config.pbtxt");
}

absl::StatusOr<ModelSettings> ParseWith(const std::string& more) {
  return Parse(absl::StrCat(kConfig, more));
}

absl::StatusOr<ModelSettings> ParseReplacing(const std::string& from, const std::string& to) {
  return Parse(absl::StrReplaceAll(kConfig, {{from, to}}));
}

std::string Parameter(const std::string& key, const std::string& value) {
  return absl::StrCat("parameters { key: \"", key, "\" value { string_value: \"", value, "\" } }");
}

std::string Error(const absl::StatusOr<ModelSettings>& settings) {
  return settings.ok() ? "no error" : std::string(settings.status().message());
}

TEST(ModelSettingsTest, AConfigAsTritonUsersWriteItIsUnderstood) {
  const auto settings = Parse(kConfig);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->name, "shoes-fast");
  EXPECT_EQ(settings->backend, "pytorch");
  EXPECT_EQ(settings->max_batch_rows, 8);
  EXPECT_EQ(settings->filename, "model.pt");
  ASSERT_EQ(settings->inputs.size(), 1u);
  EXPECT_EQ(settings->inputs[0].name, "image");
  EXPECT_EQ(settings->inputs[0].type, v1::TYPE_UINT8);
  EXPECT_THAT(settings->inputs[0].dims, ElementsAre(28, 28));
  EXPECT_EQ(settings->outputs[0].label_filename, "labels.txt");
  EXPECT_FALSE(settings->finite_inputs);
}

TEST(ModelSettingsTest, ThePlatformNameStandsForTheBackend) {
  const auto settings = ParseReplacing("backend: \"pytorch\"", "platform: \"pytorch_libtorch\"");
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->backend, "pytorch");
}

TEST(ModelSettingsTest, WeirsOwnParametersAreRead) {
  const auto settings = ParseWith(absl::StrCat(
      Parameter("weir.family", "shoes"), Parameter("weir.variant", "fast"),
      Parameter("weir.finite_inputs", "true"), Parameter("weir.slo_latency", "50ms"),
      Parameter("weir.slo_objective", "0.999"), Parameter("weir.quality.accuracy", "0.89"),
      Parameter("weir.slo_availability", "0.95"), Parameter("weir.value_buckets", "1,2.5,10"),
      Parameter("weir.value_limits", "2.5:0.8,10:0.01")));
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_EQ(settings->family, "shoes");
  EXPECT_EQ(settings->variant, "fast");
  EXPECT_TRUE(settings->finite_inputs);
  EXPECT_EQ(settings->slo_latency, absl::Milliseconds(50));
  EXPECT_EQ(settings->slo_objective, 0.999);
  EXPECT_THAT(settings->quality, ElementsAre(Pair("accuracy", 0.89)));
  EXPECT_EQ(settings->slo_availability, 0.95);
  EXPECT_THAT(settings->value_buckets, ElementsAre(1, 2.5, 10));
  ASSERT_EQ(settings->value_limits.size(), 2);
  EXPECT_EQ(settings->value_limits[1].bound, 10);
  EXPECT_EQ(settings->value_limits[1].ratio, 0.01);
}

TEST(ModelSettingsTest, ValueLimitsAreAmongTheBuckets) {
  EXPECT_THAT(Error(ParseWith(Parameter("weir.value_limits", "10:0.1"))),
              HasSubstr("parameter \"weir.value_limits\": 10 is not among weir.value_buckets"));
  for (const char* wrong : {"10", "10:0", "10:1", "10:nan", "x:0.5", "nan:0.5", "inf:0.5",
                            "10:0.5,", "10:0.5:0.5", "10:0.5,10:0.4"}) {
    EXPECT_THAT(Error(ParseWith(absl::StrCat(Parameter("weir.value_buckets", "10"),
                                             Parameter("weir.value_limits", wrong)))),
                HasSubstr("expected a value and a share"))
        << wrong;
  }
}

TEST(ModelSettingsTest, ExecutionIsChosenByTheServerUnlessSaid) {
  EXPECT_EQ(Parse(kConfig)->execution, Execution::kAuto);
  EXPECT_EQ(ParseWith(Parameter("weir.execution", "auto"))->execution, Execution::kAuto);
  EXPECT_EQ(ParseWith(Parameter("weir.execution", "inline"))->execution, Execution::kInline);
  EXPECT_EQ(ParseWith(Parameter("weir.execution", "pooled"))->execution, Execution::kPooled);
  EXPECT_THAT(Error(ParseWith(Parameter("weir.execution", "fast"))),
              HasSubstr("parameter \"weir.execution\": expected auto, inline or pooled"));
}

TEST(ModelSettingsTest, TheWeightIsAPositiveNumber) {
  EXPECT_EQ(Parse(kConfig)->weight, 1);
  EXPECT_EQ(ParseWith(Parameter("weir.weight", "2.5"))->weight, 2.5);
  for (const char* const bad : {"0", "-1", "nan", "inf", "1e9", "heavy", ""}) {
    EXPECT_THAT(Error(ParseWith(Parameter("weir.weight", bad))),
                HasSubstr("parameter \"weir.weight\": expected a number between 0.001 and 1000"));
  }
}

TEST(ModelSettingsTest, ThreadsWithinABatchAreOneUnlessSaid) {
  EXPECT_EQ(Parse(kConfig)->intra_op_threads, 1);
  EXPECT_EQ(ParseWith(Parameter("INTRA_OP_THREAD_COUNT", "4"))->intra_op_threads, 4);
  for (const char* const bad : {"0", "-1", "257", "2.5", "all"}) {
    EXPECT_THAT(Error(ParseWith(Parameter("INTRA_OP_THREAD_COUNT", bad))),
                HasSubstr("parameter \"INTRA_OP_THREAD_COUNT\": expected 1 to 256"));
  }
}

TEST(ModelSettingsTest, PartsOfABatchDoNotRunInParallel) {
  EXPECT_TRUE(ParseWith(Parameter("INTER_OP_THREAD_COUNT", "1")).ok());
  EXPECT_THAT(Error(ParseWith(Parameter("INTER_OP_THREAD_COUNT", "2"))),
              HasSubstr("expected 1: weir runs batches in parallel instead"));
}

TEST(ModelSettingsTest, ATypoIsReportedWithLineAndField) {
  EXPECT_EQ(Error(ParseReplacing("max_batch_size", "max_batch_sise")),
            "repo/shoes-fast/config.pbtxt:4:17: Message type \"weir.v1.ModelConfig\" has no field "
            "named \"max_batch_sise\".");
}

TEST(ModelSettingsTest, AnUnknownTypeIsReportedWithLineAndField) {
  EXPECT_THAT(Error(ParseReplacing("TYPE_UINT8", "TYPE_UNIT8")),
              testing::AllOf(HasSubstr("config.pbtxt:5:"), HasSubstr("TYPE_UNIT8"),
                             HasSubstr("data_type")));
}

TEST(ModelSettingsTest, AFieldOfTritonsThatIsNotSupportedIsNamed) {
  EXPECT_THAT(Error(ParseWith("sequence_batching { }")),
              HasSubstr("config.pbtxt:7:19: field \"sequence_batching\" is known to Triton but not "
                        "supported by weir"));
  EXPECT_THAT(Error(ParseReplacing("dims: 28 dims: 28", "dims: 784 reshape { shape: 28 }")),
              HasSubstr("field \"reshape\" is known to Triton"));
  EXPECT_THAT(Error(ParseWith("instance_group { gpus: 0 }")),
              HasSubstr("field \"gpus\" is known to Triton"));
}

TEST(ModelSettingsTest, MissingPartsAreNamed) {
  EXPECT_THAT(Error(Parse("")), HasSubstr("expected backend: \"pytorch\""));
  EXPECT_THAT(Error(Parse("backend: \"pytorch\"")), HasSubstr("input is missing"));
  EXPECT_THAT(Error(ParseReplacing("name: \"image\"", "")), HasSubstr("input[0] \"\": name is"));
  EXPECT_THAT(Error(ParseReplacing("data_type: TYPE_UINT8", "")),
              HasSubstr("input[0] \"image\": data_type is missing"));
  EXPECT_THAT(Error(ParseReplacing("dims: 28 dims: 28", "")),
              HasSubstr("input[0] \"image\": dims is missing"));
}

TEST(ModelSettingsTest, ValuesOutOfRangeAreNamed) {
  EXPECT_THAT(Error(ParseReplacing("dims: 10", "dims: 0")),
              HasSubstr("output[0] \"probabilities\": dims holds 0"));
  EXPECT_THAT(Error(ParseReplacing("max_batch_size: 8", "max_batch_size: -1")),
              HasSubstr("max_batch_size is negative"));
  EXPECT_THAT(Error(ParseReplacing("TYPE_UINT8", "TYPE_STRING")),
              HasSubstr("TYPE_STRING is not supported"));
  EXPECT_THAT(Error(ParseWith("default_model_filename: \"../model.pt\"")),
              HasSubstr("default_model_filename holds a path"));
  EXPECT_THAT(Error(ParseReplacing("labels.txt", "../labels.txt")),
              HasSubstr("label_filename holds a path: ../labels.txt"));
  EXPECT_THAT(Error(ParseWith("input { name: \"image\" data_type: TYPE_FP32 dims: 1 }")),
              HasSubstr("input \"image\" stands twice"));
}

TEST(ModelSettingsTest, APlatformThatIsNotSupportedIsNamedEvenBesideABackend) {
  EXPECT_THAT(Error(ParseWith("platform: \"tensorrt_plan\"")),
              HasSubstr("platform \"tensorrt_plan\" is not supported"));
}

TEST(ModelSettingsTest, TheNameMustBeThatOfTheDirectory) {
  EXPECT_THAT(Error(ParseReplacing("shoes-fast", "shoes-slow")),
              HasSubstr("name is \"shoes-slow\" but the directory is \"shoes-fast\""));
}

TEST(ModelSettingsTest, BadParametersAreNamedWithWhatWasExpected) {
  EXPECT_THAT(Error(ParseWith(Parameter("weir.slo_latency", "fast"))),
              HasSubstr("parameter \"weir.slo_latency\": expected a positive duration"));
  EXPECT_THAT(Error(ParseWith(Parameter("weir.value_buckets", "2,1"))),
              HasSubstr("expected ascending numbers"));
  EXPECT_THAT(Error(ParseWith(Parameter("weir.quality.accuracy", "good"))),
              HasSubstr("expected a number, got \"good\""));
  EXPECT_THAT(Error(ParseWith(Parameter("weir.famly", "x"))),
              HasSubstr("parameter \"weir.famly\" is unknown"));
  EXPECT_THAT(Error(ParseWith(Parameter("INFERENCE_MODE", "false"))), HasSubstr("expected true"));
}

TEST(ModelSettingsTest, SomebodyElsesParametersAreLeftAlone) {
  EXPECT_TRUE(ParseWith(Parameter("team", "vision")).ok());
}

TEST(ModelSettingsTest, LabelsAreReadAndCounted) {
  const std::string directory = testing::TempDir() + "/shoes-fast";
  std::filesystem::create_directories(directory);
  std::ofstream(directory + "/config.pbtxt") << absl::StrReplaceAll(kConfig, {{"10", "2"}});
  std::ofstream(directory + "/labels.txt") << "left\nright\n";
  const auto settings = LoadModelSettings(directory);
  ASSERT_TRUE(settings.ok()) << settings.status();
  EXPECT_THAT(settings->outputs[0].labels, ElementsAre("left", "right"));

  std::ofstream(directory + "/labels.txt") << "left\r\nright\r\n";
  EXPECT_THAT(LoadModelSettings(directory)->outputs[0].labels, ElementsAre("left", "right"));

  std::ofstream(directory + "/labels.txt") << "left\nr\xefght\n";
  EXPECT_THAT(Error(LoadModelSettings(directory)), HasSubstr("labels.txt: not UTF-8"));

  std::ofstream(directory + "/labels.txt") << "left\n";
  EXPECT_THAT(Error(LoadModelSettings(directory)), HasSubstr("has 2 classes, the file has 1"));
  std::filesystem::remove(directory + "/labels.txt");
  EXPECT_THAT(Error(LoadModelSettings(directory)), HasSubstr("cannot open"));
}

TEST(SelectVersionsTest, TheNewestIsTheDefault) {
  EXPECT_THAT(*SelectVersions({}, {2, 10, 1}), ElementsAre(10));
}

TEST(SelectVersionsTest, LatestTakesAsManyAsItSaysAndThereAre) {
  v1::ModelVersionPolicy policy;
  policy.mutable_latest()->set_num_versions(2);
  EXPECT_THAT(*SelectVersions(policy, {2, 10, 1}), ElementsAre(2, 10));
  EXPECT_THAT(*SelectVersions(policy, {7}), ElementsAre(7));
}

TEST(SelectVersionsTest, AllTakesAll) {
  v1::ModelVersionPolicy policy;
  policy.mutable_all();
  EXPECT_THAT(*SelectVersions(policy, {2, 10, 1}), ElementsAre(1, 2, 10));
}

TEST(SelectVersionsTest, SpecificTakesThoseNamedAndMissesThoseAbsent) {
  v1::ModelVersionPolicy policy;
  policy.mutable_specific()->add_versions(2);
  EXPECT_THAT(*SelectVersions(policy, {2, 10, 1}), ElementsAre(2));
  policy.mutable_specific()->add_versions(5);
  EXPECT_THAT(std::string(SelectVersions(policy, {2, 10, 1}).status().message()),
              HasSubstr("names version 5, there are: 1, 2, 10"));
}

TEST(SelectVersionsTest, NoVersionAtAllIsAnError) {
  EXPECT_EQ(SelectVersions({}, {}).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace weir
