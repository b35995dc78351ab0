// Sums of numbers that do not depend on the order in which they are added.
#ifndef WEIR_GATEWAY_FIXED_SUM_H_
#define WEIR_GATEWAY_FIXED_SUM_H_

#include <cmath>
#include <cstdint>
#include <optional>

namespace weir {

// A number in billionths. What was added is taken away again without a trace; whole numbers are
// exact, and so are seconds that were counted in nanoseconds. Of(a) <= Of(b) wherever a <= b.
class FixedSum {
 public:
  constexpr FixedSum() = default;

  // Finite, at most 1e21 in size; to the nearest billionth.
  static FixedSum Of(double value) {
    if (std::abs(value) < 9e18) {
      const auto whole = static_cast<int64_t>(value);  // Towards zero.
      const double rest = value - static_cast<double>(whole);
      return FixedSum(static_cast<__int128>(whole) * kUnit + Nearest(rest * kUnit));
    }
    return FixedSum(static_cast<__int128>(value) * kUnit);
  }

  // Of(x).ToDouble() may not be x, but Of makes the same of it.
  double ToDouble() const {
    if (const auto whole = AsInteger()) return static_cast<double>(*whole);
    constexpr __int128 kExact = __int128{1} << 53;
    if (-kExact < units_ && units_ < kExact) return static_cast<double>(units_) / kUnit;
    const __int128 whole = units_ / kUnit;
    const auto rest = static_cast<int64_t>(units_ % kUnit);
    return static_cast<double>(whole) + static_cast<double>(rest) / kUnit;
  }

  // The number, if it is whole and fits.
  std::optional<int64_t> AsInteger() const {
    if (units_ == static_cast<int64_t>(units_)) {
      const auto units = static_cast<int64_t>(units_);
      if (units % kUnit == 0) return units / kUnit;
      return std::nullopt;
    }
    const __int128 whole = units_ / kUnit;
    if (whole * kUnit != units_ || whole != static_cast<int64_t>(whole)) return std::nullopt;
    return static_cast<int64_t>(whole);
  }

  FixedSum& operator+=(FixedSum other) {
    units_ += other.units_;
    return *this;
  }
  FixedSum& operator-=(FixedSum other) {
    units_ -= other.units_;
    return *this;
  }
  friend FixedSum operator+(FixedSum a, FixedSum b) { return a += b; }
  friend FixedSum operator-(FixedSum a, FixedSum b) { return a -= b; }
  friend bool operator==(FixedSum, FixedSum) = default;
  friend bool operator<(FixedSum a, FixedSum b) { return a.units_ < b.units_; }
  friend bool operator<=(FixedSum a, FixedSum b) { return a.units_ <= b.units_; }

  // For files: the number is high * 2^64 + low billionths.
  int64_t high() const { return static_cast<int64_t>(units_ >> 64); }
  uint64_t low() const { return static_cast<uint64_t>(units_); }
  static FixedSum FromParts(int64_t high, uint64_t low) {
    return FixedSum(static_cast<__int128>(static_cast<unsigned __int128>(high) << 64 | low));
  }

 private:
  static constexpr int64_t kUnit = 1'000'000'000;

  explicit FixedSum(__int128 units) : units_(units) {}

  static int64_t Nearest(double value) {
    return static_cast<int64_t>(value < 0 ? value - 0.5 : value + 0.5);
  }

  __int128 units_ = 0;
};

}  // namespace weir

#endif  // WEIR_GATEWAY_FIXED_SUM_H_
