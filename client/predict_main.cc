// weir-predict: asks a running server for one prediction and prints it.
//
//   weir-predict --model=fashion-fast t-shirt.png    a picture
//   weir-predict --model=fashion-fast 42             image 42 of the Fashion-MNIST test set
//   weir-predict --model=flats-price 1,55.75,...     the features of one row
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "base/flags.h"
#include "base/status_macros.h"
#include "client/image.h"
#include "grpcpp/client_context.h"
#include "grpcpp/create_channel.h"
#include "grpcpp/security/credentials.h"
#include "models/data/fashion_mnist.h"
#include "weir/v1/predictor.grpc.pb.h"

ABSL_FLAG(std::string, address, "127.0.0.1:8001", "The server's host:port.");
ABSL_FLAG(std::string, model, "", "The model to ask.");
ABSL_FLAG(int64_t, version, 0, "Its version; 0 for the newest.");
ABSL_FLAG(int, top_k, 3, "How many classes to print.");
ABSL_FLAG(absl::Duration, timeout, absl::Seconds(5), "How long to wait for the answer.");

namespace weir {
namespace {

struct Input {
  v1::Tensor tensor;
  std::string truth;  // Empty if unknown.
};

Input Image(std::string pixels, std::string truth) {
  Input input{.truth = std::move(truth)};
  for (const int size : {1, kFashionSide, kFashionSide}) input.tensor.add_shape(size);
  input.tensor.set_data(std::move(pixels));
  return input;
}

absl::StatusOr<Input> TestImage(int index) {
  WEIR_ASSIGN_OR_RETURN(const FashionImages images,
                        ReadFashionMnist(kFashionMnistDirectory, FashionSplit::kTest));
  if (index < 0 || index >= images.rows()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the test set has images 0 to ", images.rows() - 1, ", not ", index));
  }
  const auto image = images.image(index);
  return Image(std::string(image.begin(), image.end()),
               std::string(kFashionLabels[images.labels[index]]));
}

absl::StatusOr<Input> Features(const std::string& text) {
  Input input;
  for (const absl::string_view item : absl::StrSplit(text, ',')) {
    double value;
    if (!absl::SimpleAtod(item, &value)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "\"", text, "\" is neither a .png file, nor an index, nor numbers with commas"));
    }
    input.tensor.add_values(value);
  }
  input.tensor.add_shape(1);
  input.tensor.add_shape(input.tensor.values_size());
  return input;
}

absl::StatusOr<Input> ReadInput(const std::string& argument) {
  int index;
  if (absl::SimpleAtoi(argument, &index)) return TestImage(index);
  if (!absl::EndsWithIgnoreCase(argument, ".png")) return Features(argument);
  WEIR_ASSIGN_OR_RETURN(std::string pixels, ReadFashionImage(argument));
  return Image(std::move(pixels), "");
}

