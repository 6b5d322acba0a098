/* Work that was queued and is done as late as possible.
 *
 * Everything that a stream is given gets a ticket and the tickets that it has to wait for: of the
 * work before it in its stream, of the default stream, of events. Nothing runs until somebody waits
 * for it; then it runs with what it depends on, in seeded random order, and nothing else does. A
 * missing synchronisation thus shows as stale data.
 */
#ifndef GPUSIM_DRIVER_QUEUE_H
#define GPUSIM_DRIVER_QUEUE_H

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

namespace gpusim::driver {

struct Context;

/* One thing that the device does. A failure is given to the context. */
using Work = std::function<void(Context &)>;

class Queue {
 public:
  static Queue &device();

  uint64_t push(void *context, Work work, std::vector<uint64_t> after);
  bool pending(uint64_t ticket) const { return items_.count(ticket) != 0; }

  void finish(uint64_t ticket);
  void finish_context(const void *context);
  /* Runs one piece of what has to be done for the ticket. */
  void advance(uint64_t ticket);
  void drop(const void *context);

 private:
  struct Item {
    void *context;
    Work work;
    std::vector<uint64_t> after;
  };
  struct Plan;

  void run_all(std::vector<uint64_t> wanted, bool only_one);
  void run(uint64_t ticket);

  std::map<uint64_t, Item> items_;
  uint64_t next_ = 1;
};

}  // namespace gpusim::driver

#endif
