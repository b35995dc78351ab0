// Prefix codes, as RFC 1951 (deflate) has them.
#ifndef WEIR_GATEWAY_HUFFMAN_H_
#define WEIR_GATEWAY_HUFFMAN_H_

#include <cstdint>

#include "absl/types/span.h"

namespace weir {

// Of one symbol: its lowest bits, the first one lowest.
struct HuffmanCode {
  uint16_t bits = 0;
  uint8_t length = 0;  // 1 to 15.
};

// Gives each symbol, of which there are at least two, a code: the shorter the more often it occurs.
// Those that do not occur have one too.
void MakeHuffmanCodes(absl::Span<const uint32_t> counts, absl::Span<HuffmanCode> codes);

}  // namespace weir

#endif  // WEIR_GATEWAY_HUFFMAN_H_
