#include "server/http2/server_call.h"

#include <algorithm>
#include <utility>

#include "server/http2/server_session.h"

namespace weir {

// ---- In

absl::Time ServerCall::heard() const { return session_->received_; }

void ServerCall::LimitMessages(size_t bytes) {
  max_message_bytes_ = std::min(max_message_bytes_, bytes);
}

bool ServerCall::Resume() {
  paused_ = false;
  if (!open()) return false;
  const std::string held = std::exchange(held_, {});
  session_->partial_bytes_ -= static_cast<int64_t>(held.size());
  bool submitted = false;
  if (!held.empty()) {
    submitted = session_->ReadMessages(*this, held);
    session_->NoteOutput();
  }
  if (open() && held_.empty()) submitted |= session_->TellHalfClose(*this);
  return submitted;
}

// ---- Out

void ServerCall::Send(std::string framed) {
  if (!open() || finished_) return;
  unsent_bytes_ += framed.size();
  unsent_.push_back(std::move(framed));
  if (!begun_) {
    session_->Begin(*this);
  } else if (std::exchange(deferred_, false)) {
    nghttp2_session_resume_data(session_->session_, stream_id_);
  }
  session_->NoteOutput();
}

void ServerCall::Finish(const absl::Status& status) {
  if (!open() || std::exchange(finished_, true)) return;
  status_ = status;
  if (!begun_) {
    session_->SubmitStatus(stream_id_, status_, retry_hint_, /*trailers=*/false);
  } else if (std::exchange(deferred_, false)) {
    nghttp2_session_resume_data(session_->session_, stream_id_);
  }
  session_->NoteOutput();
}

void ServerCall::PopUnsent() {
  std::string().swap(unsent_[first_unsent_++]);
  first_sent_bytes_ = 0;
  // Seldom, so that it costs little; mostly there is one message, or few.
  constexpr size_t kMaxGaps = 64;
  if (first_unsent_ < unsent_.size() && first_unsent_ < kMaxGaps) return;
  unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<ptrdiff_t>(first_unsent_));
  first_unsent_ = 0;
}

}  // namespace weir
