/* wmma.load, wmma.mma and wmma.store: what lies in memory before and after, in every layout. */
#include <criterion/criterion.h>

#include <cstring>

#include "tests/gpusim/cases/instruction_case.h"
#include "tests/gpusim/cases/kernel_run.h"
#include "tests/gpusim/cases/tensor_case.h"

using namespace gpusim;
using namespace gpusim::cases;

namespace {

struct Numbers {
  const char *a, *c; /* types of A and B, of C and D */
  const char *types; /* of wmma.mma */
};

struct Shape {
  const char *name;
  unsigned m, n, k;
};

constexpr Shape kShapes[] = {
    {"m16n16k16", 16, 16, 16}, {"m8n32k16", 8, 32, 16}, {"m32n8k16", 32, 8, 16}};

unsigned bytes_of(const std::string &type) {
  if (type == "f64") return 8;
  if (type == "s8" || type == "u8") return 1;
  return type == "f16" || type == "bf16" ? 2 : 4;
}

void put(const std::string &type, uint8_t *to, int value) {
  const auto real = static_cast<float>(value);
  const double wide = value;
  const uint16_t half = type == "bf16" ? bfloat_bits(value) : half_bits(value);
  if (type == "f16" || type == "bf16") memcpy(to, &half, 2);
  if (type == "f32" || type == "tf32") memcpy(to, &real, 4);
  if (type == "s32") memcpy(to, &value, 4);
  if (type == "f64") memcpy(to, &wide, 8);
  if (bytes_of(type) == 1) *to = static_cast<uint8_t>(value);
}

struct Matrix {
  std::string type;
  unsigned rows, columns;
  bool by_column;
  unsigned stride;
  std::vector<int> values; /* [rows][columns] */

