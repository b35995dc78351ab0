// Requests that are made before a run and sent again and again, with the truth about their rows.
#ifndef WEIR_LOADGEN_INPUTS_REQUEST_SET_H_
#define WEIR_LOADGEN_INPUTS_REQUEST_SET_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "loadgen/inputs/answer.h"
#include "loadgen/inputs/source.h"
#include "loadgen/report/quality.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/load_scenario.pb.h"

namespace weir {

// Immutable; movable. Requests are in the order of the source's rows; all rows of a source come up,
// up to 64 MiB of requests; rows_used() and rows_there() tell whether some were left out.
//
// Where the truth is known, requests ask for what tells it at the least cost: the best class of the
// output that has labels, or the value. Else for all outputs, as tensors.
class RequestSet {
 public:
  // INVALID_ARGUMENT, naming the traffic's field, if rows of this source do not fit the model.
  static absl::StatusOr<RequestSet> Create(const v1::LoadTraffic& traffic,
                                           const v1::ModelDescription& model,
                                           const SourceOptions& options);

  int size() const { return static_cast<int>(ends_.size()); }
  int rows() const { return rows_; }                  // In each request.
  int64_t rows_used() const { return rows_used_; }    // Of the source, the first ones.
  int64_t rows_there() const { return rows_there_; }  // In the source.
  bool judges() const { return judged_ != Judged::kNothing; }

  // A serialised PredictRequest without a request_id.
  absl::string_view message(int i) const;

  // One that the server refuses with INVALID_ARGUMENT: its tensor lacks a byte.
  absl::string_view malformed() const { return malformed_; }

  // Adds what the answer to request i, a PredictResponse, says. Does nothing where the truth is not
  // known, and counts the rows of an answer that cannot be read as wrong.
  void Judge(int i, absl::string_view response, Quality& quality) const;

 private:
  enum class Judged { kNothing, kClasses, kValues };

  RequestSet() = default;

  int rows_ = 1;
  int64_t rows_used_ = 0;
  int64_t rows_there_ = 0;
  std::string messages_;      // One after the other.
  std::vector<size_t> ends_;  // Of each of them.
  std::string malformed_;
  Judged judged_ = Judged::kNothing;
  v1::DataType value_type_ = v1::TYPE_INVALID;
  std::vector<float> truth_;  // Of the source's rows.
};

}  // namespace weir

#endif  // WEIR_LOADGEN_INPUTS_REQUEST_SET_H_
