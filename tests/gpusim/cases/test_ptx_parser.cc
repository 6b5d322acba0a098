/* What the parser makes of correct modules. */
#include <criterion/criterion.h>

#include <cstring>
#include <string>

#include "tests/gpusim/ptx/module.h"

using gpusim::Space;
using gpusim::Type;
using gpusim::ptx::Function;
using gpusim::ptx::Instruction;
using gpusim::ptx::Module;
using gpusim::ptx::Operand;
using gpusim::ptx::Variable;

namespace {

using Kind = Operand::Kind;

std::unique_ptr<Module> parse(const std::string &text) {
  std::string error;
  auto module =
      gpusim::ptx::parse(".version 8.7\n.target sm_90a, debug\n.address_size 64\n" + text, &error);
  cr_assert(module != nullptr, "%s", error.c_str());
  return module;
}

/* A module with one function, whose body is given. */
std::unique_ptr<Module> parse_body(const std::string &body) {
  return parse(
      ".global .b32 g[4];\n.extern .func (.param .b32 r) callee(.param .b32 a);\n"
      ".visible .entry k(.param .b64 p) {\n"
      ".reg .b32 %r<9>; .reg .b64 %rd<9>; .reg .pred %p<4>; .reg .v4 .f32 %v;\n" +
      body + "\n}\n");
}

const Instruction &first(const std::unique_ptr<Module> &module) {
  const Function *function = module->find("k");
  cr_assert(function && !function->instructions.empty());
  return function->instructions[0];
}

const Variable *global(const Module &module, const char *name) {
  for (const Variable *variable : module.globals) {
    if (variable->name == name) return variable;
  }
  cr_assert(false, "%s", name);
  return nullptr;
}

uint64_t word(const Variable *variable, size_t offset, size_t bytes) {
  uint64_t value = 0;
  cr_assert(offset + bytes <= variable->initial.size());
  memcpy(&value, variable->initial.data() + offset, bytes);
  return value;
}

}  // namespace

Test(ptx_parser, header) {
  const auto module = parse(".file 2 \"b.cu\", 123, 45\n.file 1 \"a.cu\"\n");
  cr_expect(module->version_major == 8 && module->version_minor == 7 && module->target == 90);
  cr_expect(module->address_bytes == 8);
  cr_assert_eq(module->files.size(), 3u);
  cr_expect(module->files[1] == "a.cu" && module->files[2] == "b.cu");
}

Test(ptx_parser, entry_with_directives) {
  const auto module = parse(
      ".visible .entry k(.param .u64 .ptr .global .align 16 k_0, .param .align 8 .b8 k_1[24])\n"
      ".maxntid 128, 2\n.minnctapersm 3 .maxnreg 64 .pragma \"nounroll\";\n{ ret; }\n"
      ".entry l() .reqntid 32, 4, 2 { exit; }\n.func s() .noreturn;\n");
  const Function *k = module->find("k");
  cr_assert(k && k->is_entry && !k->is_declaration);
  cr_expect(k->line == 4 && k->min_ctas == 3 && k->max_registers == 64);
  cr_expect(k->max_threads[0] == 128 && k->max_threads[1] == 2 && k->max_threads[2] == 1);
  cr_assert_eq(k->parameters.size(), 2u);
  cr_expect(k->parameters[0]->bytes == 8 && k->parameters[0]->align == 8);
  cr_expect(k->parameters[1]->bytes == 24 && k->parameters[1]->align == 8);
  cr_expect(k->parameters[1]->space == Space::param && k->parameters[1]->type == Type::b8);
  const Function *l = module->find("l");
  cr_expect(l->required_threads[0] == 32 && l->required_threads[1] == 4 &&
            l->required_threads[2] == 2 && l->max_threads[0] == 0);
  cr_expect(module->find("s")->is_noreturn && module->find("s")->is_declaration);
  cr_expect(module->find("missing") == nullptr);
}