  size_t at(unsigned row, unsigned column) const {
    return size_t{bytes_of(type)} * (by_column ? column * stride + row : row * stride + column);
  }
  std::vector<uint8_t> memory() const {
    std::vector<uint8_t> bytes(size_t{bytes_of(type)} * stride * (by_column ? columns : rows));
    for (unsigned i = 0; i < rows * columns; i++) {
      put(type, &bytes[at(i / columns, i % columns)], values[i]);
    }
    return bytes;
  }
};

Matrix make_matrix(const std::string &type, unsigned rows, unsigned columns, bool by_column,
                   unsigned padding, uint64_t seed) {
  Random random(seed);
  Matrix matrix = {type, rows, columns, by_column, (by_column ? rows : columns) + padding, {}};
  for (unsigned i = 0; i < rows * columns; i++) {
    matrix.values.push_back(static_cast<int>(random.next() % 13) - (type == "u8" ? 0 : 6));
  }
  return matrix;
}

std::string list(const char *name, unsigned count) {
  std::string text = "{";
  for (unsigned i = 0; i < count; i++) {
    text += (i == 0 ? "%" : ", %") + std::string(name) + std::to_string(i);
  }
  return text + "}";
}

const char *layout(bool by_column) { return by_column ? "col" : "row"; }

unsigned registers(const std::string &type, unsigned elements, bool factor) {
  if (factor && type == "f16") return 8;
  if (type == "f64") return elements / 32;
  return elements * bytes_of(type) / 128;
}

std::string kernel_text(const Shape &shape, const Numbers &numbers, const Matrix &a,
                        const Matrix &b, const Matrix &c, const Matrix &d, const char *space) {
  const std::string head = std::string(".sync.aligned.");
  const std::string bits = std::string(numbers.a) == "f64" ? ".b64" : ".b32";
  const unsigned a_count = registers(a.type, a.rows * a.columns, true);
  const unsigned b_count = registers(b.type, b.rows * b.columns, true);
  const unsigned c_count = registers(c.type, c.rows * c.columns, false);
  const auto load = [&](const char *what, const Matrix &matrix, unsigned count) {
    return std::string("ld.param.u64 %p, [") + what + "];\nmov.u32 %s, " +
           std::to_string(matrix.stride) + ";\nwmma.load." + what + head +
           layout(matrix.by_column) + "." + shape.name + space + "." + matrix.type + " " +
           list(what, count) + ", [%p], %s;\n";
  };
  std::string text = ptx_head() +
                     ".visible .entry k(.param .u64 a, .param .u64 b, .param .u64 c, "
                     ".param .u64 d)\n{\n.reg .b64 %p;\n.reg .b32 %s;\n";
  text += ".reg " + bits + " %a<8>, %b<8>, %c<8>, %d<8>;\n";
  text += load("a", a, a_count) + load("b", b, b_count) + load("c", c, c_count);
  text += "wmma.mma" + head + layout(a.by_column) + "." + layout(b.by_column) + "." + shape.name +
          numbers.types + " " + list("d", c_count) + ", " + list("a", a_count) + ", " +
          list("b", b_count) + ", " + list("c", c_count) + ";\n";
  return text + "ld.param.u64 %p, [d];\nwmma.store.d" + head + layout(d.by_column) + "." +
         shape.name + space + "." + d.type + " [%p], " + list("d", c_count) + ", " +
         std::to_string(d.stride) + ";\nret;\n}\n";
}

void check(const Shape &shape, const Numbers &numbers, unsigned layouts, const char *space) {
  const unsigned padding = 16 / bytes_of(numbers.a);
  const unsigned c_padding = 16 / bytes_of(numbers.c);
  const Matrix a =
      make_matrix(numbers.a, shape.m, shape.k, (layouts & 1) != 0, padding, layouts + shape.m);
  const Matrix b = make_matrix(numbers.a, shape.k, shape.n, (layouts & 2) != 0, 0, layouts + 7);
  const Matrix c = make_matrix(numbers.c, shape.m, shape.n, (layouts & 4) != 0, c_padding, 3);
  Matrix d = make_matrix(numbers.c, shape.m, shape.n, (layouts & 8) != 0, 0, 1);
  for (unsigned i = 0; i < shape.m * shape.n; i++) {
    d.values[i] = c.values[i];
    for (unsigned k = 0; k < shape.k; k++) {
      d.values[i] += a.values[i / shape.n * shape.k + k] * b.values[k * shape.n + i % shape.n];
    }
  }
  const std::string ptx = kernel_text(shape, numbers, a, b, c, d, space);
  const DeviceBuffer a_buffer(a.memory());
  const DeviceBuffer b_buffer(b.memory());
  const DeviceBuffer c_buffer(c.memory());
  const std::vector<uint8_t> wanted = d.memory();
  const DeviceBuffer d_buffer(wanted.size());
  KernelRun run;
  run.ptx = ptx;
  run.parameters.add(a_buffer).add(b_buffer).add(c_buffer).add(d_buffer);
  for (const bool checked : {true, false}) {
    run.config = checked ? checked_config() : fast_config();
    cr_assert(expect_runs(run), "%s", ptx.c_str());
    cr_assert(!checked || d_buffer.is_defined(0, wanted.size()), "%s", ptx.c_str());
    cr_assert(d_buffer.values<uint8_t>() == wanted, "wrong product:\n%s", ptx.c_str());
  }
}

void check_layouts(const Shape &shape, const Numbers &numbers) {
  for (unsigned layouts = 0; layouts < 16; layouts++) {
    check(shape, numbers, layouts, layouts % 3 == 0 ? ".global" : "");
  }
}

}  // namespace

Test(wmma, f16) {
  for (const Shape &shape : kShapes) {
    check_layouts(shape, {"f16", "f32", ".f32.f32"});
    check_layouts(shape, {"f16", "f16", ".f16.f16"});
  }
}

Test(wmma, bf16) {
  for (const Shape &shape : kShapes) {
    check_layouts(shape, {"bf16", "f32", ".f32.bf16.bf16.f32"});
  }
}

Test(wmma, bytes) {
  for (const Shape &shape : kShapes) {
    check_layouts(shape, {"s8", "s32", ".s32.s8.s8.s32"});
    check_layouts(shape, {"u8", "s32", ".s32.u8.u8.s32.satfinite"});
  }
}

