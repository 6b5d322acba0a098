#include "tests/gpusim/exec/launch.h"

#include <algorithm>
#include <deque>
#include <numeric>
#include <optional>
#include <thread>

#include "tests/gpusim/checks/global_races.h"
#include "tests/gpusim/counters/counters.h"
#include "tests/gpusim/exec/fault_report.h"
#include "tests/gpusim/exec/loaded_module.h"
#include "tests/gpusim/exec/resident.h"
#include "tests/gpusim/memory/state.h"
#include "tests/gpusim/tensor/tile.h"

namespace gpusim {
namespace {

/* A CTA that has executed so much may wait for another one: those then run in turn. */
constexpr uint64_t kQuantum = 1u << 17;
/* Of all CTAs that run in turn. */
constexpr uint64_t kResidentBytes = 192u << 20;
constexpr uint64_t kMostResident = 4096;

/* The order of the CTAs: a permutation i -> (i * step + start) mod count; the identity for seed 0.
 */
class Order {
 public:
  Order(uint64_t count, uint64_t grid, uint64_t seed) : count_(count), grid_(grid) {
    if (seed == 0 || count < 2) return;
    Random random(seed);
    start_ = random.next() % count;
    do {
      step_ = random.next() % count;
    } while (std::gcd(step_, count) != 1);
  }

  /* Index of the i-th CTA. A sample has one CTA of each of `count` equal stretches of the grid, at
   * another place in each: equal steps could meet one column of a grid only. */
  uint64_t operator()(uint64_t i) const {
    const auto place =
        static_cast<uint64_t>((static_cast<unsigned __int128>(i) * step_ + start_) % count_);
    const uint64_t first = part(place), stretch = part(place + 1) - first;
    return first +
           static_cast<uint64_t>((static_cast<unsigned __int128>(place * kGolden) * stretch) >> 64);
  }

 private:
  /* 2^64 divided by the golden ratio: multiples of it are spread evenly modulo 2^64. */
  static constexpr uint64_t kGolden = 0x9e3779b97f4a7c15;

  uint64_t part(uint64_t i) const {
    return static_cast<uint64_t>(static_cast<unsigned __int128>(i) * grid_ / count_);
  }

  uint64_t count_, grid_;
  uint64_t start_ = 0, step_ = 1;
};

struct Shared {
  Launch *launch;
  LaunchMemory *memory;
  Order order;
  uint64_t count;
  uint64_t most_resident; /* of one worker */
  std::atomic<uint64_t> next{0};
};

/* One host thread. */
class Worker {
 public:
  explicit Worker(Shared *shared) : shared_(*shared) {
    for (const Code &code : shared_.launch->request->module->codes) {
      tally_.executions.emplace_back(code.instructions.size());
    }
  }

  void run() {
    while (!shared_.launch->stop.load(std::memory_order_relaxed)) {
      std::unique_ptr<ResidentCta> resident = next();
      if (resident == nullptr) break;
      const CtaEnd end = resident->run(kQuantum);
      if (end == CtaEnd::parked) {
        parked_.push_back(std::move(resident));
      } else {
        retire(std::move(resident));
      }
    }
    while (!parked_.empty()) {
      retire(std::move(parked_.front()));
      parked_.pop_front();
    }
  }

  const Tally &tally() const { return tally_; }
  const MemoryCounters &memory_counters() const { return memory_counters_; }

 private:
  /* A new CTA while there is room, or else the one that has waited longest. */
  std::unique_ptr<ResidentCta> next() {
    std::unique_ptr<ResidentCta> resident;
    if (parked_.size() < shared_.most_resident) {
      const uint64_t i = shared_.next.fetch_add(1);
      if (i < shared_.count) {
        if (!free_.empty()) {
          resident = std::move(free_.back());
          free_.pop_back();
        } else {
          resident = std::make_unique<ResidentCta>(shared_.launch, &tally_);
        }
        resident->begin(shared_.order(i));
        shared_.memory->begin(&resident->cta());
        return resident;
      }
    }
    if (parked_.empty()) return nullptr;
    resident = std::move(parked_.front());
    parked_.pop_front();
    return resident;
  }

  void retire(std::unique_ptr<ResidentCta> resident) {
    shared_.memory->end(&resident->cta(), &memory_counters_);
    free_.push_back(std::move(resident));
  }

