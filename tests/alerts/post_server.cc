#include "tests/alerts/post_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>

#include <cstdlib>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace weir {

// libmicrohttpd calls OnRequest once for the head of a request, then for each piece of its body,
// and once more when there is no more; `request` keeps what has come between these calls.
struct PostServer::Callbacks {
  static MHD_Result OnRequest(void* server, MHD_Connection* connection, const char* path,
                              const char* method, const char* /*version*/, const char* piece,
                              size_t* piece_bytes, void** request) {
    if (*request == nullptr) {
      *request = new std::string;
      return MHD_YES;
    }
    auto& body = *static_cast<std::string*>(*request);
    if (*piece_bytes > 0) {
      body.append(piece, *piece_bytes);
      *piece_bytes = 0;
      return MHD_YES;
    }
    const bool is_post = std::strcmp(method, MHD_HTTP_METHOD_POST) == 0;
    const Answer answer = is_post ? static_cast<PostServer*>(server)->handler_(path, body)
                                  : Answer{.code = MHD_HTTP_METHOD_NOT_ALLOWED};
    MHD_Response* response = MHD_create_response_from_buffer(
        answer.json.size(), const_cast<char*>(answer.json.data()), MHD_RESPMEM_MUST_COPY);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
    const MHD_Result queued = MHD_queue_response(connection, answer.code, response);
    MHD_destroy_response(response);
    return queued;
  }

  static void OnEnd(void*, MHD_Connection*, void** request, MHD_RequestTerminationCode) {
    delete static_cast<std::string*>(*request);
  }
};

PostServer::PostServer(Handler handler) : handler_(std::move(handler)) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  daemon_ =
      MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, nullptr, nullptr, &Callbacks::OnRequest,
                       this, MHD_OPTION_SOCK_ADDR, &address, MHD_OPTION_NOTIFY_COMPLETED,
                       &Callbacks::OnEnd, nullptr, MHD_OPTION_END);
  if (daemon_ == nullptr) abort();
  port_ = MHD_get_daemon_info(daemon_, MHD_DAEMON_INFO_BIND_PORT)->port;
}

PostServer::~PostServer() { MHD_stop_daemon(daemon_); }

std::string PostServer::url() const { return absl::StrCat("http://127.0.0.1:", port_); }

}  // namespace weir
