// Whatever a caller may write into the metadata of faults: a value a line.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_split.h"
#include "server/rpc/fault_injection.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const std::vector<std::string> values = absl::StrSplit(text, '\n');
  std::vector<std::pair<std::string, std::string>> metadata;
  const std::vector<const char*> keys = {"weir-fail-code", "weir-fail-ratio", "weir-delay-ms"};
  for (size_t i = 0; i < values.size(); ++i) {
    if (!values[i].empty()) metadata.emplace_back(keys[i % keys.size()], values[i]);
  }
  const absl::StatusOr<weir::Fault> fault = weir::ParseFault(metadata);
  if (!fault.ok()) return 0;
  const bool bounded = fault->delay >= absl::ZeroDuration() && fault->delay <= absl::Minutes(1) &&
                       fault->fail_ratio >= 0 && fault->fail_ratio <= 1;
  if (!bounded || (fault->fail_ratio > 0 && fault->Outcome(0).ok())) abort();
  return 0;
}