Test(ptx_parser, declared_before_and_after) {
  const auto module = parse(
      ".func (.param .b32 r) f(.param .b32 a);\n.extern .global .b32 x;\n"
      ".visible .entry k() { .reg .b64 %d; mov.b64 %d, f; mov.b64 %d, x; ret; }\n"
      ".func (.param .b32 q) f(.param .b32 b) { ret; }\n.func (.param .b32 r) f(.param .b32 a);\n"
      ".global .b32 x = 7;\n.extern .global .b32 x;\n");
  cr_assert_eq(module->functions.size(), 2u);
  const auto &code = module->find("k")->instructions;
  cr_expect(code[0].operands[1].function == module->find("f"));
  cr_expect(!module->find("f")->is_declaration && module->find("f")->results[0]->name == "q");
  cr_assert_eq(module->globals.size(), 1u);
  cr_expect(code[1].operands[1].variable == module->globals[0]);
  cr_expect(!module->globals[0]->is_extern && word(module->globals[0], 0, 4) == 7);
}

Test(ptx_parser, alias) {
  const auto module = parse(
      ".visible .func a();\n.visible .func b() { ret; }\n.alias a, b;\n"
      ".visible .entry k() { call a; ret; }\n.global .u64 t[1] = {a};\n");
  cr_expect(module->find("k")->instructions[0].operands[1].function == module->find("b"));
  cr_expect(global(*module, "t")->relocations[0].function == module->find("b"));
}

Test(ptx_parser, registers_exist_when_they_are_used) {
  const auto module = parse_body("add.s32 %r7, %r7, %r2; { .reg .b64 %r<3>; mov.b64 %r2, 0; }");
  const Function *k = module->find("k");
  cr_assert_eq(k->registers.size(), 4u);
  for (uint32_t i = 0; i < 4; i++) cr_expect_eq(k->registers[i]->index, i);
  const auto &operands = k->instructions[0].operands;
  cr_expect(operands[0].variable == operands[1].variable && operands[0].variable->name == "%r7");
  cr_expect(operands[2].variable->type == Type::b32);
  /* The inner range hides the outer one, which has been used already. */
  cr_expect(k->instructions[1].operands[0].variable->type == Type::b64);
}

Test(ptx_parser, ranges_whose_names_overlap) {
  const auto module = parse(
      ".visible .entry k() { .reg .b32 %f<4>; .reg .b64 %f1<8>;\n"
      "mov.b32 %f1, 0; mov.b64 %f15, 0; mov.b64 %f10, 0; ret; }\n");
  const auto &code = module->find("k")->instructions;
  cr_expect(code[0].operands[0].variable->type == Type::b32);
  cr_expect(code[1].operands[0].variable->type == Type::b64);
  cr_expect(code[2].operands[0].variable->type == Type::b64);
}

Test(ptx_parser, inner_names_hide_outer_ones) {
  const auto module = parse_body(
      ".reg .b32 x; .param .b32 q;\n{ .reg .b64 x; .param .b64 q; mov.b64 x, 1; }\nmov.b32 x, 1;");
  const Function *k = module->find("k");
  cr_expect(k->instructions[0].operands[0].variable->type == Type::b64);
  cr_expect(k->instructions[1].operands[0].variable->type == Type::b32);
  cr_assert_eq(k->memory.size(), 2u);
  cr_expect(k->memory[0]->bytes == 4 && k->memory[1]->bytes == 8);
}

Test(ptx_parser, labels_belong_to_their_scope) {
  const auto module = parse_body(
      "bra END;\n{ WAIT: @%p1 bra DONE; bra WAIT; DONE: }\n"
      "{ WAIT: @%p1 bra DONE; bra END; DONE: }\nEND:");
  const auto &code = module->find("k")->instructions;
  cr_assert_eq(code.size(), 5u);
  static const uint32_t targets[] = {5, 3, 1, 5, 5};
  for (size_t i = 0; i < 5; i++) {
    cr_expect(code[i].operands[0].kind == Kind::label);
    cr_expect_eq(code[i].operands[0].target, targets[i], "%zu", i);
  }
}

