/* Video instructions: bytes and half-words, saturation, merges, second operations. The formulas are
 * the PTX ISA's, written out for each case. */
#include <criterion/criterion.h>

#include <algorithm>

#include "tests/gpusim/cases/instruction_case.h"
#include "tests/gpusim/cases/kernel_run.h"

namespace gpusim::cases {
namespace {

/* Part i of so many bits. */
int64_t unsigned_part(uint64_t word, unsigned bits, unsigned i) {
  return static_cast<int64_t>(word >> (bits * i) & ((uint64_t{1} << bits) - 1));
}
int64_t signed_part(uint64_t word, unsigned bits, unsigned i) {
  const int64_t value = unsigned_part(word, bits, i);
  return value >= int64_t{1} << (bits - 1) ? value - (int64_t{1} << bits) : value;
}

/* The word with part i replaced. */
uint64_t with_part(uint64_t word, unsigned bits, unsigned i, int64_t value) {
  const uint64_t mask = ((uint64_t{1} << bits) - 1) << (bits * i);
  return (word & ~mask) | (static_cast<uint64_t>(value) << (bits * i) & mask);
}

void expect(const std::string &text,
            const std::function<uint64_t(uint64_t, uint64_t, uint64_t)> &f) {
  const Values words = {0,          0xffffffff, 0x80000000, 0x7fffffff, 0x01ff7f80,
                        0x80017ffe, 0x00ff00ff, 0x12345678, 0xfedcba98};
  const Values third = {0, 5, 0xffffffff, 0x80000001, 0xa5c37e10};
  expect_each({text, {{"%d", "b32"}}, {{"%a", "b32"}, {"%b", "b32"}, {"%c", "b32"}}},
              product({words, words, third}), [&](const Values &in) {
                return Values{static_cast<uint32_t>(f(in[0], in[1], in[2]))};
              });
}

/* d = c, with these parts replaced by part(i). */
template <class Part>
uint64_t merged(uint64_t c, unsigned bits, std::initializer_list<unsigned> parts, Part part) {
  for (const unsigned i : parts) c = with_part(c, bits, i, part(i));
  return c;
}

/* What __vabsdiffu4 and __vsadu4 become. */
Test(video, absolute_differences) {
  expect("vabsdiff4.u32.u32.u32 %d, %a, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return merged(c, 8, {0, 1, 2, 3}, [=](unsigned i) {
      return std::abs(unsigned_part(a, 8, i) - unsigned_part(b, 8, i));
    });
  });
  expect("vabsdiff4.u32.u32.u32.add %d, %a, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    for (unsigned i = 0; i < 4; i++) {
      c += static_cast<uint64_t>(std::abs(unsigned_part(a, 8, i) - unsigned_part(b, 8, i)));
    }
    return c;
  });
  expect("vabsdiff2.s32.s32.s32.sat %d, %a, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return merged(c, 16, {0, 1}, [=](unsigned i) {
      return std::min<int64_t>(std::abs(signed_part(a, 16, i) - signed_part(b, 16, i)), 32767);
    });
  });
  expect("vabsdiff.u32.s32.s32.add %d, %a, %b.h1, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return c + static_cast<uint64_t>(std::abs(signed_part(a, 32, 0) - signed_part(b, 16, 1)));
  });
}

