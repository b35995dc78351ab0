// Requests that the load generator makes, and a server with the models that ship with weir.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "loadgen/client/call_once.h"
#include "loadgen/inputs/model_info.h"
#include "loadgen/inputs/request_set.h"
#include "tests/serving_fixture.h"

namespace weir {
namespace {

using testing::HasSubstr;

constexpr char kPredict[] = "/weir.v1.Predictor/Predict";
constexpr absl::Duration kTimeout = absl::Seconds(60);
constexpr int kRequests = 20;

class LoadInputsTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    server_ = std::make_unique<RunningServer>(
        std::vector<std::string>{std::string("--model_repository=") + kShippedModels,
                                 "--models=accidents-forest,fashion-fast,flats-price"});
    for (const char* model : {"accidents-forest", "fashion-fast", "flats-price"}) {
      ASSERT_TRUE(server_->WaitUntilReady(model));
    }
    const absl::StatusOr<std::vector<ModelInfo>> infos = FindModels({server_->address()}, kTimeout);
    ASSERT_TRUE(infos.ok()) << infos.status();
    for (const ModelInfo& info : *infos) models_[info.description.name()] = info.description;
  }

  static void TearDownTestSuite() { server_.reset(); }

  static RequestSet Make(const std::string& model, const std::string& input, int rows) {
    v1::LoadTraffic traffic;
    traffic.set_input(input);
    traffic.set_rows(rows);
    absl::StatusOr<RequestSet> set = RequestSet::Create(traffic, models_[model], {});
    EXPECT_TRUE(set.ok()) << set.status();
    return *std::move(set);
  }

  static absl::StatusOr<std::string> Predict(absl::string_view message) {
    return CallOnce(server_->address(), kPredict, message, kTimeout);
  }

  // What the first requests of a set are answered with.
  static Quality Judge(const RequestSet& set) {
    Quality quality;
    for (int i = 0; i < kRequests; ++i) {
      const absl::StatusOr<std::string> answer = Predict(set.message(i));
      EXPECT_TRUE(answer.ok()) << answer.status();
      if (answer.ok()) set.Judge(i, *answer, quality);
    }
    return quality;
  }

  static std::unique_ptr<RunningServer> server_;
  static std::map<std::string, v1::ModelDescription> models_;
};

std::unique_ptr<RunningServer> LoadInputsTest::server_;
std::map<std::string, v1::ModelDescription> LoadInputsTest::models_;

TEST_F(LoadInputsTest, ModelsAreFoundWithTheirDescriptions) {
  const v1::ModelDescription& model = models_.at("fashion-fast");
  EXPECT_EQ(model.family(), "fashion");
  EXPECT_EQ(model.variant(), "fast");
  EXPECT_EQ(model.slo_latency_us(), 20'000);
  EXPECT_EQ(model.outputs(0).labels_size(), 10);
  EXPECT_GT(model.quality().at("accuracy"), 0.8);
}

TEST_F(LoadInputsTest, AnswersToRealRowsAreAsGoodAsPublished) {
  for (const auto& [model, published] :
       std::map<std::string, double>{{"fashion-fast", 0.8929}, {"accidents-forest", 0.8783}}) {
    const v1::LoadQuality quality = Judge(Make(model, "", 32)).Report();
    EXPECT_EQ(quality.rows(), 32 * kRequests);
    // These rows are always the same: that the interval holds the true value is no matter of luck.
    EXPECT_LT(quality.low(), published) << model;
    EXPECT_GT(quality.high(), published) << model;
  }
  const v1::LoadQuality prices = Judge(Make("flats-price", "", 32)).Report();
  EXPECT_EQ(prices.rows(), 32 * kRequests);
  EXPECT_LT(prices.high(), 0.1) << "the data has a noise of 5 %";
}

TEST_F(LoadInputsTest, RequestsOfOneRowAreAnsweredAndJudged) {
  const v1::LoadQuality quality = Judge(Make("fashion-fast", "", 1)).Report();
  EXPECT_EQ(quality.rows(), kRequests);
  EXPECT_GE(quality.value(), 0.7);
}

TEST_F(LoadInputsTest, RowsWithoutATruthAreAnsweredToo) {
  EXPECT_FALSE(Judge(Make("fashion-fast", "random", 2)).known());
  EXPECT_FALSE(Judge(Make("flats-price", "flat_rows", 2)).known());
}

TEST_F(LoadInputsTest, MalformedRequestsAreRefusedAsSuch) {
  for (const auto& [name, model] : models_) {
    const absl::Status status = Predict(Make(name, "random", 3).malformed()).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr(model.inputs(0).name())) << name;
  }
}

}  // namespace
}  // namespace weir