Test(wmma, tf32_and_f64) {
  check_layouts({"m16n16k8", 16, 16, 8}, {"tf32", "f32", ".f32.tf32.tf32.f32"});
  check_layouts({"m8n8k4", 8, 8, 4}, {"f64", "f64", ".f64.f64.f64.f64.rn"});
}

namespace {

KernelRun load_only(const std::string &ptx, uint64_t address) {
  KernelRun run;
  run.ptx = ptx;
  run.parameters.add(address);
  return run;
}

std::string load_text(const char *address, const char *stride) {
  return ptx_head() +
         ".visible .entry k(.param .u64 a)\n{\n.reg .b64 %p, %q;\n.reg .b32 %l, %f<8>;\n"
         "ld.param.u64 %p, [a];\nmov.u32 %l, %laneid;\nmad.wide.u32 %q, %l, 32, %p;\n"
         "wmma.load.a.sync.aligned.row.m16n16k16.global.f16 " +
         list("f", 8) + ", [" + address + "], " + stride + ";\nret;\n}\n";
}

}  // namespace

Test(wmma, addresses) {
  const DeviceBuffer buffer(std::vector<uint8_t>(2048));
  const std::string good = load_text("%p", "24");
  expect_runs(load_only(good, buffer.address()));
  const Fault half_line =
      expect_fault(load_only(good, buffer.address() + 16), FaultKind::misaligned);
  cr_expect_eq(half_line.kind, FaultKind::misaligned);
  const std::string odd_stride = load_text("%p", "20");
  expect_fault(load_only(odd_stride, buffer.address()), FaultKind::misaligned);
  const std::string lanes_differ = load_text("%q", "16");
  expect_fault(load_only(lanes_differ, buffer.address()), FaultKind::illegal_instruction);
  const DeviceBuffer small(std::vector<uint8_t>(510));
  const std::string packed = load_text("%p", "16");
  expect_fault(load_only(packed, small.address()), FaultKind::out_of_bounds);
}

/* Undefined elements make undefined what is computed from them, and nothing else: row 3 by A,
 * column 9 by B, one element by C. */
Test(wmma, undefined_elements) {
  const Numbers numbers = {"f16", "f32", ".f32.f32"};
  const Matrix a = make_matrix("f16", 16, 16, false, 0, 1),
               b = make_matrix("f16", 16, 16, true, 0, 2);
  const Matrix c = make_matrix("f32", 16, 16, false, 0, 3),
               d = make_matrix("f32", 16, 16, false, 0, 4);
  const std::string ptx = kernel_text(kShapes[0], numbers, a, b, c, d, ".global");
  DeviceBuffer a_buffer(a.memory()), b_buffer(b.memory()), c_buffer(c.memory());
  a_buffer.undefine(a.at(3, 5), 2);
  b_buffer.undefine(b.at(7, 9), 2);
  c_buffer.undefine(c.at(12, 2), 4);
  const DeviceBuffer d_buffer(d.memory());
  KernelRun run;
  run.ptx = ptx;
  run.parameters.add(a_buffer).add(b_buffer).add(c_buffer).add(d_buffer);
  expect_fault(run, FaultKind::undefined);
  run.keep_undefined = true;
  cr_assert(expect_runs(run));
  const std::vector<float> out = d_buffer.values<float>();
  for (unsigned row = 0; row < 16; row++) {
    for (unsigned column = 0; column < 16; column++) {
      const bool undefined = row == 3 || column == 9 || (row == 12 && column == 2);
      cr_assert_eq(d_buffer.is_defined(d.at(row, column), 4), !undefined, "%u, %u", row, column);
      if (undefined) continue;
      int sum = c.values[row * 16 + column];
      for (unsigned k = 0; k < 16; k++) sum += a.values[row * 16 + k] * b.values[k * 16 + column];
      cr_assert_eq(out[row * 16 + column], static_cast<float>(sum), "%u, %u", row, column);
    }
  }
}

/* A fragment may be loaded from what nobody wrote, as long as it is dropped. */
Test(wmma, undefined_fragments_may_be_dropped) {
  const DeviceBuffer nothing(2048);
  const std::string good = load_text("%p", "24");
  expect_runs(load_only(good, nothing.address()));
}
