/* vote, match, redux, activemask over groups of lanes. */
#include <criterion/criterion.h>

#include "tests/gpusim/cases/instruction_case.h"
#include "tests/gpusim/cases/kernel_run.h"

using namespace gpusim;
using namespace gpusim::cases;

namespace {

constexpr uint32_t kAll = 0xffffffff;
const std::vector<uint32_t> kMasks = {kAll, 0x0000ffff, 0xa5a5c3c1, 0x80000000, 0x1};

/* Warps whose votes are all, none, one, many. */
const std::vector<uint32_t> kVotes = {0,          kAll,       1,          0x80000000, 0xfffffffe,
                                      0x7fffffff, 0xa5a5c3c1, 0x5a5a3c3e, 0x12345678};

/* The lanes of `votes` as predicates, and what each lane has to get. */
using Expected = uint64_t (*)(uint32_t votes, uint32_t members);

void expect_vote(const std::string &text, const char *type, Expected expected) {
  for (const uint32_t members : kMasks) {
    std::vector<Row> rows;
    for (const uint32_t votes : kVotes) {
      for (unsigned lane = 0; lane < 32; lane++) {
        rows.push_back({{votes >> lane & 1, members}, {expected(votes, members)}});
      }
    }
    expect_rows({text, {{"%d", type}}, {{"%a", "pred"}, {"%m", "b32"}}, {members}}, rows);
  }
}

uint32_t with_sign(uint64_t value) { return static_cast<uint32_t>(value) ^ 0x80000000u; }

using Step2 = uint32_t (*)(uint32_t a, uint32_t b);

void expect_redux(const std::string &operation, Step2 step) {
  Random random(7);
  for (const uint32_t members : kMasks) {
    std::vector<Row> rows(96);
    for (size_t first = 0; first < rows.size(); first += 32) {
      uint32_t result = 0;
      bool any = false;
      for (size_t i = 0; i < 32; i++) {
        uint32_t value = static_cast<uint32_t>(random.next());
        if (first == 64) value = i % 2 == 0 ? 0xffffffff : 0x7fffffff;
        rows[first + i].in = Values{value, members};
        if ((members >> i & 1) == 0) continue;
        result = any ? step(result, value) : value;
        any = true;
      }
      for (size_t i = 0; i < 32; i++) rows[first + i].out = Values{result};
    }
    expect_rows({"redux.sync." + operation + " %d, %a, %m;",
                 {{"%d", "b32"}},
                 {{"%a", "b32"}, {"%m", "b32"}},
                 {members}},
                rows);
  }
}

template <class Value>
void expect_match(unsigned bits, Value value_of) {
  const std::string type = "b" + std::to_string(bits);
  for (const uint32_t members : kMasks) {
    std::vector<Row> any, all;
    for (unsigned warp = 0; warp < 4; warp++) {
      uint32_t holders[32] = {};
      bool equal = true;
      uint64_t first = 0;
      for (unsigned lane = 32; lane-- > 0;) {
        if ((members >> lane & 1) != 0) first = value_of(warp, lane);
      }
      for (unsigned lane = 0; lane < 32; lane++) {
        for (unsigned other = 0; other < 32; other++) {
          const bool same = value_of(warp, lane) == value_of(warp, other);
          if (same && (members >> other & 1) != 0) holders[lane] |= 1u << other;
        }
        if ((members >> lane & 1) != 0 && value_of(warp, lane) != first) equal = false;
      }
      for (unsigned lane = 0; lane < 32; lane++) {
        any.push_back({{value_of(warp, lane), members}, {holders[lane]}});
        all.push_back({{value_of(warp, lane), members}, {equal ? members : 0, equal}});
      }
    }
    const std::vector<Slot> inputs = {{"%a", type}, {"%m", "b32"}};
    expect_rows({"match.any.sync." + type + " %d, %a, %m;", {{"%d", "b32"}}, inputs, {members}},
                any);
    expect_rows({"match.all.sync." + type + " %d|%p, %a, %m;",
                 {{"%d", "b32"}, {"%p", "pred"}},
                 inputs,
                 {members}},
                all);
  }
}

}  // namespace

Test(vote, all) {
  expect_vote("vote.sync.all.pred %d, %a, %m;", "pred", [](uint32_t votes, uint32_t members) {
    return uint64_t{(votes & members) == members};
  });
}

Test(vote, any) {
  expect_vote("vote.sync.any.pred %d, %a, %m;", "pred",
              [](uint32_t votes, uint32_t members) { return uint64_t{(votes & members) != 0}; });
  expect_vote("vote.sync.any.pred %d, !%a, %m;", "pred",
              [](uint32_t votes, uint32_t members) { return uint64_t{(~votes & members) != 0}; });
}

Test(vote, uni) {
  expect_vote("vote.sync.uni.pred %d, %a, %m;", "pred", [](uint32_t votes, uint32_t members) {
    const uint32_t given = votes & members;
    return uint64_t{given == 0 || given == members};
  });
}

Test(vote, ballot) {
  expect_vote("vote.sync.ballot.b32 %d, %a, %m;", "b32",
              [](uint32_t votes, uint32_t members) { return uint64_t{votes & members}; });
}

