#include "server/batching/batch_run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "server/batching/test_request.h"
#include "server/model/puppet_model.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

Puppeteer::Outputs Upper(const std::vector<Tensor>& inputs) {
  std::vector<Tensor> outputs = inputs;
  for (char& c : outputs[0].data) c = static_cast<char>(std::toupper(c));
  return outputs;
}

// A model that fails on each batch that has an 'x' in it.
Puppeteer::Outputs UpperUnlessX(const std::vector<Tensor>& inputs) {
  if (inputs[0].data.find('x') != std::string::npos) {
    return absl::InternalError("/secret/path.py line 7");
  }
  return Upper(inputs);
}

class BatchRunTest : public testing::Test {
 protected:
  BatchOutcome Run(const std::vector<TestRequest*>& requests, Puppeteer::Answer answer = Upper) {
    Puppeteer puppet;
    puppet.Release([this, answer = std::move(answer)](const std::vector<Tensor>& inputs) {
      batches_.push_back(inputs);
      return answer(inputs);
    });
    const absl::Time now = MonotonicNow();
    std::vector<Task*> batch;
    for (TestRequest* request : requests) {
      batch.push_back(&request->GiveTask());
      batch.back()->enqueued = now - absl::Milliseconds(5);
    }
    return RunBatch(*puppet.MakeModel(), {.name = "m"}, 3, now, nullptr, std::move(batch));
  }

  // The rows of the batches that the model ran.
  std::vector<std::string> Texts() const {
    std::vector<std::string> texts;
    for (const std::vector<Tensor>& inputs : batches_) texts.push_back(inputs[0].data);
    return texts;
  }

  std::vector<std::vector<Tensor>> batches_;
};

TEST_F(BatchRunTest, RowsOfSeveralRequestsRunTogetherAndEachGetsItsOwn) {
  TestRequest a("ab"), b("c"), c("def");
  Run({&a, &b, &c});
  EXPECT_THAT(Texts(), ElementsAre("abcdef"));
  EXPECT_THAT(batches_[0][0].shape, ElementsAre(6, 1));
  EXPECT_EQ(a.WaitForText(), "AB");
  EXPECT_EQ(b.WaitForText(), "C");
  EXPECT_EQ(c.WaitForText(), "DEF");
  EXPECT_THAT(c.Wait().outputs[0].shape, ElementsAre(3, 1));
}

TEST_F(BatchRunTest, EveryInputAndOutputIsSplitAtTheSameRows) {
  const auto inputs = [](int64_t rows, std::string one, std::string two) {
    return std::vector<Tensor>{{v1::TYPE_UINT8, {rows, 1, 2}, std::move(one)},
                               {v1::TYPE_FP32, {rows}, std::move(two)}};
  };
  TestRequest a(inputs(2, "aabb", "11112222")), b(inputs(1, "cc", "3333"));
  Run({&a, &b}, [](const std::vector<Tensor>& inputs) -> Puppeteer::Outputs {
    // Three outputs of two inputs, in another order, one of them of no size but its rows'.
    return std::vector<Tensor>{
        inputs[1], inputs[0], {v1::TYPE_UINT16, {inputs[0].shape[0]}, "xxyyzz"}};
  });
  EXPECT_THAT(batches_[0][0].shape, ElementsAre(3, 1, 2));
  EXPECT_EQ(batches_[0][0].data, "aabbcc");
  EXPECT_THAT(batches_[0][1].shape, ElementsAre(3));
  EXPECT_EQ(batches_[0][1].data, "111122223333");
  EXPECT_EQ(batches_[0][1].type, v1::TYPE_FP32);

  const std::vector<Tensor> of_a = a.Wait().outputs;
  const std::vector<Tensor> of_b = b.Wait().outputs;
  ASSERT_EQ(of_a.size(), 3u);
  ASSERT_EQ(of_b.size(), 3u);
  EXPECT_EQ(of_a[0].data, "11112222");
  EXPECT_THAT(of_a[0].shape, ElementsAre(2));
  EXPECT_EQ(of_a[0].type, v1::TYPE_FP32);
  EXPECT_EQ(of_a[1].data, "aabb");
  EXPECT_THAT(of_a[1].shape, ElementsAre(2, 1, 2));
  EXPECT_EQ(of_a[2].data, "xxyy");
  EXPECT_EQ(of_b[0].data, "3333");
  EXPECT_EQ(of_b[1].data, "cc");
  EXPECT_EQ(of_b[2].data, "zz");
  EXPECT_THAT(of_b[2].shape, ElementsAre(1));
}

TEST_F(BatchRunTest, ALoneRequestIsNotCopied) {
  // Its shape need not have rows.
  TestRequest request({Tensor{v1::TYPE_UINT8, {}, "a"}, Tensor{v1::TYPE_UINT8, {2}, "bc"}});
  Puppeteer puppet;
  Task& task = request.GiveTask();
  task.enqueued = MonotonicNow();
  std::thread runner(
      [&] { RunBatch(*puppet.MakeModel(), {.name = "m"}, 1, MonotonicNow(), nullptr, {&task}); });
  Puppeteer::Batch running = puppet.Next();
  EXPECT_THAT(running.addresses(),
              ElementsAre(request.tensors()[0].data.data(), request.tensors()[1].data.data()));
  running.End();
  runner.join();
  EXPECT_EQ(request.WaitForText(), "a");
  EXPECT_THAT(request.Wait().outputs[1].shape, ElementsAre(2));
}

