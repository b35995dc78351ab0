#include "loadgen/frontier/rate_search.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <vector>

namespace weir {
namespace {

struct Found {
  double answer = 0;
  std::optional<double> failed_at;
  std::vector<double> tried;
};

Found Search(double most, const std::function<bool(double)>& holds) {
  RateSearch search(most);
  Found found;
  while (const std::optional<double> rate = search.Next()) {
    found.tried.push_back(*rate);
    search.Add(holds(*rate));
  }
  found.answer = search.Answer();
  found.failed_at = search.FailedAt();
  return found;
}

TEST(RateSearchTest, FindsTheLimitToThreePercentFromBelow) {
  for (const double limit : {999.0, 950.0, 901.0, 899.0, 700.0, 451.0, 120.0, 20.0}) {
    const Found found = Search(1000, [&](double rate) { return rate <= limit; });
    EXPECT_LE(found.answer, limit);
    EXPECT_GE(found.answer, 0.969 * limit) << limit;
    EXPECT_LE(found.tried.size(), 22U) << limit;
  }
}

TEST(RateSearchTest, AFewTrialsAreEnoughWhereTheLimitIsNearTheMost) {
  EXPECT_LE(Search(1000, [](double rate) { return rate <= 960; }).tried.size(), 7U);
}

TEST(RateSearchTest, TheMostIsNoLimit) {
  for (const double limit : {1010.0, 1500.0, 2000.0, 9000.0}) {
    const Found found = Search(1000, [&](double rate) { return rate <= limit; });
    EXPECT_LE(found.answer, limit);
    EXPECT_GE(found.answer, 0.969 * limit) << limit;
    EXPECT_LE(found.tried.size(), 36U) << limit;
    EXPECT_GT(found.failed_at.value_or(0), limit);
  }
}

TEST(RateSearchTest, WhereAllHoldsNothingWasGivenUp) {
  const Found found = Search(1000, [](double) { return true; });
  EXPECT_GT(found.answer, 9000);
  EXPECT_LE(found.tried.size(), 30U);
  EXPECT_FALSE(found.failed_at.has_value());
}

TEST(RateSearchTest, TheLowestRateThatWasGivenUpIsCloseToTheAnswer) {
  for (const double limit : {950.0, 700.0, 120.0}) {
    const Found found = Search(1000, [&](double rate) { return rate <= limit; });
    ASSERT_TRUE(found.failed_at.has_value());
    EXPECT_GT(*found.failed_at, limit);
    EXPECT_LT(*found.failed_at, 1.032 * found.answer);
  }
}

TEST(RateSearchTest, TheAnswerHasHeldTwice) {
  for (const double limit : {980.0, 700.0, 200.0}) {
    std::map<double, int> held;
    const Found found = Search(1000, [&](double rate) {
      if (rate <= limit) ++held[rate];
      return rate <= limit;
    });
    EXPECT_EQ(held[found.answer], 2);
  }
}

TEST(RateSearchTest, AModelThatNeverHoldsHasNoCapacity) {
  const Found found = Search(1000, [](double) { return false; });
  EXPECT_EQ(found.answer, 0);
  EXPECT_LE(found.tried.size(), 16U);
  EXPECT_EQ(Search(0, [](double) { return true; }).answer, 0);
}

TEST(RateSearchTest, OneTrialThatSomethingElseSpoilsChangesNothing) {
  const auto limit = [](double rate) { return rate <= 800; };
  const Found undisturbed = Search(1000, limit);
  for (size_t spoilt = 0; spoilt < undisturbed.tried.size(); ++spoilt) {
    size_t trial = 0;
    const Found found = Search(1000, [&](double rate) { return trial++ != spoilt && limit(rate); });
    EXPECT_DOUBLE_EQ(found.answer, undisturbed.answer) << "trial " << spoilt;
  }
}

TEST(RateSearchTest, ARateThatHeldByLuckIsGivenUp) {
  // The first trial at each rate holds, those after it hold up to 600.
  std::map<double, int> trials;
  const Found found = Search(1000, [&](double rate) { return ++trials[rate] == 1 || rate <= 600; });
  EXPECT_LE(found.answer, 600);
  EXPECT_GE(found.answer, 0.95 * 600);
}

TEST(RateSearchTest, RunsOfANoisyMachineAgreeWithinTenPercent) {
  std::mt19937_64 random(1);
  std::normal_distribution<double> noise(1, 0.015);
  std::vector<double> answers;
  for (int run = 0; run < 1000; ++run) {
    const double most = 1000 * noise(random);
    answers.push_back(
        Search(most, [&](double rate) { return rate <= 900 * noise(random); }).answer);
  }
  std::sort(answers.begin(), answers.end());
  EXPECT_LT(answers[975] / answers[25], 1.1) << answers[25] << " to " << answers[975];
}

}  // namespace
}  // namespace weir
