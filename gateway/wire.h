// Repeated numbers in protobuf messages that are read field by field.
#ifndef WEIR_GATEWAY_WIRE_H_
#define WEIR_GATEWAY_WIRE_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/wire_reader.h"

namespace weir {

static_assert(std::endian::native == std::endian::little, "packed doubles are read as they lie");

// Append what a field of repeated doubles or uint64s holds, packed or not; false if it holds
// anything else, or if there would be more than `max_size`.
bool AppendDoubles(const WireReader::Field& field, size_t max_size, std::vector<double>& numbers);
bool AppendNumbers(const WireReader::Field& field, size_t max_size, std::vector<uint64_t>& numbers);

}  // namespace weir

#endif  // WEIR_GATEWAY_WIRE_H_
