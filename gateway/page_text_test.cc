#include "gateway/page_text.h"

#include <algorithm>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace weir {
namespace {

void AddStep(size_t keep, absl::string_view text, PageText& page) {
  char* const to = page.BeginStep(keep, text.size());
  std::copy(text.begin(), text.end(), to);
  page.EndStep(to + text.size());
}

TEST(PageTextTest, StepsTakeTheBeginningOfTheOneBefore) {
  PageText page;
  page.Append("# lines\n");
  AddStep(0, "line{a=\"1\"} 7\n", page);
  AddStep(8, "2\"} 8\n", page);
  AddStep(12, "9\n", page);
  page.Append("# the ");
  page.Append("end\n");
  EXPECT_EQ(page.ToString(),
            "# lines\nline{a=\"1\"} 7\nline{a=\"2\"} 8\nline{a=\"2\"} 9\n# the end\n");
  EXPECT_EQ(page.size(), page.ToString().size());
}

TEST(PageTextTest, IsEmptyAtFirst) {
  PageText page;
  page.Append("");
  EXPECT_EQ(page.ToString(), "");
  EXPECT_EQ(page.size(), 0);
}

TEST(PageTextTest, UsesMemoryAgain) {
  PageText page;
  page.Append(std::string(100'000, 'x'));
  PageText other(std::move(page).ReleaseMemory());
  EXPECT_EQ(other.size(), 0);
  other.Append("y");
  EXPECT_EQ(other.ToString(), "y");
}

TEST(PageTextTest, TakesTheTextOfAnother) {
  PageText page;
  page.Append("first\n");
  page.Append(PageText());
  PageText other;
  other.Append("line{a=\"1\"} 7\n");
  AddStep(8, "2\"} 8\n", other);
  page.Append(other);
  AddStep(12, "9\n", page);
  page.Append("last\n");
  EXPECT_EQ(page.ToString(), "first\nline{a=\"1\"} 7\nline{a=\"2\"} 8\nline{a=\"2\"} 9\nlast\n");
  EXPECT_EQ(page.size(), page.ToString().size());
}

TEST(PageTextTest, HoldsWhateverIsPutIn) {
  std::mt19937 random(7);
  const auto below = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n)(random); };
  for (int round = 0; round < 30; ++round) {
    PageText page;
    std::string text;
    size_t last = 0;  // How long the last step was, if it was one.
    for (int i = 0; i < 300; ++i) {
      const bool large = below(50) == 0;
      std::string add(below(large ? PageText::kMaxStepBytes - 1 : 40), '\0');
      for (char& c : add) c = static_cast<char>(below(255));
      if (below(9) == 0) {
        add += add;  // Longer than a step may be.
        page.Append(add);
        text += add;
        last = 0;
        continue;
      }
      const size_t keep = below(std::min(last, PageText::kMaxStepBytes - add.size()));
      const std::string kept = text.substr(text.size() - last, keep);
      AddStep(keep, add, page);
      text += kept + add;
      last = keep + add.size();
    }
    ASSERT_EQ(page.size(), text.size());
    ASSERT_TRUE(page.ToString() == text);

    // However much is asked for at a time.
    PageText::Reader reader(page);
    std::string read;
    std::vector<char> piece(PageText::Reader::kMinRoomBytes + 1000);
    while (const size_t size =
               reader.Read(piece.data(), PageText::Reader::kMinRoomBytes + below(1000))) {
      read.append(piece.data(), size);
    }
    ASSERT_TRUE(read == text);
  }
}

}  // namespace
}  // namespace weir
