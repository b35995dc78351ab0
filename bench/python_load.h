// Load on the Python service.
#ifndef WEIR_BENCH_PYTHON_LOAD_H_
#define WEIR_BENCH_PYTHON_LOAD_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "bench/image_inputs.h"
#include "bench/open_http_load.h"
#include "bench/python_service.h"
#include "bench/scratch_directory.h"
#include "bench/wrk.h"
#include "loadgen/load/pacer.h"

namespace weir {

// Posts images, and counts what was answered. Not thread-safe.
class PythonLoad {
 public:
  struct Options {
    std::string wrk;
    std::string script;   // Of wrk: post.lua.
    std::string scratch;  // Where a directory for the images is made.
  };

  struct Saturated {
    WrkReport wrk;
    absl::Duration cpu_per_answer;  // Of the service.
  };

  // `service` must outlive this object.
  PythonLoad(const PythonService& service, const std::vector<ImageInput>& inputs, Options options);

  // The probabilities that the answer to one image holds.
  absl::StatusOr<std::vector<float>> Ask(absl::string_view path, const std::string& json);

  // wrk posts to `path` in a closed loop; first, unmeasured, for `warm_up`.
  absl::StatusOr<Saturated> Saturate(const std::string& path, int callers, absl::Duration warm_up,
                                     absl::Duration duration);

  // Our own client posts to /predict at the times of `pacer`.
  absl::StatusOr<OpenHttpLoadReport> AtTimes(Pacer& pacer);

  // That the service has counted all that it was asked.
  absl::Status CheckCounts() const;

 private:
  absl::StatusOr<WrkReport> Wrk(const std::string& path, int callers, absl::Duration duration);

  const PythonService& service_;
  const Options options_;
  const ScratchDirectory scratch_;
  const std::string bodies_file_;
  std::vector<std::string> http_requests_;
  int64_t answers_ = 0;
};

}  // namespace weir

#endif  // WEIR_BENCH_PYTHON_LOAD_H_
