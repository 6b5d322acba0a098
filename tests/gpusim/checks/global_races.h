/* Races on global memory between CTAs of a launch, seen at the granularity of a CTA.
 *
 * Each aligned word of global memory that a kernel touches has a shadow of two writers and two
 * readers. CTAs are ordered only by what one publishes after a fence, with a strong write, and
 * another has seen in a strong read before its fence. All functions are safe from several threads;
 * a write or a strong access is made, together with what is noted of it, while a hold on its
 * addresses lasts, so that notes and memory agree on which came first.
 *
 * Bounded memory: of the shadow at most kBudget bytes are touched in a launch; beyond, words are
 * not tracked (untracked() says how many accesses of words that concerned).
 */
#ifndef GPUSIM_CHECKS_GLOBAL_RACES_H
#define GPUSIM_CHECKS_GLOBAL_RACES_H

#include <atomic>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace gpusim {

/* Fences that each CTA had made when its accesses became known, by CTA. */
using CtaKnowledge = std::unordered_map<uint32_t, uint32_t>;

/* One CTA's place in the order. */
struct CtaOrder {
  uint32_t index = 0;  /* x fastest */
  uint32_t fences = 0; /* so far */
  CtaKnowledge known;
  CtaKnowledge seen; /* by strong reads since the last fence */
};

struct GlobalConflict {
  const char *what = nullptr; /* "written" or "read"; null = none */
  uint32_t cta = 0;           /* by this one */
};

/* Keeps other host threads from the addresses that share its stripes, until it goes. */
class GlobalHold {
 public:
  GlobalHold() = default;
  ~GlobalHold();
  GlobalHold(const GlobalHold &) = delete;
  GlobalHold &operator=(const GlobalHold &) = delete;

  void take(std::atomic<uint64_t> *locked, uint64_t stripes);

 private:
  std::atomic<uint64_t> *locked_ = nullptr;
  uint64_t stripes_ = 0;
};

class GlobalRaces {
 public:
  static constexpr uint64_t kBudget = 384u << 20;

  /* concurrent: CTAs run on several host threads. */
  explicit GlobalRaces(bool concurrent);
  ~GlobalRaces();
  GlobalRaces(const GlobalRaces &) = delete;
  GlobalRaces &operator=(const GlobalRaces &) = delete;

  /* The stripe of an address, as a set; sets of several addresses are joined by |. */
  static uint64_t stripe(uint64_t address) { return uint64_t{1} << (address >> 8 & 63); }
  /* Waits until no other thread holds any of the stripes. One hold at a time for each thread. */
  void hold(uint64_t stripes, GlobalHold *taken);

  /* Lanes of the mask that read `bytes` bytes each, from the lowest on, as long as the CTA has read
   * them before and nobody else has written them; the lanes left. `contiguous`: all 32, side by
   * side. */
  uint32_t read_again(const CtaOrder &cta, const uint64_t *address, uint32_t mask, unsigned bytes,
                      bool contiguous) const;

  /* An access of `bytes` (16 at most, aligned) bytes. */
  GlobalConflict check_read(const CtaOrder &cta, uint64_t address, unsigned bytes, bool strong);
  GlobalConflict check_write(const CtaOrder &cta, uint64_t address, unsigned bytes, bool strong);

  void fence(CtaOrder *cta);
  void strong_write(const CtaOrder &cta, uint64_t address);
  void strong_read(CtaOrder *cta, uint64_t address);

  uint64_t untracked() const { return untracked_.load(std::memory_order_relaxed); }

 private:
  /* Two slots each; a slot names a CTA, the bytes of the word, and when (see the source). */
  struct Word {
    std::atomic<uint64_t> writers;
    std::atomic<uint64_t> readers;
  };

  Word *word(uint64_t address);
  bool has_read(const CtaOrder &cta, uint64_t address, uint64_t bytes) const;

  uint8_t *shadow_ = nullptr;
  std::vector<std::atomic<uint8_t>> touched_; /* chunks of the shadow */
  std::atomic<uint64_t> chunks_{0};
  std::atomic<uint64_t> untracked_{0};
  const bool concurrent_;
  std::atomic<uint64_t> locked_{0}; /* stripes that are held */
  std::mutex mutex_;
  std::unordered_map<uint64_t, CtaKnowledge> flags_; /* what strong writes have published */
};

}  // namespace gpusim

#endif
