#include "server/model/warm_up.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>
#include <thread>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"

namespace weir {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::SizeIs;

ModelSettings Settings(int64_t max_batch_rows = 8) {
  return {.name = "test",
          .max_batch_rows = max_batch_rows,
          .inputs = {{"image", v1::TYPE_UINT8, {2, -1}}}};
}

// Keeps what it was run on, and does what a test tells it to.
class FakeModel : public Model {
 public:
  using OnRun = std::function<absl::Status(absl::Span<const TensorView>)>;

  explicit FakeModel(OnRun on_run = nullptr) : on_run_(std::move(on_run)) {}

  absl::StatusOr<TensorBundle> Run(absl::Span<const TensorView> inputs) const override {
    {
      const absl::MutexLock lock(&mu_);
      calls_.push_back(
          {std::this_thread::get_id(), inputs[0].shape[0], std::string(inputs[0].data)});
    }
    const absl::Status status = on_run_ ? on_run_(inputs) : absl::OkStatus();
    if (!status.ok()) return status;
    return TensorBundle();
  }

  struct Call {
    std::thread::id thread;
    int64_t rows = 0;
    std::string data;
  };
  std::vector<Call> calls() const {
    const absl::MutexLock lock(&mu_);
    return calls_;
  }

  // Every size once, in the order in which it was first run.
  std::vector<int64_t> sizes() const {
    std::vector<int64_t> sizes;
    for (const Call& call : calls()) {
      if (std::find(sizes.begin(), sizes.end(), call.rows) == sizes.end()) {
        sizes.push_back(call.rows);
      }
    }
    return sizes;
  }

 private:
  const OnRun on_run_;
  mutable absl::Mutex mu_;
  mutable std::vector<Call> calls_ ABSL_GUARDED_BY(mu_);
};

void BurnCpu(absl::Duration time) {
  const auto now = [] {
    timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return absl::DurationFromTimespec(now);
  };
  const absl::Duration end = now() + time;
  while (now() < end) {
  }
}

TEST(WarmUpTest, EverySizeIsRunAndReportedInOrder) {
  const FakeModel model;
  const auto report = WarmUp(model, Settings(5), {});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->complete);
  EXPECT_THAT(report->times, ElementsAre(Field(&BatchTime::rows, 1), Field(&BatchTime::rows, 2),
                                         Field(&BatchTime::rows, 3), Field(&BatchTime::rows, 4),
                                         Field(&BatchTime::rows, 5)));
}

TEST(WarmUpTest, LikelySizesComeFirst) {
  const FakeModel model;
  ModelSettings settings = Settings(9);
  settings.batching.preferred_rows = {6, 8};
  ASSERT_TRUE(WarmUp(model, settings, {}).ok());
  EXPECT_THAT(model.sizes(), ElementsAre(1, 9, 6, 8, 2, 4, 3, 5, 7));
}

TEST(WarmUpTest, AnInputHasTheBytesOfItsRows) {
  const FakeModel model;
  ASSERT_TRUE(WarmUp(model, Settings(), {}).ok());
  for (const auto& call : model.calls()) EXPECT_THAT(call.data, SizeIs(call.rows * 2));
}

TEST(WarmUpTest, EveryInstanceRunsEverySize) {
  const FakeModel model;
  const auto report = WarmUp(model, Settings(), {.instances = 3});
  ASSERT_TRUE(report.ok()) << report.status();
  std::map<std::thread::id, std::set<int64_t>> sizes;
  for (const auto& call : model.calls()) sizes[call.thread].insert(call.rows);
  EXPECT_EQ(sizes.size(), 3u);
  for (const auto& [thread, of_thread] : sizes) EXPECT_THAT(of_thread, SizeIs(8));
  EXPECT_THAT(report->times, SizeIs(8));
}

