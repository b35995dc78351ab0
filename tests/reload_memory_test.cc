// A server that loads a model anew again and again gives the memory back each time.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "grpcpp/client_context.h"
#include "tests/changing_repository.h"
#include "tests/serving_fixture.h"
#include "weir/v1/admin.grpc.pb.h"

namespace weir {
namespace {

// A line of /proc/<pid>/status that ends in kB, in MB.
double StatusMb(RunningServer& server, const std::string& field) {
  std::ifstream status(absl::StrCat("/proc/", server.process().pid(), "/status"));
  std::string line;
  while (std::getline(status, line)) {
    absl::string_view rest = line;
    double kib = 0;
    if (absl::ConsumePrefix(&rest, field + ":") && absl::ConsumeSuffix(&rest, " kB") &&
        absl::SimpleAtod(rest, &kib)) {
      return kib / 1024;
    }
  }
  ADD_FAILURE() << "no " << field;
  return 0;
}

TEST(ReloadMemoryTest, FiftyReloadsLeaveAsMuchMemoryInUseAsTheFirstFew) {
  constexpr int kCycles = 50;
  constexpr int kFirst = 5;  // Arenas and caches take their size in these.
  constexpr char kModel[] = "fashion-accurate";
  ChangingRepository repository;
  repository.Add(kModel);
  RunningServer server({"--model_repository=" + repository.root()});
  ASSERT_TRUE(server.WaitUntilReady(kModel)) << server.process().output();
  const auto admin = v1::Admin::NewStub(server.channel());
  const double before = StatusMb(server, "VmRSS");
  std::cout << absl::StrFormat("RSS before: %.1f MB\n", before);
  double after_first = 0;
  double after = 0;
  for (int cycle = 1; cycle <= kCycles; ++cycle) {
    grpc::ClientContext context;
    v1::LoadModelRequest request;
    request.set_name(kModel);
    v1::LoadModelResponse response;
    const grpc::Status status = admin->LoadModel(&context, request, &response);
    ASSERT_TRUE(status.ok()) << status.error_message();
    v1::PredictResponse answer;
    ASSERT_TRUE(server.Predict(BlankImage(kModel), &answer).ok());
    after = StatusMb(server, "VmRSS");
    if (cycle == kFirst) after_first = after;
    if (cycle <= kFirst || cycle % 10 == 0) {
      std::cout << absl::StrFormat("RSS after %d reloads: %.1f MB\n", cycle, after);
    }
  }
  std::cout << absl::StrFormat("peak: %.1f MB\n", StatusMb(server, "VmHWM"));
  EXPECT_LE(after, after_first + std::max(20.0, after_first / 10));
}

}  // namespace
}  // namespace weir