Test(video, simd_sums) {
  expect("vadd4.u32.u32.u32 %d, %a, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return merged(c, 8, {0, 1, 2, 3},
                  [=](unsigned i) { return unsigned_part(a, 8, i) + unsigned_part(b, 8, i); });
  });
  expect("vadd2.s32.s32.u32.sat %d, %a, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return merged(c, 16, {0, 1}, [=](unsigned i) {
      return std::clamp<int64_t>(signed_part(a, 16, i) + unsigned_part(b, 16, i), -32768, 32767);
    });
  });
  expect("vsub4.u32.u32.u32.sat %d.b20, %a, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return merged(c, 8, {0, 2}, [=](unsigned i) {
      return std::max<int64_t>(unsigned_part(a, 8, i) - unsigned_part(b, 8, i), 0);
    });
  });
  expect("vsub2.s32.s32.s32.add %d.h1, %a, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return c + static_cast<uint64_t>(signed_part(a, 16, 1) - signed_part(b, 16, 1));
  });
  expect("vavrg2.s32.s32.s32 %d, %a, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return merged(c, 16, {0, 1}, [=](unsigned i) {
      const int64_t sum = signed_part(a, 16, i) + signed_part(b, 16, i);
      return sum >= 0 ? (sum + 1) >> 1 : sum >> 1;
    });
  });
  expect("vavrg4.u32.u32.u32 %d, %a, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return merged(c, 8, {0, 1, 2, 3}, [=](unsigned i) {
      return (unsigned_part(a, 8, i) + unsigned_part(b, 8, i) + 1) / 2;
    });
  });
}

/* Parts 0 to 3 (or 0 and 1) are a's, the following ones b's; the selector names the highest first.
 */
Test(video, simd_selectors) {
  expect("vmin2.s32.s32.s32 %d, %a.h12, %b.h03, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    const uint64_t both = b << 32 | a;
    c = with_part(c, 16, 0, std::min(signed_part(both, 16, 2), signed_part(both, 16, 3)));
    return with_part(c, 16, 1, std::min(signed_part(both, 16, 1), signed_part(both, 16, 0)));
  });
  expect("vmax4.u32.u32.u32 %d.b310, %a.b0716, %b.b4444, %c;",
         [](uint64_t a, uint64_t b, uint64_t c) {
           const uint64_t both = b << 32 | a;
           const unsigned from[] = {6, 1, 7, 0};
           return merged(c, 8, {0, 1, 3}, [=](unsigned i) {
             return std::max(unsigned_part(both, 8, from[i]), unsigned_part(both, 8, 4));
           });
         });
}

Test(video, simd_comparisons) {
  expect("vset4.u32.u32.lt %d, %a, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return merged(c, 8, {0, 1, 2, 3}, [=](unsigned i) {
      return unsigned_part(a, 8, i) < unsigned_part(b, 8, i) ? 1 : 0;
    });
  });
  expect("vset2.s32.s32.ge.add %d, %a, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    for (unsigned i = 0; i < 2; i++) c += signed_part(a, 16, i) >= signed_part(b, 16, i) ? 1 : 0;
    return c;
  });
}

Test(video, scalars) {
  expect("vadd.s32.u32.s32.sat.min %d, %a.b1, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    const int64_t sum =
        std::min<int64_t>(unsigned_part(a, 8, 1) + signed_part(b, 32, 0), INT32_MAX);
    return static_cast<uint64_t>(std::min(sum, signed_part(c, 32, 0)));
  });
  expect("vsub.u32.u32.u32.sat %d.h1, %a, %b.b3, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    const int64_t difference = unsigned_part(a, 32, 0) - unsigned_part(b, 8, 3);
    return with_part(c, 16, 1, std::clamp<int64_t>(difference, 0, 65535));
  });
  expect("vmin.s32.s32.s32 %d, %a.h0, %b.h1; xor.b32 %d, %d, %c;",
         [](uint64_t a, uint64_t b, uint64_t c) {
           return static_cast<uint64_t>(std::min(signed_part(a, 16, 0), signed_part(b, 16, 1))) ^ c;
         });
  expect("vmax.u32.u32.u32.max %d, %a.h1, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return std::max({a >> 16, b, c});
  });
  expect("vset.s32.u32.gt.add %d, %a.b0, %b.h0, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return c + (signed_part(a, 8, 0) > unsigned_part(b, 16, 0) ? 1 : 0);
  });
}

