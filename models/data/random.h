// A small pseudo-random generator whose stream is part of the contract: the same seed gives the
// same numbers on every compiler and platform, which std:: distributions do not promise. The
// synthetic data sets are defined by it, so changing it changes every measured quality.
#ifndef WEIR_MODELS_DATA_RANDOM_H_
#define WEIR_MODELS_DATA_RANDOM_H_

#include <cstdint>
#include <initializer_list>

namespace weir {

// SplitMix64 (Steele, Lea, Flood 2014): 64 bits of state, period 2^64. Uses only integer
// arithmetic and + - * / on doubles; no libm. Not for cryptography. Not thread-safe.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  // Uniform over all 64-bit values.
  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // Uniform in [0, 1), a multiple of 2^-53.
  double Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

  // Uniform in [low, high), but that rounding may give `high` itself.
  double Uniform(double low, double high) { return low + (high - low) * Uniform(); }

  // Uniform over the integers low..high, both included. Requires low <= high.
  int Integer(int low, int high) {
    const uint64_t values = static_cast<uint64_t>(static_cast<int64_t>(high) - low + 1);
    return static_cast<int>(low + static_cast<int64_t>((Next() >> 32) * values >> 32));
  }

  // True with probability p.
  bool Chance(double p) { return Uniform() < p; }

  // Mean 0, standard deviation 1, never beyond +-6: the sum of twelve uniforms (Irwin-Hall), whose
  // tails are slightly lighter than the normal distribution's.
  double Normal() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += Uniform();
    return sum;
  }

  // The index of one of `weights`, each chosen in proportion to its value. Requires at least one
  // weight, none negative, not all zero.
  int Choose(std::initializer_list<double> weights) {
    double total = 0;
    for (double weight : weights) total += weight;
    double left = Uniform() * total;
    int index = 0;
    int last_positive = 0;
    for (double weight : weights) {
      if (weight > 0) {
        if (left < weight) return index;
        last_positive = index;
      }
      left -= weight;
      ++index;
    }
    return last_positive;  // Rounding ate the last sliver.
  }

 private:
  uint64_t state_;
};

}  // namespace weir

#endif  // WEIR_MODELS_DATA_RANDOM_H_
