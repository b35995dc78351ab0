// A doubly linked list through its elements: adding and taking out cost a few stores and no memory.
#ifndef WEIR_BASE_INTRUSIVE_LIST_H_
#define WEIR_BASE_INTRUSIVE_LIST_H_

namespace weir {

// What an element derives from, once for each list in which it may be at a time. The tag tells them
// apart.
template <typename Tag>
class ListLink {
 public:
  ListLink() = default;
  ListLink(const ListLink&) = delete;
  ListLink& operator=(const ListLink&) = delete;

  bool linked() const { return next_ != nullptr; }

  // Takes the element out of its list, if it is in one.
  void Unlink() {
    if (!linked()) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    prev_ = next_ = nullptr;
  }

 private:
  template <typename T, typename U>
  friend class IntrusiveList;

  ListLink* prev_ = nullptr;
  ListLink* next_ = nullptr;
};

// Elements belong to others, and are taken out before they end.
template <typename T, typename Tag>
class IntrusiveList {
 public:
  IntrusiveList() { head_.prev_ = head_.next_ = &head_; }

  bool empty() const { return head_.next_ == &head_; }
  T* front() const { return empty() ? nullptr : static_cast<T*>(head_.next_); }

  T* back() const { return empty() ? nullptr : static_cast<T*>(head_.prev_); }

  // Of an element of this list; nullptr behind the last.
  T* next(const T& element) const {
    ListLink<Tag>* const next = static_cast<const ListLink<Tag>&>(element).next_;
    return next == &head_ ? nullptr : static_cast<T*>(next);
  }

  // Of an element of this list; nullptr before the first.
  T* previous(const T& element) const {
    ListLink<Tag>* const previous = static_cast<const ListLink<Tag>&>(element).prev_;
    return previous == &head_ ? nullptr : static_cast<T*>(previous);
  }

  // `element` is taken out of the list in which it is.
  void push_back(T& element) {
    static_cast<ListLink<Tag>&>(element).Unlink();
    insert_after(back(), element);
  }

  // The same, behind `before` instead, which is another one; in front of all if it is null.
  void insert_after(T* before, T& element) {
    ListLink<Tag>& link = element;
    link.Unlink();
    ListLink<Tag>& previous = before == nullptr ? head_ : *before;
    link.prev_ = &previous;
    link.next_ = previous.next_;
    previous.next_->prev_ = &link;
    previous.next_ = &link;
  }

 private:
  ListLink<Tag> head_;
};

}  // namespace weir

#endif  // WEIR_BASE_INTRUSIVE_LIST_H_