TEST_F(BatchRunTest, AnAnswerTellsWhereItsTimeWent) {
  TestRequest a("a"), b("bc");
  const BatchOutcome outcome = Run({&a, &b});
  const TestRequest::Answer answer = b.Wait();
  EXPECT_EQ(answer.batch_rows, 3);
  EXPECT_EQ(answer.times.queue, absl::Milliseconds(5));
  EXPECT_GT(answer.times.assemble, absl::ZeroDuration());
  EXPECT_GT(answer.times.inference, absl::ZeroDuration());
  EXPECT_EQ(outcome.time, answer.times.assemble + answer.times.inference);
  EXPECT_EQ(outcome.failed_rows, 0);
  EXPECT_EQ(outcome.expired_rows, 0);
}

TEST_F(BatchRunTest, OnlyTheRequestOnWhichTheModelFailsFails) {
  TestRequest a("ab"), culprit("cxd"), c("e");
  const BatchOutcome outcome = Run({&a, &culprit, &c}, UpperUnlessX);
  EXPECT_THAT(Texts(), ElementsAre("abcxde", "ab", "cxd", "e"));
  EXPECT_EQ(a.WaitForText(), "AB");
  EXPECT_EQ(culprit.WaitForText(), "INTERNAL");
  EXPECT_EQ(c.WaitForText(), "E");
  EXPECT_EQ(a.Wait().batch_rows, 2) << "of the batch that answered it";
  EXPECT_EQ(outcome.failed_rows, 3);
}

TEST_F(BatchRunTest, AModelThatFailsOnEverythingFailsEverybody) {
  TestRequest a("ab"), b("c");
  const auto fail = [](const std::vector<Tensor>&) { return absl::InternalError("broken"); };
  EXPECT_EQ(Run({&a, &b}, fail).failed_rows, 3);
  EXPECT_EQ(a.WaitForText(), "INTERNAL");
  EXPECT_EQ(b.WaitForText(), "INTERNAL");
}

TEST_F(BatchRunTest, CallersAreToldNothingOfAModelsInternals) {
  TestRequest alone("x");
  Run({&alone}, UpperUnlessX);
  const std::string message(alone.Wait().status.message());
  EXPECT_THAT(message, Not(HasSubstr("secret")));
  EXPECT_THAT(message, HasSubstr("model \"m\" failed"));
}

TEST_F(BatchRunTest, AfterABatchFailedNothingIsRunAgainThatNobodyWaitsFor) {
  const absl::Time deadline = MonotonicNow() + absl::Milliseconds(300);
  TestRequest in_time("a"), late("b", {.deadline = deadline}), cancelled("c");
  const BatchOutcome outcome =
      Run({&in_time, &late, &cancelled}, [&](const std::vector<Tensor>& inputs) {
        if (inputs[0].data != "abc") return Upper(inputs);
        while (MonotonicNow() <= deadline) {  // The model works until then.
        }
        cancelled.Cancel();
        return Puppeteer::Outputs(absl::InternalError("broken"));
      });
  EXPECT_THAT(Texts(), ElementsAre("abc", "a"));
  EXPECT_EQ(in_time.WaitForText(), "A");
  EXPECT_EQ(late.WaitForText(), "DEADLINE_EXCEEDED");
  EXPECT_EQ(cancelled.WaitForText(), "CANCELLED");
  EXPECT_EQ(outcome.failed_rows, 2) << "the model failed on the only batch that they were in";
  EXPECT_EQ(outcome.expired_rows, 0);
}

TEST_F(BatchRunTest, RowsThatExpiredSinceTheirBatchWasCutAreNotRun) {
  TestRequest late("ab", {.deadline = MonotonicNow() - absl::Milliseconds(1)}), in_time("c");
  const BatchOutcome outcome = Run({&late, &in_time});
  EXPECT_THAT(Texts(), ElementsAre("c"));
  EXPECT_EQ(late.WaitForText(), "DEADLINE_EXCEEDED");
  EXPECT_EQ(in_time.WaitForText(), "C");
  EXPECT_EQ(outcome.refused_rows, 2);
  EXPECT_EQ(outcome.expired_rows, 0);
}

TEST_F(BatchRunTest, ABatchOfWhichAllHasExpiredIsNotRun) {
  TestRequest late("ab", {.deadline = MonotonicNow() - absl::Milliseconds(1)});
  EXPECT_EQ(Run({&late}).refused_rows, 2);
  EXPECT_THAT(Texts(), ElementsAre());
  EXPECT_EQ(late.WaitForText(), "DEADLINE_EXCEEDED");
}

}  // namespace
}  // namespace weir
