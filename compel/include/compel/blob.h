/* SPDX-License-Identifier: GPL-2.0 */
#ifndef COMPEL_BLOB_H
#define COMPEL_BLOB_H

#include <stddef.h>
#include <stdint.h>

/* A 64-bit word at @offset holds (run-time address of the blob + @addend). */
struct compel_reloc {
	uint32_t offset;
	uint64_t addend;
};

struct compel_symbol {
	const char *name;
	uint32_t offset;
};

/*
 * A position independent blob, as `compel hgen` writes it. Offsets and sizes are bytes from the start of the image.
 * [0, text_size) is to be executable, [text_size, mem_size) writable; both borders are page aligned.
 */
struct compel_blob {
	const uint8_t *image;
	size_t image_size; /* bytes in image; what follows up to mem_size is zero */
	size_t mem_size;
	size_t text_size;
	const struct compel_reloc *relocs;
	size_t nr_relocs;
	const struct compel_symbol *symbols; /* sorted by name */
	size_t nr_symbols;
};

/*
 * Copy a blob into [dst, dst + blob->mem_size), clear its bss and relocate it for @runtime, the page-aligned address
 * at which it will run. -EINVAL: @runtime isn't page aligned or a relocation lies outside of the blob.
 */
int compel_blob_load(const struct compel_blob *blob, void *dst, unsigned long runtime);

/* Find an exported symbol. -ENOENT: there is none. */
int compel_blob_symbol(const struct compel_blob *blob, const char *name, unsigned long *ret_offset);

#endif
