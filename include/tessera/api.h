/* Symbol visibility and the library's version. */
#ifndef TESSERA_API_H
#define TESSERA_API_H

#if defined(__GNUC__)
#define TSR_API __attribute__((visibility("default")))
#else
#define TSR_API
#endif

#define TSR_VERSION_MAJOR 0
#define TSR_VERSION_MINOR 1
#define TSR_VERSION_PATCH 0
#define TSR_VERSION "0.1.0"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that is linked, such as "0.1.0". */
TSR_API const char *tsr_version(void);

#ifdef __cplusplus
}
#endif
#endif
