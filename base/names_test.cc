#include "base/names.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(PrintableTest, ControlCharactersAreEscapedAndLongTextIsCut) {
  EXPECT_EQ(Printable("fashion-fast"), "fashion-fast");
  EXPECT_EQ(Printable("a\nb"), "a\\nb");
  EXPECT_EQ(Printable(std::string(1000, 'x')), std::string(80, 'x') + "...");
}

TEST(IsUtf8Test, TextInAnyScriptIs) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("plain"));
  EXPECT_TRUE(IsUtf8("модель 模型 \xf0\x9f\x91\x95"));
  EXPECT_TRUE(IsUtf8("\xf4\x8f\xbf\xbf")) << "U+10FFFF";
}

TEST(IsUtf8Test, OtherBytesAreNot) {
  EXPECT_FALSE(IsUtf8("\xff"));
  EXPECT_FALSE(IsUtf8("\x80")) << "a continuation without a beginning";
  EXPECT_FALSE(IsUtf8("\xd0")) << "a beginning without a continuation";
  EXPECT_FALSE(IsUtf8("\xd0z"));
  EXPECT_FALSE(IsUtf8("\xc0\xaf")) << "overlong";
  EXPECT_FALSE(IsUtf8("\xe0\x80\xaf")) << "overlong";
  EXPECT_FALSE(IsUtf8("\xed\xa0\x80")) << "a surrogate";
  EXPECT_FALSE(IsUtf8("\xf4\x90\x80\x80")) << "beyond U+10FFFF";
}

}  // namespace
}  // namespace weir
