// A labelled table as text, for programs in other languages.
#ifndef WEIR_MODELS_DATA_CSV_H_
#define WEIR_MODELS_DATA_CSV_H_

#include <ostream>

#include "models/data/table.h"

namespace weir {

// Writes a header line of column names, then one line per row, the truth in the last column. Each
// number is the shortest text that reads back as the same float.
void WriteCsv(const Table& table, std::ostream& out);

}  // namespace weir

#endif  // WEIR_MODELS_DATA_CSV_H_