Test(ptx_parser, branch_tables) {
  const auto module = parse_body(
      "brx.idx %r1, later;\nt: .branchtargets A, B, A;\nbrx.idx.uni %r1, t;\nA: ret;\nB: ret;\n"
      "later: .branchtargets B;");
  const auto &code = module->find("k")->instructions;
  cr_expect(code[1].operands[1].targets == (std::vector<uint32_t>{2, 3, 2}));
  cr_expect(code[0].operands[1].targets == std::vector<uint32_t>{3});
}

Test(ptx_parser, guard_and_text) {
  const auto module = parse_body("\n  @!%p1   add.s32 \t%r1,\n%r2, /* x */ 3  ;");
  const Instruction &add = first(module);
  cr_expect(add.guard && add.guard->name == "%p1" && add.guard_negated);
  cr_expect(add.base == "add" && add.qualifiers.size() == 1 && add.qualifiers[0] == "s32");
  cr_expect(add.line == 9, "%u", add.line);
  cr_expect(add.text == "@!%p1   add.s32 \t%r1,\n%r2, /* x */ 3");
}

Test(ptx_parser, source_lines) {
  const auto module = parse_body(
      "ret;\n.loc 1 17 3\nret;\n.loc 2 5 0, function_name $L__s0+12, inlined_at 1 18 9\nret;");
  const auto &code = module->find("k")->instructions;
  cr_expect(code[0].source_file == 0 && code[0].source_line == 0);
  cr_expect(code[1].source_file == 1 && code[1].source_line == 17);
  cr_expect(code[2].source_file == 2 && code[2].source_line == 5);
}

Test(ptx_parser, scalar_operands) {
  const auto module = parse_body(
      "x %r1, -5, 0f3F800000, 1.0, %tid.y, _, g+8, callee, !%p1, %v.w, p-4, %laneid, %v.g, "
      "%r2.h1;");
  const auto &o = first(module).operands;
  cr_assert_eq(o.size(), 14u);
  cr_expect(o[0].kind == Kind::reg && o[0].variable->name == "%r1");
  cr_expect(o[1].kind == Kind::integer && o[1].bits == UINT64_MAX - 4);
  cr_expect(o[2].kind == Kind::real && o[2].real_bytes == 4 && o[2].bits == 0x3f800000);
  cr_expect(o[3].kind == Kind::real && o[3].real_bytes == 8 &&
            o[3].bits == UINT64_C(0x3ff0000000000000));
  cr_expect(o[4].kind == Kind::special && o[4].name == "%tid" && o[4].component == 'y');
  cr_expect(o[5].kind == Kind::sink);
  cr_expect(o[6].kind == Kind::variable && o[6].variable->name == "g" && o[6].offset == 8);
  cr_expect(o[7].kind == Kind::function && o[7].function->name == "callee");
  cr_expect(o[8].kind == Kind::reg && o[8].negated);
  cr_expect(o[9].kind == Kind::reg && o[9].component == 'w');
  cr_expect(o[10].kind == Kind::variable && o[10].offset == -4);
  cr_expect(o[11].kind == Kind::special && o[11].component == 0);
  cr_expect(o[12].component == 'y');
  cr_expect(o[13].component == 'h' && o[13].name == "h1");
}

Test(ptx_parser, compound_operands) {
  const auto module = parse_body(
      "x {%r1, _, 3}, %p1|%p2, _|%p3, [%rd1+-16], [g], [g+4], [64], [%rd2, {%r1, %r2}], g[3],\n"
      "[p+312-8], [WARP_SZ*2];");
  const auto &o = first(module).operands;
  cr_assert_eq(o.size(), 11u);
  cr_assert(o[0].kind == Kind::vector && o[0].elements.size() == 3);
  cr_expect(o[0].elements[1].kind == Kind::sink && o[0].elements[2].bits == 3);
  cr_assert(o[1].kind == Kind::pair && o[1].elements.size() == 2);
  cr_expect(o[1].elements[1].variable->name == "%p2");
  cr_expect(o[2].kind == Kind::pair && o[2].elements[0].kind == Kind::sink);
  cr_expect(o[3].kind == Kind::address && o[3].elements[0].variable->name == "%rd1" &&
            o[3].offset == -16);
  cr_expect(o[4].elements[0].kind == Kind::variable && o[4].offset == 0);
  cr_expect(o[5].offset == 4 && o[5].elements[0].offset == 0);
  cr_expect(o[6].elements[0].kind == Kind::integer && o[6].elements[0].bits == 64);
  cr_expect(o[7].elements.size() == 2 && o[7].elements[1].kind == Kind::vector);
  cr_expect(o[8].kind == Kind::address && o[8].offset == 12);
  cr_expect(o[9].offset == 304 && o[9].elements[0].variable->space == Space::param);
  cr_expect(o[10].elements[0].bits == 64);
}

