/* BERT from a Hugging Face folder: config.json, 1_Pooling/config.json, the tensors' prefix. */
#include <string.h>

#include "runtime/base/status.h"
#include "runtime/checkpoint/config.h"
#include "runtime/model/bert.h"

/* Keeps products of any two sizes, and buffers of any batch, far from overflow. */
enum { SIZE_LIMIT = 1 << 24 };

static tsr_status get_size(const tsr_checkpoint *checkpoint, const char *key, int64_t *out) {
  TSR_TRY(tsr__config_int(checkpoint, key, out));
  TSR_CHECK(*out >= 1 && *out <= SIZE_LIMIT, TSR_MALFORMED,
            "%s/config.json: '%s' is %lld, not 1 to %d", tsr_checkpoint_folder(checkpoint), key,
            (long long)*out, SIZE_LIMIT);
  return TSR_OK;
}

static tsr_status get_activation(const tsr_checkpoint *checkpoint, tsr_activation *out) {
  static const struct {
    const char *name;
    tsr_activation activation;
  } known[] = {
      {"gelu", TSR_ACTIVATION_GELU}, {"relu", TSR_ACTIVATION_RELU}, {"tanh", TSR_ACTIVATION_TANH}};
  char name[TSR__CONFIG_STRING_MAX];
  TSR_TRY(tsr__config_string_or(checkpoint, "hidden_act", "gelu", name));
  for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
    if (!strcmp(known[i].name, name)) {
      *out = known[i].activation;
      return TSR_OK;
    }
  return tsr__error(TSR_UNSUPPORTED, "%s/config.json: 'hidden_act' is '%s', not gelu, relu or tanh",
                    tsr_checkpoint_folder(checkpoint), name);
}

static tsr_status check_positions(const tsr_checkpoint *checkpoint) {
  char type[TSR__CONFIG_STRING_MAX];
  TSR_TRY(tsr__config_string_or(checkpoint, "position_embedding_type", "absolute", type));
  TSR_CHECK(!strcmp(type, "absolute"), TSR_UNSUPPORTED,
            "%s/config.json: 'position_embedding_type' is '%s', not 'absolute'",
            tsr_checkpoint_folder(checkpoint), type);
  return TSR_OK;
}

/* sentence-transformers keeps the pooling beside the model; without it the mean is taken. */
static tsr_status get_pooling(const tsr_checkpoint *checkpoint, tsr_pooling *out) {
  static const char *const unsupported[] = {
      "pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens",
      "pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"};
  tsr_checkpoint *config;
  *out = TSR_POOLING_MEAN;
  tsr_status status = tsr__config_open(tsr_checkpoint_folder(checkpoint), "1_Pooling", &config);
  if (status != TSR_OK) return status == TSR_NOT_FOUND ? TSR_OK : status;
  int cls, mean, other = 0;
  TSR_TRY_GOTO(status, tsr__config_bool_or(config, "pooling_mode_cls_token", 0, &cls), done);
  TSR_TRY_GOTO(status, tsr__config_bool_or(config, "pooling_mode_mean_tokens", !cls, &mean), done);
  for (size_t i = 0; i < sizeof unsupported / sizeof unsupported[0] && !other; i++) {
    TSR_TRY_GOTO(status, tsr__config_bool_or(config, unsupported[i], 0, &other), done);
    if (other)
      status = tsr__error(TSR_UNSUPPORTED, "%s/config.json: '%s' is set; only cls or mean is known",
                          tsr_checkpoint_folder(config), unsupported[i]);
  }
  if (status == TSR_OK && cls == mean)
    status = tsr__error(TSR_UNSUPPORTED, "%s/config.json: %s of cls and mean pooling is set",
                        tsr_checkpoint_folder(config), cls ? "each" : "none");
  if (cls) *out = TSR_POOLING_CLS;
done:
  tsr_checkpoint_close(config);
  return status;
}

static tsr_status read_config(const tsr_checkpoint *checkpoint, tsr__bert_config *c) {
  double epsilon;
  TSR_TRY(get_size(checkpoint, "num_hidden_layers", &c->layers));
  TSR_TRY(get_size(checkpoint, "hidden_size", &c->hidden));
  TSR_TRY(get_size(checkpoint, "num_attention_heads", &c->heads));
  TSR_TRY(get_size(checkpoint, "intermediate_size", &c->intermediate));
  TSR_TRY(get_size(checkpoint, "vocab_size", &c->vocabulary));
  TSR_TRY(get_size(checkpoint, "max_position_embeddings", &c->max_positions));
  TSR_TRY(get_size(checkpoint, "type_vocab_size", &c->types));
  TSR_CHECK(c->hidden % c->heads == 0, TSR_MALFORMED,
            "%s/config.json: 'hidden_size' %lld is no multiple of 'num_attention_heads' %lld",
            tsr_checkpoint_folder(checkpoint), (long long)c->hidden, (long long)c->heads);
  TSR_TRY(tsr__config_double_or(checkpoint, "layer_norm_eps", 1e-12, &epsilon));
  TSR_CHECK(epsilon >= 0 && epsilon <= 1, TSR_MALFORMED,
            "%s/config.json: 'layer_norm_eps' is %g, not 0 to 1", tsr_checkpoint_folder(checkpoint),
            epsilon);
  c->epsilon = (float)epsilon;
  TSR_TRY(get_activation(checkpoint, &c->activation));
  TSR_TRY(check_positions(checkpoint));
  return get_pooling(checkpoint, &c->pooling);
}

static tsr_status load(const tsr_checkpoint *checkpoint, tsr_model *model) {
  static const char probe[] = "bert.embeddings.word_embeddings.weight";
  tsr__bert_config config;
  TSR_TRY(read_config(checkpoint, &config));
  const char *prefix = tsr_checkpoint_find(checkpoint, probe) ? "bert." : "";
  tsr__weights weights = tsr__weights_of(checkpoint, prefix, model);
  return tsr__bert_build(&config, &weights, model);
}

const tsr__model_family tsr__model_bert = {
    .name = "bert",
    .load = load,
    .preset_name = tsr__bert_preset_name,
    .preset = tsr__bert_preset,
    .channels = tsr__bert_channels,
};