TEST(WarmUpTest, InstancesRunAtOnce) {
  absl::Mutex mu;
  int arrived = 0;
  const FakeModel model([&](absl::Span<const TensorView>) {
    const absl::MutexLock lock(&mu);
    ++arrived;
    const auto all = [&arrived] { return arrived >= 3; };
    return mu.AwaitWithTimeout(absl::Condition(&all), absl::Seconds(30))
               ? absl::OkStatus()
               : absl::InternalError("one after the other");
  });
  EXPECT_TRUE(WarmUp(model, Settings(1), {.instances = 3}).ok());
}

TEST(WarmUpTest, TimesAreThoseOfTheBatches) {
  const FakeModel model([](absl::Span<const TensorView> inputs) {
    BurnCpu(absl::Milliseconds(inputs[0].shape[0]));
    return absl::OkStatus();
  });
  const auto report = WarmUp(model, Settings(3), {});
  ASSERT_TRUE(report.ok()) << report.status();
  for (const BatchTime& time : report->times) {
    EXPECT_GE(time.time, absl::Milliseconds(time.rows));
  }
}

TEST(WarmUpTest, ASlowSizeThatIsUnlikelyRunsOnceAndIsNotTimed) {
  const FakeModel model([](absl::Span<const TensorView> inputs) {
    if (inputs[0].shape[0] >= 3) BurnCpu(absl::Milliseconds(11));
    return absl::OkStatus();
  });
  const auto report = WarmUp(model, Settings(5), {});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->complete);
  EXPECT_THAT(report->times, ElementsAre(Field(&BatchTime::rows, 1), Field(&BatchTime::rows, 2),
                                         Field(&BatchTime::rows, 4), Field(&BatchTime::rows, 5)));
  const auto calls = model.calls();
  EXPECT_EQ(std::count_if(calls.begin(), calls.end(),
                          [](const FakeModel::Call& call) { return call.rows == 3; }),
            1);
}

TEST(WarmUpTest, TheTimeOfABatchOnSeveralThreadsIsThatOfTheClock) {
  const FakeModel model([](absl::Span<const TensorView>) {
    std::thread(BurnCpu, absl::Milliseconds(20)).join();
    return absl::OkStatus();
  });
  ModelSettings settings = Settings(1);
  EXPECT_LT(WarmUp(model, settings, {})->times[0].time, absl::Milliseconds(20));
  settings.intra_op_threads = 2;
  EXPECT_GE(WarmUp(model, settings, {})->times[0].time, absl::Milliseconds(20));
}

TEST(WarmUpTest, WhenTimeIsUpOneRowIsMeasuredAndTheReportSaysSo) {
  const FakeModel model;
  const auto report = WarmUp(model, Settings(), {.at_most = absl::ZeroDuration()});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->complete);
  EXPECT_THAT(report->times, ElementsAre(Field(&BatchTime::rows, 1)));
}

TEST(WarmUpTest, AModelWithoutRowsIsRunAsItIs) {
  const FakeModel model;
  const auto report = WarmUp(model, Settings(0), {});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_TRUE(report->complete);
  EXPECT_THAT(report->times, ElementsAre(Field(&BatchTime::rows, 1)));
  for (const auto& call : model.calls()) EXPECT_THAT(call.data, SizeIs(2));
}

