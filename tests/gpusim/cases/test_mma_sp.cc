/* mma.sp: layouts of the kept elements and of their metadata, legal and illegal patterns. */
#include <criterion/criterion.h>

#include <cstring>

#include "tests/gpusim/cases/instruction_case.h"
#include "tests/gpusim/cases/mma_shapes.h"
#include "tests/gpusim/cases/tensor_case.h"

using namespace gpusim::cases;

namespace {

/* m16n8k<k>: kept elements lie as A of the dense shape with half the k, B as in the dense shape of
 * the same register size: register r holds k = r * 4E + t * E + its elements, E = 32 / bits. */
struct SparseShape {
  const char *name;
  const char *type;
  unsigned k;
  unsigned bits;
  const char *dense; /* where A's layout is */
  unsigned selectors;
};

constexpr SparseShape kShapes[] = {
    {"m16n8k16", "f16", 16, 16, "m16n8k8", 4},  {"m16n8k32", "f16", 32, 16, "m16n8k16", 2},
    {"m16n8k16", "bf16", 16, 16, "m16n8k8", 4}, {"m16n8k32", "bf16", 32, 16, "m16n8k16", 2},
    {"m16n8k8", "tf32", 8, 32, "m16n8k4", 4},   {"m16n8k16", "tf32", 16, 32, "m16n8k8", 2},
    {"m16n8k32", "s8", 32, 8, "m16n8k16", 2},   {"m16n8k64", "s8", 64, 8, "m16n8k32", 1},
    {"m16n8k32", "u8", 32, 8, "m16n8k16", 2},   {"m16n8k64", "u8", 64, 8, "m16n8k32", 1},
};

const MmaShape &dense_shape(const SparseShape &shape) {
  for (const MmaShape &dense : kMmaShapes) {
    if (dense.bits == shape.bits && strcmp(dense.name, shape.dense) == 0) return dense;
  }
  cr_assert(false, "no %s", shape.dense);
  return kMmaShapes[0];
}

bool is_single(const SparseShape &shape) { return strcmp(shape.type, "tf32") == 0; }

uint64_t pattern(const SparseShape &shape, int value) {
  if (shape.bits == 8) return static_cast<uint64_t>(value);
  if (strcmp(shape.type, "f16") == 0) return half_bits(value);
  if (strcmp(shape.type, "bf16") == 0) return bfloat_bits(value);
  const auto number = static_cast<float>(value);
  uint32_t bits;
  memcpy(&bits, &number, sizeof bits);
  return bits;
}

/* Nibble number c of a row: lane and first bit (PTX ISA, the figures of the metadata layouts). */
struct Nibble {
  unsigned lane, bit;
};

Nibble nibble_at(const SparseShape &shape, unsigned selector, unsigned row, unsigned c) {
  const unsigned g = row % 8;
  const bool low = row < 8;
  if (shape.selectors == 4) return {4 * g + selector, 4 * c + (low ? 0 : 16)};
  if (shape.bits == 8) {
    const unsigned half = c / 8; /* 32 columns have eight nibbles */
    const unsigned lane = shape.k == 64 ? 2 * half + (low ? 0 : 1) : 2 * selector + (low ? 0 : 1);
    return {4 * g + lane, 4 * (c % 8)};
  }
  return {4 * g + 2 * selector + c / 4, 4 * (c % 4) + (low ? 0 : 16)};
}

constexpr unsigned kOrdered[] = {0x4, 0x8, 0x9, 0xc, 0xd, 0xe};
constexpr unsigned kReversed[] = {0x1, 0x2, 0x6, 0x3, 0x7, 0xb};
constexpr unsigned kSingles[] = {0x4, 0xe};

struct Problem {
  const SparseShape &shape;
  unsigned selector;
  Fragment a, b, c, e;
  std::vector<int> a_values;     /* [16][k/2] */
  std::vector<int> b_values;     /* [k][8] */
  std::vector<int> c_values;     /* [16][8] */
  std::vector<unsigned> nibbles; /* [16][chunks] */

  unsigned kept() const { return shape.k / 2; }
  unsigned chunks() const { return is_single(shape) ? kept() : kept() / 2; }

