#include "runtime/cli/prune_report.h"

#include <stdio.h>
#include <string.h>

#include "runtime/cli/cli.h"
#include "runtime/cli/weights.h"

static json_t *layer_json(const tsr__prune_layer *layer) {
  const tsr_tensor *tensor = layer->tensor;
  int64_t rows = tsr__matrix_rows(tensor), cols = tsr__matrix_cols(tensor);
  double elements = (double)rows * (double)cols;
  return json_pack("{s:s, s:[I,I], s:s, s:I, s:f, s:f}", "name", tensor->name, "shape",
                   (json_int_t)rows, (json_int_t)cols, "dtype", tsr_dtype_name(layer->dtype),
                   "zeros", (json_int_t)layer->pruned, "sparsity",
                   elements > 0 ? (double)layer->pruned / elements : 0, "score_kept",
                   layer->score > 0 ? layer->kept_score / layer->score : 1);
}

static tsr_status report_json(const tsr__prune_rule *rule, const tsr__prune_layer *layers,
                              size_t count, const char *output) {
  char pattern[TSR_PATTERN_TEXT_MAX];
  tsr_pattern_text(&rule->pattern, pattern);
  json_t *list = json_array();
  for (size_t i = 0; i < count; i++) list = tsr__json_append(list, layer_json(&layers[i]));
  return tsr__print_json(json_pack("{s:s, s:s, s:s, s:s, s:o}", "output", output, "pattern",
                                   pattern, "method", tsr_prune_method_name(rule->method), "scope",
                                   rule->global ? "global" : "layer", "layers", list),
                         stdout);
}

static void report_row(const char *name, int width, const char *shape, double elements,
                       double pruned, double kept) {
  printf("%-*s  %11s  %7.2f %%  %9.2f %%\n", width, name, shape,
         elements > 0 ? 100 * pruned / elements : 0, 100 * kept);
}

static void report_text(const tsr__prune_rule *rule, const tsr__prune_layer *layers, size_t count,
                        const char *output) {
  int width = 5;
  for (size_t i = 0; i < count; i++) {
    int length = (int)strlen(layers[i].tensor->name);
    if (length > width) width = length;
  }
  double elements = 0, pruned = 0, score = 0, kept = 0;
  printf("%-*s  %11s  %9s  %11s\n", width, "weight", "shape", "zeros", "score kept");
  for (size_t i = 0; i < count; i++) {
    const tsr__prune_layer *layer = &layers[i];
    int64_t rows = tsr__matrix_rows(layer->tensor), cols = tsr__matrix_cols(layer->tensor);
    double size = (double)rows * (double)cols;
    char text[48];
    snprintf(text, sizeof text, "%lldx%lld", (long long)rows, (long long)cols);
    report_row(layer->tensor->name, width, text, size, (double)layer->pruned,
               layer->score > 0 ? layer->kept_score / layer->score : 1);
    elements += size;
    pruned += (double)layer->pruned;
    score += layer->score;
    kept += layer->kept_score;
  }
  report_row("total", width, "", elements, pruned, score > 0 ? kept / score : 1);
  const tsr__prune_target *t = rule->target;
  if (t)
    printf("%.4g ms, %.3gx dense, for %lld tokens in %d threads\n", t->got_ms, t->got_speedup,
           (long long)t->tokens, (int)t->threads);
  printf("%zu weights, %.0f of %.0f elements are zero now; wrote %s\n", count, pruned, elements,
         output);
}

tsr_status tsr__prune_report(const tsr__prune_rule *rule, const tsr__prune_layer *layers,
                             size_t count, const char *output, int json) {
  if (json) return report_json(rule, layers, count, output);
  report_text(rule, layers, count, output);
  return TSR_OK;
}

void tsr__prune_report_damping(const tsr__prune_layer *layers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    const tsr__prune_layer *layer = &layers[i];
    if (layer->result.damping_raises)
      fprintf(stderr,
              "%s: the statistics of its input could not be factorised; damping raised to %g\n",
              layer->tensor->name, layer->result.damping);
  }
}
