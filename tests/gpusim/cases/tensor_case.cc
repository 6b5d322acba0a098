#include "tests/gpusim/cases/tensor_case.h"

#include <criterion/criterion.h>

#include <cmath>
#include <memory>

namespace gpusim::cases {
namespace {

std::string register_name(char letter, unsigned i) {
  return std::string("%") + letter + std::to_string(i);
}

std::string braces(char letter, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; i++) text += (i == 0 ? "" : ", ") + register_name(letter, i);
  return text + "}";
}

/* Registers are a0.., b0.., c0.., e0 and d0..; each is loaded from, or stored to, its own 32 words.
 */
std::string kernel_text(const TensorCase &test, const std::vector<unsigned> &registers) {
  const std::string letters = "abce";
  const unsigned bytes = test.doubles ? 8 : 4;
  const std::string type = test.doubles ? ".b64 " : ".b32 ";
  std::string text = ptx_head() +
                     ".visible .entry k(.param .u64 in_a, .param .u64 in_b, .param .u64 in_c, "
                     ".param .u64 in_e, .param .u64 out)\n{\n.reg .b32 %lane;\n.reg .b64 %p, %at;\n"
                     "mov.u32 %lane, %laneid;\n";
  std::string sources;
  for (size_t s = 0; s < registers.size(); s++) {
    const char letter = letters[s];
    text +=
        std::string(".reg ") + type + "%" + letter + "<" + std::to_string(registers[s]) + ">;\n";
    text += std::string("ld.param.u64 %p, [in_") + letter + "];\nmad.wide.u32 %at, %lane, " +
            std::to_string(bytes) + ", %p;\n";
    for (unsigned i = 0; i < registers[s]; i++) {
      text += "ld.global" + type + register_name(letter, i) + ", [%at+" +
              std::to_string(32 * bytes * i) + "];\n";
    }
    sources += ", " + (letter == 'e' ? "%e0" : braces(letter, registers[s]));
  }
  text += ".reg " + type + "%d<" + std::to_string(test.results) + ">;\n";
  text += test.text + " " + braces('d', test.results) + sources + test.suffix + ";\n";
  text += "ld.param.u64 %p, [out];\nmad.wide.u32 %at, %lane, " + std::to_string(bytes) + ", %p;\n";
  for (unsigned i = 0; i < test.results; i++) {
    text += "st.global" + type + "[%at+" + std::to_string(32 * bytes * i) + "], " +
            register_name('d', i) + ";\n";
  }
  return text + "ret;\n}\n";
}

}  // namespace

Fragment run_tensor(const TensorCase &test, const std::vector<Fragment> &sources) {
  std::vector<unsigned> registers;
  std::vector<std::unique_ptr<DeviceBuffer>> buffers;
  Parameters parameters;
  for (const Fragment &source : sources) {
    registers.push_back(source.registers);
    buffers.push_back(std::make_unique<DeviceBuffer>(source.words));
    for (size_t i = 0; i < source.undefined.size(); i++) {
      if (source.undefined[i] != 0) buffers.back()->undefine(4 * i, 4);
    }
    parameters.add(*buffers.back());
  }
  for (size_t i = sources.size(); i < 4; i++) parameters.add(uint64_t{0});
  Fragment result(test.results, test.doubles ? 2 : 1);
  DeviceBuffer out(4 * result.words.size());
  parameters.add(out);
  const std::string ptx = kernel_text(test, registers);
  KernelRun run;
  run.ptx = ptx;
  run.parameters = parameters;
  run.config = test.checked ? checked_config() : fast_config();
  run.config.sum = test.sum;
  run.hopper = test.hopper;
  run.keep_undefined = true;
  if (!expect_runs(run)) return result;
  out.read(0, result.words.data(), 4 * result.words.size());
  for (size_t i = 0; i < result.words.size(); i++) {
    result.undefined.push_back(test.checked && !out.is_defined(4 * i, 4) ? 1 : 0);
  }
  return result;
}

void expect_refused(const std::string &text, const std::vector<unsigned> &registers,
                    const std::string &suffix, const std::string &reason) {
  TensorCase test;
  test.text = text;
  test.results = registers[0];
  test.suffix = suffix;
  const std::vector<unsigned> sources(registers.begin() + 1, registers.end());
  const std::string why = why_unsupported(kernel_text(test, sources));
  cr_expect(why.find(reason) != std::string::npos, "%s: \"%s\" does not say \"%s\"", text.c_str(),
            why.c_str(), reason.c_str());
}

uint64_t get_element(const Fragment &fragment, unsigned bits, unsigned lane, unsigned i) {
  const unsigned at = bits * i;
  if (bits == 64) {
    const size_t word = 2 * (size_t{i} * 32 + lane);
    return fragment.words[word] | uint64_t{fragment.words[word + 1]} << 32;
  }
  const uint32_t word = fragment.words[size_t{at / 32} * 32 + lane];
  return word >> at % 32 & (bits == 32 ? ~0u : (1u << bits) - 1);
}

void set_element(Fragment *fragment, unsigned bits, unsigned lane, unsigned i, uint64_t value) {
  const unsigned at = bits * i;
  if (bits == 64) {
    const size_t word = 2 * (size_t{i} * 32 + lane);
    fragment->words[word] = static_cast<uint32_t>(value);
    fragment->words[word + 1] = static_cast<uint32_t>(value >> 32);
    return;
  }
  const uint32_t mask = bits == 32 ? ~0u : (1u << bits) - 1;
  uint32_t &word = fragment->words[size_t{at / 32} * 32 + lane];
  word = (word & ~(mask << at % 32)) | (static_cast<uint32_t>(value) & mask) << at % 32;
}

uint16_t half_bits(double value) {
  if (value == 0) return std::signbit(value) ? 0x8000 : 0;
  int exponent = 0;
  const double fraction = std::frexp(std::fabs(value), &exponent);
  const int shift = exponent < -13 ? exponent + 13 : 0; /* below the normal numbers */
  const auto significand = static_cast<uint32_t>(std::ldexp(fraction, 11 + shift));
  const uint32_t biased = exponent < -13 ? 0 : static_cast<uint32_t>(exponent + 13);
  return static_cast<uint16_t>((biased << 10) + significand + (value < 0 ? 0x8000 : 0));
}

uint16_t bfloat_bits(double value) {
  const auto narrow = static_cast<float>(value);
  uint32_t bits;
  memcpy(&bits, &narrow, sizeof bits);
  return static_cast<uint16_t>(bits >> 16);
}

double half_number(uint16_t bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  double value =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  if (exponent == 31) value = fraction != 0 ? NAN : INFINITY;
  return bits >= 0x8000 ? -value : value;
}

}  // namespace gpusim::cases
