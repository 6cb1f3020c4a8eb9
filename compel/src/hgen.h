/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPEL_HGEN_H
#define COMPEL_HGEN_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <compel/blob.h>

/* What a linked ELF file says, as struct compel_blob has it. Free with hgen_free(). */
struct hgen_blob {
	uint8_t *image;
	size_t image_size, mem_size, text_size;
	struct compel_reloc *relocs;
	size_t nr_relocs;
	struct compel_symbol *symbols; /* names point into the file */
	size_t nr_symbols;
};

struct hgen_error {
	char text[256];
};

/*
 * Read a position independent ELF file of @size bytes, which isn't trusted and must outlive @ret.
 * -EINVAL: not such a file, or broken; -ENOTSUP: something in it can't be had in a blob.
 */
int hgen_parse(const uint8_t *file, size_t size, struct hgen_blob *ret, struct hgen_error *error);
void hgen_free(struct hgen_blob *blob);

/* Write it as a C header that defines PREFIX_blob and PREFIX_sym_NAME. */
int hgen_write(const struct hgen_blob *blob, const char *prefix, FILE *out);

#endif