Test(video, shifts) {
  expect("vshl.u32.u32.u32.wrap.add %d, %a, %b.b0, %c;",
         [](uint64_t a, uint64_t b, uint64_t c) { return (a << (b & 31)) + c; });
  expect("vshl.s32.s32.u32.sat.clamp %d, %a.h0, %b.b2; xor.b32 %d, %d, %c;",
         [](uint64_t a, uint64_t b, uint64_t c) {
           const int64_t count = std::min<int64_t>(unsigned_part(b, 8, 2), 32);
           const int64_t shifted = signed_part(a, 16, 0) * (int64_t{1} << count);
           return static_cast<uint64_t>(std::clamp<int64_t>(shifted, INT32_MIN, INT32_MAX)) ^ c;
         });
  expect("vshr.s32.s32.u32.clamp %d.b1, %a, %b, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return with_part(c, 8, 1, signed_part(a, 32, 0) >> std::min<uint64_t>(b, 32));
  });
}

Test(video, multiply_add) {
  expect("vmad.u32.u32.u32 %d, %a.h1, %b.b0, %c;",
         [](uint64_t a, uint64_t b, uint64_t c) { return (a >> 16) * (b & 255) + c; });
  expect("vmad.s32.s32.u32.po.sat.shr7 %d, %a.h0, %b.h1, %c;", [](uint64_t a, uint64_t b,
                                                                  uint64_t c) {
    const int64_t sum = signed_part(a, 16, 0) * unsigned_part(b, 16, 1) + signed_part(c, 32, 0) + 1;
    return static_cast<uint64_t>(std::clamp<int64_t>(sum >> 7, INT32_MIN, INT32_MAX));
  });
  expect("vmad.u32.u32.u32.sat.shr15 %d, %a, %b.h0, %c;", [](uint64_t a, uint64_t b, uint64_t c) {
    return std::min<uint64_t>((a * (b & 65535) + c) >> 15, UINT32_MAX);
  });
}

/* Only the parts that were computed from undefined ones are undefined; a c that is replaced as a
 * whole does not matter. */
Test(video, undefined_parts) {
  const std::vector<Slot> inputs = {{"%a", "b32"}, {"%b", "b32"}, {"%c", "b32"}};
  expect_rows({"vabsdiff4.u32.u32.u32 %d, %a, %b, %c;", {{"%d", "b32"}}, inputs},
              {{{0x05060708, 0x01010101, 0}, {0x04050607}, {0x0000ff00, 0, 0xffffffff}, {0xff00}}});
  expect_rows({"vadd2.u32.u32.u32 %d.h1, %a, %b, %c;", {{"%d", "b32"}}, inputs},
              {{{0x00050006, 0x00010001, 9}, {0x00060009}, {0x0000ffff, 0, 0xff}, {0xff}}});
  expect_rows({"vabsdiff4.u32.u32.u32.add %d, %a, %b, %c;", {{"%d", "b32"}}, inputs},
              {{{1, 2, 3}, {4}, {0xff000000, 0, 0}, {0xffffffff}}, {{1, 2, 3}, {4}}});
  expect_rows({"vadd.u32.u32.u32.add %d, %a.b0, %b.b0, %c;", {{"%d", "b32"}}, inputs},
              {{{1, 2, 3}, {6}, {0xffffff00, 0xff00, 0}, {0}}});
}

Test(video, what_ptxas_refuses) {
  const std::vector<Slot> outputs = {{"%d", "b32"}},
                          inputs = {{"%a", "b32"}, {"%b", "b32"}, {"%c", "b32"}};
  for (const char *const text :
       {"vadd4.u32.u32.u32.sat.add %d, %a, %b, %c;", "vadd2.u32.u32.u32.min %d, %a, %b, %c;",
        "vadd2.u32.u32.u32 %d, %a, %b;", "vadd.u32.u32.u64 %d, %a, %b;", "vset.u32.u32 %d, %a, %b;",
        "vshl.u32.u32.u32 %d, %a, %b;", "vshl.u32.u32.s32.wrap %d, %a, %b;",
        "vadd.u32.u32.u32 %d, %a.h10, %b;", "vadd2.u32.u32.u32 %d.h01, %a, %b, %c;",
        "vadd4.u32.u32.u32 %d, %a.b321, %b, %c;", "vadd.u32.u32.u32.add %d.b1, %a, %b, %c;"}) {
    expect_unsupported({text, outputs, inputs}, "unsupported instruction");
  }
}

}  // namespace
}  // namespace gpusim::cases
