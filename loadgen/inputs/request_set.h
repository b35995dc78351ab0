// Requests that are made before a run and sent again and again, with the truth about their rows.
#ifndef WEIR_LOADGEN_INPUTS_REQUEST_SET_H_
#define WEIR_LOADGEN_INPUTS_REQUEST_SET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "loadgen/report/quality.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {

// Immutable. Requests are in the order of the source's rows; all rows of a source come up, up to
// 64 MB of requests.
class RequestSet {
 public:
  struct Options {
    std::string fashion_directory;
    uint64_t seed = 1;  // Of random rows.
  };

  // INVALID_ARGUMENT, naming the traffic's field, if rows of this source do not fit the model.
  static absl::StatusOr<RequestSet> Create(const v1::LoadTraffic& traffic,
                                           const v1::ModelDescription& model,
                                           const Options& options);

  int size() const;
  int rows() const;                        // In each request.
  absl::string_view message(int i) const;  // A serialised PredictRequest without a request_id.
  absl::string_view malformed() const;     // One that the server refuses with INVALID_ARGUMENT.

  // Adds what the answer to request i says. Does nothing where the truth is not known, and counts an
  // answer that cannot be read as wrong.
  void Judge(int i, absl::string_view response, Quality& quality) const;
};

}  // namespace weir

#endif  // WEIR_LOADGEN_INPUTS_REQUEST_SET_H_
