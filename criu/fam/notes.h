/* SPDX-License-Identifier: GPL-2.0 */
/* What threads that copy pages notice: which are all zero, and checksums of pieces. Inner to fam/store. */
#ifndef CRIU_FAM_NOTES_H
#define CRIU_FAM_NOTES_H

#include "fam/store.h"

/* Zero pages, or the checksum of the other pages of a piece that begins there. */
struct fam_note {
	size_t source; /* its number */
	uint64_t vaddr;
	uint64_t len; /* bytes: of the zero pages; of what CRC is of */
	uint32_t crc;
	bool is_sum;
};

/* Zeroed is empty. */
struct fam_notes {
	struct fam_note *v; /* owned */
	size_t nr, room;
	uint64_t nr_zero; /* pages */
};

/* So that MORE notes can be added without allocating. 0 or -ENOMEM. */
int fam_notes_reserve(struct fam_notes *notes, size_t more);
void fam_note_zero(struct fam_notes *notes, size_t source, uint64_t vaddr);
void fam_note_sum(struct fam_notes *notes, size_t source, uint64_t vaddr, uint32_t crc, uint64_t len);
/* Moves all of FROM behind those of TO. 0 or -ENOMEM. */
int fam_notes_move(struct fam_notes *from, struct fam_notes *to);
/* Fills sources' `stored`, and with SUMS the checksums of LAYOUT's extents. 0 or -ENOMEM. */
int fam_notes_apply(struct fam_notes *notes, struct fam_source *sources, size_t nr, struct fam_layout *layout,
		    bool sums);
void fam_notes_free(struct fam_notes *notes);

#endif
