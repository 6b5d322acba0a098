#include "tests/gpusim/cases/instruction_case.h"

#include <criterion/criterion.h>

#include <cinttypes>
#include <cstdio>

#include "tests/gpusim/cases/kernel_run.h"

namespace gpusim::cases {
namespace {

constexpr uint64_t kOld = 0xa5c3965a3c69b7d2; /* what an output holds before */
constexpr size_t kSlotBytes = 8;
constexpr uint32_t kAll = 0xffffffffu;

bool is_predicate(const Slot &slot) { return slot.type == "pred"; }

unsigned slot_bytes(const Slot &slot) {
  const Type type = type_from_name(slot.type);
  cr_assert(is_predicate(slot) || type_bytes(type) != 0, "type %s of %s", slot.type.c_str(),
            slot.name.c_str());
  cr_assert(type_bytes(type) <= kSlotBytes, "%s is too wide", slot.name.c_str());
  return is_predicate(slot) ? 4 : type_bytes(type);
}

uint64_t low_bytes(uint64_t value, unsigned bytes) {
  return bytes == 8 ? value : value & ((uint64_t{1} << (8 * bytes)) - 1);
}

uint64_t old_value(const Slot &slot) { return is_predicate(slot) ? 1 : kOld; }

size_t find_slot(const std::vector<Slot> &slots, const std::string &name) {
  size_t i = 0;
  while (i < slots.size() && slots[i].name != name) i++;
  return i;
}

std::string load_text(const Slot &slot, const char *base, size_t index) {
  const std::string from =
      std::string("[") + base + "+" + std::to_string(kSlotBytes * index) + "];";
  if (is_predicate(slot)) {
    return "ld.global.b32 %bits_, " + from + " setp.ne.b32 " + slot.name + ", %bits_, 0;\n";
  }
  return "ld.global.b" + std::to_string(8 * slot_bytes(slot)) + " " + slot.name + ", " + from +
         "\n";
}

std::string store_text(const Slot &slot, size_t index) {
  const std::string to = "[%out_+" + std::to_string(kSlotBytes * index) + "], ";
  if (is_predicate(slot)) {
    return "selp.b32 %bits_, 1, 0, " + slot.name + "; st.global.b32 " + to + "%bits_;\n";
  }
  return "st.global.b" + std::to_string(8 * slot_bytes(slot)) + " " + to + slot.name + ";\n";
}

/* Every instruction of the text under the guard. */
std::string guarded_text(const std::string &text) {
  std::string guarded;
  size_t first = 0;
  for (size_t end = text.find(';'); end != std::string::npos; end = text.find(';', first)) {
    const size_t begin = text.find_first_not_of(" \n", first);
    cr_assert(text[begin] != '@', "%s is guarded already", text.c_str());
    guarded += "@%run_ " + text.substr(begin, end + 1 - begin) + "\n";
    first = end + 1;
  }
  return guarded;
}

std::string entry_text(const InstructionCase &test, const char *name, const std::string &body) {
  std::string text = std::string(".visible .entry ") + name +
                     "(.param .u64 in_, .param .u64 out_, .param .u32 lanes_)\n{\n"
                     ".reg .pred %run_;\n.reg .b32 %bits_, %row_, %lanes_;\n"
                     ".reg .b64 %in_, %out_;\n" +
                     test.declarations + "\n";
  for (const Slot &slot : test.outputs) text += ".reg ." + slot.type + " " + slot.name + ";\n";
  for (const Slot &slot : test.inputs) {
    if (find_slot(test.outputs, slot.name) == test.outputs.size()) {
      text += ".reg ." + slot.type + " " + slot.name + ";\n";
    }
  }
  text +=
      "ld.param.b64 %in_, [in_];\nld.param.b64 %out_, [out_];\nld.param.b32 %lanes_, [lanes_];\n"
      "mov.b32 %bits_, %tid.x;\nmov.b32 %row_, %ctaid.x;\n"
      "mad.lo.u32 %row_, %row_, 32, %bits_;\n"
      "shr.u32 %lanes_, %lanes_, %bits_;\nand.b32 %lanes_, %lanes_, 1;\n"
      "setp.ne.u32 %run_, %lanes_, 0;\n";
  text += "mad.wide.u32 %in_, %row_, " + std::to_string(kSlotBytes * test.inputs.size()) +
          ", %in_;\nmad.wide.u32 %out_, %row_, " +
          std::to_string(kSlotBytes * test.outputs.size()) + ", %out_;\n";
  for (size_t i = 0; i < test.outputs.size(); i++) text += load_text(test.outputs[i], "%out_", i);
  for (size_t i = 0; i < test.inputs.size(); i++) text += load_text(test.inputs[i], "%in_", i);
  text += body + "\n";
  for (size_t i = 0; i < test.outputs.size(); i++) text += store_text(test.outputs[i], i);
  return text + "ret;\n}\n";
}

std::string module_text(const InstructionCase &test) {
  return ptx_head(test.sm) + entry_text(test, "full", test.text) +
         entry_text(test, "some", guarded_text(test.text));
}

std::string describe(const std::vector<Slot> &slots, const Values &values) {
  std::string text;
  for (size_t i = 0; i < slots.size() && i < values.size(); i++) {
    char value[32];
    snprintf(value, sizeof value, "%s=0x%" PRIx64, slots[i].name.c_str(),
             is_predicate(slots[i]) ? values[i] : low_bytes(values[i], slot_bytes(slots[i])));
    text += (i == 0 ? "" : ", ") + std::string(value);
  }
  return text;
}

/* One launch of all rows. */
struct Run {
  const InstructionCase &test;
  const std::vector<Row> &rows;
  const Accept &accept;
  uint32_t mask;
  bool checked;