TEST(WarmUpTest, AModelThatFailsIsAnErrorWithTheSize) {
  const FakeModel model([](absl::Span<const TensorView> inputs) {
    return inputs[0].shape[0] == 6 ? absl::InternalError("six is too many") : absl::OkStatus();
  });
  const auto report = WarmUp(model, Settings(), {.instances = 2});
  EXPECT_EQ(report.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(std::string(report.status().message()),
            "warm-up with 6 rows of made-up inputs: six is too many");
}

TEST(WarmUpTest, ASampleIsRunAsOftenAsItSays) {
  const FakeModel model;
  ModelSettings settings = Settings(1);
  settings.warm_up = {{"first", 1, 1, {{v1::TYPE_UINT8, {1, 2, 1}, "ab"}}},
                      {"second", 1, 25, {{v1::TYPE_UINT8, {1, 2, 2}, "cdef"}}}};
  ASSERT_TRUE(WarmUp(model, settings, {}).ok());
  const auto calls = model.calls();
  EXPECT_EQ(std::count_if(calls.begin(), calls.end(),
                          [](const FakeModel::Call& call) { return call.data == "cdef"; }),
            25);
}

TEST(WarmUpTest, TheRowsOfTheFirstSampleStandInForMadeUpOnes) {
  const FakeModel model;
  ModelSettings settings = Settings(5);
  settings.warm_up = {{"two", 2, 1, {{v1::TYPE_UINT8, {2, 2, 1}, "abcd"}}}};
  ASSERT_TRUE(WarmUp(model, settings, {}).ok());
  for (const auto& call : model.calls()) {
    EXPECT_EQ(call.data, std::string("abcdabcdab").substr(0, call.rows * 2));
  }
}

TEST(WarmUpTest, ASampleOnWhichTheModelFailsIsNamed) {
  const FakeModel model([](absl::Span<const TensorView> inputs) {
    return inputs[0].data == "bad" ? absl::InternalError("bad input") : absl::OkStatus();
  });
  ModelSettings settings = Settings(1);
  settings.warm_up = {{"good", 1, 1, {{v1::TYPE_UINT8, {1, 2, 1}, "ab"}}},
                      {"nasty", 1, 1, {{v1::TYPE_UINT8, {1, 3}, "bad"}}}};
  EXPECT_EQ(std::string(WarmUp(model, settings, {}).status().message()),
            "warm-up with sample \"nasty\": bad input");
}

TEST(WarmUpTest, AnAbsurdBatchSizeIsRefusedBeforeItTakesMemory) {
  const FakeModel model;
  const absl::Status status = WarmUp(model, Settings(1 << 30), {}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()),
              testing::AllOf(HasSubstr("input \"image\""),
                             HasSubstr("max_batch_size or dims are too large")));
  EXPECT_THAT(model.calls(), SizeIs(0));
}

TEST(WarmUpTest, AVeryLargeBatchSizeIsNotRunOneByOne) {
  const FakeModel model;
  const auto report = WarmUp(model, Settings(1 << 20), {});
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->complete);
  EXPECT_EQ(report->times.back().rows, 1 << 20);
  EXPECT_LE(report->times.size(), 1024u);
}

TEST(MadeUpInputsTest, ImagesAndFeaturesAreRandomAndIndicesZero) {
  ModelSettings settings = Settings();
  settings.inputs = {{"image", v1::TYPE_UINT8, {64}}, {"index", v1::TYPE_INT64, {64}}};
  const auto inputs = MadeUpInputs(settings, 2);
  ASSERT_TRUE(inputs.ok()) << inputs.status();
  EXPECT_THAT((*inputs)[0].shape, ElementsAre(2, 64));
  EXPECT_GT(std::set<char>((*inputs)[0].data.begin(), (*inputs)[0].data.end()).size(), 30u);
  EXPECT_THAT((*inputs)[1].data, Each('\0'));
}

TEST(MadeUpInputsTest, FloatingPointNumbersAreBetweenZeroAndOne) {
  ModelSettings settings = Settings();
  settings.inputs = {{"features", v1::TYPE_FP32, {100}}};
  const auto inputs = MadeUpInputs(settings, 1);
  std::vector<float> values(100);
  ASSERT_THAT((*inputs)[0].data, SizeIs(values.size() * sizeof(float)));
  std::memcpy(values.data(), (*inputs)[0].data.data(), (*inputs)[0].data.size());
  EXPECT_THAT(values, Each(testing::AllOf(testing::Ge(0), testing::Lt(1))));
  EXPECT_GT(std::set<float>(values.begin(), values.end()).size(), 90u);
}

}  // namespace
}  // namespace weir
