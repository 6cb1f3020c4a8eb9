/* SPDX-License-Identifier: GPL-2.0 */
#include <errno.h>
#include <string.h>

#include <compel/blob.h>

int compel_blob_load(const struct compel_blob *blob, void *dst, unsigned long runtime)
{
	unsigned char *to = dst;

	if (runtime & 4095 || blob->image_size > blob->mem_size || blob->mem_size < sizeof(uint64_t))
		return -EINVAL;
	memcpy(to, blob->image, blob->image_size);
	memset(to + blob->image_size, 0, blob->mem_size - blob->image_size);
	for (size_t i = 0; i < blob->nr_relocs; i++) {
		uint64_t value = runtime + blob->relocs[i].addend;

		if (blob->relocs[i].offset > blob->mem_size - sizeof(value))
			return -EINVAL;
		memcpy(to + blob->relocs[i].offset, &value, sizeof(value));
	}
	return 0;
}

int compel_blob_symbol(const struct compel_blob *blob, const char *name, unsigned long *ret_offset)
{
	size_t lo = 0, hi = blob->nr_symbols;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(name, blob->symbols[mid].name);

		if (!order) {
			*ret_offset = blob->symbols[mid].offset;
			return 0;
		}
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return -ENOENT;
}
