#include "bench/precedence.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <thread>

namespace weir {
namespace {

int Niceness() { return getpriority(PRIO_PROCESS, 0); }

TEST(PrecedenceTest, AThreadGoesFirstForAWhileWhereItMay) {
  const int before = Niceness();
  {
    const Precedence precedence;
    EXPECT_EQ(Niceness(), precedence.niceness());
    if (precedence.niceness() == before) GTEST_SKIP() << "this process may not go first";
    EXPECT_LT(precedence.niceness(), before);
    std::thread([&] { EXPECT_EQ(Niceness(), precedence.niceness()) << "what it starts"; }).join();
  }
  EXPECT_EQ(Niceness(), before);
}

TEST(PrecedenceTest, ByNothingItStaysAsItWas) {
  const int before = Niceness();
  const Precedence precedence(0);
  EXPECT_EQ(precedence.niceness(), before);
  EXPECT_EQ(Niceness(), before);
}

TEST(PrecedenceTest, OtherThreadsStayWhereTheyAre) {
  const int before = Niceness();
  std::thread([] { const Precedence precedence; }).join();
  EXPECT_EQ(Niceness(), before);
}

}  // namespace
}  // namespace weir