  /* Logical column of kept element i of a row. */
  unsigned column(unsigned row, unsigned i) const {
    if (is_single(shape)) return 2 * i + (nibbles[row * chunks() + i] == 0xe ? 1 : 0);
    const unsigned nibble = nibbles[row * chunks() + i / 2];
    return i / 2 * 4 + (i % 2 == 0 ? nibble & 3 : nibble >> 2);
  }

  int result(unsigned row, unsigned n) const {
    int sum = c_values[row * 8 + n];
    for (unsigned i = 0; i < kept(); i++) {
      sum += a_values[row * kept() + i] * b_values[column(row, i) * 8 + n];
    }
    return sum;
  }

  void set_nibble(unsigned row, unsigned chunk, unsigned value) {
    const Nibble at = nibble_at(shape, selector, row, chunk);
    e.words[at.lane] = (e.words[at.lane] & ~(15u << at.bit)) | value << at.bit;
    nibbles[row * chunks() + chunk] = value;
  }
};

Problem make_problem(const SparseShape &shape, unsigned selector, bool reversed, uint64_t seed) {
  const MmaShape &dense = dense_shape(shape);
  const unsigned in_word = 32 / shape.bits;
  Random random(seed);
  const auto number = [&] {
    return static_cast<int>(random.next() % 17) - (shape.type[0] == 'u' ? 0 : 8);
  };
  Problem p = {shape,
               selector,
               Fragment(dense.a_elements / in_word),
               Fragment(shape.k / (4 * in_word)),
               Fragment(4),
               Fragment(1),
               {},
               {},
               {},
               {}};
  for (unsigned i = 0; i < 16 * p.kept(); i++) p.a_values.push_back(number());
  for (unsigned i = 0; i < shape.k * 8; i++) p.b_values.push_back(number());
  for (unsigned i = 0; i < 128; i++) p.c_values.push_back(number());
  p.nibbles.resize(size_t{16} * p.chunks());
  /* Lanes that give no metadata hold anything. */
  for (uint32_t &word : p.e.words) word = static_cast<uint32_t>(random.next());
  for (unsigned i = 0; i < 16 * p.chunks(); i++) {
    const unsigned pick = static_cast<unsigned>(random.next());
    unsigned value = reversed && pick % 13 < 6 ? kReversed[pick % 6] : kOrdered[pick % 6];
    if (is_single(shape)) value = kSingles[pick % 2];
    p.set_nibble(i / p.chunks(), i % p.chunks(), value);
  }
  for (unsigned lane = 0; lane < 32; lane++) {
    const unsigned g = lane >> 2;
    const unsigned t = lane & 3;
    for (unsigned i = 0; i < dense.a_elements; i++) {
      const RowColumn at = dense.a(g, t, i);
      set_element(&p.a, shape.bits, lane, i,
                  pattern(shape, p.a_values[at.row * p.kept() + at.column]));
    }
    for (unsigned i = 0; i < shape.k / 4; i++) {
      const unsigned k = i / in_word * 4 * in_word + t * in_word + i % in_word;
      set_element(&p.b, shape.bits, lane, i, pattern(shape, p.b_values[k * 8 + g]));
    }
    for (unsigned i = 0; i < 4; i++) {
      const RowColumn at = c_16x8(g, t, i);
      const int value = p.c_values[at.row * 8 + at.column];
      const auto real = static_cast<float>(value);
      uint32_t bits = static_cast<uint32_t>(value);
      if (shape.bits != 8) memcpy(&bits, &real, sizeof bits);
      p.c.words[i * 32 + lane] = bits;
    }
  }
  return p;
}

TensorCase make_case(const SparseShape &shape, unsigned selector, bool ordered) {
  const std::string type = shape.type;
  const std::string accumulator = shape.bits == 8 ? ".s32" : ".f32";
  TensorCase test;
  test.text = std::string("mma.sp") + (ordered ? "::ordered_metadata" : "") + ".sync.aligned." +
              shape.name + ".row.col" + accumulator + "." + type + "." + type + accumulator;
  test.suffix = ", " + std::to_string(selector);
  return test;
}

double number_of(const SparseShape &shape, uint32_t word) {
  if (shape.bits == 8) return static_cast<int32_t>(word);
  float value;
  memcpy(&value, &word, sizeof value);
  return value;
}

/* Rows in `lost` have to be undefined, all others defined and right. */
void check(const Problem &p, const TensorCase &test, uint32_t lost = 0) {
  const Fragment d = run_tensor(test, {p.a, p.b, p.c, p.e});
  for (unsigned at = 0; at < d.words.size(); at++) {
    const RowColumn place = c_16x8(at % 32 >> 2, at & 3, at / 32);
    const bool undefined = (lost >> place.row & 1) != 0;
    cr_assert(d.undefined[at] == (undefined && test.checked ? 1 : 0), "%s: row %u, column %u is %s",
              test.text.c_str(), place.row, place.column, undefined ? "defined" : "undefined");
    if (undefined) continue;
    const double actual = number_of(p.shape, d.words[at]);
    const int wanted = p.result(place.row, place.column);
    cr_assert(actual == wanted, "%s%s: row %u, column %u: %g instead of %d", test.text.c_str(),
              test.suffix.c_str(), place.row, place.column, actual, wanted);
  }
}

}  // namespace

