#include "tests/alerts/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::FieldsAre;
using testing::IsEmpty;
using testing::StartsWith;

AlertId Id(const std::string& name, const std::string& subject) { return {name, subject}; }

TEST(MessageTest, EachAlertHasItsNameAndSubject) {
  EXPECT_THAT(ReadMessage("🔴 ServerDown\n"
                          "Server: fast\n"
                          "fast fell silent\n"
                          "Since: 2026-11-29 08:00:00 UTC\n"
                          "\n"
                          "✅ HighErrorRate is over\n"
                          "Model: fashion-fast\n"
                          "From: 2026-11-29 08:00:00 UTC\n"
                          "To: 2026-11-29 08:01:00 UTC\n"
                          "\n"),
              ElementsAre(FieldsAre(Id("ServerDown", "fast"), false, StartsWith("🔴 ServerDown\n")),
                          FieldsAre(Id("HighErrorRate", "fashion-fast"), true,
                                    StartsWith("✅ HighErrorRate is over\n"))));
}

TEST(MessageTest, AnAlertOfTheGatewayHasNoSubject) {
  EXPECT_THAT(ReadMessage("🔴 GatewayDown\nthe gateway does not answer\n\n"),
              ElementsAre(FieldsAre(Id("GatewayDown", ""), false, testing::_)));
}

TEST(MessageTest, HowManyThereAreInAllIsNoAlert) {
  EXPECT_THAT(ReadMessage("In all, 8 fire and 0 are over."), IsEmpty());
}

}  // namespace
}  // namespace weir
