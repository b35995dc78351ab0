#include "tests/faults/scrape.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace weir {
namespace {

constexpr absl::string_view kOfTheGateway = "weir_gateway_";

// Takes `{name="value",...}` off the front of `text`; false if it is not that.
bool TakeLabels(absl::string_view& text, std::map<std::string, std::string>& labels) {
  if (!absl::ConsumePrefix(&text, "{")) return true;
  while (!absl::ConsumePrefix(&text, "}")) {
    const size_t equals = text.find("=\"");
    if (equals == absl::string_view::npos) return false;
    const std::string name(text.substr(0, equals));
    text.remove_prefix(equals + 2);
    std::string value;
    while (!absl::ConsumePrefix(&text, "\"")) {
      if (absl::ConsumePrefix(&text, "\\n")) {
        value.push_back('\n');
        continue;
      }
      absl::ConsumePrefix(&text, "\\");
      if (text.empty()) return false;
      value.push_back(text[0]);
      text.remove_prefix(1);
    }
    if (!labels.emplace(name, value).second) return false;
    if (!absl::ConsumePrefix(&text, ",") && !absl::StartsWith(text, "}")) return false;
  }
  return true;
}

// Whether a series called `name` only rises, by the types of families so far.
bool IsCumulative(absl::string_view name, const std::map<std::string, std::string>& types) {
  const auto type_is = [&types](absl::string_view family, absl::string_view type) {
    const auto found = types.find(std::string(family));
    return found != types.end() && found->second == type;
  };
  if (type_is(name, "counter")) return true;
  for (const absl::string_view suffix : {"_bucket", "_sum", "_count"}) {
    if (absl::EndsWith(name, suffix) && type_is(absl::StripSuffix(name, suffix), "histogram")) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string Selector::Text() const {
  std::string text = absl::StrCat(name, "{");
  for (size_t i = 0; i < labels.size(); ++i) {
    absl::StrAppend(&text, i == 0 ? "" : ",", labels[i].first, "=\"", labels[i].second, "\"");
  }
  return absl::StrCat(text, "}");
}

absl::StatusOr<Scrape> Scrape::Parse(absl::string_view text) {
  Scrape scrape;
  std::map<std::string, std::string> types;
  if (!absl::EndsWith(text, "\n")) return absl::InvalidArgumentError("the last line has no end");
  for (absl::string_view line : absl::StrSplit(absl::StripSuffix(text, "\n"), '\n')) {
    const absl::Status wrong = absl::InvalidArgumentError(absl::StrCat("unexpected: ", line));
    if (absl::StartsWith(line, "#")) {
      const std::vector<std::string> words = absl::StrSplit(line, absl::MaxSplits(' ', 3));
      if (words.size() == 4 && words[1] == "TYPE") types[words[2]] = words[3];
      continue;
    }
    if (line.empty()) continue;
    Sample sample;
    absl::string_view rest = line;
    const size_t name_size = std::min(rest.find_first_of("{ "), rest.size());
    sample.name = std::string(rest.substr(0, name_size));
    rest.remove_prefix(name_size);
    if (sample.name.empty() || !TakeLabels(rest, sample.labels)) return wrong;
    const std::string series(line.substr(0, line.size() - rest.size()));
    if (!absl::ConsumePrefix(&rest, " ") || !absl::SimpleAtod(rest, &sample.value)) return wrong;
    sample.cumulative = IsCumulative(sample.name, types);
    if (!scrape.samples_.emplace(series, std::move(sample)).second) {
      return absl::InvalidArgumentError(absl::StrCat("stands there twice: ", line));
    }
  }
  return scrape;
}

std::optional<double> Scrape::Sum(const Selector& selector) const {
  std::optional<double> sum;
  // Names stand together, as they are what keys begin with.
  for (auto it = samples_.lower_bound(selector.name);
       it != samples_.end() && absl::StartsWith(it->first, selector.name); ++it) {
    const Sample& sample = it->second;
    const bool chosen =
        sample.name == selector.name &&
        std::all_of(selector.labels.begin(), selector.labels.end(), [&sample](const auto& label) {
          const auto found = sample.labels.find(label.first);
          return found != sample.labels.end() && found->second == label.second;
        });
    if (chosen) sum = sum.value_or(0) + sample.value;
  }
  return sum;
}

std::string Fall::Text() const {
  return absl::StrCat(series, " fell from ", before, after ? " to " : " and is gone",
                      after ? absl::StrCat(*after) : "");
}

std::vector<Fall> Falls(const Scrape& before, const Scrape& after) {
  std::vector<Fall> falls;
  for (const auto& [series, sample] : before.samples()) {
    if (!sample.cumulative || absl::StartsWith(sample.name, kOfTheGateway)) continue;
    const auto now = after.samples().find(series);
    if (now == after.samples().end()) {
      falls.push_back({series, sample.value, std::nullopt});
    } else if (now->second.value < sample.value) {
      falls.push_back({series, sample.value, now->second.value});
    }
  }
  return falls;
}

}  // namespace weir
