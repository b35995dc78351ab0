// What a loop lets happen.
#ifndef WEIR_SERVER_HTTP2_EVENT_H_
#define WEIR_SERVER_HTTP2_EVENT_H_

namespace weir {

class Event {
 public:
  virtual ~Event() = default;

  // Returns whether a request was submitted, which the loop shall run. May delete the event.
  virtual bool Happened() = 0;
};

// An event that is a method of its owner, so that one object can await several.
template <typename Owner, bool (Owner::*kMethod)()>
class MethodEvent : public Event {
 public:
  explicit MethodEvent(Owner& owner) : owner_(owner) {}
  bool Happened() override { return (owner_.*kMethod)(); }

 private:
  Owner& owner_;
};

}  // namespace weir

#endif  // WEIR_SERVER_HTTP2_EVENT_H_