absl::StatusOr<v1::PredictResponse> Call(v1::Predictor::Stub& stub,
                                         const v1::PredictRequest& request) {
  grpc::ClientContext context;
  context.set_deadline(absl::ToChronoTime(absl::Now() + absl::GetFlag(FLAGS_timeout)));
  v1::PredictResponse response;
  const grpc::Status status = stub.Predict(&context, request, &response);
  if (status.ok()) return response;
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// A row of several scores; a single number is a measured quantity.
bool IsClasses(const v1::Tensor& tensor) {
  const bool scores = tensor.data_type() == v1::TYPE_FP32 || tensor.data_type() == v1::TYPE_FP64;
  return scores && tensor.shape_size() == 2 && tensor.shape(1) > 1;
}

// One row as classes where that can be, in one request, unless the model has several outputs: they
// have to be asked for by their names, which an answer tells.
absl::StatusOr<v1::PredictResponse> Ask(v1::Predictor::Stub& stub, v1::PredictRequest request) {
  // Two at least: one alone could be a single number.
  const int top_k = std::max(2, absl::GetFlag(FLAGS_top_k));
  request.add_outputs()->set_top_k(top_k);
  absl::StatusOr<v1::PredictResponse> response = Call(stub, request);
  // Asked again only if it is the output that cannot be had as classes: every request is counted.
  if (!absl::IsInvalidArgument(response.status()) ||
      !absl::StartsWith(response.status().message(), "output ")) {
    return response;
  }
  request.clear_outputs();
  WEIR_ASSIGN_OR_RETURN(const v1::PredictResponse first, Call(stub, request));
  for (const v1::Tensor& output : first.outputs()) {
    v1::RequestedOutput& wanted = *request.add_outputs();
    wanted.set_name(output.name());
    if (IsClasses(output)) wanted.set_top_k(top_k);
  }
  return Call(stub, request);
}

std::string Number(double value) {
  return std::abs(value) >= 1e5 ? absl::StrFormat("  %.0f", value)
                                : absl::StrFormat("  %.6g", value);
}

template <typename T>
void PrintElements(const v1::Tensor& tensor) {
  constexpr size_t kMaxShown = 8;
  const size_t count = tensor.data().size() / sizeof(T);
  for (size_t i = 0; i < std::min(count, kMaxShown); ++i) {
    T value;
    std::memcpy(&value, &tensor.data()[i * sizeof(T)], sizeof(T));
    std::cout << Number(value);
  }
  if (count > kMaxShown) std::cout << "  ... (" << count << ")";
}

void PrintTensor(const v1::Tensor& tensor) {
  std::cout << "  " << tensor.name();
  if (tensor.data_type() == v1::TYPE_FP32) {
    PrintElements<float>(tensor);
  } else if (tensor.data_type() == v1::TYPE_FP64) {
    PrintElements<double>(tensor);
  } else {
    std::cout << "  " << v1::DataType_Name(tensor.data_type()) << " ["
              << absl::StrJoin(tensor.shape(), ", ") << "]";
  }
  std::cout << "\n";
}

void PrintClasses(const v1::Classification& classification) {
  const auto& classes = classification.rows(0).classes();
  if (classes.size() == 1) {
    std::cout << "  " << classification.output_name() << Number(classes[0].score()) << "\n";
    return;
  }
  for (int i = 0; i < std::min(classes.size(), absl::GetFlag(FLAGS_top_k)); ++i) {
    const v1::ScoredClass& scored = classes[i];
    std::cout << absl::StrFormat(
        "  %6.2f %%  %s\n", scored.score() * 100,
        scored.label().empty() ? absl::StrCat("class ", scored.index()) : scored.label());
  }
}

void Print(const v1::PredictResponse& response, const std::string& truth) {
  std::cout << response.model().name() << " version " << response.model().version()
            << absl::StrFormat(", %.0f us in the server, %.0f us of them in the model\n",
                               response.timings().total_ns() / 1e3,
                               response.timings().inference_ns() / 1e3);
  for (const v1::Classification& classification : response.classifications()) {
    PrintClasses(classification);
  }
  for (const v1::Tensor& output : response.outputs()) PrintTensor(output);
  if (!truth.empty()) std::cout << "  in truth  " << truth << "\n";
}

absl::Status Run(const std::string& argument) {
  WEIR_ASSIGN_OR_RETURN(Input input, ReadInput(argument));
  const auto stub = v1::Predictor::NewStub(
      grpc::CreateChannel(absl::GetFlag(FLAGS_address), grpc::InsecureChannelCredentials()));
  v1::PredictRequest request;
  request.mutable_model()->set_name(absl::GetFlag(FLAGS_model));
  request.mutable_model()->set_version(absl::GetFlag(FLAGS_version));
  *request.add_inputs() = std::move(input.tensor);
  WEIR_ASSIGN_OR_RETURN(const v1::PredictResponse response, Ask(*stub, std::move(request)));
  Print(response, input.truth);
  return absl::OkStatus();
}

}  // namespace
}  // namespace weir

int main(int argc, char** argv) {
  const std::vector<std::string> arguments = weir::ParseFlags(
      argc, argv,
      "asks a weir server for one prediction\n"
      "  weir-predict --model=NAME FILE.png | INDEX_IN_THE_TEST_SET | NUMBER,NUMBER,...");
  if (arguments.size() != 1 || absl::GetFlag(FLAGS_model).empty()) {
    std::cerr << "expected --model=NAME and one of: a .png file, an index into the Fashion-MNIST "
                 "test set, or numbers with commas between them\n";
    return 2;
  }
  const absl::Status status = weir::Run(arguments[0]);
  if (status.ok()) return 0;
  std::cerr << absl::StatusCodeToString(status.code()) << ": " << status.message() << "\n";
  return 1;
}
