// Who goes first where threads share a processor.
#ifndef WEIR_BENCH_PRECEDENCE_H_
#define WEIR_BENCH_PRECEDENCE_H_

namespace weir {

// While it lives, this thread, and what it starts, goes before others that want a processor, if the
// system allows it: to root, and to whoever has CAP_SYS_NICE.
//
// For a client on the same processors as the server that it measures: left waiting behind the
// threads that wait for its requests, it would measure the system's turns, not the server.
class Precedence {
 public:
  // By how much its niceness falls: by default so much that it goes before a thread that has had
  // its share, not so much that the server's threads are held up by a client that computes.
  explicit Precedence(int less_nice = 5);
  ~Precedence();
  Precedence(const Precedence&) = delete;
  Precedence& operator=(const Precedence&) = delete;

  // The niceness of this thread now; less goes first.
  int niceness() const { return niceness_; }

 private:
  const int before_;
  int niceness_;
};

}  // namespace weir

#endif  // WEIR_BENCH_PRECEDENCE_H_
