#include "loadgen/inputs/model_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "grpcpp/server.h"
#include "grpcpp/server_builder.h"
#include "loadgen/inputs/test_models.h"
#include "weir/v1/admin.grpc.pb.h"

namespace weir {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr absl::Duration kTimeout = absl::Seconds(30);

// A server that has the models of `list`, or fails with `status`.
class FakeAdmin final : public v1::Admin::Service {
 public:
  explicit FakeAdmin(const std::string& list, grpc::Status status = grpc::Status::OK)
      : list_(FromText<v1::ListModelsResponse>(list)), status_(std::move(status)) {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
    address_ = absl::StrCat("127.0.0.1:", port);
  }

  grpc::Status ListModels(grpc::ServerContext* /*context*/,
                          const v1::ListModelsRequest* /*request*/,
                          v1::ListModelsResponse* response) override {
    *response = list_;
    return status_;
  }

  const std::string& address() const { return address_; }

 private:
  const v1::ListModelsResponse list_;
  const grpc::Status status_;
  std::unique_ptr<grpc::Server> server_;
  std::string address_;
};

std::vector<std::string> Found(const std::vector<std::string>& addresses) {
  const absl::StatusOr<std::vector<ModelInfo>> infos = FindModels(addresses, kTimeout);
  if (!infos.ok()) return {std::string(infos.status().message())};
  std::vector<std::string> found;
  for (const ModelInfo& info : *infos) {
    found.push_back(absl::StrCat(info.description.name(), "@", info.address));
  }
  return found;
}

TEST(ModelInfoTest, AModelIsListedForEachServerThatHasItReady) {
  const FakeAdmin one(R"(models { name: "a" versions { version: 1 state: READY }
                                  description { name: "a" } }
                         models { name: "b" versions { version: 1 state: READY }
                                  description { name: "b" } })");
  const FakeAdmin two(R"(models { name: "b" versions { version: 1 state: READY }
                                  description { name: "b" } })");
  EXPECT_THAT(Found({one.address(), two.address()}),
              ElementsAre("a@" + one.address(), "b@" + one.address(), "b@" + two.address()));
}

TEST(ModelInfoTest, OnlyWhatIsReadyIsListed) {
  const FakeAdmin server(R"(models { name: "a" versions { version: 2 state: READY }
                                     versions { version: 3 state: FAILED }
                                     versions { version: 4 state: READY }
                                     description { name: "a" slo_latency_us: 5 } }
                            models { name: "b" versions { version: 1 state: LOADING } }
                            models { name: "c" })");
  const absl::StatusOr<std::vector<ModelInfo>> infos = FindModels({server.address()}, kTimeout);
  ASSERT_TRUE(infos.ok()) << infos.status();
  ASSERT_EQ(infos->size(), 1U);
  EXPECT_THAT((*infos)[0].versions, ElementsAre(2, 4));
  EXPECT_EQ((*infos)[0].description.slo_latency_us(), 5);
}

TEST(ModelInfoTest, AModelThatJustBecameReadyIsLeftOut) {
  const FakeAdmin server(R"(models { name: "a" versions { version: 1 state: READY } }
                            models { name: "b" versions { version: 1 state: READY }
                                     description { name: "b" } })");
  EXPECT_THAT(Found({server.address()}), ElementsAre("b@" + server.address()));
}

TEST(ModelInfoTest, AServerThatDoesNotDescribeItsModelsIsTooOld) {
  const FakeAdmin old(R"(models { name: "a" versions { version: 1 state: READY } })");
  EXPECT_THAT(Found({old.address()}),
              ElementsAre(absl::StrCat("server ", old.address(),
                                       ": it does not describe its model \"a\"; it is too old")));
}

TEST(ModelInfoTest, WhatAServerAnswersIsToldWithItsAddress) {
  const FakeAdmin server("", grpc::Status(grpc::StatusCode::UNIMPLEMENTED, "no such method"));
  const absl::Status status = FindModels({server.address()}, kTimeout).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()),
              HasSubstr(absl::StrCat("server ", server.address(), ": no such method")));
}

TEST(ModelInfoTest, AServerThatIsNotThereIsNamed) {
  std::string address;
  {
    const FakeAdmin gone("");
    address = gone.address();
  }
  const absl::Status status = FindModels({address}, kTimeout).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr(address));
}

}  // namespace
}  // namespace weir
