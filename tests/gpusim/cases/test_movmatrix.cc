/* movmatrix: lane 4g + t holds row g, columns 2t and 2t + 1, before and after. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/instruction_case.h"

using namespace gpusim::cases;

namespace {

uint64_t element(const std::vector<Row> &rows, unsigned row, unsigned column) {
  return rows[4 * row + column / 2].in[0] >> 16 * (column % 2) & 0xffff;
}

}  // namespace

Test(movmatrix, transposes) {
  std::vector<Row> rows(32);
  for (unsigned lane = 0; lane < 32; lane++) {
    rows[lane].in = {uint64_t{2 * lane + 1} << 16 | (2 * lane)};
  }
  for (unsigned lane = 0; lane < 32; lane++) {
    const unsigned row = lane / 4;
    const unsigned column = lane % 4 * 2;
    rows[lane].out = {element(rows, column, row) | element(rows, column + 1, row) << 16};
    rows[lane].in_undefined = {0};
    rows[lane].out_undefined = {0};
  }
  /* Element (2, 5) goes to (5, 2): lane 10's high half to lane 21's low one. */
  rows[10].in_undefined = {0xffff0000};
  rows[21].out_undefined = {0x0000ffff};
  InstructionCase test = {"movmatrix.sync.aligned.m8n8.trans.b16 %d, %a;",
                          {{"%d", "b32"}},
                          {{"%a", "b32"}},
                          {0xffffffff}};
  expect_rows(test, rows);
  test.text = "movmatrix.sync.aligned.m8n8.trans.b16 %a, %a;";
  test.outputs = {{"%a", "b32"}};
  expect_rows(test, rows);
}
