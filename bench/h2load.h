// h2load, nghttp2's load generator, in a closed loop of gRPC calls.
#ifndef WEIR_BENCH_H2LOAD_H_
#define WEIR_BENCH_H2LOAD_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace weir {

struct H2loadReport {
  double per_second = 0;
  int64_t answers = 0;
  int64_t data_bytes = 0;  // Of the bodies of all answers, also those of the warm-up.
  absl::Duration cpu;      // Of h2load, from its start to its end.
};

struct H2loadOptions {
  std::string program = "/usr/bin/h2load";
  std::string address;
  std::string method;        // "/weir.v1.Diagnostics/Echo"
  std::string request_file;  // A serialised message behind its five bytes of gRPC.
  int connections = 1;
  int streams = 1;  // In flight on each connection.
  absl::Duration warm_up;
  absl::Duration duration = absl::Seconds(1);
};

// An error unless all calls get an answer with HTTP's status 200. It does not look at gRPC's
// status; an answer without a message has no data.
absl::StatusOr<H2loadReport> RunH2load(const H2loadOptions& options);

// The report from what h2load printed.
absl::StatusOr<H2loadReport> ParseH2load(const std::string& output);

}  // namespace weir

#endif  // WEIR_BENCH_H2LOAD_H_
