#include "loadgen/scenario/scenario.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/files.h"
#include "base/names.h"
#include "base/status_macros.h"
#include "google/protobuf/io/tokenizer.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "google/protobuf/text_format.h"
#include "loadgen/scenario/check_scenario.h"

namespace weir {
namespace {

using google::protobuf::TextFormat;
using v1::LoadPhase;
using v1::LoadScenario;
using v1::LoadTraffic;

constexpr char kSuffix[] = ".textproto";
constexpr char kFilePrefix[] = "file:";
constexpr size_t kMaxBytes = 1 << 24;

// Keeps the first error of a text, as "<line>:<column>: <message>".
class FirstError : public google::protobuf::io::ErrorCollector {
 public:
  void AddError(int line, google::protobuf::io::ColumnNumber column,
                const std::string& message) override {
    if (text_.empty()) text_ = absl::StrCat(line + 1, ":", column + 1, ": ", message);
  }

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

// `path` as it is seen from where the program runs, if it starts from the folder of `file`.
std::string PathFrom(absl::string_view file, absl::string_view path) {
  const std::filesystem::path folder = std::filesystem::path(std::string(file)).parent_path();
  return folder / std::string(path);  // An absolute path stays.
}

void ResolveTraffic(absl::string_view file, LoadTraffic& traffic) {
  absl::string_view path = traffic.input();
  if (!absl::ConsumePrefix(&path, kFilePrefix)) return;
  traffic.set_input(absl::StrCat(kFilePrefix, PathFrom(file, path)));
}

void ResolvePaths(absl::string_view file, LoadScenario& scenario) {
  for (LoadTraffic& traffic : *scenario.mutable_traffic()) ResolveTraffic(file, traffic);
  for (LoadPhase& phase : *scenario.mutable_phases()) {
    for (LoadTraffic& traffic : *phase.mutable_traffic()) ResolveTraffic(file, traffic);
    if (phase.has_replay_file()) phase.set_replay_file(PathFrom(file, phase.replay_file()));
  }
}

std::string PathOf(const std::string& name, const std::string& directory) {
  return std::filesystem::path(directory) / absl::StrCat(name, kSuffix);
}

// In order.
absl::StatusOr<std::vector<std::string>> Names(const std::string& directory) {
  std::error_code error;
  std::filesystem::directory_iterator entries(directory, error);
  std::vector<std::string> names;
  while (!error && entries != std::filesystem::directory_iterator()) {
    const std::filesystem::path& path = entries->path();
    if (path.extension() == kSuffix) names.push_back(path.stem());
    entries.increment(error);
  }
  if (error) {
    return absl::ErrnoToStatus(error.value(), absl::StrCat("cannot list scenarios in ", directory));
  }
  std::sort(names.begin(), names.end());
  return names;
}

absl::Status NoSuchScenario(const std::string& name, const std::string& directory) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, Names(directory));
  return absl::NotFoundError(
      absl::StrCat("there is no scenario \"", Printable(name), "\" in ", directory, ", there ",
                   names.empty() ? "are none" : absl::StrCat("are: ", absl::StrJoin(names, ", "))));
}

}  // namespace

absl::StatusOr<LoadScenario> ReadScenario(const std::string& name, const std::string& directory) {
  const bool is_path = absl::StrContains(name, "/") || absl::EndsWith(name, kSuffix);
  const std::string path = is_path ? name : PathOf(name, directory);
  const absl::StatusOr<std::string> text = ReadFile(path);
  if (!is_path && absl::IsNotFound(text.status())) return NoSuchScenario(name, directory);
  if (!text.ok()) return text.status();
  return ParseScenario(*text, path);
}

absl::StatusOr<LoadScenario> ParseScenario(absl::string_view text, absl::string_view path) {
  if (text.size() > kMaxBytes) {
    return absl::InvalidArgumentError(absl::StrCat(path, ": larger than ", kMaxBytes, " bytes"));
  }
  if (!IsUtf8(text)) return absl::InvalidArgumentError(absl::StrCat(path, ": not UTF-8"));
  LoadScenario scenario;
  FirstError error;
  TextFormat::ParseInfoTree places;
  TextFormat::Parser parser;
  parser.RecordErrorsTo(&error);
  parser.WriteLocationsTo(&places);
  google::protobuf::io::ArrayInputStream input(text.data(), static_cast<int>(text.size()));
  if (!parser.Parse(&input, &scenario)) {
    return absl::InvalidArgumentError(absl::StrCat(path, ":", error.text()));
  }
  WEIR_RETURN_IF_ERROR(CheckScenario(scenario, path, places));
  ResolvePaths(path, scenario);
  return scenario;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> ListScenarios(
    const std::string& directory) {
  WEIR_ASSIGN_OR_RETURN(const std::vector<std::string> names, Names(directory));
  std::vector<std::pair<std::string, std::string>> list;
  for (const std::string& name : names) {
    WEIR_ASSIGN_OR_RETURN(const std::string text, ReadFile(PathOf(name, directory)));
    WEIR_ASSIGN_OR_RETURN(const LoadScenario scenario,
                          ParseScenario(text, PathOf(name, directory)));
    list.emplace_back(name, scenario.description());
  }
  return list;
}

}  // namespace weir
