#include "models/data/csv.h"

#include <charconv>
#include <string>

namespace weir {
namespace {

void AppendNumber(float value, std::string& line) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof(text), value);
  line.append(text, end);
}

}  // namespace

void WriteCsv(const Table& table, std::ostream& out) {
  for (const Column& column : table.columns) out << column.name << ',';
  out << table.truth_column.name << '\n';
  std::string line;
  for (int row = 0; row < table.rows(); ++row) {
    line.clear();
    for (float feature : table.row(row)) {
      AppendNumber(feature, line);
      line += ',';
    }
    AppendNumber(table.truth[row], line);
    line += '\n';
    out << line;
  }
}

}  // namespace weir
