// Reads Prometheus' text format as strictly as it can be read, for tests of what writes it.
#ifndef WEIR_GATEWAY_EXPOSITION_PARSER_H_
#define WEIR_GATEWAY_EXPOSITION_PARSER_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace weir {

struct ParsedSample {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
  std::string value;  // As it stands there; a number for sure.
};

struct ParsedFamily {
  std::string name;
  std::string help;
  std::string type;
  std::vector<ParsedSample> samples;
};

// INVALID_ARGUMENT, with the line, for everything but families that have HELP, TYPE and then
// samples of their own with neither timestamps nor more space than is needed, each family, and each
// sample of it, once.
absl::StatusOr<std::vector<ParsedFamily>> ParseExposition(absl::string_view text);

}  // namespace weir

#endif  // WEIR_GATEWAY_EXPOSITION_PARSER_H_