  /* What the row's output has to be; lanes outside of the mask keep what they had. */
  void expected(size_t row, Values *values, Values *undefined) const {
    *values = rows[row].out;
    *undefined = rows[row].out_undefined;
    values->resize(test.outputs.size());
    undefined->resize(test.outputs.size());
    if ((mask >> row % 32 & 1) != 0) return;
    for (size_t i = 0; i < test.outputs.size(); i++) {
      const size_t input = find_slot(test.inputs, test.outputs[i].name);
      const bool both = input < test.inputs.size();
      const Values &in_undefined = rows[row].in_undefined;
      (*values)[i] = both ? rows[row].in[input] : old_value(test.outputs[i]);
      (*undefined)[i] = both && !in_undefined.empty() ? in_undefined[input] : 0;
    }
  }

  std::string name(size_t row) const {
    char text[80];
    snprintf(text, sizeof text, " (row %zu, lane %zu, lanes 0x%08x, %s): ", row, row % 32, mask,
             checked ? "checked" : "fast");
    return test.text + text + describe(test.inputs, rows[row].in);
  }

  /* True if all bytes are as defined as they have to be. */
  bool definedness(const DeviceBuffer &out, size_t row, const Values &undefined) const {
    for (size_t i = 0; i < test.outputs.size(); i++) {
      const Slot &slot = test.outputs[i];
      const uint64_t at = kSlotBytes * (row * test.outputs.size() + i);
      if (is_predicate(slot)) {
        if (out.is_defined(at, 4) == (undefined[i] == 0)) continue;
        cr_expect(false, "%s\n%s is %s", name(row).c_str(), slot.name.c_str(),
                  undefined[i] == 0 ? "undefined" : "defined");
        return false;
      }
      for (unsigned byte = 0; byte < slot_bytes(slot); byte++) {
        const bool wanted = (undefined[i] >> (8 * byte) & 0xff) == 0;
        if (out.is_defined(at + byte, 1) == wanted) continue;
        cr_expect(false, "%s\nbyte %u of %s is %s", name(row).c_str(), byte, slot.name.c_str(),
                  wanted ? "undefined" : "defined");
        return false;
      }
    }
    return true;
  }

  bool check_row(const DeviceBuffer &out, size_t row) const {
    Values wanted;
    Values undefined;
    expected(row, &wanted, &undefined);
    Values actual(test.outputs.size());
    out.read(kSlotBytes * row * actual.size(), actual.data(), kSlotBytes * actual.size());
    bool equal = true;
    for (size_t i = 0; i < actual.size(); i++) {
      const unsigned bytes = slot_bytes(test.outputs[i]);
      actual[i] = low_bytes(actual[i], bytes);
      const bool predicate = is_predicate(test.outputs[i]);
      const uint64_t ignored = predicate && undefined[i] != 0 ? ~uint64_t{0} : undefined[i];
      if (low_bytes((actual[i] ^ wanted[i]) & ~ignored, bytes) != 0) equal = false;
    }
    const bool executed = (mask >> row % 32 & 1) != 0;
    if (executed && accept != nullptr) equal = accept(rows[row], actual);
    cr_expect(equal, "%s\ngives    %s\nexpected %s", name(row).c_str(),
              describe(test.outputs, actual).c_str(), describe(test.outputs, wanted).c_str());
    return equal && (!checked || definedness(out, row, undefined));
  }