Test(mma_sp, every_shape_and_selector) {
  for (const SparseShape &shape : kShapes) {
    for (unsigned selector = 0; selector < shape.selectors; selector++) {
      for (const gpusim_sum sum : {GPUSIM_SUM_AMPERE, GPUSIM_SUM_HOPPER, GPUSIM_SUM_EXACT}) {
        TensorCase test = make_case(shape, selector, true);
        test.sum = sum;
        test.checked = sum == GPUSIM_SUM_AMPERE;
        check(make_problem(shape, selector, false, shape.k + selector), test);
      }
    }
  }
}

/* Plain mma.sp takes the two indices of a chunk in any order. */
Test(mma_sp, any_order) {
  for (const SparseShape &shape : kShapes) {
    if (!is_single(shape)) check(make_problem(shape, 0, true, 9), make_case(shape, 0, false));
  }
}

Test(mma_sp, half_accumulators) {
  const SparseShape &shape = kShapes[1];
  const Problem p = make_problem(shape, 1, false, 5);
  Fragment c(2);
  for (unsigned lane = 0; lane < 32; lane++) {
    for (unsigned i = 0; i < 4; i++) {
      const RowColumn at = c_16x8(lane >> 2, lane & 3, i);
      set_element(&c, 16, lane, i, half_bits(p.c_values[at.row * 8 + at.column]));
    }
  }
  TensorCase test = make_case(shape, 1, true);
  test.text = "mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f16.f16.f16.f16";
  test.results = 2;
  const Fragment d = run_tensor(test, {p.a, p.b, c, p.e});
  for (unsigned lane = 0; lane < 32; lane++) {
    for (unsigned i = 0; i < 4; i++) {
      const RowColumn at = c_16x8(lane >> 2, lane & 3, i);
      const auto bits = static_cast<uint16_t>(get_element(d, 16, lane, i));
      cr_assert_eq(half_number(bits), p.result(at.row, at.column));
    }
  }
}

/* One illegal chunk makes its row undefined and no other. */
Test(mma_sp, illegal_metadata_poisons_its_row) {
  for (const SparseShape &shape : kShapes) {
    for (const bool ordered : {true, false}) {
      for (unsigned value = 0; value < 16; value++) {
        Problem p = make_problem(shape, 0, false, value);
        const unsigned row = (5 * value + shape.k) % 16;
        const unsigned chunk = value % p.chunks();
        p.set_nibble(row, chunk, value);
        bool legal = value == 0x4 || value == 0xe;
        if (!is_single(shape) && ordered) legal = false;
        for (const unsigned good : kOrdered) legal |= !is_single(shape) && value == good;
        for (const unsigned good : kReversed)
          legal |= !is_single(shape) && !ordered && value == good;
        check(p, make_case(shape, 0, ordered), legal ? 0 : 1u << row);
      }
    }
  }
}

/* Rows of metadata zero are what padded rows of A look like. */
Test(mma_sp, zero_metadata_and_fast_mode) {
  Problem p = make_problem(kShapes[1], 0, false, 3);
  for (unsigned chunk = 0; chunk < p.chunks(); chunk++) {
    p.set_nibble(3, chunk, 0);
    p.set_nibble(12, chunk, 0);
  }
  TensorCase test = make_case(kShapes[1], 0, true);
  check(p, test, 1u << 3 | 1u << 12);
  test.checked = false;
  run_tensor(test, {p.a, p.b, p.c, p.e});
}

