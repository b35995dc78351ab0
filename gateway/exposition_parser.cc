#include "gateway/exposition_parser.h"

#include <charconv>
#include <set>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace weir {
namespace {

absl::Status Wrong(absl::string_view what, absl::string_view line) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": ", line));
}

// Takes [a-zA-Z_:][a-zA-Z0-9_:]* from the front; empty if there is none.
std::string TakeName(absl::string_view& rest) {
  size_t size = 0;
  while (size < rest.size() &&
         (absl::ascii_isalpha(rest[size]) || rest[size] == '_' || rest[size] == ':' ||
          (size > 0 && absl::ascii_isdigit(rest[size])))) {
    ++size;
  }
  std::string name(rest.substr(0, size));
  rest.remove_prefix(size);
  return name;
}

// Takes text up to `end`, or all of it for '\0', and undoes its escapes.
absl::StatusOr<std::string> TakeEscaped(absl::string_view escapable, bool quoted,
                                        absl::string_view& rest) {
  std::string text;
  while (!rest.empty() && !(quoted && rest[0] == '"')) {
    char c = rest[0];
    rest.remove_prefix(1);
    if (c == '\\') {
      if (rest.empty() || escapable.find(rest[0]) == absl::string_view::npos) {
        return absl::InvalidArgumentError("an escape that there is not");
      }
      c = rest[0] == 'n' ? '\n' : rest[0];
      rest.remove_prefix(1);
    }
    text.push_back(c);
  }
  if (quoted && !absl::ConsumePrefix(&rest, "\"")) {
    return absl::InvalidArgumentError("a quote without its end");
  }
  return text;
}

bool IsNumber(absl::string_view text) {
  if (text == "NaN" || text == "+Inf" || text == "-Inf") return true;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() &&
         text.find_first_not_of("0123456789+-.e") == absl::string_view::npos;
}

absl::StatusOr<ParsedSample> ParseSample(absl::string_view line) {
  ParsedSample sample;
  absl::string_view rest = line;
  sample.name = TakeName(rest);
  if (sample.name.empty()) return Wrong("no name", line);
  if (absl::ConsumePrefix(&rest, "{")) {
    do {
      auto& [name, value] = sample.labels.emplace_back();
      name = TakeName(rest);
      if (name.empty() || name.find(':') != std::string::npos) return Wrong("no label", line);
      if (!absl::ConsumePrefix(&rest, "=\"")) return Wrong("no value of a label", line);
      WEIR_ASSIGN_OR_RETURN(value, TakeEscaped("\\\"n", /*quoted=*/true, rest));
    } while (absl::ConsumePrefix(&rest, ","));
    if (!absl::ConsumePrefix(&rest, "}")) return Wrong("labels without an end", line);
  }
  if (!absl::ConsumePrefix(&rest, " ")) return Wrong("no space before the number", line);
  if (!IsNumber(rest)) return Wrong("no number", line);
  sample.value = std::string(rest);
  return sample;
}

bool BelongsTo(const ParsedFamily& family, absl::string_view name) {
  if (!absl::ConsumePrefix(&name, family.name)) return false;
  if (family.type != "histogram") return name.empty();
  return name == "_bucket" || name == "_sum" || name == "_count";
}

}  // namespace

absl::StatusOr<std::vector<ParsedFamily>> ParseExposition(absl::string_view text) {
  std::vector<ParsedFamily> families;
  std::set<std::string> names;
  std::set<std::string> samples;  // Without their numbers.
  bool has_type = true;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    if (end == absl::string_view::npos) return Wrong("a line without an end", text);
    const absl::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, "# HELP ")) {
      ParsedFamily& family = families.emplace_back();
      family.name = TakeName(rest);
      if (!has_type) return Wrong("HELP after HELP", line);
      if (!names.insert(family.name).second) return Wrong("the second HELP of a family", line);
      if (!absl::ConsumePrefix(&rest, " ")) return Wrong("no help", line);
      WEIR_ASSIGN_OR_RETURN(family.help, TakeEscaped("\\n", /*quoted=*/false, rest));
      has_type = false;
    } else if (absl::ConsumePrefix(&rest, "# TYPE ")) {
      if (has_type || TakeName(rest) != families.back().name || !absl::ConsumePrefix(&rest, " ")) {
        return Wrong("TYPE of another family", line);
      }
      families.back().type = std::string(rest);
      if (rest != "counter" && rest != "gauge" && rest != "histogram" && rest != "summary") {
        return Wrong("no type", line);
      }
      has_type = true;
    } else {
      if (families.empty() || !has_type) return Wrong("no HELP and TYPE before", line);
      WEIR_ASSIGN_OR_RETURN(ParsedSample sample, ParseSample(line));
      if (!BelongsTo(families.back(), sample.name)) return Wrong("of another family", line);
      if (!samples.insert(std::string(line.substr(0, line.rfind(' ')))).second) {
        return Wrong("a sample again", line);
      }
      families.back().samples.push_back(std::move(sample));
    }
  }
  for (const ParsedFamily& family : families) {
    if (family.samples.empty()) return Wrong("no samples", family.name);
  }
  return families;
}

}  // namespace weir