  void fill(DeviceBuffer *in, DeviceBuffer *out, size_t count) const {
    for (size_t lane = 0; lane < count; lane++) {
      const Row &row = rows[lane < rows.size() ? lane : 0];
      cr_assert(row.in.size() == test.inputs.size(), "row %zu has %zu inputs", lane, row.in.size());
      for (size_t i = 0; i < test.inputs.size(); i++) {
        const uint64_t at = kSlotBytes * (lane * test.inputs.size() + i);
        in->write(at, &row.in[i], kSlotBytes);
        const uint64_t undefined = row.in_undefined.empty() ? 0 : row.in_undefined[i];
        if (is_predicate(test.inputs[i])) {
          if (undefined != 0) in->undefine(at, 4);
          continue;
        }
        for (unsigned byte = 0; byte < kSlotBytes; byte++) {
          if ((undefined >> (8 * byte) & 0xff) != 0) in->undefine(at + byte, 1);
        }
      }
      for (size_t i = 0; i < test.outputs.size(); i++) {
        const uint64_t old = old_value(test.outputs[i]);
        out->write(kSlotBytes * (lane * test.outputs.size() + i), &old, kSlotBytes);
      }
    }
  }

  bool check(const std::string &ptx) const {
    const size_t count = (rows.size() + 31) / 32 * 32;
    DeviceBuffer in(kSlotBytes * count * test.inputs.size());
    DeviceBuffer out(kSlotBytes * count * test.outputs.size());
    fill(&in, &out, count);
    KernelRun kernel;
    kernel.ptx = ptx;
    kernel.entry = mask == kAll ? "full" : "some";
    kernel.grid[0] = static_cast<uint32_t>(count / 32);
    kernel.parameters.add(in).add(out).add(mask);
    kernel.config = checked ? checked_config() : fast_config();
    kernel.keep_undefined = true;
    kernel.sm = test.sm;
    if (!expect_runs(kernel)) return false;
    for (size_t row = 0; row < rows.size(); row++) {
      if (!check_row(out, row)) return false;
    }
    return true;
  }
};

}  // namespace

void expect_rows(const InstructionCase &test, const std::vector<Row> &rows, const Accept &accept) {
  std::vector<uint32_t> masks = test.masks;
  if (masks.empty()) masks = {kAll, 0x0f3355a9};
  const std::string ptx = module_text(test);
  for (const uint32_t mask : masks) {
    if (!Run{test, rows, accept, mask, true}.check(ptx)) return;
    if (!Run{test, rows, accept, mask, false}.check(ptx)) return;
  }
}

void expect_each(const InstructionCase &test, const std::vector<Values> &inputs,
                 const std::function<Values(const Values &in)> &formula) {
  std::vector<Row> rows;
  rows.reserve(inputs.size());
  for (const Values &in : inputs) rows.push_back({in, formula(in)});
  expect_rows(test, rows);
}

void expect_unsupported(const InstructionCase &test, const std::string &reason) {
  const std::string why = why_unsupported(module_text(test));
  cr_expect(why.find(reason) != std::string::npos, "%s: \"%s\" does not say \"%s\"",
            test.text.c_str(), why.c_str(), reason.c_str());
}

Values edges(unsigned bits, unsigned random) {
  const uint64_t all = low_bytes(~uint64_t{0}, 8) >> (64 - bits);
  const uint64_t top = uint64_t{1} << (bits - 1);
  Values values = {0, 1, 2, all, all - 1, top, top + 1, top - 1, top - 2, all / 3, all / 15 * 3};
  Random source(bits);
  for (unsigned i = 0; i < random; i++) values.push_back(source.next() & all);
  return values;
}

std::vector<Values> product(const std::vector<Values> &lists) {
  std::vector<Values> rows = {{}};
  for (const Values &list : lists) {
    std::vector<Values> longer;
    longer.reserve(rows.size() * list.size());
    for (const Values &row : rows) {
      for (const uint64_t value : list) {
        longer.push_back(row);
        longer.back().push_back(value);
      }
    }
    rows = std::move(longer);
  }
  return rows;
}

uint64_t Random::next() {
  state_ += 0x9e3779b97f4a7c15;
  uint64_t mixed = state_;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

}  // namespace gpusim::cases
