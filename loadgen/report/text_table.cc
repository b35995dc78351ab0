#include "loadgen/report/text_table.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace weir {
namespace {

constexpr int kGap = 2;

absl::string_view EscapeOf(Colour colour) {
  switch (colour) {
    case Colour::kNone:
      return "";
    case Colour::kDim:
      return "\x1b[2m";
    case Colour::kBold:
      return "\x1b[1m";
    case Colour::kRed:
      return "\x1b[1;31m";
    case Colour::kGreen:
      return "\x1b[32m";
    case Colour::kYellow:
      return "\x1b[33m";
  }
  return "";
}

bool IsContinuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Adds cells to a line, up to its width.
class LineWriter {
 public:
  LineWriter(bool colours, int width) : colours_(colours), left_(width) {}

  void Blanks(int count) { blanks_ += count; }

  void Text(absl::string_view text, Colour colour) {
    if (text.empty()) return;
    // Blanks are written once something follows them, so that no line ends with any.
    const int blanks = std::min(blanks_, left_);
    const std::string cut = CutText(text, left_ - blanks);
    if (cut.empty()) return;
    absl::StrAppend(&line_, std::string(blanks, ' '), Coloured(cut, colour, colours_));
    left_ -= blanks + TextWidth(cut);
    blanks_ = 0;
  }

  std::string Line() const { return line_ + "\n"; }

 private:
  const bool colours_;
  int left_;
  int blanks_ = 0;
  std::string line_;
};

// Three digits that matter.
std::string Digits(double value) {
  if (value < 9.995) return absl::StrFormat("%.2f", value);
  if (value < 99.95) return absl::StrFormat("%.1f", value);
  return absl::StrFormat("%.0f", value);
}

}  // namespace

std::string Coloured(absl::string_view text, Colour colour, bool colours) {
  if (!colours || colour == Colour::kNone) return std::string(text);
  return absl::StrCat(EscapeOf(colour), text, "\x1b[0m");
}

std::string TextTable(const std::vector<TextColumn>& columns,
                      const std::vector<std::vector<TextCell>>& rows, bool colours, int width) {
  std::vector<int> widths;
  std::vector<TextCell> titles;
  for (const TextColumn& column : columns) {
    widths.push_back(TextWidth(column.title));
    titles.push_back({column.title, Colour::kDim});
  }
  for (const std::vector<TextCell>& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], TextWidth(row[i].text));
    }
  }
  const auto line = [&](const std::vector<TextCell>& cells) {
    LineWriter writer(colours, width == 0 ? std::numeric_limits<int>::max() : width);
    for (size_t i = 0; i < cells.size(); ++i) {
      const int padding = widths[i] - TextWidth(cells[i].text);
      if (i > 0) writer.Blanks(kGap);
      if (columns[i].is_number) writer.Blanks(padding);
      writer.Text(cells[i].text, cells[i].colour);
      if (!columns[i].is_number) writer.Blanks(padding);
    }
    return writer.Line();
  };
  std::string text = line(titles);
  for (const std::vector<TextCell>& row : rows) text += line(row);
  return text;
}

int TextWidth(absl::string_view text) {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char byte) { return !IsContinuation(byte); }));
}

std::string CutText(absl::string_view text, int width) {
  if (TextWidth(text) <= width) return std::string(text);
  if (width <= 0) return "";
  size_t end = 0;
  for (int taken = 0; taken < width - 1; ++taken) {
    ++end;
    while (IsContinuation(text[end])) ++end;
  }
  return absl::StrCat(text.substr(0, end), "…");
}

std::string CountText(double count) {
  std::string text = absl::StrFormat("%.0f", std::abs(count));
  for (int i = static_cast<int>(text.size()) - 3; i > 0; i -= 3) text.insert(i, 1, ',');
  return count < 0 ? absl::StrCat("-", text) : text;
}

std::string RateText(double per_second) {
  return per_second < 99.95 ? Digits(per_second) : CountText(per_second);
}

std::string LatencyText(double seconds) {
  if (seconds <= 0) return "-";
  if (seconds < 999.5e-9) return absl::StrFormat("%.0f ns", seconds * 1e9);
  if (seconds < 999.5e-6) return absl::StrCat(Digits(seconds * 1e6), " us");
  if (seconds < 999.5e-3) return absl::StrCat(Digits(seconds * 1e3), " ms");
  return absl::StrCat(Digits(seconds), " s");
}

std::string ShareText(double share) { return absl::StrFormat("%.2f %%", share * 100); }

std::string ClockText(double seconds) {
  const auto whole = static_cast<int64_t>(std::llround(std::max(0.0, seconds)));
  if (whole < 3600) return absl::StrFormat("%d:%02d", whole / 60, whole % 60);
  return absl::StrFormat("%d:%02d:%02d", whole / 3600, whole / 60 % 60, whole % 60);
}

}  // namespace weir
