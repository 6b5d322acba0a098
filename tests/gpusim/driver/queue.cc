#include "tests/gpusim/driver/queue.h"

#include <unordered_map>
#include <utility>

#include "tests/gpusim/driver/config.h"
#include "tests/gpusim/driver/context.h"

namespace gpusim::driver {

/* The pending work that some tickets need, and who waits for whom. */
struct Queue::Plan {
  std::unordered_map<uint64_t, size_t> waits;
  std::unordered_map<uint64_t, std::vector<uint64_t>> dependents;
  std::vector<uint64_t> ready;

  Plan(const Queue &queue, std::vector<uint64_t> wanted) {
    while (!wanted.empty()) {
      const uint64_t ticket = wanted.back();
      wanted.pop_back();
      const auto item = queue.items_.find(ticket);
      if (item == queue.items_.end() || !waits.emplace(ticket, 0).second) continue;
      size_t count = 0;
      for (const uint64_t before : item->second.after) {
        if (!queue.pending(before)) continue;
        count++;
        dependents[before].push_back(ticket);
        wanted.push_back(before);
      }
      waits[ticket] = count;
      if (count == 0) ready.push_back(ticket);
    }
  }

  uint64_t take() {
    const size_t chosen = next_random() % ready.size();
    std::swap(ready[chosen], ready.back());
    const uint64_t ticket = ready.back();
    ready.pop_back();
    return ticket;
  }

  void done(uint64_t ticket) {
    for (const uint64_t dependent : dependents[ticket]) {
      if (--waits[dependent] == 0) ready.push_back(dependent);
    }
  }
};

Queue &Queue::device() {
  static Queue *const the = new Queue;
  return *the;
}

uint64_t Queue::push(void *context, Work work, std::vector<uint64_t> after) {
  const uint64_t ticket = next_++;
  items_.emplace(ticket, Item{context, std::move(work), std::move(after)});
  return ticket;
}

void Queue::run(uint64_t ticket) {
  const auto found = items_.find(ticket);
  if (found == items_.end()) return;
  const Item item = std::move(found->second);
  items_.erase(found);
  if (auto *context = Handles::all().find<Context>(item.context)) item.work(*context);
}

void Queue::run_all(std::vector<uint64_t> wanted, bool only_one) {
  Plan plan(*this, std::move(wanted));
  while (!plan.ready.empty()) {
    const uint64_t ticket = plan.take();
    run(ticket);
    if (only_one) return;
    plan.done(ticket);
  }
}

void Queue::finish(uint64_t ticket) { run_all({ticket}, false); }

void Queue::advance(uint64_t ticket) { run_all({ticket}, true); }

void Queue::finish_context(const void *context) {
  std::vector<uint64_t> wanted;
  for (const auto &entry : items_) {
    if (entry.second.context == context) wanted.push_back(entry.first);
  }
  run_all(std::move(wanted), false);
}

void Queue::drop(const void *context) {
  for (auto entry = items_.begin(); entry != items_.end();) {
    entry = entry->second.context == context ? items_.erase(entry) : std::next(entry);
  }
}

}  // namespace gpusim::driver
