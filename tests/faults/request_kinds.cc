#include "tests/faults/request_kinds.h"

#include <array>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "base/metrics.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

v1::PredictRequest RequestFor(const std::string& model, const std::string& input,
                              std::initializer_list<int> shape, size_t bytes) {
  v1::PredictRequest request;
  request.mutable_model()->set_name(model);
  v1::Tensor& tensor = *request.add_inputs();
  tensor.set_name(input);
  for (const int size : shape) tensor.add_shape(size);
  tensor.set_data(std::string(bytes, '\0'));
  return request;
}

std::vector<RequestKind> MakeRequestKinds() {
  const std::string unknown(metric::kUnknownModel);
  return {
      {.name = "images",
       .bytes = RequestFor("fashion-fast", "image", {3, 28, 28}, 3 * 784).SerializeAsString(),
       .model = "fashion-fast",
       .rows = 3,
       .per_second = 500},
      {.name = "flats",
       .bytes = RequestFor("flats-price", "features", {2, 14}, 2 * 14 * 4).SerializeAsString(),
       .model = "flats-price",
       .rows = 2,
       .per_second = 300},
      {.name = "malformed images",
       .bytes = RequestFor("fashion-fast", "image", {1, 28, 28}, 783).SerializeAsString(),
       .model = "fashion-fast",
       .per_second = 50,
       .answer = absl::StatusCode::kInvalidArgument},
      {.name = "requests for a model that is not there",
       .bytes = RequestFor("no-such-model", "image", {1, 28, 28}, 784).SerializeAsString(),
       .model = unknown,
       .per_second = 50,
       .answer = absl::StatusCode::kNotFound},
  };
}

}  // namespace

const std::vector<RequestKind>& RequestKinds() {
  static const std::vector<RequestKind>& kinds = *new std::vector<RequestKind>(MakeRequestKinds());
  return kinds;
}

bool IsCountedAnswer(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kCancelled:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      break;
    default:
      return true;
  }
  // What else a server says so would only make the bounds wider.
  return absl::EndsWith(status.message(), "\" is loading") ||
         status.message() == "the server is draining";
}

void ExpectCounted(const RequestKind& kind, const LoadResult& result, bool may_have_broken,
                   Account& account) {
  std::array<int64_t, 17> counted = result.calls_by_code;
  int64_t unanswered = 0;  // Of which nobody knows.
  for (size_t code = 0; may_have_broken && code < counted.size(); ++code) {
    counted[code] -= result.unanswered_by_code[code];
    unanswered += result.unanswered_by_code[code];
  }
  const int64_t all_counted = result.calls() - unanswered;
  const auto of_model = [&kind](absl::string_view name) {
    return Selector{std::string(name), {{"model", kind.model}}};
  };
  const auto expect = [&account](const Selector& selector, int64_t low, int64_t more) {
    account.Expect(selector,
                   {.low = static_cast<double>(low), .high = static_cast<double>(low + more)});
  };
  for (int code = 0; code < static_cast<int>(counted.size()); ++code) {
    Selector selector = of_model(metric::kRequests.name);
    // absl and gRPC number their codes alike.
    selector.labels.emplace_back("code",
                                 absl::StatusCodeToString(static_cast<absl::StatusCode>(code)));
    expect(selector, counted[code], unanswered);
  }
  expect(of_model(metric::kRequests.name), all_counted, unanswered);

  if (kind.answer != absl::StatusCode::kOk) return;
  const int64_t answered = counted[static_cast<size_t>(kind.answer)];
  const int64_t rows = kind.rows;
  expect(of_model("weir_request_duration_seconds_count"), answered, unanswered);
  expect(of_model(metric::kRows.name), rows * answered, rows * unanswered);
  if (kind.model == "flats-price") {
    expect(of_model("weir_prediction_value_count"), rows * answered, rows * unanswered);
  } else {
    expect(of_model(metric::kPredictions.name), rows * answered, rows * unanswered);
    expect(of_model("weir_prediction_confidence_ratio_count"), rows * answered, rows * unanswered);
  }
}

}  // namespace weir
