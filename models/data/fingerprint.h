// For tests: whether a generated table is the one that models were trained and measured on.
#ifndef WEIR_MODELS_DATA_FINGERPRINT_H_
#define WEIR_MODELS_DATA_FINGERPRINT_H_

#include <cstdint>
#include <cstring>
#include <vector>

#include "models/data/table.h"

namespace weir {

// FNV-1a over the bits of every number.
inline uint64_t Fingerprint(const Table& table) {
  uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](const std::vector<float>& values) {
    for (float value : values) {
      uint32_t bits;
      std::memcpy(&bits, &value, sizeof(bits));
      hash = (hash ^ bits) * 0x100000001b3;
    }
  };
  add(table.features);
  add(table.truth);
  return hash;
}

}  // namespace weir

#endif  // WEIR_MODELS_DATA_FINGERPRINT_H_
