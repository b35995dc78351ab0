#include "base/process.h"

#include <gtest/gtest.h>
#include <signal.h>

namespace weir {
namespace {

TEST(ProcessTest, ALineOfOutputOrErrorsIsFound) {
  Process process({"/bin/sh", "-c", "echo one two; echo three >&2; exit 3"});
  EXPECT_EQ(process.WaitForLine("three"), "three");
  EXPECT_EQ(process.WaitForLine("two"), "one two") << "from the beginning on";
  EXPECT_EQ(process.Wait(), 3);
  EXPECT_EQ(process.output(), "one two\nthree\n");
}

TEST(ProcessTest, ALineThatNeverComesIsNotWaitedForBeyondTheEnd) {
  Process process({"/bin/sh", "-c", "echo without an end; printf half"});
  EXPECT_EQ(process.WaitForLine("half", absl::InfiniteDuration()), std::nullopt);
}

TEST(ProcessTest, AWaitEndsWithItsTimeout) {
  Process process({"/bin/sleep", "1000"});
  EXPECT_EQ(process.Wait(absl::Milliseconds(1)), std::nullopt);
  EXPECT_EQ(process.WaitForLine("x", absl::Milliseconds(1)), std::nullopt);
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), -SIGTERM);
}

TEST(ProcessTest, AChildThatWritesMuchDoesNotWaitForAReader) {
  Process process({"/bin/sh", "-c", "head -c 1000000 /dev/zero; exit 4"});
  EXPECT_EQ(process.Wait(), 4);
  EXPECT_EQ(process.output().size(), 1000000U);
}

TEST(ProcessTest, AProgramThatDoesNotExistEndsWith127) {
  Process process({"/no/such/program"});
  EXPECT_EQ(process.Wait(), 127);
}

}  // namespace
}  // namespace weir
