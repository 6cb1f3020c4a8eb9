/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The image store: framed protobuf entries, and the payloads beside them, in the files of an image
 * directory. One row per image kind (image/kinds.c) says how a file is named, marked and filled.
 * What is read is untrusted: sizes are held against the file before anything is allocated, strings
 * with a NUL inside, unknown enum values and too deep nesting are refused.
 *
 * Every function returns 0 (or a count) or -errno and logs nothing.
 */
#ifndef CRIU_IMAGE_IMAGE_H
#define CRIU_IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/cleanup.h"

/* The number after a name: how many ids its file name takes. In the order of the table in kinds.c. */
enum image_kind {
	IMG_INVENTORY,	     /* 0: inventory.img */
	IMG_FDINFO,	     /* 1: fdinfo-<files id>.img */
	IMG_PAGEMAP,	     /* 1: pagemap-<pid>.img; a pagemap_head, then pagemap_entry */
	IMG_SHMEM_PAGEMAP,   /* 1: pagemap-shmem-<shmid>.img; likewise */
	IMG_REG_FILES,	     /* 0 */
	IMG_EXT_FILES,	     /* 0 */
	IMG_NS_FILES,	     /* 0 */
	IMG_EVENTFD_FILE,    /* 0 */
	IMG_EVENTPOLL_FILE,  /* 0 */
	IMG_EVENTPOLL_TFD,   /* 0 */
	IMG_SIGNALFD,	     /* 0 */
	IMG_INOTIFY_FILE,    /* 0 */
	IMG_INOTIFY_WD,	     /* 0 */
	IMG_FANOTIFY_FILE,   /* 0 */
	IMG_FANOTIFY_MARK,   /* 0 */
	IMG_CORE,	     /* 1: core-<tid>.img */
	IMG_IDS,	     /* 1: ids-<pid>.img */
	IMG_MM,		     /* 1: mm-<pid>.img */
	IMG_VMAS,	     /* 1, older sets only */
	IMG_PIPES,	     /* 0 */
	IMG_PIPES_DATA,	     /* 0; payload: bytes */
	IMG_FIFO,	     /* 0 */
	IMG_FIFO_DATA,	     /* 0; payload: bytes */
	IMG_PSTREE,	     /* 0 */
	IMG_SIGACT,	     /* 1, older sets only */
	IMG_UNIXSK,	     /* 0 */
	IMG_INETSK,	     /* 0 */
	IMG_PACKETSK,	     /* 0 */
	IMG_NETLINK_SK,	     /* 0 */
	IMG_SK_QUEUES,	     /* 0; payload: length bytes */
	IMG_ITIMERS,	     /* 1, older sets only */
	IMG_POSIX_TIMERS,    /* 1, older sets only */
	IMG_CREDS,	     /* 1, older sets only */
	IMG_UTSNS,	     /* 1 */
	IMG_IPC_VAR,	     /* 1 */
	IMG_IPCNS_SHM,	     /* 1; payload: size bytes, padded to 4 */
	IMG_IPCNS_MSG,	     /* 1; payload: qnum of framed ipc_msg, each with msize bytes padded to 8 */
	IMG_IPCNS_SEM,	     /* 1; payload: nsems u16, padded to 8 bytes */
	IMG_FS,		     /* 1: fs-<pid>.img */
	IMG_REMAP_FPATH,     /* 0 */
	IMG_GHOST_FILE,	     /* 1, hexadecimal; payload: the file, or framed ghost_chunk_entry and data */
	IMG_MEMFD_INODE,     /* 0 */
	IMG_TCP_STREAM,	     /* 1, hexadecimal; payload: inq_len, then outq_len bytes */
	IMG_MNTS,	     /* 1 */
	IMG_NETDEV,	     /* 1 */
	IMG_NETNS,	     /* 1 */
	IMG_IFADDR,	     /* 1, raw */
	IMG_ROUTE,	     /* 1, raw */
	IMG_ROUTE6,	     /* 1, raw */
	IMG_RULE,	     /* 1, raw */
	IMG_IPTABLES,	     /* 1, raw */
	IMG_IP6TABLES,	     /* 1, raw */
	IMG_NFTABLES,	     /* 1, raw */
	IMG_TMPFS_IMG,	     /* 1, raw */
	IMG_TMPFS_DEV,	     /* 1, raw */
	IMG_AUTOFS,	     /* 1 */
	IMG_BINFMT_MISC_OLD, /* 1, older sets only */
	IMG_BINFMT_MISC,     /* 0 */
	IMG_TTY_FILES,	     /* 0 */
	IMG_TTY_INFO,	     /* 0 */
	IMG_TTY_DATA,	     /* 0 */
	IMG_FILE_LOCKS,	     /* 0 */
	IMG_RLIMIT,	     /* 1, older sets only */
	IMG_PAGES,	     /* 1, raw: pages-<pages id>.img */
	IMG_SIGNAL,	     /* 1, older sets only */
	IMG_PSIGNAL,	     /* 1, older sets only */
	IMG_TUNFILE,	     /* 0 */
	IMG_CGROUP,	     /* 0 */
	IMG_TIMERFD,	     /* 0 */
	IMG_CPUINFO,	     /* 0 */
	IMG_SECCOMP,	     /* 0 */
	IMG_USERNS,	     /* 1 */
	IMG_NETNF_CT,	     /* 1, raw */
	IMG_NETNF_EXP,	     /* 1, raw */
	IMG_FILES,	     /* 0: files.img, file_entry */
	IMG_TIMENS,	     /* 1 */
	IMG_PIDNS,	     /* 1 */
	IMG_BPFMAP_FILE,     /* 0 */
	IMG_BPFMAP_DATA,     /* 0; payload: keys_bytes, then values_bytes bytes */
	IMG_APPARMOR,	     /* 0 */
	IMG_PIDFD,	     /* 0 */
	IMG_STATS_DUMP,	     /* 0: stats-dump, in the work directory */
	IMG_STATS_RESTORE,   /* 0: stats-restore, in the work directory */
	IMG_IRMAP_CACHE,     /* 0 */
	IMG_ATTRIBUTES,	     /* 0: attributes.img, ours alone */
	IMG_FAM,	     /* 0: fam.img, ours alone */
	IMG_MM_EXTRA,	     /* 0: mm-extra.img, ours alone */
	IMG_SK_EXTRA,	     /* 0: sk-extra.img, ours alone */
	IMG_TIMERFD_TIME,    /* 0: timerfd-time.img, ours alone */
	IMG_KINDS,
};

