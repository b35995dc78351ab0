#include "loadgen/load/pacer.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <utility>

#include "loadgen/load/random_stream.h"

namespace weir {
namespace {

// The area under the whole of `piece`: how many requests it holds.
double AreaOf(const RatePiece& piece) {
  if (piece.from == 0 && piece.to == 0) return 0;  // However long.
  return (piece.from + piece.to) / 2 * absl::ToDoubleSeconds(piece.length);
}

// How long after its beginning the area under `piece` has grown to `area`, which is above 0. With s
// for the slope that is the root of s/2 t^2 + from t - area, in the form that holds for s = 0 too.
absl::Duration TimeOf(double area, const RatePiece& piece) {
  const double slope =
      piece.from == piece.to ? 0 : (piece.to - piece.from) / absl::ToDoubleSeconds(piece.length);
  const double rate_squared = std::max(0.0, piece.from * piece.from + 2 * slope * area);
  return absl::Seconds(2 * area / (piece.from + std::sqrt(rate_squared)));
}

// Where the area under a curve reaches ascending values.
class Curve {
 public:
  explicit Curve(std::vector<RatePiece> pieces) : pieces_(std::move(pieces)) {}

  absl::Duration TimeOf(double area) {
    for (; piece_ < pieces_.size(); ++piece_) {
      const RatePiece& piece = pieces_[piece_];
      const double piece_area = AreaOf(piece);
      if (area < area_before_ + piece_area) {
        return time_before_ + std::min(weir::TimeOf(area - area_before_, piece), piece.length);
      }
      area_before_ += piece_area;
      time_before_ += piece.length;
    }
    return absl::InfiniteDuration();
  }

 private:
  const std::vector<RatePiece> pieces_;
  size_t piece_ = 0;
  double area_before_ = 0;  // Of the pieces before this one.
  absl::Duration time_before_;
};

class EvenPacer : public Pacer {
 public:
  explicit EvenPacer(std::vector<RatePiece> curve) : curve_(std::move(curve)) {}

  absl::Duration Next() override { return curve_.TimeOf(static_cast<double>(n_++) + 0.5); }

 private:
  Curve curve_;
  int64_t n_ = 0;
};

class PoissonPacer : public Pacer {
 public:
  PoissonPacer(std::vector<RatePiece> curve, std::mt19937_64 random)
      : curve_(std::move(curve)), random_(random) {}

  absl::Duration Next() override { return curve_.TimeOf(area_ += gap_(random_)); }

 private:
  Curve curve_;
  std::mt19937_64 random_;
  std::exponential_distribution<double> gap_;
  double area_ = 0;
};

class ReplayPacer : public Pacer {
 public:
  explicit ReplayPacer(std::vector<absl::Duration> times) : times_(std::move(times)) {}

  absl::Duration Next() override {
    return next_ < times_.size() ? times_[next_++] : absl::InfiniteDuration();
  }

 private:
  const std::vector<absl::Duration> times_;
  size_t next_ = 0;
};

}  // namespace

std::unique_ptr<Pacer> PaceEvenly(std::vector<RatePiece> curve) {
  return std::make_unique<EvenPacer>(std::move(curve));
}

std::unique_ptr<Pacer> PacePoisson(std::vector<RatePiece> curve, uint64_t seed, int phase) {
  return std::make_unique<PoissonPacer>(std::move(curve),
                                        RandomStream(seed, RandomUse::kGaps, phase));
}

std::unique_ptr<Pacer> Replay(std::vector<absl::Duration> times) {
  return std::make_unique<ReplayPacer>(std::move(times));
}

}  // namespace weir
