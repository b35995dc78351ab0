#include "server/batching/direct_servable.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "base/clock.h"

namespace weir {
namespace {

using testing::HasSubstr;
using testing::Not;

// Answers with what the test gave it, and counts its runs.
class FakeModel : public Model {
 public:
  FakeModel(absl::StatusOr<std::vector<Tensor>> answer, int& runs)
      : answer_(std::move(answer)), runs_(runs) {}

  absl::StatusOr<TensorBundle> Run(absl::Span<const TensorView>) const override {
    ++runs_;
    if (!answer_.ok()) return answer_.status();
    return Bundle(*answer_);
  }

 private:
  const absl::StatusOr<std::vector<Tensor>> answer_;
  int& runs_;
};

class DirectServableTest : public testing::Test {
 protected:
  absl::StatusOr<TaskResult> Submit(absl::StatusOr<std::vector<Tensor>> answer,
                                    absl::Time deadline = absl::InfiniteFuture()) {
    const auto servable = DirectServable::Create(
        {.name = "m"}, 3, [&](const ModelSettings&) -> absl::StatusOr<std::unique_ptr<Model>> {
          return std::make_unique<FakeModel>(std::move(answer), runs_);
        });
    EXPECT_TRUE(servable.ok());
    EXPECT_EQ((*servable)->version(), 3);
    std::optional<absl::StatusOr<TaskResult>> result;
    (*servable)->Submit(
        {.rows = 2, .deadline = deadline, .done = [&result](absl::StatusOr<TaskResult> r) {
           EXPECT_FALSE(result.has_value()) << "done is called once";
           result = std::move(r);
         }});
    EXPECT_TRUE(result.has_value());
    return *std::move(result);
  }

  int runs_ = 0;
};

TEST_F(DirectServableTest, GivesTheModelsOutputsAndItsTime) {
  const auto result = Submit(std::vector<Tensor>{{v1::TYPE_FP32, {2, 1}, "12345678"}});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outputs[0].data, "12345678");
  EXPECT_EQ(result->batch_rows, 2);
  EXPECT_GE(result->times.inference, absl::ZeroDuration());
  EXPECT_EQ(runs_, 1);
}

TEST_F(DirectServableTest, DoesNotRunATaskWhoseDeadlineHasPassed) {
  const auto result = Submit(std::vector<Tensor>{}, MonotonicNow() - absl::Seconds(1));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(runs_, 0);
}

TEST_F(DirectServableTest, TellsCallersNothingOfAModelsInternals) {
  const auto result = Submit(absl::InternalError("/secret/path.py line 7"));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kInternal);
  EXPECT_THAT(std::string(result.status().message()), Not(HasSubstr("secret")));
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("model \"m\" failed"));
}

TEST(DirectServableCreateTest, PassesOnWhyAModelDoesNotLoad) {
  const auto servable = DirectServable::Create(
      {.name = "m"}, 1, [](const ModelSettings&) -> absl::StatusOr<std::unique_ptr<Model>> {
        return absl::InvalidArgumentError("broken");
      });
  EXPECT_EQ(servable.status(), absl::InvalidArgumentError("broken"));
}

}  // namespace
}  // namespace weir
