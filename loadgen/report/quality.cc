#include "loadgen/report/quality.h"

#include <algorithm>
#include <cmath>

namespace weir {
namespace {

constexpr double kZ = 1.959964;  // 95 % of a normal distribution lie within.

// Errors beyond a million times the truth are all the same.
constexpr double kMaxErrorPpm = 1e12;

// Wilson 1927: where the share could be, if `share` of `n` rows were right.
void SetWilsonInterval(double share, double n, v1::LoadQuality& quality) {
  const double z2 = kZ * kZ;
  const double middle = (share + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ / (1 + z2 / n) * std::sqrt(share * (1 - share) / n + z2 / (4 * n * n));
  // What rounding leaves beyond the ends, where all is right or wrong.
  quality.set_low(share == 0 ? 0 : std::max(0.0, middle - half));
  quality.set_high(share == 1 ? 1 : std::min(1.0, middle + half));
}

double ShareOfTruth(const Histogram& error_ppm, double q) { return error_ppm.Quantile(q) / 1e6; }

}  // namespace

void Quality::AddClass(bool right) {
  ++classes_;
  right_ += right ? 1 : 0;
}

void Quality::AddValue(double answer, double truth) {
  ++values_;
  const double ppm = answer == truth ? 0 : std::abs((answer - truth) / truth) * 1e6;
  error_ppm_.Record(static_cast<uint64_t>(ppm < kMaxErrorPpm ? ppm + 0.5 : kMaxErrorPpm));
}

void Quality::LimitDistinctRows(int64_t rows) { distinct_rows_ = std::max(distinct_rows_, rows); }

void Quality::Merge(const Quality& other) {
  right_ += other.right_;
  classes_ += other.classes_;
  values_ += other.values_;
  LimitDistinctRows(other.distinct_rows_);
  if (other.values_ > 0) error_ppm_.Merge(other.error_ppm_);
}

int64_t Quality::DistinctOf(int64_t rows) const {
  return distinct_rows_ == 0 ? rows : std::min(rows, distinct_rows_);
}

v1::LoadQuality Quality::Report() const {
  v1::LoadQuality quality;
  quality.set_distinct_rows(static_cast<double>(distinct_rows_));
  if (classes_ > 0) {
    const double share = static_cast<double>(right_) / static_cast<double>(classes_);
    quality.set_metric("accuracy");
    quality.set_value(share);
    quality.set_rows(static_cast<double>(classes_));
    SetWilsonInterval(share, static_cast<double>(DistinctOf(classes_)), quality);
    return quality;
  }
  quality.set_metric("median_error");
  quality.set_value(ShareOfTruth(error_ppm_, 0.5));
  quality.set_rows(static_cast<double>(values_));
  // The ranks, of n rows in order, that the median lies between with 95 % (Conover 1980).
  const double n = static_cast<double>(DistinctOf(values_));
  const double half = kZ / 2 * std::sqrt(n);
  const double low_rank = std::max(1.0, std::round(n / 2 - half));
  const double high_rank = std::min(n, std::round(n / 2 + 1 + half));
  quality.set_low(ShareOfTruth(error_ppm_, low_rank / n));
  quality.set_high(ShareOfTruth(error_ppm_, high_rank / n));
  return quality;
}

}  // namespace weir