Test(vote, undefined_votes) {
  std::vector<Row> ballot, all, any;
  for (uint64_t warp = 0; warp < 2; warp++) {
    for (uint64_t lane = 0; lane < 32; lane++) {
      /* Lane 9 does not know; in the second warp lane 3 alone says no. */
      const uint64_t vote = warp == 0 || lane != 3;
      Row row{{vote, kAll}, {warp == 0 ? kAll : kAll ^ 8u}};
      if (lane == 9) row.in_undefined = Values{1, 0};
      row.out_undefined = Values{0xff00};
      ballot.push_back(row);
      row.out = Values{0};
      row.out_undefined = Values{warp == 0};
      all.push_back(row);
      row.out = Values{1};
      row.out_undefined = Values{0};
      any.push_back(row);
    }
  }
  const std::vector<Slot> inputs = {{"%a", "pred"}, {"%m", "b32"}};
  const std::vector<Slot> word = {{"%d", "b32"}}, truth = {{"%d", "pred"}};
  expect_rows({"vote.sync.ballot.b32 %d, %a, %m;", word, inputs, {kAll}}, ballot);
  expect_rows({"vote.sync.all.pred %d, %a, %m;", truth, inputs, {kAll}}, all);
  expect_rows({"vote.sync.any.pred %d, %a, %m;", truth, inputs, {kAll}}, any);
}

Test(match, words) {
  expect_match(32, [](unsigned warp, unsigned lane) -> uint64_t {
    const uint64_t values[] = {5, lane % 3, lane, lane == 31 ? 0u : 0x80000000u};
    return values[warp];
  });
}

Test(match, long_words) {
  expect_match(64, [](unsigned warp, unsigned lane) -> uint64_t {
    const uint64_t values[] = {~uint64_t{0}, uint64_t{lane % 4} << 32, lane / 16, 7};
    return values[warp];
  });
}

Test(match, undefined_value) {
  std::vector<Row> rows;
  for (uint64_t lane = 0; lane < 64; lane++) {
    Row row{{1, kAll}, {kAll}};
    if (lane == 12) row.in_undefined = Values{0xff, 0};
    if (lane < 32) row.out_undefined = Values{kAll};
    rows.push_back(row);
  }
  const std::vector<Slot> inputs = {{"%a", "b32"}, {"%m", "b32"}};
  expect_rows({"match.any.sync.b32 %d, %a, %m;", {{"%d", "b32"}}, inputs, {kAll}}, rows);
  expect_rows({"redux.sync.and.b32 %d, %a, %m;", {{"%d", "b32"}}, inputs, {kAll}},
              {rows.begin(), rows.begin() + 32});
}

Test(redux, arithmetic) {
  expect_redux("add.u32", [](uint32_t a, uint32_t b) { return a + b; });
  expect_redux("add.s32", [](uint32_t a, uint32_t b) { return a + b; });
  expect_redux("min.u32", [](uint32_t a, uint32_t b) { return a < b ? a : b; });
  expect_redux("max.u32", [](uint32_t a, uint32_t b) { return a > b ? a : b; });
  expect_redux("min.s32",
               [](uint32_t a, uint32_t b) { return with_sign(a) < with_sign(b) ? a : b; });
  expect_redux("max.s32",
               [](uint32_t a, uint32_t b) { return with_sign(a) > with_sign(b) ? a : b; });
}

Test(redux, logic) {
  expect_redux("and.b32", [](uint32_t a, uint32_t b) { return a & b; });
  expect_redux("or.b32", [](uint32_t a, uint32_t b) { return a | b; });
  expect_redux("xor.b32", [](uint32_t a, uint32_t b) { return a ^ b; });
}

Test(activemask, lanes_that_execute) {
  for (const uint32_t mask : kMasks) {
    std::vector<Row> rows(32, Row{{0}, {mask}});
    expect_rows({"activemask.b32 %d;", {{"%d", "b32"}}, {{"%a", "b32"}}, {mask}}, rows);
  }
}

/* Two halves of a warp, each with its own member mask, in one instruction. */
Test(vote, groups_with_masks_of_their_own) {
  std::vector<Row> ballot, sum;
  for (uint64_t lane = 0; lane < 32; lane++) {
    const uint64_t members = lane % 2 == 0 ? 0x55555555 : 0xaaaaaaaa;
    ballot.push_back({{lane % 4 < 2, members}, {members & 0x33333333}});
    sum.push_back({{lane, members}, {lane % 2 == 0 ? 240u : 256u}});
  }
  expect_rows({"vote.sync.ballot.b32 %d, %a, %m;",
               {{"%d", "b32"}},
               {{"%a", "pred"}, {"%m", "b32"}},
               {kAll}},
              ballot);
  expect_rows(
      {"redux.sync.add.u32 %d, %a, %m;", {{"%d", "b32"}}, {{"%a", "b32"}, {"%m", "b32"}}, {kAll}},
      sum);
}

Test(vote, what_ptx_does_not_have) {
  const std::vector<Slot> d = {{"%d", "b32"}, {"%p", "pred"}};
  const std::vector<Slot> ab = {{"%a", "b32"}, {"%m", "b32"}};
  expect_unsupported({"vote.all.pred %p, %p;", d, ab}, ".sync");
  expect_unsupported({"shfl.up.b32 %d, %a, 1, 0;", d, ab}, ".sync");
  expect_unsupported({"redux.sync.add.b32 %d, %a, %m;", d, ab}, "redux.sync.add.b32");
  expect_unsupported({"redux.sync.min.f32 %d, %a, %m;", d, ab}, "redux.sync.min.f32");
  expect_unsupported({"match.any.sync.u32 %d, %a, %m;", d, ab}, "match.any.sync.u32");
  expect_unsupported({"elect.sync %d|%p, %m;", d, ab}, "elect.sync");
}
