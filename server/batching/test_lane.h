// A lane of an executor, and the strings of its model.
#ifndef WEIR_SERVER_BATCHING_TEST_LANE_H_
#define WEIR_SERVER_BATCHING_TEST_LANE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/batching/executor.h"
#include "server/batching/test_request.h"
#include "server/model/batch_time.h"
#include "server/model/model_settings.h"
#include "server/model/puppet_model.h"

namespace weir {

class TestLane {
 public:
  struct Options {
    int64_t max_batch_rows = 8;
    double weight = 1;
    BatchingSettings batching;
    std::vector<BatchTime> measured;
    Executor::LaneOptions lane;
  };

  // `executor` must outlive the lane.
  TestLane(Executor& executor, Options options) : executor_(executor) {
    lane_ = executor_.AddLane(std::make_shared<const ModelSettings>(
                                  ModelSettings{.name = "m",
                                                .max_batch_rows = options.max_batch_rows,
                                                .batching = std::move(options.batching),
                                                .weight = options.weight}),
                              /*version=*/1, puppet.MakeModel(), std::move(options.measured),
                              options.lane);
  }
  TestLane(const TestLane&) = delete;
  TestLane& operator=(const TestLane&) = delete;
  ~TestLane() {
    Remove();
    puppet.AwaitNoModel();
  }

  void Remove() {
    if (lane_ == nullptr) return;
    executor_.RemoveLane(lane_);
    lane_ = nullptr;
  }

  void Submit(TestRequest& request) { executor_.Submit(*lane_, request.GiveTask()); }

  // And runs what waits in inline lanes, as pollers do.
  void SubmitAndRun(TestRequest& request) {
    Submit(request);
    while (executor_.RunInline()) {
    }
  }

  ServableCounts counts() const { return executor_.Counts(*lane_); }

  Puppeteer puppet;

 private:
  Executor& executor_;
  std::shared_ptr<Executor::Lane> lane_;
};

// The rows of a batch of TestRequests.
inline std::string Text(const Puppeteer::Batch& batch) {
  return batch.inputs().empty() ? "" : batch.inputs()[0].data;
}

}  // namespace weir

#endif  // WEIR_SERVER_BATCHING_TEST_LANE_H_
