// What was published stays: compatibility.txt holds every field, enum value and method of weir.v1
// that ever was, a line each. A line of it that no longer holds breaks somebody's client or file; a
// new field needs a new line.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/files.h"
#include "weir/v1/admin.pb.h"
#include "weir/v1/diagnostics.pb.h"
#include "weir/v1/ledger.pb.h"
#include "weir/v1/load_report.pb.h"
#include "weir/v1/load_scenario.pb.h"
#include "weir/v1/model_config.pb.h"
#include "weir/v1/predictor.pb.h"
#include "weir/v1/stats.pb.h"
#include "weir/v1/tensor.pb.h"

namespace weir {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;
using google::protobuf::MethodDescriptor;

void List(const EnumDescriptor& descriptor, std::set<std::string>& lines) {
  for (int i = 0; i < descriptor.value_count(); ++i) {
    lines.insert(absl::StrCat(descriptor.full_name(), " ", descriptor.value(i)->name(), " = ",
                              descriptor.value(i)->number()));
  }
}

void List(const Descriptor& descriptor, std::set<std::string>& lines) {
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const FieldDescriptor& field = *descriptor.field(i);
    std::string type = field.type_name();
    if (field.message_type() != nullptr) type = field.message_type()->full_name();
    if (field.enum_type() != nullptr) type = field.enum_type()->full_name();
    lines.insert(absl::StrCat(descriptor.full_name(), " ", field.is_repeated() ? "repeated " : "",
                              type, " ", field.name(), " = ", field.number()));
  }
  for (int i = 0; i < descriptor.enum_type_count(); ++i) List(*descriptor.enum_type(i), lines);
  for (int i = 0; i < descriptor.nested_type_count(); ++i) List(*descriptor.nested_type(i), lines);
}

void List(const FileDescriptor& file, std::set<std::string>& lines) {
  for (int i = 0; i < file.enum_type_count(); ++i) List(*file.enum_type(i), lines);
  for (int i = 0; i < file.message_type_count(); ++i) List(*file.message_type(i), lines);
  for (int i = 0; i < file.service_count(); ++i) {
    for (int j = 0; j < file.service(i)->method_count(); ++j) {
      const MethodDescriptor& method = *file.service(i)->method(j);
      lines.insert(absl::StrCat(method.full_name(), "(", method.client_streaming() ? "stream " : "",
                                method.input_type()->full_name(), ") -> ",
                                method.server_streaming() ? "stream " : "",
                                method.output_type()->full_name()));
    }
  }
}

TEST(CompatibilityTest, WhatWasPublishedStaysAndWhatIsNewIsWrittenDown) {
  std::set<std::string> now;
  List(*v1::Tensor::descriptor()->file(), now);
  List(*v1::PredictRequest::descriptor()->file(), now);
  List(*v1::ModelConfig::descriptor()->file(), now);
  List(*v1::EchoRequest::descriptor()->file(), now);
  List(*v1::ListModelsRequest::descriptor()->file(), now);
  List(*v1::PushRequest::descriptor()->file(), now);
  List(*v1::LedgerTotals::descriptor()->file(), now);
  List(*v1::LoadScenario::descriptor()->file(), now);
  List(*v1::LoadReport::descriptor()->file(), now);

  const auto text = ReadFile("proto/weir/v1/compatibility.txt");
  ASSERT_TRUE(text.ok()) << text.status();
  const std::set<std::string> published = absl::StrSplit(*text, '\n', absl::SkipEmpty());
  for (const std::string& line : published) {
    EXPECT_EQ(now.count(line), 1u) << "published, and no longer so: " << line;
  }
  for (const std::string& line : now) {
    EXPECT_EQ(published.count(line), 1u) << "new, to be added to compatibility.txt: " << line;
  }
}

}  // namespace
}  // namespace weir