Test(ptx_parser, calls) {
  const auto module = parse_body(
      ".param .b32 a; .param .b32 b;\ncall.uni (a), callee, (b);\ncall callee;\ncall callee, (1);\n"
      "proto: .callprototype (.param .b32 _) _ (.param .b32 _, .param .align 4 .b8 _[8]) "
      ".noreturn;\ncall (a), %rd1, (b), proto;\nempty : .callprototype ()_ ();\n"
      "call %rd1, (), empty;\nboth: .calltargets callee;\ncall (a), %rd1, (b), both;");
  const auto &code = module->find("k")->instructions;
  cr_assert_eq(code.size(), 6u);
  static const size_t counts[][3] = {{3, 1, 1}, {3, 0, 0}, {3, 0, 1},
                                     {4, 1, 1}, {4, 0, 0}, {4, 1, 1}};
  for (size_t i = 0; i < 6; i++) {
    const auto &o = code[i].operands;
    cr_assert_eq(o.size(), counts[i][0], "%zu", i);
    cr_expect(o[0].kind == Kind::list && o[0].elements.size() == counts[i][1], "%zu", i);
    cr_expect(o[2].kind == Kind::list && o[2].elements.size() == counts[i][2], "%zu", i);
  }
  cr_expect(code[0].operands[1].kind == Kind::function);
  cr_expect(code[3].operands[1].kind == Kind::reg);
  cr_expect(code[3].operands[3].kind == Kind::label && code[3].operands[3].name == "proto");
  cr_assert_eq(code[5].operands[3].elements.size(), 1u);
  cr_expect(code[5].operands[3].elements[0].function->name == "callee");
}

Test(ptx_parser, initial_values) {
  const auto module = parse(
      ".visible .global .align 4 .b8 a[8] = {1, 0x7f, -1};\n"
      ".const .f32 f[] = {1.5, 0f40000000, 3};\n.global .f64 d = -2.0;\n"
      ".global .s16 m[2][3] = {{1}, {2, -3}};\n.global .u32 flat[2][2] = {1, 2, 3};\n"
      ".global .v4 .u32 v = {1, 2, 3, 4};\n.global .u64 big = 0xffffffffffffffff;\n"
      ".global .b8 zero[4000000000];\n.global .u16 open[][2] = {{1, 2}, {3}};\n");
  const Variable *a = global(*module, "a");
  cr_expect(a->bytes == 8 && a->align == 4 && word(a, 0, 3) == 0xff7f01);
  const Variable *f = global(*module, "f");
  cr_expect(f->bytes == 12 && f->space == Space::constant && f->align == 4);
  cr_expect(word(f, 0, 4) == 0x3fc00000 && word(f, 4, 4) == 0x40000000 &&
            word(f, 8, 4) == 0x40400000);
  cr_expect(word(global(*module, "d"), 0, 8) == UINT64_C(0xc000000000000000));
  const Variable *m = global(*module, "m");
  cr_expect(m->bytes == 12 && word(m, 0, 2) == 1 && word(m, 2, 2) == 0 && word(m, 6, 2) == 2 &&
            word(m, 8, 2) == 0xfffd);
  cr_expect(word(global(*module, "flat"), 8, 4) == 3);
  const Variable *v = global(*module, "v");
  cr_expect(v->bytes == 16 && v->align == 16 && v->vector == 4 && word(v, 12, 4) == 4);
  cr_expect(word(global(*module, "big"), 0, 8) == UINT64_MAX);
  const Variable *zero = global(*module, "zero");
  cr_expect(zero->bytes == 4000000000u && zero->initial.empty());
  cr_expect(global(*module, "open")->bytes == 8);
}

