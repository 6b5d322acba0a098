#include <stdio.h>
#include <string.h>

#include "kernels/kernel.h"
#include "runtime/base/alloc.h"
#include "runtime/base/status.h"
#include "runtime/plan/registry.h"
#include "tessera/plan.h"

static tsr_status check_problem(const tsr_spmm_problem *p) {
  TSR_CHECK((unsigned)p->backend < TSR_BACKEND_COUNT && (unsigned)p->format < TSR_FORMAT_COUNT,
            TSR_INVALID_ARGUMENT, "selection: backend %d, format %d", (int)p->backend,
            (int)p->format);
  TSR_CHECK(p->m >= 0 && p->k >= 0 && p->n >= 0 && p->stored >= 0, TSR_INVALID_ARGUMENT,
            "selection: negative size: m %lld, k %lld, n %lld, stored %lld", (long long)p->m,
            (long long)p->k, (long long)p->n, (long long)p->stored);
  int64_t elements;
  TSR_CHECK(tsr__mul_i64(p->m, p->k, &elements), TSR_UNSUPPORTED_SHAPE,
            "selection: %lld x %lld is too large", (long long)p->m, (long long)p->k);
  TSR_CHECK(p->threads >= 1, TSR_INVALID_ARGUMENT, "selection: %d threads", (int)p->threads);
  return TSR_OK;
}

static int usable(const tsr_candidate *candidate) { return !candidate->reason[0]; }

/* Whether a is to be chosen before b: refused ones last; the problem's own format wins a tie. */
static int goes_before(const tsr_candidate *a, const tsr_candidate *b, tsr_format own,
                       const tsr_spmm_kernel *forced) {
  if (usable(a) != usable(b)) return usable(a);
  if (!usable(a)) return 0;
  if (forced && (a->kernel == forced) != (b->kernel == forced)) return a->kernel == forced;
  if (a->predicted_us != b->predicted_us) return a->predicted_us < b->predicted_us;
  return a->kernel->format == own && b->kernel->format != own;
}

/* Keeps candidates in the order of goes_before, equal ones in the registry's order. */
static void insert(tsr_selection *s, const tsr_candidate *candidate, tsr_format own,
                   const tsr_spmm_kernel *forced) {
  int at = s->candidate_count++;
  while (at > 0 && goes_before(candidate, &s->candidates[at - 1], own, forced)) {
    s->candidates[at] = s->candidates[at - 1];
    at--;
  }
  s->candidates[at] = *candidate;
}

static tsr_candidate assess(const tsr_spmm_kernel *kernel, const tsr_spmm_problem *problem,
                            const tsr_hardware *hardware, const tsr_tuning *tuning) {
  tsr_candidate c = {.kernel = kernel};
  const char *refusal = tsr_spmm_kernel_refusal(kernel, problem, hardware);
  if (!refusal)
    c.predicted_us = tsr_predicted_us(kernel, problem, tuning);
  else if (kernel->backend == problem->backend && !hardware->isa[kernel->isa])
    snprintf(c.reason, sizeof c.reason, "%s: %s", refusal, hardware->missing[kernel->isa]);
  else
    snprintf(c.reason, sizeof c.reason, "%s", refusal);
  return c;
}

/* The message of a selection that has no usable candidate. */
static tsr_status nothing_left(const tsr_spmm_problem *problem, const tsr_hardware *hardware,
                               const tsr_selection *s, const tsr_spmm_kernel *forced) {
  char text[900] = "";
  size_t used = 0;
  tsr_status status = TSR_NOT_FOUND;
  for (int i = 0; i < s->candidate_count; i++) {
    const tsr_candidate *c = &s->candidates[i];
    if (forced && c->kernel != forced) continue;
    if (!hardware->isa[c->kernel->isa]) status = TSR_UNSUPPORTED_HARDWARE;
    if (used < sizeof text)
      used += (size_t)snprintf(text + used, sizeof text - used, "%s%s %s", used ? "; " : "",
                               c->kernel->name, c->reason);
  }
  return tsr__error(status, "no kernel for %s %lld x %lld: %s", tsr_format_name(problem->format),
                    (long long)problem->m, (long long)problem->k, used ? text : "none exists");
}

