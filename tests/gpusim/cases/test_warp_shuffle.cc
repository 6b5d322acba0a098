/* shfl.sync against the ISA's description of source lanes. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/instruction_case.h"
#include "tests/gpusim/cases/kernel_run.h"

using namespace gpusim;
using namespace gpusim::cases;

namespace {

constexpr uint32_t kAll = 0xffffffff;
const std::vector<const char *> kModes = {"up", "down", "bfly", "idx"};

/* The lane that `lane` reads; its own, and in_range false, where the ISA says so. */
unsigned source_lane(const std::string &mode, unsigned lane, uint64_t b, uint64_t c,
                     bool *in_range) {
  const int bval = b & 31, cval = c & 31, segment = c >> 8 & 31, self = static_cast<int>(lane);
  const int last = (self & segment) | (cval & (31 ^ segment));
  const int first = self & segment;
  int from = 0;
  if (mode == "up") from = self - bval;
  if (mode == "down") from = self + bval;
  if (mode == "bfly") from = self ^ bval;
  if (mode == "idx") from = first | (bval & (31 ^ segment));
  *in_range = mode == "up" ? from >= last : from <= last;
  return static_cast<unsigned>(*in_range ? from : self);
}

uint64_t value_of(size_t row) { return 0x01000193 * row + 77; }

/* Distances and lanes; clamps as __shfl_*_sync makes them for widths 32, 16, 8, 4, 2, 1, and two
 * that it never makes. */
const Values kDistances = {0, 1, 2, 5, 15, 16, 31, 32, 33};
const Values kClamps = {0x1f, 0x101f, 0x181f, 0x1c1f, 0x1e1f, 0x1f1f, 0, 0x1000, 0x1800, 0x0503};

std::vector<Row> rows_of(const std::string &mode, bool differing) {
  std::vector<Row> rows;
  for (const uint64_t distance : kDistances) {
    for (const uint64_t clamp : kClamps) {
      const size_t first = rows.size();
      for (unsigned lane = 0; lane < 32; lane++) {
        const uint64_t b = differing ? distance + 7 * lane : distance;
        bool in_range;
        const unsigned from = source_lane(mode, lane, b, clamp, &in_range);
        rows.push_back({{value_of(rows.size()), b, clamp}, {value_of(first + from), in_range}});
      }
    }
  }
  return rows;
}

const std::vector<Slot> kOutputs = {{"%d", "b32"}, {"%p", "pred"}};
const std::vector<Slot> kInputs = {{"%a", "b32"}, {"%b", "b32"}, {"%c", "b32"}};

}  // namespace

Test(shfl, all_modes) {
  for (const char *mode : kModes) {
    for (const bool differing : {false, true}) {
      expect_rows({std::string("shfl.sync.") + mode + ".b32 %d|%p, %a, %b, %c, 0xffffffff;",
                   kOutputs,
                   kInputs,
                   {kAll}},
                  rows_of(mode, differing));
    }
  }
}

Test(shfl, without_predicate) {
  std::vector<Row> rows = rows_of("bfly", false);
  for (Row &row : rows) row.out.resize(1);
  expect_rows({"shfl.sync.bfly.b32 %d, %a, %b, %c, -1;", {kOutputs[0]}, kInputs, {kAll}}, rows);
}

Test(shfl, in_place) {
  std::vector<Row> rows = rows_of("idx", true);
  for (Row &row : rows) row.out.resize(1);
  expect_rows({"shfl.sync.idx.b32 %a, %a, %b, %c, -1;", {{"%a", "b32"}}, kInputs, {kAll}}, rows);
}

/* The value of a lane outside of the group is undefined; that of another lane is not. */
Test(shfl, absent_source) {
  std::vector<Row> rows;
  for (uint64_t lane = 0; lane < 32; lane++) {
    const uint64_t from = lane ^ 1;
    Row row{{value_of(lane), 1, 0x1f}, {value_of(from), 1}};
    if (from >= 17) row.out_undefined = Values{kAll, 0};
    rows.push_back(row);
  }
  const uint32_t members = 0x0001ffff;
  const Accept defined_only = [](const Row &row, const Values &actual) {
    return !row.out_undefined.empty() ||
           (actual[0] == (row.out[0] & kAll) && actual[1] == row.out[1]);
  };
  expect_rows({"shfl.sync.bfly.b32 %d|%p, %a, %b, %c, 0x1ffff;", kOutputs, kInputs, {members}},
              rows, defined_only);
}

Test(shfl, undefined_data_moves) {
  std::vector<Row> rows;
  for (uint64_t i = 0; i < 96; i++) {
    const uint64_t lane = i % 32, from = lane < 31 ? i + 1 : i;
    Row row{{value_of(i), 1, 0x1f}, {value_of(from), lane < 31}};
    if (i % 32 == 5) row.in_undefined = Values{0xff00, 0, 0};
    if (from % 32 == 5) row.out_undefined = Values{0xff00, 0};
    if (i % 32 == 20) row.in_undefined = Values{0, 0xff, 0};
    if (i % 32 == 20) row.out_undefined = Values{kAll, 1};
    if (i % 32 == 22) row.in_undefined = Values{0, 0, 0xff00};
    if (i % 32 == 22) row.out_undefined = Values{kAll, 1};
    rows.push_back(row);
  }
  expect_rows({"shfl.sync.down.b32 %d|%p, %a, %b, %c, 0xffffffff;", kOutputs, kInputs, {kAll}},
              rows);
}

Test(shfl, undefined_member_mask) {
  const std::string text = ptx_head() +
                           ".visible .entry k() {\n .reg .b32 %d, %m;\n"
                           "shfl.sync.idx.b32 %d, 1, 0, 0x1f, %m;\n ret;\n}\n";
  KernelRun run;
  run.ptx = text;
  const Fault fault = expect_fault(run, FaultKind::undefined);
  cr_expect(fault.instruction.find("shfl") != std::string::npos, "%s", fault.instruction.c_str());
}

Test(shfl, lane_outside_of_its_mask) {
  const std::string text = ptx_head() +
                           ".visible .entry k() {\n .reg .b32 %d;\n"
                           "shfl.sync.idx.b32 %d, 1, 0, 0x1f, 0x7fffffff;\n ret;\n}\n";
  KernelRun run;
  run.ptx = text;
  const Fault fault = expect_fault(run, FaultKind::divergent_sync);
  cr_expect(fault.lane == 31, "lane %d", fault.lane);
}