Test(mma_sp, undefined_metadata_poisons_its_rows) {
  const SparseShape &shape = kShapes[1];
  Problem p = make_problem(shape, 1, false, 4);
  p.e.undefined.assign(32, 0);
  p.e.undefined[4 * 2 + 2] = 1; /* rows 2 and 10 */
  p.e.undefined[4 * 5] = 1;     /* selector 1 does not read it */
  check(p, make_case(shape, 1, true), 1u << 2 | 1u << 10);
}

/* A row of B that no row of A selects decides nothing. */
Test(mma_sp, undefined_b_matters_where_it_is_selected) {
  const SparseShape &shape = kShapes[1];
  Problem p = make_problem(shape, 0, false, 4);
  for (unsigned row = 0; row < 16; row++) p.set_nibble(row, 0, row == 6 ? 0x4 : 0xe);
  p.b.undefined.assign(p.b.words.size(), 0);
  p.b.undefined[4 * 3] = 1; /* k = 0 and 1 of column 3 */
  const Fragment d = run_tensor(make_case(shape, 0, true), {p.a, p.b, p.c, p.e});
  for (unsigned at = 0; at < d.words.size(); at++) {
    const RowColumn place = c_16x8(at % 32 >> 2, at & 3, at / 32);
    cr_assert_eq(d.undefined[at] != 0, place.row == 6 && place.column == 3);
  }
}

Test(mma_sp, refuses_other_selectors) {
  const std::string start = "mma.sp::ordered_metadata.sync.aligned.";
  expect_refused(start + "m16n8k32.row.col.f32.f16.f16.f32", {4, 4, 4, 4, 1}, ", 2", "selector");
  expect_refused(start + "m16n8k16.row.col.f32.f16.f16.f32", {4, 2, 2, 4, 1}, ", 4", "selector");
  expect_refused(start + "m16n8k64.row.col.s32.s8.s8.s32", {4, 4, 4, 4, 1}, ", 1", "selector");
  expect_refused(start + "m16n8k32.row.col.f32.f16.f16.f32", {4, 4, 4, 4, 1}, ", %lane",
                 "selector");
}

/* Row 2's metadata is illegal, as a padded row's may be; its results are dropped, overwritten, or
 * left in memory. */
Test(mma_sp, results_of_illegal_metadata) {
  const struct {
    const char *stores;
    bool legal;
  } cases[] = {{"@!%p1 st.global.f32 [%at], %f1;", true},
               {"st.global.f32 [%at], %f1; @%p1 st.global.f32 [%at], 0f00000000;", true},
               {"mov.f32 %f5, %f1; add.f32 %f6, %f1, %f1; st.global.f32 [%at], %f3;", true},
               {"st.global.f32 [%at], %f1;", false},
               {"add.f32 %f5, %f1, %f1; st.global.f32 [%at], %f5;", false},
               {"setp.gt.f32 %p2, %f1, 0f00000000; @%p2 st.global.f32 [%at], 0f00000000;", false}};
  for (const auto &test : cases) {
    const std::string text = ptx_head() + R"(
.visible .entry k(.param .u64 out)
{
  .reg .b64 %p, %at; .reg .b32 %lane, %r1, %e, %g; .reg .f32 %f<8>; .reg .pred %p<4>;
  ld.param.u64 %p, [out];
  mov.u32 %lane, %laneid;
  mad.wide.u32 %at, %lane, 4, %p;
  shr.u32 %g, %lane, 2;
  setp.eq.u32 %p1, %g, 2;
  mov.u32 %r1, 0x3c003c00;
  mov.u32 %e, 0x44444444;
  @%p1 mov.u32 %e, 0x44444440;
  mov.f32 %f7, 0f00000000;
  mma.sp::ordered_metadata.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32 {%f1, %f2, %f3, %f4},
      {%r1, %r1, %r1, %r1}, {%r1, %r1, %r1, %r1}, {%f7, %f7, %f7, %f7}, %e, 0x0;
)" + test.stores + "\nret;\n}\n";
    const DeviceBuffer out(std::vector<float>(32, 1));
    KernelRun run;
    run.ptx = text;
    run.parameters.add(out);
    if (!test.legal) {
      expect_fault(run, gpusim::FaultKind::undefined);
      continue;
    }
    cr_assert(expect_runs(run), "%s", test.stores);
    /* A product of ones: 16 kept elements of each row. */
    cr_expect_eq(out.values<float>()[0], 16, "%s", test.stores);
  }
}
