// The usual Python stack around a model, as a reference: bench/python_stack/server.py.
#ifndef WEIR_BENCH_PYTHON_SERVICE_H_
#define WEIR_BENCH_PYTHON_SERVICE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/process.h"

namespace weir {

// Workers of one service, each a process with a port of its own: so a load generator can give each
// of them equally much to do, as the best of balancers would, which here costs nothing. They end
// with the object. Not thread-safe.
class PythonService {
 public:
  struct Options {
    std::string server;       // The path of server.py.
    std::string model_file;   // model.pt
    std::string metrics_dir;  // Exists; where all workers keep their counts.
    int workers = 1;
  };

  // Waits until all of them listen; what they said if one does not.
  static absl::StatusOr<std::unique_ptr<PythonService>> Start(const Options& options);

  const std::vector<std::string>& addresses() const { return addresses_; }

  // How many requests all workers together have counted, by /metrics.
  absl::StatusOr<int64_t> CountedRequests() const;

  // Processor time used so far by all workers, to 10 ms.
  absl::Duration Cpu() const;

 private:
  PythonService() = default;

  std::vector<std::unique_ptr<Process>> workers_;
  std::vector<std::string> addresses_;
};

}  // namespace weir

#endif  // WEIR_BENCH_PYTHON_SERVICE_H_
