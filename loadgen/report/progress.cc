#include "loadgen/report/progress.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "loadgen/report/text_table.h"

namespace weir {
namespace {

constexpr int kMinBar = 10;
constexpr int kMaxBar = 50;
constexpr double kLateSeconds = 0.005;  // What a reader should know of while it happens.

std::string Repeat(absl::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all.append(text.data(), text.size());
  return all;
}

double PerSecond(int64_t count, const LiveView& live) {
  return static_cast<double>(count) / std::max(1, live.seconds);
}

std::vector<TextCell> ModelRow(const LiveModel& model, const LiveView& live) {
  const Colour failed = model.failed > 0 ? Colour::kRed : Colour::kNone;
  return {{model.model},
          {RateText(PerSecond(model.sent, live))},
          {RateText(PerSecond(model.answered, live))},
          {RateText(PerSecond(model.failed, live)), failed},
          {CountText(static_cast<double>(model.all_failed))},
          {LatencyText(model.p50_seconds)},
          {LatencyText(model.p99_seconds)},
          {CountText(static_cast<double>(model.in_flight))}};
}

std::string Value(absl::string_view text) {
  const bool plain = !text.empty() && text.find_first_of(" \t\n\"=\\") == absl::string_view::npos;
  return plain ? std::string(text) : absl::StrCat("\"", absl::CEscape(text), "\"");
}

}  // namespace

LoadProgress::LoadProgress(std::string title, std::vector<Phase> phases, absl::Time start)
    : title_(std::move(title)), phases_(std::move(phases)), start_(start) {}

absl::Time LoadProgress::NextLook(absl::Time now) const {
  constexpr absl::Duration kSecond = absl::Seconds(1);
  const absl::Duration half = kSecond / 2;
  return start_ + half + (absl::Floor(now - start_ - half, kSecond) + kSecond);
}

std::string LoadProgress::PhaseLine(const LiveView& live) const {
  if (live.phase < 0) return "begins";
  const Phase& phase = phases_[live.phase];
  const auto count = static_cast<int>(phases_.size());
  if (live.phase_ended && live.phase + 1 == count) return "waiting for the last answers";
  std::string line = phase.name;
  if (count > 1) absl::StrAppend(&line, ", phase ", live.phase + 1, " of ", count);
  if (phase.warm_up) absl::StrAppend(&line, ", not counted");
  return line;
}

std::string LoadProgress::BarLine(const LiveView& live, absl::Time now,
                                  const Terminal& terminal) const {
  absl::Duration all, done;
  for (int i = 0; i < static_cast<int>(phases_.size()); ++i) {
    const absl::Duration length = phases_[i].length;
    all += length;
    if (i < live.phase || (i == live.phase && live.phase_ended)) {
      done += length;
    } else if (i == live.phase) {
      done += std::clamp(now - live.phase_began, absl::ZeroDuration(), length);
    }
  }
  if (all == absl::InfiniteDuration()) {
    return CutText(absl::StrCat(title_, "  ", ClockText(absl::ToDoubleSeconds(now - start_))),
                   terminal.width);
  }
  const double share = all > absl::ZeroDuration() ? absl::FDivDuration(done, all) : 1;
  // Seconds are counted down to 0:00, not beyond 0:01 to it.
  const double left = absl::ToDoubleSeconds(absl::Ceil(all - done, absl::Seconds(1)));
  const std::string tail = absl::StrFormat("%3.0f %%  %s left", share * 100, ClockText(left));
  const int room = terminal.width - TextWidth(title_) - TextWidth(tail) - 4;
  if (room < kMinBar) return CutText(absl::StrCat(tail, "  ", title_), terminal.width);
  const int width = std::min(room, kMaxBar);
  const int filled = static_cast<int>(share * width);
  return absl::StrCat(Coloured(title_, Colour::kBold, terminal.colours), "  ",
                      Coloured(Repeat("━", filled), Colour::kGreen, terminal.colours),
                      Coloured(Repeat("─", width - filled), Colour::kDim, terminal.colours), "  ",
                      tail);
}

std::string LoadProgress::Block(const LiveView& live, absl::Time now, const Terminal& terminal) {
  std::vector<std::string> lines = {
      BarLine(live, now, terminal),
      Coloured(CutText(PhaseLine(live), terminal.width), Colour::kDim, terminal.colours)};
  if (live.send_lag_p99_seconds > kLateSeconds) {
    const std::string late =
        absl::StrCat("requests are sent ", LatencyText(live.send_lag_p99_seconds), " late (p99)");
    lines.push_back(Coloured(CutText(late, terminal.width), Colour::kRed, terminal.colours));
  }
  std::vector<std::vector<TextCell>> rows;
  rows.reserve(live.models.size());
  for (const LiveModel& model : live.models) rows.push_back(ModelRow(model, live));
  const std::string table = TextTable({{"model", false},
                                       {"sent/s"},
                                       {"answered/s"},
                                       {"failed/s"},
                                       {"failed"},
                                       {"p50"},
                                       {"p99"},
                                       {"in flight"}},
                                      rows, terminal.colours, terminal.width);
  for (absl::string_view line : absl::StrSplit(table, '\n', absl::SkipEmpty())) {
    lines.emplace_back(line);
  }
  // What scrolls out of a terminal cannot be written over.
  const size_t max_lines = std::max(1, terminal.height - 1);
  if (lines.size() > max_lines) {
    const std::string more = absl::StrCat("and ", lines.size() - max_lines + 1, " more");
    lines.resize(max_lines);
    lines.back() = CutText(more, terminal.width);
  }

  // No line is cleared before it is written, so that nothing flickers.
  std::string block = height_ == 0 ? "" : absl::StrCat("\x1b[", height_, "F");
  for (const std::string& line : lines) absl::StrAppend(&block, line, "\x1b[K\n");
  height_ = static_cast<int>(lines.size());
  return absl::StrCat(block, "\x1b[J");
}

std::string LoadProgress::Clear() {
  if (height_ == 0) return "";
  return absl::StrCat("\x1b[", std::exchange(height_, 0), "F\x1b[J");
}

std::string LoadProgress::Lines(const LiveView& live, absl::Time now) const {
  if (now - start_ < absl::Seconds(1)) return "";
  std::string lines;
  const std::string phase = live.phase < 0     ? "begin"
                            : live.phase_ended ? "drain"
                                               : phases_[live.phase].name;
  for (const LiveModel& model : live.models) {
    absl::StrAppend(&lines, "at=", absl::ToInt64Seconds(now - start_), " phase=", Value(phase),
                    " model=", Value(model.model), " sent=", model.sent,
                    " answered=", model.answered, " failed=", model.failed,
                    " in_flight=", model.in_flight);
    if (model.p99_seconds > 0) {
      absl::StrAppendFormat(&lines, " p50_ms=%.3f p99_ms=%.3f", model.p50_seconds * 1e3,
                            model.p99_seconds * 1e3);
    }
    lines += "\n";
  }
  return lines;
}

}  // namespace weir
