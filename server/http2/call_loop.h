// The connections of a server and the threads that poll them. They carry requests from the wire to
// the executor and run the batches of inline models themselves: run to completion.
#ifndef WEIR_SERVER_HTTP2_CALL_LOOP_H_
#define WEIR_SERVER_HTTP2_CALL_LOOP_H_

#include <sys/epoll.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "server/http2/event.h"
#include "server/http2/event_inbox.h"
#include "server/http2/listener.h"
#include "server/http2/server_connection.h"
#include "server/http2/server_session.h"
#include "server/http2/turn.h"

namespace weir {

// One of the threads at a time has the *turn*: it alone uses connections and calls, and lets events
// happen, so that these need no locks. Round by round it writes what is answered, reads some of
// what has come, begins what was deferred, and runs a part of what is submitted. Where the last two
// take long, another thread has the turn meanwhile; where nothing is to be done, one sleeps until
// something comes.
class CallLoop {
 public:
  struct Options {
    std::string host = "127.0.0.1";
    int port = 0;  // 0: any free one.
    size_t max_message_bytes = 8 << 20;
    int64_t max_partial_bytes = int64_t{1} << 30;  // See ServerSession.
  };

  // Held by each call, from its beginning to its end: the loop goes on until all are over. Made and
  // destroyed by whoever has the turn.
  class Ticket {
   public:
    explicit Ticket(CallLoop& loop) : loop_(loop) {
      ++loop_.tickets_;
      ++loop_.calls_of_round_;
    }
    Ticket(const Ticket&) = delete;
    Ticket& operator=(const Ticket&) = delete;
    ~Ticket() { --loop_.tickets_; }

   private:
    CallLoop& loop_;
  };

  // While it lives, each of the threads has processors of its own, if there are enough of them and
  // nobody has placed the threads. The system takes a processor that does something unimportant for
  // one that is busy, and leaves two threads on another one for milliseconds; a thread that has to
  // stay there pushes the unimportant aside. At other times threads had better go where there is
  // room. What a thread starts meanwhile stays where it is now. One at a time; thread-safe.
  class Apart {
   public:
    explicit Apart(CallLoop& loop);
    Apart(const Apart&) = delete;
    Apart& operator=(const Apart&) = delete;
    ~Apart();

   private:
    CallLoop& loop_;
    std::vector<int> processors_;  // Of each thread before; empty if nothing was changed.
  };

  // An event at some time, unless it is destroyed before. For whoever has the turn.
  class Timer {
   public:
    Timer(CallLoop& loop, absl::Time time, Event& event);
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;
    ~Timer();

    bool over() const { return over_; }  // The event happens, or has happened.

   private:
    friend class CallLoop;

    CallLoop& loop_;
    Event& event_;
    bool over_ = false;
    std::multimap<absl::Time, Timer*>::iterator position_;
  };

  // Makes a call of the method at a path; null if there is none.
  using MakeCall = std::function<ServerCall*(absl::string_view path)>;

  // Runs a part of what was submitted; false if there is nothing to run. Calls `before_long_work`
  // before it begins something that takes long.
  using RunSubmitted = std::function<bool(absl::FunctionRef<void()> before_long_work)>;

  // Listens; clients wait until Start. UNAVAILABLE if the address cannot be had.
  static absl::StatusOr<std::unique_ptr<CallLoop>> Listen(const Options& options);
  ~CallLoop();  // Shutdown

  int port() const { return listener_->port(); }

  // Starts so many threads.
  void Start(int threads, MakeCall make_call, const RunSubmitted& run_submitted)
      ABSL_LOCKS_EXCLUDED(threads_mu_);

  // Lets `event` happen soon; once, until then it has to live. From any thread, before Shutdown has
  // returned.
  void Post(Event& event);

  // Lets `event` happen soon, on this thread, which has the turn now and may not have it then: what
  // it does needs nothing of the loop's but Post, and takes long enough to be done beside it. What
  // was submitted is run afterwards, whatever it returns.
  void Defer(Event& event) { deferred_.push_back(&event); }

  // Takes no more connections nor calls, and ends those that are open with UNAVAILABLE. Returns
  // when all tickets are given back, every client has been told, or does not want to hear it within
  // a second, and the threads have ended.
  void Shutdown() ABSL_LOCKS_EXCLUDED(threads_mu_);

 private:
  CallLoop(const Options& options, std::unique_ptr<Listener> listener);

  void Run(const RunSubmitted& run_submitted);
  void RunDeferred(absl::FunctionRef<void()> before_long_work);

  // What takes the turn, or gives it away for a while, returns false if all is over.
  bool TakeTurn();
  bool TryTakeTurn();
  void GiveTurn();
  bool Poll();
  bool HasNothingToDo();
  bool Sleep(absl::Span<epoll_event> ready, int& count);
  void OnReady(void* ready);
  void RunTimers();
  void TakePosted();
  void HandOver();
  void WriteAll();

  void Accept(int listening_fd);
  bool ReadsOn() const;
  void Read(ServerConnection& connection);
  void Write(ServerConnection& connection);
  void Remove(ServerConnection& connection);
  void WatchListener(bool watch);
  void Watch(int operation, int fd, const void* ready, uint32_t events) const;

  bool OnShutdown();
  bool OnLingered();
  bool OnRoom();
  bool OnSweep();
  bool IsOver() const;

  ServerSession::Options session_options_;
  const std::unique_ptr<Listener> listener_;
  const int epoll_fd_;
  absl::Mutex threads_mu_;
  std::vector<std::thread> threads_ ABSL_GUARDED_BY(threads_mu_);

  EventInbox inbox_;  // Of threads that are not the loop's, or have no turn.
  Turn turn_;

  // What follows is for whoever has the turn.
  bool submitted_ = false;  // There may be something to run.
  std::map<ServerConnection*, std::unique_ptr<ServerConnection>> connections_;
  std::vector<ServerConnection*> dirty_;  // These may have something to write.
  std::vector<Event*> posted_here_;       // By the thread that has the turn.
  std::vector<Event*> deferred_;          // Likewise.
  std::vector<char> buffer_;
  std::minstd_rand random_;
  size_t calls_of_round_ = 0;  // That have begun.
  std::multimap<absl::Time, Timer*> timers_;
  absl::Time sleeps_until_;  // The thread that watches, unless it is woken.
  int64_t partial_bytes_ = 0;
  int64_t tickets_ = 0;
  bool shutting_down_ = false;
  MethodEvent<CallLoop, &CallLoop::OnShutdown> on_shutdown_{*this};
  MethodEvent<CallLoop, &CallLoop::OnLingered> on_lingered_{*this};
  MethodEvent<CallLoop, &CallLoop::OnRoom> on_room_{*this};
  MethodEvent<CallLoop, &CallLoop::OnSweep> on_sweep_{*this};
  std::unique_ptr<Timer> linger_;
  std::unique_ptr<Timer> wait_for_room_;
  std::unique_ptr<Timer> sweep_;
};

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_CALL_LOOP_H_
