/* Tests of single instructions: give the PTX text, the registers it names, and for every row of
 * input lanes the expected outputs.
 *
 *   expect_each({"add.s32 %d, %a, %b;", {{"%d", "s32"}}, {{"%a", "s32"}, {"%b", "s32"}}},
 *               product({edges(32), edges(32)}),
 *               [](const Values &in) { return Values{uint32_t(in[0] + in[1])}; });
 *
 * Each 32 rows are one warp. Everything runs checked and fast, with all lanes and with some: lanes
 * left out must keep the old value. Inputs are loaded from global memory, outputs stored to it.
 */
#ifndef GPUSIM_CASES_INSTRUCTION_CASE_H
#define GPUSIM_CASES_INSTRUCTION_CASE_H

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace gpusim::cases {

using Values = std::vector<uint64_t>;

/* A register of up to 8 bytes, or a predicate ("pred", values 0 and 1). */
struct Slot {
  std::string name; /* "%a" */
  std::string type; /* "f16", "b32", "pred" */
};

struct InstructionCase {
  std::string text; /* one or more instructions; no labels or declarations */
  std::vector<Slot> outputs;
  std::vector<Slot> inputs; /* one that is an output too starts with the input's value */
  /* Lanes that execute it, one run each; empty: all, and some. For .sync instructions, whose mask
   * has to agree, give it yourself. */
  std::vector<uint32_t> masks = {};
  /* Declarations before the text, such as ".reg .b32 %never;". */
  std::string declarations = {};
  unsigned sm = 80;
};

/* What one lane gets and has to give, in the order of the slots; only the bytes of the slot's type
 * count. Undefined bytes are 0xff in in_undefined and out_undefined (empty: none); an undefined
 * predicate is any non-zero value. The value of an undefined output byte does not matter. */
struct Row {
  Values in;
  Values out = {};
  Values in_undefined = {};
  Values out_undefined = {};
};

/* True if the outputs `actual` are right for the row. */
using Accept = std::function<bool(const Row &row, const Values &actual)>;

/* Fails the test at the first wrong lane, with operands and values in hexadecimal. */
void expect_rows(const InstructionCase &test, const std::vector<Row> &rows,
                 const Accept &accept = nullptr);

/* Rows from inputs and a formula for one lane. */
void expect_each(const InstructionCase &test, const std::vector<Values> &inputs,
                 const std::function<Values(const Values &in)> &formula);

/* The instruction must not be executable on sm_80, for a reason that contains `reason`. */
void expect_unsupported(const InstructionCase &test, const std::string &reason);

/* Zero, one, minus one, the smallest and largest signed values and their neighbours, alternating
 * bits, and `random` others; of so many bits. */
Values edges(unsigned bits, unsigned random = 5);

/* All combinations. */
std::vector<Values> product(const std::vector<Values> &lists);

/* Repeatable random numbers. */
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next();

 private:
  uint64_t state_;
};

}  // namespace gpusim::cases

#endif
