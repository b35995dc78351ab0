// Calls of Echo that cost a generator what weir-loadgen's requests cost it.
#ifndef WEIR_BENCH_ECHO_LOAD_H_
#define WEIR_BENCH_ECHO_LOAD_H_

#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "bench/server_under_test.h"
#include "loadgen/inputs/request_set.h"

namespace weir {

struct EchoLoadReport {
  double per_second = 0;
  absl::Duration cpu_per_call;  // Of the thread.
};

// Requests to a model are chosen, timed, counted and judged as weir-loadgen does; but what is sent
// in place of each is a call of Echo that is as large, and what is judged in place of its answer is
// the model's to the first of the requests. Used by one thread.
class EchoLoad {
 public:
  // Requests are of one row of what the model's family suggests.
  static absl::StatusOr<EchoLoad> Create(const ServerUnderTest& server, const std::string& model);

  // What is sent, an EchoRequest, and how large its answer is: as the model's.
  const std::string& message() const { return message_; }
  size_t answer_bytes() const { return answer_bytes_; }

  // Keeps `in_flight` calls in flight. What was measured after `warm_up`; an error unless all are
  // answered.
  absl::StatusOr<EchoLoadReport> Run(int in_flight, int connections, absl::Duration warm_up,
                                     absl::Duration duration) const;

 private:
  EchoLoad(std::string address, std::string model, RequestSet requests)
      : address_(std::move(address)), model_(std::move(model)), requests_(std::move(requests)) {}

  std::string address_;
  std::string model_;
  RequestSet requests_;
  std::string message_;
  size_t answer_bytes_ = 0;
  std::string answer_;  // A PredictResponse.
};

}  // namespace weir

#endif  // WEIR_BENCH_ECHO_LOAD_H_
