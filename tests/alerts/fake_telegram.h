// Stands in for Telegram's Bot API, for one bot and one chat.
#ifndef WEIR_TESTS_ALERTS_FAKE_TELEGRAM_H_
#define WEIR_TESTS_ALERTS_FAKE_TELEGRAM_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "tests/alerts/post_server.h"

namespace weir {

// Takes messages as Telegram does, and refuses what Telegram refuses: another token or chat, no
// text, more than 4096 characters, and markup that does not parse. Thread-safe.
class FakeTelegram {
 public:
  static constexpr char kToken[] = "424242:AAF-weir_test-token";
  static constexpr char kChat[] = "-1001234";

  struct Message {
    std::string text;
    bool silent = false;
    absl::Time came;
  };

  FakeTelegram() : server_([this](auto&... request) { return OnPost(request...); }) {}

  // For Alertmanager's api_url.
  std::string url() const { return server_.url(); }

  // All that came, in this order.
  std::vector<Message> messages() const ABSL_LOCKS_EXCLUDED(mu_);

  // How many came.
  size_t count() const ABSL_LOCKS_EXCLUDED(mu_);

  // Waits until `met` holds for one of the messages behind the first `skipped`. Whether one came.
  bool Await(const std::function<bool(const Message&)>& met, absl::Duration timeout,
             size_t skipped = 0) const ABSL_LOCKS_EXCLUDED(mu_);

  // Why requests were refused, in Telegram's words.
  std::vector<std::string> refusals() const ABSL_LOCKS_EXCLUDED(mu_);

 private:
  PostServer::Answer OnPost(const std::string& path, const std::string& body)
      ABSL_LOCKS_EXCLUDED(mu_);

  mutable absl::Mutex mu_;
  std::vector<Message> messages_ ABSL_GUARDED_BY(mu_);
  std::vector<std::string> refusals_ ABSL_GUARDED_BY(mu_);

  PostServer server_;  // The last: it calls OnPost until it has ended.
};

// The number of characters of UTF-8 text, as Telegram counts them.
int CountCharacters(absl::string_view text);

}  // namespace weir

#endif  // WEIR_TESTS_ALERTS_FAKE_TELEGRAM_H_
