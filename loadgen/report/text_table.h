// Tables and numbers as people read them in a terminal.
#ifndef WEIR_LOADGEN_REPORT_TEXT_TABLE_H_
#define WEIR_LOADGEN_REPORT_TEXT_TABLE_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace weir {

enum class Colour { kNone, kDim, kBold, kRed, kGreen, kYellow };

// `text` between the escape sequences of `colour`; just the text if `colours` are off.
std::string Coloured(absl::string_view text, Colour colour, bool colours);

struct TextCell {
  std::string text;  // UTF-8, without escape sequences.
  Colour colour = Colour::kNone;
};

struct TextColumn {
  std::string title;
  bool is_number = true;  // To the right.
};

// A line of titles and one for each row, each ended by a newline; columns are as wide as what is in
// them. Lines are cut at `width` characters, unless it is 0. Rows may have fewer cells than there
// are columns.
std::string TextTable(const std::vector<TextColumn>& columns,
                      const std::vector<std::vector<TextCell>>& rows, bool colours, int width = 0);

// Characters, not bytes.
int TextWidth(absl::string_view text);
// The first `width` characters, of which the last is an ellipsis where something was cut.
std::string CutText(absl::string_view text, int width);

std::string CountText(double count);      // "1,234,567"
std::string RateText(double per_second);  // "0.33", "33.3", "12,345"
std::string LatencyText(double seconds);  // "310 us", "1.25 ms", "12.4 s"; "-" for 0
std::string ShareText(double share);      // "12.34 %"
std::string ClockText(double seconds);    // "0:42", "1:05", "2:00:00"

}  // namespace weir

#endif  // WEIR_LOADGEN_REPORT_TEXT_TABLE_H_
