// Takes what is posted to it, as the services do to which alerts are sent.
#ifndef WEIR_TESTS_ALERTS_POST_SERVER_H_
#define WEIR_TESTS_ALERTS_POST_SERVER_H_

#include <functional>
#include <memory>
#include <string>

struct MHD_Daemon;

namespace weir {

// On a free port of 127.0.0.1, until it is destroyed.
class PostServer {
 public:
  struct Answer {
    int code = 200;
    std::string json = "{}";
  };
  // Called on a thread of the server's, for one request after the other.
  using Handler = std::function<Answer(const std::string& path, const std::string& body)>;

  explicit PostServer(Handler handler);
  ~PostServer();  // Waits for a handler that runs.
  PostServer(const PostServer&) = delete;
  PostServer& operator=(const PostServer&) = delete;

  int port() const { return port_; }
  std::string url() const;  // "http://127.0.0.1:31234"

 private:
  struct Callbacks;

  const Handler handler_;
  MHD_Daemon* daemon_ = nullptr;
  int port_ = 0;
};

}  // namespace weir

#endif  // WEIR_TESTS_ALERTS_POST_SERVER_H_