  Shared &shared_;
  Tally tally_;
  MemoryCounters memory_counters_;
  std::deque<std::unique_ptr<ResidentCta>> parked_;
  std::vector<std::unique_ptr<ResidentCta>> free_;
};

uint64_t bytes_of_cta(const LaunchRequest &request) {
  const uint64_t threads = uint64_t{request.block[0]} * request.block[1] * request.block[2];
  const uint64_t warps = (threads + kLanes - 1) / kLanes;
  const Code &entry = *request.entry;
  return 2 * (uint64_t{entry.shared_bytes} + request.dynamic_shared_bytes) +
         warps * 2 * (uint64_t{entry.register_bytes} + uint64_t{entry.local_bytes} * kLanes) + 8192;
}

uint64_t scaled(uint64_t value, const Counters &counters) {
  return static_cast<uint64_t>(static_cast<unsigned __int128>(value) * counters.ctas /
                               counters.executed_ctas);
}

void scale(MemoryCounters *memory, const Counters &counters) {
#define GPUSIM_MEMORY_COUNTER(name) memory->name = scaled(memory->name, counters);
#include "tests/gpusim/counters/memory.inc"
#undef GPUSIM_MEMORY_COUNTER
}

void add_up(const LaunchRequest &request, const std::vector<std::unique_ptr<Worker>> &workers,
            Counters *counters) {
  for (const Code &code : request.module->codes) {
    for (size_t pc = 0; pc < code.instructions.size(); pc++) {
      ExecutionCount sum;
      for (const std::unique_ptr<Worker> &worker : workers) {
        const ExecutionCount &count = worker->tally().executions[code.number][pc];
        sum.warps += count.warps;
        sum.lanes += count.lanes;
      }
      if (sum.warps == 0) continue;
      sum.warps = scaled(sum.warps, *counters);
      sum.lanes = scaled(sum.lanes, *counters);
      const Instruction &instruction = code.instructions[pc];
      counters->instructions.push_back({&instruction, sum});
      counters->warp_instructions += sum.warps;
      counters->thread_instructions += sum.lanes;
      counters->by_class[static_cast<unsigned>(instruction.instruction_class)] += sum.warps;
      if (instruction.instruction_class == InstructionClass::tensor) {
        counters->tensor[tensor::tile_of(instruction).kind] += sum.warps;
      }
    }
  }
  uint64_t divergent = 0;
  for (const std::unique_ptr<Worker> &worker : workers) {
    divergent += worker->tally().divergent_branches;
    counters->memory.add(worker->memory_counters());
  }
  counters->divergent_branches = scaled(divergent, *counters);
  scale(&counters->memory, *counters);
}

void run_workers(const std::vector<std::unique_ptr<Worker>> &workers) {
  std::vector<std::thread> threads;
  for (size_t i = 1; i < workers.size(); i++) {
    threads.emplace_back([&workers, i] { workers[i]->run(); });
  }
  workers[0]->run();
  for (std::thread &thread : threads) thread.join();
}

}  // namespace

bool launch(const LaunchRequest &request, Counters *counters, Fault *fault) {
  const Code &entry = *request.entry;
  Launch state;
  state.request = &request;
  state.checked = request.config.checks == GPUSIM_CHECKS_ALL;
  if (!entry.unsupported.empty()) {
    fault->kind = FaultKind::illegal_instruction;
    fault->detail = entry.unsupported;
    locate_fault(request, entry.first_unsupported, fault);
    return false;
  }
  const uint64_t grid = uint64_t{request.grid[0]} * request.grid[1] * request.grid[2];
  const uint64_t sample = request.config.sample;
  const uint64_t count = sample != 0 && sample < grid ? sample : grid;
  if (count == 0) return true;
  LaunchMemory memory(request);
  uint64_t threads = request.config.threads;
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  threads = std::min<uint64_t>({threads, count, 256});
  std::optional<GlobalRaces> global_races;
  if (state.checked && count > 1) state.global_races = &global_races.emplace(threads > 1);
  const uint64_t together = request.grid_workspace != 0 ? count : 0; /* they wait for each other */
  const uint64_t resident = kResidentBytes / bytes_of_cta(request) / threads;
  Shared shared{&state, &memory, Order(count, grid, request.config.seed), count,
                std::max(std::clamp<uint64_t>(resident, 2, kMostResident), together)};
  std::vector<std::unique_ptr<Worker>> workers;
  for (uint64_t i = 0; i < threads; i++) workers.push_back(std::make_unique<Worker>(&shared));
  run_workers(workers);
  if (counters != nullptr) {
    counters->ctas = grid;
    counters->executed_ctas = count;
    add_up(request, workers, counters);
    counters->unique_global_sectors = memory.unique_sectors();
    if (global_races) counters->unwatched_for_races = global_races->untracked();
  }
  if (state.fault.kind != FaultKind::none) {
    *fault = state.fault;
    return false;
  }
  return memory.finish(fault);
}

}  // namespace gpusim
