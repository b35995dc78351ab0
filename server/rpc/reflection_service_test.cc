#include "server/rpc/reflection_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/time/clock.h"
#include "google/protobuf/descriptor.pb.h"
#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpc/reflection/v1alpha/reflection.grpc.pb.h"
#include "grpcpp/client_context.h"
#include "grpcpp/support/status.h"
#include "grpcpp/support/sync_stream.h"
#include "server/rpc/test_server.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

using google::protobuf::FileDescriptorProto;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct V1 {
  using Service = grpc::reflection::v1::ServerReflection;
  using Request = grpc::reflection::v1::ServerReflectionRequest;
  using Response = grpc::reflection::v1::ServerReflectionResponse;
};

struct V1Alpha {
  using Service = grpc::reflection::v1alpha::ServerReflection;
  using Request = grpc::reflection::v1alpha::ServerReflectionRequest;
  using Response = grpc::reflection::v1alpha::ServerReflectionResponse;
};

// The tests ask over one stream, in each version of the protocol.
template <typename Version>
class ReflectionServiceTest : public testing::Test {
 protected:
  using Request = typename Version::Request;
  using Response = typename Version::Response;

  ReflectionServiceTest() {
    context_.set_deadline(absl::ToChronoTime(absl::Now() + absl::Seconds(30)));
    stream_ = stub_->ServerReflectionInfo(&context_);
  }

  Response Ask(const Request& request) {
    Response response;
    EXPECT_TRUE(stream_->Write(request));
    EXPECT_TRUE(stream_->Read(&response));
    EXPECT_EQ(response.original_request().SerializeAsString(), request.SerializeAsString());
    return response;
  }

  // The names of the files in an answer.
  static std::vector<std::string> FilesIn(const Response& response) {
    std::vector<std::string> names;
    for (const std::string& bytes : response.file_descriptor_response().file_descriptor_proto()) {
      FileDescriptorProto file;
      EXPECT_TRUE(file.ParseFromString(bytes));
      names.push_back(file.name());
    }
    return names;
  }

  static void ExpectNotFound(const Response& response, const std::string& what) {
    EXPECT_EQ(response.error_response().error_code(), grpc::StatusCode::NOT_FOUND);
    EXPECT_THAT(response.error_response().error_message(), HasSubstr(what));
  }

  ReflectionService service_{{v1::PredictRequest::descriptor()->file()}};
  TestServer server_{[this](CallLoop& loop, Methods& methods) { service_.AddTo(loop, methods); }};
  const std::unique_ptr<typename Version::Service::Stub> stub_ =
      Version::Service::NewStub(server_.channel());
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<Request, Response>> stream_;
};

using Versions = testing::Types<V1, V1Alpha>;
TYPED_TEST_SUITE(ReflectionServiceTest, Versions);

TYPED_TEST(ReflectionServiceTest, ListsTheServicesAndItself) {
  typename TypeParam::Request request;
  request.set_host("here");
  request.set_list_services("*");
  const auto response = this->Ask(request);
  EXPECT_EQ(response.valid_host(), "here");
  std::vector<std::string> names;
  for (const auto& service : response.list_services_response().service()) {
    names.push_back(service.name());
  }
  EXPECT_THAT(names, ElementsAre("weir.v1.Predictor", "grpc.reflection.v1.ServerReflection",
                                 "grpc.reflection.v1alpha.ServerReflection"));
}

TYPED_TEST(ReflectionServiceTest, EachServiceThatIsListedIsDescribed) {
  typename TypeParam::Request list;
  list.set_list_services("");
  const auto services = this->Ask(list).list_services_response();
  for (const auto& service : services.service()) {
    typename TypeParam::Request request;
    request.set_file_containing_symbol(service.name());
    EXPECT_FALSE(this->FilesIn(this->Ask(request)).empty()) << service.name();
  }
}

TYPED_TEST(ReflectionServiceTest, AFileComesWithWhatItImports) {
  typename TypeParam::Request request;
  request.set_file_by_filename("weir/v1/predictor.proto");
  EXPECT_THAT(this->FilesIn(this->Ask(request)),
              ElementsAre("weir/v1/predictor.proto", "weir/v1/tensor.proto"));
}

TYPED_TEST(ReflectionServiceTest, ASymbolIsFoundWhateverItIs) {
  for (const char* symbol :
       {"weir.v1.Predictor", "weir.v1.Predictor.Predict", "weir.v1.PredictRequest",
        "weir.v1.PredictRequest.model", "grpc.reflection.v1.ErrorResponse",
        "grpc.reflection.v1alpha.ServerReflection"}) {
    typename TypeParam::Request request;
    request.set_file_containing_symbol(symbol);
    EXPECT_FALSE(this->FilesIn(this->Ask(request)).empty()) << symbol;
  }
}

TYPED_TEST(ReflectionServiceTest, WhatIsNotThereIsNotFoundAndTheStreamGoesOn) {
  typename TypeParam::Request request;
  request.set_file_by_filename("no/such.proto");
  this->ExpectNotFound(this->Ask(request), "file no/such.proto");
  request.set_file_containing_symbol("no.Such");
  this->ExpectNotFound(this->Ask(request), "symbol no.Such");
  request.mutable_file_containing_extension()->set_containing_type("weir.v1.Tensor");
  request.mutable_file_containing_extension()->set_extension_number(7);
  this->ExpectNotFound(this->Ask(request), "extension 7 of weir.v1.Tensor");
  request.mutable_file_containing_extension()->set_containing_type("no.Such");
  this->ExpectNotFound(this->Ask(request), "extension 7 of no.Such");
  request.set_all_extension_numbers_of_type("no.Such");
  this->ExpectNotFound(this->Ask(request), "message no.Such");
  request.set_list_services("");
  EXPECT_EQ(this->Ask(request).list_services_response().service_size(), 3);
}

TYPED_TEST(ReflectionServiceTest, AMessageWithoutExtensionsHasNone) {
  typename TypeParam::Request request;
  request.set_all_extension_numbers_of_type("weir.v1.Tensor");
  const auto response = this->Ask(request);
  EXPECT_EQ(response.all_extension_numbers_response().base_type_name(), "weir.v1.Tensor");
  EXPECT_THAT(response.all_extension_numbers_response().extension_number(), IsEmpty());
}

TYPED_TEST(ReflectionServiceTest, ARequestForNothingIsAnError) {
  EXPECT_EQ(this->Ask({}).error_response().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
}

TYPED_TEST(ReflectionServiceTest, TheStreamEndsWhenAllIsAsked) {
  typename TypeParam::Request request;
  request.set_list_services("");
  this->Ask(request);
  EXPECT_TRUE(this->stream_->WritesDone());
  const grpc::Status status = this->stream_->Finish();
  EXPECT_TRUE(status.ok()) << status.error_message();
}

TYPED_TEST(ReflectionServiceTest, CallersThatGoAwayLeaveNothingBehind) {
  for (int i = 0; i < 100; ++i) {
    grpc::ClientContext context;
    const auto stream = this->stub_->ServerReflectionInfo(&context);
    typename TypeParam::Request request;
    request.set_file_by_filename("weir/v1/predictor.proto");
    EXPECT_TRUE(stream->Write(request));
    context.TryCancel();
    EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
  }
  typename TypeParam::Request request;
  request.set_list_services("");
  this->Ask(request);
}

}  // namespace
}  // namespace weir
