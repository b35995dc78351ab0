#include "client/admin_table.h"

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace weir {
namespace {

std::string Table(const std::string& models) {
  v1::ListModelsResponse response;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(models, &response));
  return ModelTable(response.models());
}

TEST(AdminTableTest, EachVersionHasALineAndEachFailureItsReason) {
  EXPECT_EQ(Table(R"(
      models {
        name: "fashion-fast"
        versions {
          version: 1 state: UNLOADING execution: "inline, at most 64 rows a batch"
          counts { executed_rows: 123456 queue_full_rows: 2 expired_rows: 3 queued_rows: 1 }
        }
        versions { version: 12 state: READY execution: "inline" counts {} }
        versions { version: 13 state: FAILED reason: "13/model.pt: damaged" }
        load_failures: 2
      }
      models { name: "flats" reason: "flats/config.pbtxt:1:2: a typo" load_failures: 1 }
      )"),
            "MODEL         VERSION  STATE        ROWS  REFUSED  QUEUED  EXECUTION\n"
            "fashion-fast        1  unloading  123456        5       1  inline, at most 64 rows a "
            "batch\n"
            "                   12  ready           0        0       0  inline\n"
            "                   13  failed\n"
            "    13/model.pt: damaged\n"
            "    loads that failed since the start: 2\n"
            "flats               -  -\n"
            "    flats/config.pbtxt:1:2: a typo\n"
            "    loads that failed since the start: 1\n");
}

TEST(AdminTableTest, AVersionThatCouldNotBeReplacedSaysThatItServes) {
  EXPECT_EQ(Table(R"(models { name: "a" versions { version: 1 state: READY reason: "damaged" } })"),
            "MODEL  VERSION  STATE  ROWS  REFUSED  QUEUED  EXECUTION\n"
            "a            1  ready\n"
            "    serves as before; its new files: damaged\n");
}

TEST(AdminTableTest, AServerWithoutModelsHasAHeadingOnly) {
  EXPECT_EQ(Table(""), "MODEL  VERSION  STATE  ROWS  REFUSED  QUEUED  EXECUTION\n");
}

}  // namespace
}  // namespace weir
