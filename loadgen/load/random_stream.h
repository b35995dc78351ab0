// Random numbers that have nothing to do with each other, from one seed.
#ifndef WEIR_LOADGEN_LOAD_RANDOM_STREAM_H_
#define WEIR_LOADGEN_LOAD_RANDOM_STREAM_H_

#include <cstdint>
#include <random>

namespace weir {

// What random numbers are for. Two uses that drew the same ones would make what is sent a function
// of when it is sent.
enum class RandomUse : uint32_t { kGaps, kChoices };

// The same arguments give the same numbers; if one differs, others.
inline std::mt19937_64 RandomStream(uint64_t seed, RandomUse use, int phase = 0) {
  std::seed_seq mixed{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32),
                      static_cast<uint32_t>(use), static_cast<uint32_t>(phase)};
  return std::mt19937_64(mixed);
}

}  // namespace weir

#endif  // WEIR_LOADGEN_LOAD_RANDOM_STREAM_H_
