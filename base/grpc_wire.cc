#include "base/grpc_wire.h"

#include <algorithm>
#include <charconv>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "nghttp2/nghttp2.h"

namespace weir {
namespace {

struct TimeoutUnit {
  char name;
  int64_t ns;
};
constexpr TimeoutUnit kTimeoutUnits[] = {{'n', 1},
                                         {'u', 1000},
                                         {'m', 1'000'000},
                                         {'S', 1'000'000'000},
                                         {'M', 60'000'000'000},
                                         {'H', 3'600'000'000'000}};

int HexDigit(char c) {
  if (absl::ascii_isdigit(c)) return c - '0';
  return absl::ascii_tolower(c) - 'a' + 10;
}

}  // namespace

absl::StatusCode ParseGrpcStatus(absl::string_view value) {
  uint32_t code = 0;
  if (!absl::SimpleAtoi(value, &code) || code > 16) return absl::StatusCode::kUnknown;
  return static_cast<absl::StatusCode>(code);
}

absl::StatusCode CodeOfHttpStatus(int http_status) {
  switch (http_status) {
    case 400:
      return absl::StatusCode::kInternal;
    case 401:
      return absl::StatusCode::kUnauthenticated;
    case 403:
      return absl::StatusCode::kPermissionDenied;
    case 404:
      return absl::StatusCode::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504:
      return absl::StatusCode::kUnavailable;
    default:
      return absl::StatusCode::kUnknown;
  }
}

absl::StatusCode CodeOfReset(uint32_t http2_error) {
  switch (http2_error) {
    case NGHTTP2_REFUSED_STREAM:
      return absl::StatusCode::kUnavailable;
    case NGHTTP2_CANCEL:
      return absl::StatusCode::kCancelled;
    case NGHTTP2_ENHANCE_YOUR_CALM:
      return absl::StatusCode::kResourceExhausted;
    case NGHTTP2_INADEQUATE_SECURITY:
      return absl::StatusCode::kPermissionDenied;
    case NGHTTP2_STREAM_CLOSED:
    case NGHTTP2_HTTP_1_1_REQUIRED:
      return absl::StatusCode::kUnknown;
    default:
      return absl::StatusCode::kInternal;
  }
}

std::string PercentDecoded(absl::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && absl::ascii_isxdigit(text[i + 1]) &&
        absl::ascii_isxdigit(text[i + 2])) {
      decoded.push_back(static_cast<char>(HexDigit(text[i + 1]) * 16 + HexDigit(text[i + 2])));
      i += 2;
    } else {
      decoded.push_back(text[i]);
    }
  }
  return decoded;
}

std::string PercentEncoded(absl::string_view text, size_t max_bytes) {
  constexpr char kHexDigits[] = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(std::min(text.size(), max_bytes));
  size_t whole = 0;  // Of what is encoded, up to the last character that begins.
  for (const char c : text) {
    const bool continues = (static_cast<uint8_t>(c) & 0xc0) == 0x80;  // UTF-8's.
    if (!continues) {
      if (encoded.size() > max_bytes) break;
      whole = encoded.size();
    }
    if (c >= ' ' && c <= '~' && c != '%') {
      encoded.push_back(c);
    } else {
      const auto byte = static_cast<uint8_t>(c);
      encoded += {'%', kHexDigits[byte >> 4], kHexDigits[byte & 15]};
    }
  }
  if (encoded.size() > max_bytes) encoded.resize(whole);
  return encoded;
}

std::optional<int64_t> ParseGrpcTimeout(absl::string_view value) {
  constexpr size_t kMaxDigits = 8;
  if (value.size() < 2 || value.size() > kMaxDigits + 1) return std::nullopt;
  int64_t count = 0;
  for (const char digit : value.substr(0, value.size() - 1)) {
    if (!absl::ascii_isdigit(digit)) return std::nullopt;
    count = 10 * count + (digit - '0');
  }
  for (const TimeoutUnit unit : kTimeoutUnits) {
    if (unit.name == value.back()) return std::min(count, kMaxTimeoutNs / unit.ns) * unit.ns;
  }
  return std::nullopt;
}

GrpcTimeout::GrpcTimeout(int64_t timeout_ns) {
  constexpr int64_t kLongest = 1'000'000'000'000'000'000;
  int64_t value = std::clamp<int64_t>(timeout_ns, 1, kLongest);
  // Three digits, the last of them 0 or 5, times a power of ten.
  int64_t step = 1;
  while (value > 1000 * step) step *= 10;
  if (step > 1 || value >= 100) step *= value < 500 * step ? 5 : 10;
  value = (value + step - 1) / step * step;
  // At most eight digits are allowed.
  constexpr int64_t kMaxValue = 99'999'999;
  for (const TimeoutUnit unit : kTimeoutUnits) {
    if (value % unit.ns != 0) value += unit.ns - value % unit.ns;
    if (value / unit.ns > kMaxValue) continue;
    char* const end = text_.data() + text_.size() - 1;
    char* const unit_at = std::to_chars(text_.data(), end, value / unit.ns).ptr;
    *unit_at = unit.name;
    size_ = unit_at + 1 - text_.data();
    return;
  }
}

}  // namespace weir
