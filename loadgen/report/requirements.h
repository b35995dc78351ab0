// What a run must reach: --require 'fashion-fast.p99<20ms'.
//
//   [<model>.]<metric><operator><value>
//
// metric    sent, answered     requests; answered is with OK
//           error_ratio        of all that ended, those that ended with another code than OK
//           rate               answered per second
//           mean, p50, p90, p95, p99, p999, max    latency, from when requests were due
//           quality            accuracy or median error, whichever the model's quality is
// operator  <  <=  >  >=
// value     of a latency with its unit (ns, us, ms, s, m), of a ratio plain or in %, else plain
//
// Without a model it is all of them together; a quality is of one model.
#ifndef WEIR_LOADGEN_REPORT_REQUIREMENTS_H_
#define WEIR_LOADGEN_REPORT_REQUIREMENTS_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "weir/v1/load_report.pb.h"

namespace weir {

class Requirement {
 public:
  enum class Kind { kCount, kShare, kRate, kLatency };

  // INVALID_ARGUMENT that quotes the text and says what is wrong in it.
  static absl::StatusOr<Requirement> Parse(absl::string_view text);

  const std::string& text() const { return text_; }
  const std::string& model() const { return model_; }  // Empty: all models.

  // Not met, with the reason in `problem`, where the run has no such number, as a latency without
  // answers.
  v1::LoadRequirement Check(const v1::LoadReport& report) const;

  // As people read it: "12.3 ms", "25.00 %".
  std::string ValueText(double value) const;

 private:
  Requirement() = default;

  std::string text_;
  std::string model_;
  std::string metric_;
  Kind kind_ = Kind::kCount;
  bool is_below_ = false;
  bool or_equal_ = false;
  double value_ = 0;
};

// Parses all before a run. INVALID_ARGUMENT also where `has_model` does not know a model.
absl::StatusOr<std::vector<Requirement>> ParseRequirements(
    const std::vector<std::string>& texts, absl::FunctionRef<bool(absl::string_view)> has_model);

// Fills report.requirements; whether all are met.
bool CheckRequirements(const std::vector<Requirement>& requirements, v1::LoadReport& report);

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_REQUIREMENTS_H_
