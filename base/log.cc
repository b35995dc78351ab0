#include "base/log.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "base/names.h"

namespace weir {
namespace {

static_assert(kMaxLogLineBytes == PIPE_BUF);

// What the parts of a line may take, so that the others keep their place.
constexpr size_t kMaxValueBytes = 512;
constexpr size_t kMaxFieldsBytes = 2048;
constexpr size_t kMaxMarkBytes = 40;

// Set at the start of the program; a thread that sees it late writes a line more or less.
std::atomic<LogSeverity> min_severity = LogSeverity::kInfo;

absl::string_view Name(LogSeverity severity) {
  switch (severity) {
    case LogSeverity::kDebug:
      return "DEBUG";
    case LogSeverity::kInfo:
      return "INFO";
    case LogSeverity::kWarning:
      return "WARNING";
    case LogSeverity::kError:
      return "ERROR";
  }
  return "ERROR";
}

// The UTF-8 character at the start of `text`, or one byte if there is none.
absl::string_view FirstCharacter(absl::string_view text) {
  for (size_t bytes = 1; bytes <= std::min<size_t>(4, text.size()); ++bytes) {
    if (IsUtf8(text.substr(0, bytes))) return text.substr(0, bytes);
  }
  return text.substr(0, 1);
}

// Characters that do something to a terminal or a reader of lines instead of showing.
bool IsControl(absl::string_view character) {
  if (character.size() == 1) return absl::ascii_iscntrl(character[0]);
  // U+0080 to U+009F; line separators, embeddings and overrides; isolates.
  return (character[0] == '\xc2' && character[1] < '\xa0') ||
         (character >= "\u2028" && character <= "\u202e") ||
         (character >= "\u2066" && character <= "\u2069");
}

void AppendEscaped(absl::string_view character, std::string& line) {
  if (!IsControl(character) && IsUtf8(character)) {
    line.append(character.data(), character.size());
    return;
  }
  for (const char byte : character) {
    absl::StrAppendFormat(&line, "\\x%02x", static_cast<unsigned char>(byte));
  }
}

// What fits into `max_bytes`, then how much did not. Bytes of `special` get a backslash.
std::string Escaped(absl::string_view text, size_t max_bytes, absl::string_view special) {
  std::string escaped;
  // How far the text goes if it has to be cut.
  size_t kept_bytes = 0;
  size_t missing_bytes = text.size();
  while (!text.empty()) {
    const absl::string_view character = FirstCharacter(text);
    if (absl::StrContains(special, character)) escaped.push_back('\\');
    AppendEscaped(character, escaped);
    text.remove_prefix(character.size());
    if (escaped.size() > max_bytes) {
      escaped.resize(kept_bytes);
      absl::StrAppend(&escaped, "...(", missing_bytes, " bytes more)");
      break;
    }
    if (escaped.size() + kMaxMarkBytes <= max_bytes) {
      kept_bytes = escaped.size();
      missing_bytes = text.size();
    }
  }
  return escaped;
}

}  // namespace

bool AbslParseFlag(absl::string_view text, LogSeverity* severity, std::string* error) {
  for (const LogSeverity known :
       {LogSeverity::kDebug, LogSeverity::kInfo, LogSeverity::kWarning, LogSeverity::kError}) {
    if (text != AbslUnparseFlag(known)) continue;
    *severity = known;
    return true;
  }
  *error = "expected debug, info, warning or error";
  return false;
}

std::string AbslUnparseFlag(LogSeverity severity) { return absl::AsciiStrToLower(Name(severity)); }

void SetMinLogSeverity(LogSeverity severity) {
  min_severity.store(severity, std::memory_order_relaxed);
}

bool LogEnabled(LogSeverity severity) {
  return severity >= min_severity.load(std::memory_order_relaxed);
}

void LogMessage::Add(const LogField& field) {
  std::string value = Escaped(field.value, kMaxValueBytes, "\"\\");
  const bool plain =
      value == field.value && !value.empty() && value.find_first_of(" =") == std::string::npos;
  if (!plain) value = absl::StrCat("\"", value, "\"");
  const size_t bytes = fields_.size() + field.key.size() + value.size();
  absl::StrAppend(&fields_, " ", field.key, "=", bytes <= kMaxFieldsBytes ? value : "...");
}

std::string FormatLogLine(LogSeverity severity, absl::Time time, absl::string_view file, int line,
                          const LogMessage& message) {
  std::string text =
      absl::StrCat(absl::FormatTime("%Y-%m-%d%ET%H:%M:%E6SZ", time, absl::UTCTimeZone()), " ",
                   Name(severity), " ", file, ":", line, " ");
  const size_t taken = std::min(text.size() + message.fields().size() + 1, kMaxLogLineBytes);
  absl::StrAppend(&text, Escaped(message.text(), kMaxLogLineBytes - taken, ""), message.fields());
  text.resize(std::min(text.size(), kMaxLogLineBytes - 1));
  text.push_back('\n');
  return text;
}

void WriteLog(LogSeverity severity, absl::string_view file, int line, const LogMessage& message) {
  const std::string text = FormatLogLine(severity, absl::Now(), file, line, message);
  // Nobody is left to tell when stderr is gone.
  while (write(STDERR_FILENO, text.data(), text.size()) < 0 && errno == EINTR) {
  }
}

std::optional<int64_t> RepeatLimit::Report(absl::Time now, absl::Duration interval) {
  int64_t last_ns = last_report_ns_.load(std::memory_order_relaxed);
  const bool due = last_ns == kNever || now - absl::FromUnixNanos(last_ns) >= interval;
  // Of several threads that find a report due, one makes it.
  if (due && last_report_ns_.compare_exchange_strong(last_ns, absl::ToUnixNanos(now),
                                                     std::memory_order_relaxed)) {
    return left_out_.exchange(0, std::memory_order_relaxed);
  }
  left_out_.fetch_add(1, std::memory_order_relaxed);
  return std::nullopt;
}

}  // namespace weir
