#include "bench/python_load.h"

#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "bench/http_connection.h"

namespace weir {

PythonLoad::PythonLoad(const PythonService& service, const std::vector<ImageInput>& inputs,
                       Options options)
    : service_(service),
      options_(std::move(options)),
      scratch_(options_.scratch),
      bodies_file_(scratch_.path() + "/bodies") {
  std::ofstream bodies(bodies_file_);
  for (const ImageInput& input : inputs) {
    bodies << input.json << "\n";
    http_requests_.push_back(PostRequest(input.json));
  }
}

absl::StatusOr<std::vector<float>> PythonLoad::Ask(absl::string_view path,
                                                   const std::string& json) {
  WEIR_ASSIGN_OR_RETURN(const auto connection, HttpConnection::Connect(service_.addresses()[0]));
  std::string answer;
  WEIR_RETURN_IF_ERROR(connection->Post(path, json, &answer).status());
  ++answers_;
  return ProbabilitiesInJson(answer);
}

absl::StatusOr<PythonLoad::Saturated> PythonLoad::Saturate(const std::string& path, int callers,
                                                           absl::Duration warm_up,
                                                           absl::Duration duration) {
  WEIR_RETURN_IF_ERROR(Wrk(path, callers, warm_up).status());
  const absl::Duration cpu = service_.Cpu();
  WEIR_ASSIGN_OR_RETURN(const WrkReport report, Wrk(path, callers, duration));
  return Saturated{.wrk = report, .cpu_per_answer = (service_.Cpu() - cpu) / report.answers};
}

absl::StatusOr<WrkReport> PythonLoad::Wrk(const std::string& path, int callers,
                                          absl::Duration duration) {
  WEIR_ASSIGN_OR_RETURN(const WrkReport report, RunWrk({.program = options_.wrk,
                                                        .script = options_.script,
                                                        .bodies_file = bodies_file_,
                                                        .addresses = service_.addresses(),
                                                        .path = path,
                                                        .connections = callers,
                                                        .duration = duration}));
  answers_ += report.answers;
  return report;
}

absl::StatusOr<OpenHttpLoadReport> PythonLoad::AtTimes(Pacer& pacer) {
  WEIR_ASSIGN_OR_RETURN(
      OpenHttpLoadReport report,
      RunOpenHttpLoad({.addresses = service_.addresses(), .requests = http_requests_}, pacer));
  answers_ += report.answers;
  return report;
}

absl::Status PythonLoad::CheckCounts() const {
  WEIR_ASSIGN_OR_RETURN(const int64_t counted, service_.CountedRequests());
  // More, since wrk leaves without the last answers.
  if (counted >= answers_) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("the Python service has counted ", counted,
                                          " requests of ", answers_, " that it answered"));
}

}  // namespace weir
