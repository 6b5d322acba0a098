/* The real model against float64 NumPy (scripts/minilm_reference.py). TESSERA_MINILM names the
 * model's folder; without it there is nothing to test. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tessera/tessera.h"
#include "tests/bert_run.h"

#define CHECK(call) cr_assert_eq(call, TSR_OK, "%s", tsr_last_error())

enum { SENTENCES = 8, WIDTH = 384 };

typedef struct golden {
  tsr_checkpoint *file;
  int64_t offsets[SENTENCES + 1];
  int32_t *ids;
  const float *hidden, *embeddings;
} golden;

static const void *find(const golden *g, const char *name) {
  const tsr_tensor *tensor = tsr_checkpoint_find(g->file, name);
  cr_assert_not_null(tensor, "%s", name);
  return tensor->data;
}

static golden open_golden(void) {
  golden g = {0};
  CHECK(tsr_checkpoint_open(TESSERA_TEST_DATA "/golden/minilm_hidden.safetensors", &g.file));
  int64_t lengths[SENTENCES];
  memcpy(lengths, find(&g, "lengths"), sizeof lengths);
  for (int s = 0; s < SENTENCES; s++) g.offsets[s + 1] = g.offsets[s] + lengths[s];
  int64_t tokens = g.offsets[SENTENCES];
  g.ids = malloc((size_t)tokens * sizeof *g.ids);
  for (int64_t t = 0; t < tokens; t++) {
    int64_t id;
    memcpy(&id, (const char *)find(&g, "ids") + t * 8, sizeof id);
    g.ids[t] = (int32_t)id;
  }
  g.hidden = find(&g, "hidden");
  g.embeddings = find(&g, "embeddings");
  return g;
}

static void compare(const char *what, const float *got, const float *expected, int64_t count) {
  for (int64_t i = 0; i < count; i++)
    cr_assert(fabsf(got[i] - expected[i]) <= 1e-4f, "%s [%lld, %lld]: %.9g, not %.9g", what,
              (long long)(i / WIDTH), (long long)(i % WIDTH), (double)got[i], (double)expected[i]);
}

static void run_on(const tsr_model *model, const golden *g, const tsr_hardware *hardware) {
  int64_t tokens = g->offsets[SENTENCES];
  tsr_batch batch = {SENTENCES, g->offsets, g->ids, NULL};
  float *hidden = malloc((size_t)(tokens * WIDTH) * sizeof *hidden);
  float *embeddings = malloc(SENTENCES * WIDTH * sizeof *embeddings);
  tsr_output output = {.hidden = hidden, .embedding = embeddings};
  CHECK(bert_run(model, &batch, &output, hardware, 1));
  compare("hidden", hidden, g->hidden, tokens * WIDTH);
  compare("embedding", embeddings, g->embeddings, SENTENCES * WIDTH);
  free(hidden);
  free(embeddings);
}

Test(minilm, hidden_states_agree_with_numpy_on_every_isa) {
  const char *folder = getenv("TESSERA_MINILM");
  if (!folder || !*folder) cr_skip_test("TESSERA_MINILM is not set");
  golden g = open_golden();
  tsr_checkpoint *checkpoint;
  tsr_model *model;
  tsr_hardware hardware;
  CHECK(tsr_checkpoint_open(folder, &checkpoint));
  CHECK(tsr_model_load(checkpoint, &model));
  CHECK(tsr_hardware_detect(&hardware));
  for (int isa = TSR_ISA_CPU_COUNT - 1; isa >= 0; isa--) {
    if (hardware.isa[isa]) run_on(model, &g, &hardware);
    hardware.isa[isa] = 0;
  }
  tsr_model_destroy(model);
  tsr_checkpoint_close(checkpoint);
  tsr_checkpoint_close(g.file);
  free(g.ids);
}