/* What stands before the first entry. A file that starts with the kind's magic alone is read for every kind. */
enum image_framing {
	IMAGE_COMMON,  /* 0x54564319, the kind's magic */
	IMAGE_SERVICE, /* 0x55105940, the kind's magic */
	IMAGE_PLAIN,   /* the kind's magic alone: inventory.img, that has to be readable before its version is known */
	IMAGE_RAW,     /* nothing, and no entries either */
};

#define IMAGE_OPTIONAL (1u << 0) /* a set without the file has none of the resource */
#define IMAGE_OLD      (1u << 1) /* optional, found in older sets only, not written any more */

struct image_kind_info {
	const char *kind;    /* as crit names it: "CORE" */
	const char *pattern; /* of the file name; an id, where there is one, is an unsigned long */
	uint32_t magic;	     /* 0 for raw kinds */
	enum image_framing framing;
	unsigned int flags;
	const ProtobufCMessageDescriptor *message; /* of the entries; NULL for raw kinds */
	const ProtobufCMessageDescriptor *head;	   /* of the first entry, where it differs */
	const ProtobufCMessageDescriptor *inner;   /* of framed messages inside a payload */
};

/* No entry is larger than this, and no entry unpacks to more than IMAGE_UNPACKED_MAX bytes of memory. */
#define IMAGE_ENTRY_MAX	   (256u << 20)
#define IMAGE_UNPACKED_MAX (512u << 20)

struct image; /* an open image file; buffered */

/* The row of KIND, or NULL when it is none. */
const struct image_kind_info *image_kind_info(enum image_kind kind);

/*
 * Functions that name a file end in the ids that KIND's pattern takes: "image_open(dirfd, IMG_CORE, &img, pid)".
 * They go through an array, so that any integer type will do; -EINVAL when there are too many or too few.
 */
