#include "loadgen/report/report_text.h"

#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "loadgen/report/requirements.h"
#include "loadgen/report/text_table.h"

namespace weir {
namespace {

using Row = std::vector<TextCell>;

double Failed(const v1::LoadModel& model) {
  double failed = 0;
  for (const v1::LoadCode& code : model.codes()) failed += code.code() == "OK" ? 0 : code.count();
  return failed;
}

// The columns that every table of loads ends with.
void AddLoadColumns(std::vector<TextColumn>& columns) {
  for (const char* title :
       {"sent", "answered", "failed", "answered/s", "p50", "p90", "p99", "p99.9", "max"}) {
    columns.push_back({title});
  }
}

void AddLoadCells(const v1::LoadModel& model, Row& row) {
  const double failed = Failed(model);
  const v1::LoadLatency& latency = model.latency();
  row.push_back({CountText(model.sent())});
  row.push_back({CountText(model.answered())});
  row.push_back({CountText(failed), failed > 0 ? Colour::kRed : Colour::kNone});
  row.push_back({RateText(model.answered_per_second())});
  for (const double seconds :
       {latency.p50(), latency.p90(), latency.p99(), latency.p999(), latency.max()}) {
    row.push_back({LatencyText(seconds)});
  }
}

std::string ModelsText(const v1::LoadReport& report, bool colours) {
  std::vector<TextColumn> columns = {{"model", false}};
  AddLoadColumns(columns);
  std::vector<Row> rows;
  for (const v1::LoadModel& model : report.models()) {
    AddLoadCells(model, rows.emplace_back(Row{{model.model(), Colour::kBold}}));
  }
  if (report.models_size() > 1) {
    AddLoadCells(report.all_models(), rows.emplace_back(Row{{"all"}}));
  }
  return TextTable(columns, rows, colours);
}

std::string FailuresText(const v1::LoadReport& report, bool colours) {
  std::vector<Row> rows;
  for (const v1::LoadModel& model : report.models()) {
    double ended = 0;
    for (const v1::LoadCode& code : model.codes()) ended += code.count();
    for (const v1::LoadCode& code : model.codes()) {
      if (code.code() == "OK") continue;
      rows.push_back({{model.model()},
                      {code.code()},
                      {CountText(code.count())},
                      {ShareText(code.count() / ended)}});
    }
  }
  if (rows.empty()) return "";
  return absl::StrCat("\n", TextTable({{"failed", false}, {"code", false}, {"requests"}, {"share"}},
                                      rows, colours));
}

std::string IntervalText(const v1::LoadQuality& quality) {
  return absl::StrCat(ShareText(quality.low()), " to ", ShareText(quality.high()));
}

bool HasQuality(const v1::LoadPhaseReport& phase) {
  return absl::c_any_of(phase.models(),
                        [](const v1::LoadModel& model) { return model.has_quality(); });
}

std::string QualityText(const v1::LoadReport& report, bool colours) {
  std::vector<Row> rows;
  for (const v1::LoadModel& model : report.models()) {
    if (!model.has_quality()) continue;
    const v1::LoadQuality& quality = model.quality();
    std::string metric = quality.metric();
    for (char& letter : metric) letter = letter == '_' ? ' ' : letter;
    rows.push_back({{model.model()},
                    {metric},
                    {ShareText(quality.value())},
                    {IntervalText(quality)},
                    {CountText(quality.rows())}});
  }
  if (rows.empty()) return "";
  return absl::StrCat(
      "\n",
      TextTable({{"quality", false}, {"metric", false}, {"value"}, {"95 % sure", false}, {"rows"}},
                rows, colours));
}

std::string PhasesText(const v1::LoadReport& report, bool colours) {
  // A single phase that counts is what the first table shows.
  if (report.phases_size() == 0) return "";
  if (report.phases_size() == 1 && !report.phases(0).warm_up()) return "";
  std::vector<TextColumn> columns = {{"phase", false}, {"seconds"}, {"model", false}};
  AddLoadColumns(columns);
  if (absl::c_any_of(report.phases(), HasQuality)) {
    columns.push_back({"quality"});
    columns.push_back({"95 % sure", false});
  }
  std::vector<Row> rows;
  for (const v1::LoadPhaseReport& phase : report.phases()) {
    std::string name =
        phase.warm_up() ? absl::StrCat(phase.name(), " (not counted)") : phase.name();
    std::string seconds = absl::StrFormat("%.1f", phase.seconds());
    if (phase.models().empty()) rows.push_back({{name}, {seconds}, {"nothing was sent"}});
    for (const v1::LoadModel& model : phase.models()) {
      Row& row = rows.emplace_back(Row{{name}, {seconds}, {model.model()}});
      AddLoadCells(model, row);
      if (model.has_quality()) {
        row.push_back({ShareText(model.quality().value())});
        row.push_back({IntervalText(model.quality())});
      }
      name = seconds = "";
    }
  }
  return absl::StrCat("\n", TextTable(columns, rows, colours));
}

std::string GeneratorText(const v1::LoadGenerator& generator) {
  std::string text = "\nGenerator: ";
  if (generator.send_lag().max() > 0) {
    absl::StrAppend(&text, "requests were sent ", LatencyText(generator.send_lag().p50()),
                    " late (p50), ", LatencyText(generator.send_lag().p99()), " (p99), ",
                    LatencyText(generator.send_lag().max()), " at most; ");
  }
  absl::StrAppendFormat(&text, "%.1f s of processor time, %.0f MB of memory\n",
                        generator.cpu_seconds(), generator.peak_resident_bytes() / 1e6);
  return text;
}

std::string RequirementsText(const v1::LoadReport& report, bool colours) {
  std::vector<Row> rows;
  for (const v1::LoadRequirement& requirement : report.requirements()) {
    const absl::StatusOr<Requirement> parsed = Requirement::Parse(requirement.text());
    std::string value = requirement.problem();
    if (value.empty() && parsed.ok()) value = parsed->ValueText(requirement.value());
    const TextCell met =
        requirement.met() ? TextCell{"met", Colour::kGreen} : TextCell{"FAILED", Colour::kRed};
    rows.push_back({{requirement.text()}, met, {value}});
  }
  if (rows.empty()) return "";
  return absl::StrCat(
      "\n", TextTable({{"requirement", false}, {"", false}, {"measured", false}}, rows, colours));
}

}  // namespace

std::string ReportText(const v1::LoadReport& report, bool colours) {
  std::string text = Coloured(report.scenario(), Colour::kBold, colours);
  if (!report.description().empty()) absl::StrAppend(&text, ": ", report.description());
  absl::StrAppendFormat(&text, "\n%.1f s", report.seconds());
  if (!report.started().empty()) absl::StrAppend(&text, ", begun ", report.started());
  if (report.interrupted()) {
    absl::StrAppend(&text, ", ", Coloured("interrupted", Colour::kYellow, colours));
  }
  absl::StrAppend(&text, "\n\n", ModelsText(report, colours), FailuresText(report, colours),
                  QualityText(report, colours), PhasesText(report, colours),
                  GeneratorText(report.generator()), VerdictText(report, colours));
  return text;
}

std::string VerdictText(const v1::LoadReport& report, bool colours) {
  std::string text = RequirementsText(report, colours);
  for (const std::string& warning : report.warnings()) {
    absl::StrAppend(&text, "\n",
                    Coloured(absl::StrCat("WARNING: ", warning), Colour::kRed, colours), "\n");
  }
  return text;
}

}  // namespace weir
