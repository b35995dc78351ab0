#include "gateway/label_text.h"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

TEST(LabelTextTest, LabelsAreWrittenAsPrometheusReadsThem) {
  std::string text;
  AppendLabel("model", "a", 0, text);
  AppendLabel("version", "", 0, text);
  EXPECT_EQ(text, R"(model="a",version="")");
}

TEST(LabelTextTest, WhatIsWrittenCanBeReadWhateverItIs) {
  for (const std::string value :
       {"", "a", "\\", "\"", "\n", "\\n", "\\\\\"", "a\",model=\"b", "ä€", "=,{}", "\\\n\""}) {
    std::string text = "before";
    AppendLabel("first", value, text.size(), text);
    AppendLabel("model", value, 6, text);
    text = text.substr(6);
    EXPECT_EQ(LabelValue(text, "model"), value) << text;
    EXPECT_EQ(LabelValue(text, "first"), value) << text;
    EXPECT_EQ(LabelValue(text, "mode"), std::nullopt) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace weir
