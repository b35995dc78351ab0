// Streams while the server drains and shuts down.
#include <chrono>
#include <future>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "server/rpc/predict_stream_fixture.h"
#include "server/rpc/rpc_fixture.h"

namespace weir {
namespace {

TEST(PredictStreamDrainTest, AnIdleStreamEndsAtOnce) {
  RpcServer server({.pollers = 1});
  ClientStream stream(server);
  stream.Send("r1");
  server.model().Take().Done(TwoResults());
  EXPECT_EQ(stream.Receive(), "r1: AB");
  server.RoundTrip();
  server.Refuse();
  EXPECT_EQ(stream.Receive(), "none");
  const grpc::Status status = stream.End();
  EXPECT_EQ(status.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(status.error_message(), "the server is draining");
  EXPECT_EQ(stream.context().GetServerTrailingMetadata().count("grpc-retry-pushback-ms"), 1u);
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictStreamDrainTest, ABusyStreamEndsAfterItsAnswers) {
  RpcServer server;
  ClientStream stream(server);
  stream.Send("r1");
  stream.Send("r2");
  Task& first = server.model().Take();
  Task& second = server.model().Take();
  server.Refuse();
  first.Done(TwoResults());
  EXPECT_EQ(stream.Receive(), "r1: AB");
  EXPECT_FALSE(server.AwaitEmpty(absl::ZeroDuration()));
  second.Done(TwoResults());
  EXPECT_EQ(stream.Receive(), "r2: AB");
  EXPECT_EQ(stream.Receive(), "none");
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictStreamDrainTest, WhatABusyStreamStillSendsIsRefusedOneByOne) {
  RpcServer server({.pollers = 1});
  ClientStream stream(server);
  stream.Send("r1");
  Task& task = server.model().Take();
  server.RoundTrip();
  server.Refuse();
  stream.Send("r2");
  EXPECT_EQ(stream.Receive(), "r2: 14 the server is draining");
  stream.Send("r3");
  EXPECT_EQ(stream.Receive(), "r3: 14 the server is draining");
  task.Done(TwoResults());
  EXPECT_EQ(stream.Receive(), "r1: AB");
  EXPECT_EQ(stream.Receive(), "none");
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(server.model().submitted(), 1);
}

TEST(PredictStreamDrainTest, WhoHasSentAllAndGetsAllDoesNotHearOfIt) {
  RpcServer server({.pollers = 1});
  ClientStream stream(server);
  stream.Send("r1");
  stream.HalfClose();
  Task& task = server.model().Take();
  server.RoundTrip();
  server.Refuse();
  task.Done(TwoResults());
  EXPECT_EQ(stream.Receive(), "r1: AB");
  EXPECT_TRUE(stream.End().ok());
}

TEST(PredictStreamDrainTest, ItIsNotOverBeforeASlowReaderHasItsAnswers) {
  RpcServer server({.pollers = 1});
  ClientStream stream(server);
  for (int i = 0; i < 5; ++i) stream.Send(absl::StrCat("r", i));
  for (int i = 0; i < 5; ++i) server.model().Take().Done(LargeResults());
  server.Refuse();
  server.RoundTrip();
  EXPECT_FALSE(server.AwaitEmpty(absl::ZeroDuration())) << "there are answers to be taken";
  for (int i = 0; i < 5; ++i) EXPECT_EQ(stream.Receive(), absl::StrCat("r", i, ": zzzzzzzzzz"));
  EXPECT_EQ(stream.Receive(), "none");
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_TRUE(server.AwaitEmpty());
}

TEST(PredictStreamDrainTest, AStreamThatOpensDuringADrainIsRefused) {
  RpcServer server;
  server.Refuse();
  ClientStream stream(server);
  EXPECT_EQ(stream.Receive(), "none");
  EXPECT_EQ(stream.End().error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(stream.context().GetServerTrailingMetadata().count("grpc-retry-pushback-ms"), 1u);
}

TEST(PredictStreamDrainTest, AShutdownCancelsAStreamAndWaitsForItsTasks) {
  RpcServer server;
  ClientStream stream(server);
  stream.Send("r1");
  Task& task = server.model().Take();
  auto shut_down = std::async(std::launch::async, [&server] { server.Shutdown(); });
  EXPECT_FALSE(stream.End().ok());
  EXPECT_EQ(shut_down.wait_for(std::chrono::milliseconds(1)), std::future_status::timeout);
  task.Done(TwoResults());
  shut_down.get();
}

}  // namespace
}  // namespace weir
