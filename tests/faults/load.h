// Requests of known number to all servers of a site.
#ifndef WEIR_TESTS_FAULTS_LOAD_H_
#define WEIR_TESTS_FAULTS_LOAD_H_

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "loadgen/load/load_client.h"
#include "tests/faults/account.h"
#include "tests/faults/site.h"

namespace weir {

// Sends requests of every kind to every server at random times (an open loop). Calls wait for a
// server that is away, so that only those which were in flight when it was killed get no answer.
class Load {
 public:
  // Connects, and begins to send; the servers have to be up. Ends by itself `duration` later, once
  // all calls have ended.
  static absl::StatusOr<std::unique_ptr<Load>> Start(const Site& site, absl::Duration duration,
                                                     uint64_t seed);
  ~Load();  // Waits for the end.
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Waits for the end, but not longer than `timeout`.
  void WaitForEnd(absl::Duration timeout) ABSL_LOCKS_EXCLUDED(mu_);

  // After the end, for which it waits: what must have been counted, where calls to servers that
  // `broke` may have had no answer.
  Account Expected(const std::array<bool, Site::kServers>& broke);

  // "4021 sent: 3611 OK, 201 INVALID_ARGUMENT, ...; no answer: 3". After Expected.
  std::string Text() const;

 private:
  struct Part {
    int server = 0;
    int kind = 0;
    std::unique_ptr<LoadClient> client;
    LoadResult result;
    std::thread thread;
  };

  Load() = default;

  void Join();

  std::vector<std::unique_ptr<Part>> parts_;
  absl::Mutex mu_;
  int running_ ABSL_GUARDED_BY(mu_) = 0;
};

}  // namespace weir

#endif  // WEIR_TESTS_FAULTS_LOAD_H_
