#include "client/admin_table.h"

#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace weir {
namespace {

constexpr int kColumns = 7;
constexpr std::array<bool, kColumns> kIsNumber = {false, true, false, true, true, true, false};

struct Line {
  std::array<std::string, kColumns> cells;
  std::vector<std::string> remarks;  // Below it.
};

int64_t RefusedRows(const v1::VersionCounts& counts) {
  return counts.queue_full_rows() + counts.unreachable_deadline_rows() + counts.expired_rows() +
         counts.cancelled_rows();
}

Line VersionLine(const v1::VersionState& version) {
  Line line;
  line.cells[1] = absl::StrCat(version.version());
  line.cells[2] = absl::AsciiStrToLower(v1::VersionState::State_Name(version.state()));
  if (version.has_counts()) {
    line.cells[3] = absl::StrCat(version.counts().executed_rows());
    line.cells[4] = absl::StrCat(RefusedRows(version.counts()));
    line.cells[5] = absl::StrCat(version.counts().queued_rows());
  }
  line.cells[6] = version.execution();
  if (!version.reason().empty()) {
    line.remarks.push_back(absl::StrCat(
        version.state() == v1::VersionState::READY ? "serves as before; its new files: " : "",
        version.reason()));
  }
  return line;
}

void AddModel(const v1::ModelState& model, std::vector<Line>& lines) {
  std::vector<Line> versions;
  for (const v1::VersionState& version : model.versions()) versions.push_back(VersionLine(version));
  if (versions.empty()) versions.push_back({.cells = {"", "-", "-"}});
  versions.front().cells[0] = model.name();
  std::vector<std::string>& remarks = versions.back().remarks;
  if (!model.reason().empty()) remarks.push_back(model.reason());
  if (model.load_failures() > 0) {
    remarks.push_back(absl::StrCat("loads that failed since the start: ", model.load_failures()));
  }
  lines.insert(lines.end(), versions.begin(), versions.end());
}

}  // namespace

std::string ModelTable(const google::protobuf::RepeatedPtrField<v1::ModelState>& models) {
  std::vector<Line> lines = {
      {.cells = {"MODEL", "VERSION", "STATE", "ROWS", "REFUSED", "QUEUED", "EXECUTION"}}};
  for (const v1::ModelState& model : models) AddModel(model, lines);
  std::array<size_t, kColumns> widths = {};
  for (const Line& line : lines) {
    for (int i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], line.cells[i].size());
  }
  std::string table;
  for (const Line& line : lines) {
    std::string text;
    for (int i = 0; i < kColumns; ++i) {
      const std::string padding(widths[i] - line.cells[i].size(), ' ');
      absl::StrAppend(&text, i > 0 ? "  " : "", kIsNumber[i] ? padding : "", line.cells[i],
                      kIsNumber[i] ? "" : padding);
    }
    absl::StrAppend(&table, absl::StripTrailingAsciiWhitespace(text), "\n");
    for (const std::string& remark : line.remarks) absl::StrAppend(&table, "    ", remark, "\n");
  }
  return table;
}

}  // namespace weir
