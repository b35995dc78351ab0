#include "loadgen/load/stream_answer.h"

#include <algorithm>
#include <optional>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/wire_reader.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"
#include "weir/v1/predictor.pb.h"

namespace weir {
namespace {

using google::protobuf::internal::WireFormatLite;
using google::protobuf::io::CodedOutputStream;

constexpr int kIdDigits = 16;

// Of a message, the last of its fields `a` and `b` that are bytes, whichever that is; a number of 0
// if there is none. Nullopt if it is no message.
std::optional<WireReader::Field> LastOf(absl::string_view message, uint32_t a, uint32_t b) {
  WireReader reader(message);
  WireReader::Field last, field;
  while (reader.Next(field)) {
    const bool wanted = field.number == a || field.number == b;
    if (wanted && field.type == WireReader::Field::Type::kBytes) last = field;
  }
  if (!reader.ok()) return std::nullopt;
  return last;
}

std::optional<uint64_t> ParseId(absl::string_view text) {
  uint64_t id = 0;
  if (text.size() != kIdDigits || !absl::SimpleHexAtoi(text, &id)) return std::nullopt;
  return id;
}

}  // namespace

void AppendRequestFields(uint64_t id, absl::Duration timeout, std::string& request) {
  uint8_t fields[2 + kIdDigits + 1 + 10];
  uint8_t* end = fields;
  *end++ =
      v1::PredictRequest::kRequestIdFieldNumber << 3 | WireFormatLite::WIRETYPE_LENGTH_DELIMITED;
  *end++ = kIdDigits;
  for (int shift = 4 * (kIdDigits - 1); shift >= 0; shift -= 4) {
    *end++ = "0123456789abcdef"[id >> shift & 15];
  }
  if (timeout < absl::InfiniteDuration()) {
    *end++ = v1::PredictRequest::kTimeoutUsFieldNumber << 3 | WireFormatLite::WIRETYPE_VARINT;
    end = CodedOutputStream::WriteVarint64ToArray(
        std::max<int64_t>(1, absl::ToInt64Microseconds(timeout)), end);
  }
  request.append(reinterpret_cast<const char*>(fields), end - fields);
}

absl::StatusOr<StreamAnswer> ParseStreamAnswer(absl::string_view message) {
  const auto no_answer = [] {
    return absl::InternalError("the server's answer on a stream is no PredictStreamResponse");
  };
  using Answer = v1::PredictStreamResponse;
  const auto result = LastOf(message, Answer::kResponseFieldNumber, Answer::kErrorFieldNumber);
  if (!result || result->number == 0) return no_answer();
  const absl::string_view bytes = result->bytes;
  StreamAnswer answer;
  absl::string_view id_text;
  v1::RequestError error;
  if (result->number == Answer::kResponseFieldNumber) {
    constexpr int kId = v1::PredictResponse::kRequestIdFieldNumber;
    const auto id = LastOf(bytes, kId, kId);
    if (!id) return no_answer();
    answer.response = bytes;
    id_text = id->bytes;
  } else {
    if (!error.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return no_answer();
    id_text = error.request_id();
    // gRPC and absl number their codes alike.
    const bool known = error.code() > 0 && error.code() <= 16;
    answer.status = absl::Status(
        known ? static_cast<absl::StatusCode>(error.code()) : absl::StatusCode::kUnknown,
        error.message());
  }
  const std::optional<uint64_t> id = ParseId(id_text);
  if (!id) {
    return absl::InternalError(absl::StrCat("the server's answer on a stream has the request_id \"",
                                            absl::CHexEscape(id_text.substr(0, 2 * kIdDigits)),
                                            "\", which nobody sent"));
  }
  answer.id = *id;
  return answer;
}

}  // namespace weir