static const tsr_candidate *best_of_format(const tsr_selection *s, int usable_count,
                                           tsr_format format) {
  for (int i = 0; i < usable_count; i++)
    if (s->candidates[i].kernel->format == format) return &s->candidates[i];
  return NULL;
}

static void explain_choice(tsr_selection *s, int usable_count, tsr_format own, int forced) {
  tsr_candidate *chosen = &s->candidates[0];
  tsr_format rival_format = chosen->kernel->format == own ? TSR_FORMAT_DENSE : own;
  const tsr_candidate *rival = best_of_format(s, usable_count, rival_format);
  char *text = chosen->reason;
  size_t size = sizeof chosen->reason;
  double us = chosen->predicted_us;
  if (forced)
    snprintf(text, size, "forced; predicted %.3g us", us);
  else if (usable_count == 1)
    snprintf(text, size, "predicted %.3g us; the only kernel that can run this", us);
  else if (rival && rival_format != chosen->kernel->format)
    snprintf(text, size, "predicted %.3g us, the least; %s: %.2fx that", us,
             tsr_format_name(rival_format), rival->predicted_us / us);
  else
    snprintf(text, size, "predicted %.3g us, the least of %d kernels", us, usable_count);
}

static void explain(tsr_selection *s, tsr_format own, int forced) {
  int usable_count = 0;
  while (usable_count < s->candidate_count && usable(&s->candidates[usable_count])) usable_count++;
  double best = s->candidates[0].predicted_us;
  explain_choice(s, usable_count, own, forced);
  for (int i = 1; i < usable_count; i++) {
    tsr_candidate *c = &s->candidates[i];
    snprintf(c->reason, sizeof c->reason, "predicted %.3g us, %.2fx the chosen kernel's%s",
             c->predicted_us, best > 0.0 ? c->predicted_us / best : 1.0,
             forced ? ", which is forced" : "");
  }
  s->kernel = s->candidates[0].kernel;
  memcpy(s->reason, s->candidates[0].reason, sizeof s->reason);
}

tsr_status tsr_select(const tsr_spmm_problem *problem, const tsr_hardware *hardware,
                      const tsr_tuning *tuning, const char *force_kernel, int allow_dense,
                      tsr_selection *out) {
  TSR_CHECK(problem && hardware && out, TSR_INVALID_ARGUMENT, "tsr_select: NULL argument");
  memset(out, 0, sizeof *out);
  TSR_TRY(check_problem(problem));
  const tsr_spmm_kernel *forced = force_kernel ? tsr__spmm_kernel_find(force_kernel) : NULL;
  TSR_CHECK(forced || !force_kernel, TSR_NOT_FOUND, "there is no kernel named \"%s\"",
            force_kernel);
  const tsr_spmm_kernel *kernel;
  for (size_t i = 0; (kernel = tsr_spmm_kernel_at(i)) != NULL; i++) {
    int suits = kernel->format == problem->format ||
                (allow_dense && tsr__spmm_kernel_suits(kernel, problem));
    int competes = kernel == forced || (suits && tsr__spmm_kernel_competes(kernel, problem));
    if (!competes || out->candidate_count == TSR_CANDIDATES_MAX) continue;
    tsr_candidate candidate = assess(kernel, problem, hardware, tuning);
    insert(out, &candidate, problem->format, forced);
  }
  const tsr_candidate *first = &out->candidates[0];
  if (!out->candidate_count || !usable(first) || (forced && first->kernel != forced))
    return nothing_left(problem, hardware, out, forced);
  explain(out, problem->format, forced != NULL);
  return TSR_OK;
}