struct image_ids {
	const unsigned long *v; /* v[0] is not one */
	size_t nr;
};
#define IMAGE_IDS(...)                                                                                                 \
	((struct image_ids){ (const unsigned long[]){ 0, ##__VA_ARGS__ },                                              \
			     sizeof((const unsigned long[]){ 0, ##__VA_ARGS__ }) / sizeof(unsigned long) - 1 })

/* The file name of KIND: 0, or -ENAMETOOLONG when SIZE is too small (IMAGE_NAME_MAX never is). */
#define image_name(kind, buf, size, ...) image_name_ids(kind, buf, size, IMAGE_IDS(__VA_ARGS__))
int image_name_ids(enum image_kind kind, char *buf, size_t size, struct image_ids ids);
#define IMAGE_NAME_MAX 64

/*
 * Opens KIND's file in DIRFD and reads the header. -ENOENT if there is none; -EBADMSG if it is no regular file or
 * the header is not the kind's. *RET goes with image_close().
 */
#define image_open(dirfd, kind, ret, ...) image_open_ids(dirfd, kind, ret, IMAGE_IDS(__VA_ARGS__))
int image_open_ids(int dirfd, enum image_kind kind, struct image **ret, struct image_ids ids);
/*
 * Creates the file (or empties it), mode 0644, and writes the header. It is open for reading too, so that
 * image_fd() may be mapped shared. *RET goes with image_close().
 */
#define image_create(dirfd, kind, ret, ...) image_create_ids(dirfd, kind, ret, IMAGE_IDS(__VA_ARGS__))
int image_create_ids(int dirfd, enum image_kind kind, struct image **ret, struct image_ids ids);
/* The same, but called NAME as long as it isn't renamed. */
int image_create_as(int dirfd, enum image_kind kind, const char *name, struct image **ret);
/* Flushes and closes; *IMG becomes NULL. The first error that a write to the image met, or 0. NULL is fine. */
int image_close(struct image **img);
/* Makes what has been written durable: flush and fsync(2). */
int image_fsync(struct image *img);

/* One framed entry. -EINVAL if MSG is none of the kind's messages, -EMSGSIZE if it is larger than IMAGE_ENTRY_MAX. */
int image_write(struct image *img, const ProtobufCMessage *msg);
/*
 * The next entry: 1 and *RET, 0 at the clean end of the file, -EBADMSG if it is cut off or malformed, -EIO and
 * the like if it can't be read. Free with protobuf_c_message_free_unpacked(*RET, NULL).
 */
int image_read(struct image *img, ProtobufCMessage **ret);
/* The same, of message type DESC: for a head entry and for framed messages inside a payload. */
int image_read_as(struct image *img, const ProtobufCMessageDescriptor *desc, ProtobufCMessage **ret);

/* LEN bytes without a frame. */
int image_write_payload(struct image *img, const void *data, size_t len);
/* Exactly LEN bytes, or -EBADMSG when there are fewer. */
int image_read_payload(struct image *img, void *data, size_t len);
/* Bytes from here to the end of a file that is read; hold counts against it before allocating. 0 when writing. */
uint64_t image_remaining(struct image *img);
/*
 * The descriptor, its offset where the image is at: for raw kinds, and for splicing payloads. The buffer is flushed
 * (or dropped) first; using the descriptor and then the functions above again is fine. It stays the image's.
 */
int image_fd(struct image *img);

/* Opens, reads the one entry there has to be, and closes. -EBADMSG if there is none or anything follows it. */
#define image_read_single(dirfd, kind, ret, ...) image_read_single_ids(dirfd, kind, ret, IMAGE_IDS(__VA_ARGS__))
int image_read_single_ids(int dirfd, enum image_kind kind, ProtobufCMessage **ret, struct image_ids ids);
/* Creates, writes MSG alone, and closes. */
#define image_write_single(dirfd, kind, msg, ...) image_write_single_ids(dirfd, kind, msg, IMAGE_IDS(__VA_ARGS__))
int image_write_single_ids(int dirfd, enum image_kind kind, const ProtobufCMessage *msg, struct image_ids ids);

/* For variables that close themselves: errors are lost, so writers call image_close(). */
static inline void image_closep(struct image **img)
{
	image_close(img);
}
#define _cleanup_image_ __cleanup(image_closep)

static inline void image_message_freep(ProtobufCMessage **msg)
{
	if (*msg)
		protobuf_c_message_free_unpacked(*msg, NULL);
}
#define _cleanup_image_message_ __cleanup(image_message_freep)

#endif
