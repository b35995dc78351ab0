// The log of every program: one line an event, to stderr.
//
//   2026-11-21T01:40:00.123456Z INFO server/server.cc:42 model ready model=fashion-fast version=1
//
// Text comes first, then fields for machines to read. Text from outside belongs into fields, which
// quote it; what a request carries or a model answers belongs into neither.
//
// A line goes out with a single write(2), and is not longer than what a pipe takes whole, so lines
// of several threads never mix. Control characters, and bytes that are not UTF-8, are escaped: no
// text from outside can forge a line or steer a terminal. Everything here is thread-safe.
#ifndef WEIR_BASE_LOG_H_
#define WEIR_BASE_LOG_H_

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace weir {

enum class LogSeverity { kDebug, kInfo, kWarning, kError };

// For flags: "debug", "info", "warning", "error".
bool AbslParseFlag(absl::string_view text, LogSeverity* severity, std::string* error);
std::string AbslUnparseFlag(LogSeverity severity);

// Lines below it are not written, nor is their text put together. kInfo at first.
void SetMinLogSeverity(LogSeverity severity);
bool LogEnabled(LogSeverity severity);

// `key=value` at the end of a line; the value is quoted when it would not read as one word. `key`
// is a literal.
struct LogField {
  LogField(absl::string_view key, const absl::AlphaNum& value) : key(key), value(value.Piece()) {}

  absl::string_view key;
  std::string value;
};

// What a line says, from pieces as absl::StrCat takes them, and fields anywhere among them.
class LogMessage {
 public:
  template <typename... Parts>
  explicit LogMessage(const Parts&... parts) {
    (Add(parts), ...);
  }

  void Add(const absl::AlphaNum& text) { absl::StrAppend(&text_, text); }
  void Add(const LogField& field);

  const std::string& text() const { return text_; }
  const std::string& fields() const { return fields_; }  // Escaped, each with a space before it.

 private:
  std::string text_;
  std::string fields_;
};

// The line as it is written, with its newline: at most kMaxLogLineBytes, PIPE_BUF of Linux. What is
// too long ends with how much is missing; fields stay when the text is cut.
inline constexpr size_t kMaxLogLineBytes = 4096;
std::string FormatLogLine(LogSeverity severity, absl::Time time, absl::string_view file, int line,
                          const LogMessage& message);

void WriteLog(LogSeverity severity, absl::string_view file, int line, const LogMessage& message);

// Lets one event through an interval and counts the others. No locks.
class RepeatLimit {
 public:
  // Whether to report an event at `now`, a time of MonotonicNow, if the last report has to be
  // `interval` ago: nullopt if not, else how many events were left out since then. An event beside
  // a report on another thread may count with the next one.
  std::optional<int64_t> Report(absl::Time now, absl::Duration interval);

 private:
  static constexpr int64_t kNever = INT64_MIN;

  // Each stands for itself and guards nothing else, so relaxed operations are enough.
  std::atomic<int64_t> last_report_ns_ = kNever;
  std::atomic<int64_t> left_out_ = 0;
};

}  // namespace weir

// WEIR_LOG(kInfo, "loaded in ", seconds, " s", LogField("model", name));
#define WEIR_LOG(severity, ...)                                              \
  (::weir::LogEnabled(::weir::LogSeverity::severity)                         \
       ? ::weir::WriteLog(::weir::LogSeverity::severity, __FILE__, __LINE__, \
                          ::weir::LogMessage(__VA_ARGS__))                   \
       : void())

// For what may happen thousands of times a second: at most one line an interval from this place of
// the code, and the next one says in its field left_out how many were not written.
//
// WEIR_LOG_EVERY(kWarning, absl::Seconds(1), "the queue is full", LogField("model", name));
#define WEIR_LOG_EVERY(severity, interval, ...)                                             \
  do {                                                                                      \
    static constinit ::weir::RepeatLimit weir_limit;                                        \
    if (!::weir::LogEnabled(::weir::LogSeverity::severity)) break;                          \
    const auto weir_left_out = weir_limit.Report(::weir::MonotonicNow(), (interval));       \
    if (!weir_left_out.has_value()) break;                                                  \
    ::weir::LogMessage weir_message(__VA_ARGS__);                                           \
    if (*weir_left_out > 0) weir_message.Add(::weir::LogField("left_out", *weir_left_out)); \
    ::weir::WriteLog(::weir::LogSeverity::severity, __FILE__, __LINE__, weir_message);      \
  } while (false)

#endif  // WEIR_BASE_LOG_H_