Test(ptx_parser, initial_addresses) {
  const auto module = parse(
      ".func f() { ret; }\n.global .b32 g[4];\n"
      ".global .u64 a[4] = {7, generic(g)+4, g-8, f};\n.global .u64 b = generic(g+12);\n"
      ".global .u8 c[3] = {0xff(g), 0xFF00(generic(g)+1), 5};\n");
  const Variable *g = global(*module, "g"), *a = global(*module, "a");
  cr_assert_eq(a->relocations.size(), 3u);
  cr_expect(word(a, 0, 8) == 7);
  const auto &r = a->relocations;
  cr_expect(r[0].offset == 8 && r[0].bytes == 8 && r[0].variable == g && r[0].addend == 4);
  cr_expect(r[0].generic && r[0].shift == 0 && r[0].function == nullptr);
  cr_expect(r[1].offset == 16 && r[1].addend == -8 && !r[1].generic);
  cr_expect(r[2].function == module->find("f") && r[2].variable == nullptr);
  cr_expect(global(*module, "b")->relocations[0].addend == 12);
  const Variable *c = global(*module, "c");
  cr_assert_eq(c->relocations.size(), 2u);
  cr_expect(c->relocations[0].bytes == 1 && c->relocations[0].shift == 0);
  cr_expect(c->relocations[1].shift == 8 && c->relocations[1].addend == 1);
  cr_expect(word(c, 2, 1) == 5);
}

Test(ptx_parser, constant_expressions) {
  static const struct {
    const char *text;
    uint64_t value;
  } rows[] = {
      {"1+2*3", 7},
      {"(1+2)*3", 9},
      {"-7/2", UINT64_MAX - 2},
      {"-7%3", UINT64_MAX},
      {"1<<4|3", 19},
      {"-16>>2", UINT64_MAX - 3},
      {"0xfffffffffffffff0U>>60", 15},
      {"1<<64", 0},
      {"~0", UINT64_MAX},
      {"!5", 0},
      {"!0", 1},
      {"6&3^1", 3},
      {"1 ? 5 : 6", 5},
      {"0 ? 5 : 0 ? 6 : 7", 7},
      {"1 < 2 && 3 >= 4", 0},
      {"-1 < 0", 1},
      {"(.u64) -1 < 1", 0},
      {"-1 < 0U", 0},
      {"(.s64) 0xffffffffffffffffU < 1", 1},
      {"1 == 1 || 1/1 == 0", 1},
      {"2 != 2", 0},
      {"WARP_SZ - 1", 31},
      {"- - 5", 5},
      {"1.5 < 2.0", 1},
      {"0x8000000000000000 / -1", 0},
  };
  for (const auto &row : rows) {
    const auto module = parse(std::string(".global .u64 x = ") + row.text + ";\n");
    cr_expect_eq(word(module->globals[0], 0, 8), row.value, "%s = %llx", row.text,
                 static_cast<unsigned long long>(word(module->globals[0], 0, 8)));
  }
  const auto real = parse(".global .f64 x = 1.5 * 4.0 - -0.5;\n.global .f32 y = -0f7fc00001;\n");
  cr_expect_eq(word(real->globals[0], 0, 8), UINT64_C(0x401a000000000000));
  cr_expect_eq(word(real->globals[1], 0, 4), 0xffc00001u);
}

Test(ptx_parser, sections_are_skipped) {
  const auto module = parse(
      ".section .debug_abbrev\n{\n.b8 1\n$L__l0:\n.b64 $L__func_begin0\n.b32 .debug_str+4\n}\n"
      ".section .debug_loc { }\n.global .b32 x;\n");
  cr_expect_eq(module->globals.size(), 1u);
}
