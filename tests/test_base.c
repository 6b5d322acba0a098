#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "runtime/base/half.h"
#include "runtime/base/status.h"
#include "tessera/tessera.h"

Test(status, every_status_has_a_name_a_text_and_its_own_exit_code) {
  int seen[256] = {0};
  for (int s = TSR_OK; s <= TSR_OUT_OF_MEMORY; s++) {
    cr_assert_eq(strncmp(tsr_status_name((tsr_status)s), "TSR_", 4), 0);
    cr_assert_gt(strlen(tsr_status_text((tsr_status)s)), 3);
    int code = tsr_status_exit_code((tsr_status)s);
    cr_assert_eq(seen[code]++, 0, "exit code %d is used twice", code);
  }
  cr_assert_str_eq(tsr_status_name((tsr_status)99), "unknown");
}

Test(status, error_keeps_the_message_and_returns_the_status) {
  cr_assert_str_eq(tsr_last_error(), "");
  cr_assert_eq(tsr__error(TSR_IO, "%s: tensor %s", "a.safetensors", "x"), TSR_IO);
  cr_assert_str_eq(tsr_last_error(), "a.safetensors: tensor x");
}

/* Widening is exact, so every half must survive the round trip, NaN payloads apart. */
Test(half, f16_round_trips_every_pattern) {
  for (uint32_t bits = 0; bits < 0x10000; bits++) {
    float f = tsr__f16_to_f32((uint16_t)bits);
    uint16_t back = tsr__f32_to_f16(f);
    int nan = (bits & 0x7c00) == 0x7c00 && (bits & 0x3ff);
    if (nan)
      cr_assert(isnan(f) && (back & 0x7c00) == 0x7c00 && (back & 0x3ff));
    else
      cr_assert_eq(back, bits, "0x%04x -> %g -> 0x%04x", bits, (double)f, back);
  }
}

/* ldexp gives the value of a half independently of the conversion's bit tricks. */
Test(half, f16_values_follow_ieee_754) {
  for (uint32_t bits = 0; bits < 0x7c00; bits++) {
    int exponent = (int)(bits >> 10), fraction = (int)(bits & 0x3ff);
    double value = exponent ? ldexp(1024 + fraction, exponent - 25) : ldexp(fraction, -24);
    cr_assert_eq((double)tsr__f16_to_f32((uint16_t)bits), value);
    cr_assert_eq((double)tsr__f16_to_f32((uint16_t)(bits | 0x8000)), -value);
  }
}

Test(half, narrowing_rounds_to_nearest_even_and_overflows_to_infinity) {
  cr_assert_eq(tsr__f32_to_f16(1.0f + 0x1p-11f), 0x3c00);            /* tie, to even */
  cr_assert_eq(tsr__f32_to_f16(1.0f + 0x1p-11f + 0x1p-20f), 0x3c01); /* above the tie */
  cr_assert_eq(tsr__f32_to_f16(1.0f + 3 * 0x1p-11f), 0x3c02);        /* tie, to even */
  cr_assert_eq(tsr__f32_to_f16(65519.0f), 0x7bff);
  cr_assert_eq(tsr__f32_to_f16(65520.0f), 0x7c00);
  cr_assert_eq(tsr__f32_to_f16(-0.0f), 0x8000);
  cr_assert_eq(tsr__f32_to_f16(0x1p-25f), 0x0000); /* tie, to even */
  cr_assert_eq(tsr__f32_to_f16(0x1.8p-25f), 0x0001);
  cr_assert_eq(tsr__f32_to_bf16(1.0f + 0x1p-8f), 0x3f80);
  cr_assert_eq(tsr__f32_to_bf16(1.0f + 3 * 0x1p-8f), 0x3f82);
  cr_assert_eq(tsr__f32_to_bf16(3.4e38f), 0x7f80);
  cr_assert((tsr__f32_to_bf16(NAN) & 0x7f) != 0);
}

Test(types, dtype_and_format_names_round_trip) {
  for (int d = 0; d < TSR_DTYPE_COUNT; d++) {
    tsr_dtype back;
    cr_assert_eq(tsr_dtype_parse(tsr_dtype_name((tsr_dtype)d), &back), TSR_OK);
    cr_assert_eq((int)back, d);
  }
  for (int f = 0; f < TSR_FORMAT_COUNT; f++) {
    tsr_format back;
    cr_assert_eq(tsr_format_parse(tsr_format_name((tsr_format)f), &back), TSR_OK);
    cr_assert_eq((int)back, f);
  }
  tsr_dtype dtype;
  cr_assert_eq(tsr_dtype_parse("F17", &dtype), TSR_UNSUPPORTED);
  cr_assert(strstr(tsr_last_error(), "F17"));
}
