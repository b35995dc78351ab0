#include "tests/alerts/fake_telegram.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "tests/faults/json.h"

namespace weir {
namespace {

constexpr int kMaxCharacters = 4096;

std::string Text(const google::protobuf::Value& message, const std::string& name) {
  return JsonField(message, name).string_value();
}

// Whether a text in one of Telegram's markup languages would be taken. Only what plain text holds
// without being meant as markup is looked for.
bool Parses(absl::string_view text, absl::string_view parse_mode) {
  if (parse_mode.empty()) return true;
  return text.find_first_of(parse_mode == "HTML" ? "<>&" : "_*[`") == absl::string_view::npos;
}

// The error's code and Telegram's words; 200 if it is taken.
std::pair<int, std::string> Check(const std::string& path, const google::protobuf::Value& message) {
  if (path != absl::StrCat("/bot", FakeTelegram::kToken, "/sendMessage")) {
    return {401, "Unauthorized"};
  }
  if (Text(message, "chat_id") != FakeTelegram::kChat) return {400, "Bad Request: chat not found"};
  const std::string text = Text(message, "text");
  if (text.empty()) return {400, "Bad Request: message text is empty"};
  if (CountCharacters(text) > kMaxCharacters) return {400, "Bad Request: message is too long"};
  if (!Parses(text, Text(message, "parse_mode"))) {
    return {400, "Bad Request: can't parse entities"};
  }
  return {200, ""};
}

}  // namespace

std::vector<FakeTelegram::Message> FakeTelegram::messages() const {
  absl::MutexLock lock(&mu_);
  return messages_;
}

size_t FakeTelegram::count() const {
  absl::MutexLock lock(&mu_);
  return messages_.size();
}

std::vector<std::string> FakeTelegram::refusals() const {
  absl::MutexLock lock(&mu_);
  return refusals_;
}

bool FakeTelegram::Await(const std::function<bool(const Message&)>& met, absl::Duration timeout,
                         size_t skipped) const {
  const auto came = [&]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    for (; skipped < messages_.size(); ++skipped) {
      if (met(messages_[skipped])) return true;
    }
    return false;
  };
  absl::MutexLock lock(&mu_);
  return mu_.AwaitWithTimeout(absl::Condition(&came), timeout);
}

PostServer::Answer FakeTelegram::OnPost(const std::string& path, const std::string& body) {
  const auto message = ParseJson(body);
  const auto [code, refusal] =
      message.ok() ? Check(path, *message) : std::make_pair(400, message.status().ToString());
  absl::MutexLock lock(&mu_);
  if (code != 200) {
    refusals_.push_back(refusal);
    return {code, absl::StrCat(R"({"ok":false,"error_code":)", code, R"(,"description":")", refusal,
                               "\"}")};
  }
  messages_.push_back({.text = Text(*message, "text"),
                       .silent = Text(*message, "disable_notification") == "true",
                       .came = absl::Now()});
  return {200, absl::StrCat(R"({"ok":true,"result":{"message_id":)", messages_.size(),
                            R"(,"date":0,"chat":{"id":)", kChat, R"(,"type":"group"}}})")};
}

int CountCharacters(absl::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

}  // namespace weir
