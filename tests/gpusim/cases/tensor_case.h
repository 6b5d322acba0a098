/* Runs one tensor-core instruction in one warp: registers in, registers out. */
#ifndef GPUSIM_CASES_TENSOR_CASE_H
#define GPUSIM_CASES_TENSOR_CASE_H

#include <cstdint>
#include <string>
#include <vector>

#include "tests/gpusim/cases/kernel_run.h"

namespace gpusim::cases {

/* words[r * 32 + lane] is the pattern of register r; 64-bit registers are two words in turn. */
struct Fragment {
  unsigned registers = 0;
  std::vector<uint32_t> words = {};
  std::vector<uint8_t> undefined = {}; /* words[i] is undefined as a whole; empty: none */

  explicit Fragment(unsigned count, unsigned word_count = 1)
      : registers(count), words(size_t{count} * 32 * word_count) {}
};

struct TensorCase {
  std::string text;        /* "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32" */
  unsigned results = 4;    /* registers of D */
  std::string suffix = {}; /* after the operands: ", 0" */
  bool doubles = false;    /* all registers have 64 bits */
  gpusim_sum sum = GPUSIM_SUM_DEVICE;
  bool hopper = false;
  bool checked = true;
};

/* Sources in the order of the text: {A, B, C} or {A, B, C, metadata}. The metadata is no vector. */
Fragment run_tensor(const TensorCase &test, const std::vector<Fragment> &sources);

/* The text, with operands of so many registers, is refused for a reason that contains `reason`. */
void expect_refused(const std::string &text, const std::vector<unsigned> &registers,
                    const std::string &suffix, const std::string &reason);

/* Elements of a lane's registers: bits wide, low ones first. */
uint64_t get_element(const Fragment &fragment, unsigned bits, unsigned lane, unsigned i);
void set_element(Fragment *fragment, unsigned bits, unsigned lane, unsigned i, uint64_t value);

/* Patterns of numbers that the format holds exactly. */
uint16_t half_bits(double value);
uint16_t bfloat_bits(double value);
double half_number(uint16_t bits);

}  // namespace gpusim::cases

#endif
