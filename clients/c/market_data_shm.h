/*
 * market_data_shm.h: reads the shared-memory region of the market-data service. Layout version 1, docs/SHM_LAYOUT.md.
 *
 * A single-header library. In exactly one C file, before any other include:
 *
 *     #define MARKET_DATA_SHM_IMPLEMENTATION
 *     #include "market_data_shm.h"
 *
 * and the include alone everywhere else (C11, or C++ for the declarations). Linux, 64-bit, little-endian.
 *
 *     mds_reader reader;
 *     if (mds_open(&reader, "market_data_shm")) { fprintf(stderr, "%s\n", reader.message); return 1; }
 *     mds_event event;
 *     while (!mds_wait(&reader, &event, MDS_SLEEP_US(200), MDS_FOREVER)) {
 *         if (event.kind == MDS_EVENT_BOOK && event.book.bid_count > 0)
 *             printf("%s %f\n", mds_symbol(&reader, event.book.symbol_index),
 *                    mds_value(event.book.bids[0].price, event.book.price_scale));
 *     }
 *     mds_close(&reader);
 *
 * A reader belongs to one thread; open one in each thread that reads. Nothing is allocated after mds_open, except when a
 * restarted writer's region is attached. The library never writes to the region and never takes a lock on it.
 */
#ifndef MARKET_DATA_SHM_H
#define MARKET_DATA_SHM_H

#if defined(MARKET_DATA_SHM_IMPLEMENTATION) && !defined(_GNU_SOURCE)
#define _GNU_SOURCE /* O_NOFOLLOW, O_CLOEXEC and clock_gettime also with -std=c11 */
#endif

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MDS_LAYOUT_VERSION 1
#define MDS_SCALE_MAX 12

/* What every function that can fail returns; 0 is success. mds_error_code() gives the documented spelling. */
typedef enum mds_error {
    MDS_OK = 0,
    MDS_NOT_FOUND,       /* no file under the name: no writer has run yet */
    MDS_PERMISSION,      /* the file may not be opened */
    MDS_NOT_A_REGION,    /* not a regular file, a symbolic link, shorter than a header, or wrong magic */
    MDS_WRONG_VERSION,   /* another layout version */
    MDS_TRUNCATED,       /* the file is shorter than its header says */
    MDS_CORRUPT,         /* the header contradicts itself, a stable record is impossible, or a checksum is wrong */
    MDS_UNKNOWN_SYMBOL,  /* not in the directory */
    MDS_SLOT_UNFINISHED, /* a slot stayed half-written: its writer was stopped or killed in the middle */
    MDS_UNAVAILABLE      /* this machine cannot map the region, or the reader is not open */
} mds_error;

typedef enum mds_state { MDS_SYNCING = 0, MDS_LIVE = 1, MDS_STALE = 2, MDS_RESYNCING = 3 } mds_state;

typedef enum mds_writer {
    MDS_WRITER_LIVE,    /* its heartbeat moves */
    MDS_WRITER_SILENT,  /* no heartbeat for a second: killed, stopped, or its machine was asleep */
    MDS_WRITER_CLOSED,  /* ended cleanly */
    MDS_WRITER_REPLACED /* a new writer took the name over; this region will not change any more */
} mds_writer;

/* The constant part of the header. */
typedef struct mds_header {
    uint32_t layout_version;
    uint32_t flags; /* bit 0: records carry checksums */
    int64_t total_bytes;
    int64_t generation;    /* 1 for a new name, one more with every restart */
    int64_t start_time_ns; /* ns since the Unix epoch */
    uint32_t writer_pid;   /* for people; in the writer's pid namespace */
    uint32_t symbol_count;
    uint32_t depth_max; /* most levels a side */
    uint32_t slot_stride;
    int64_t first_position; /* where the region's first record stands */
    int64_t directory_offset;
    int64_t slots_offset;
    int64_t ring_offset;
    int64_t ring_capacity; /* bytes */
} mds_header;

/* Whole numbers (mantissas): value = mantissa / 10^scale. See mds_value(). */
typedef struct mds_level {
    double price;
    double quantity;
} mds_level;

/* The whole top of a book. Times in ns since the Unix epoch, 0 when absent. Statistics are NaN while unknown. */
typedef struct mds_book {
    int64_t sequence;
    int64_t publish_time_ns;
    int64_t receive_time_ns;
    int64_t exchange_time_ns;
    uint32_t symbol_index;
    uint8_t state; /* mds_state; always MDS_LIVE in the ring. A slot that is not live has no levels */
    uint8_t reason;
    uint8_t source;      /* 0 diffs on a snapshot, 1 the exchange's partial-depth frames */
    uint8_t price_scale; /* of level prices, high_24h and low_24h */
    uint8_t quantity_scale;
    uint8_t last_price_scale;
    int64_t last_update_id; /* -1: there was none yet */
    uint32_t bid_count;
    uint32_t ask_count;
    double last_price; /* mantissas, or NaN */
    double volume_24h;
    double high_24h;
    double low_24h;
    const mds_level *bids; /* best (highest) first */
    const mds_level *asks; /* best (lowest) first */
} mds_book;

typedef struct mds_trade {
    int64_t sequence;
    int64_t publish_time_ns;
    int64_t receive_time_ns;
    int64_t exchange_time_ns;
    uint32_t symbol_index;
    bool is_buyer_maker; /* true: a sell order hit a bid */
    bool is_refill;      /* true: came late, to fill a gap */
    uint8_t price_scale;
    uint8_t quantity_scale;
    int64_t trade_id;
    double price; /* mantissas */
    double quantity;
    int64_t trade_time_ns;
} mds_trade;

typedef struct mds_status {
    int64_t sequence;
    int64_t publish_time_ns;
    int64_t receive_time_ns;
    int64_t exchange_time_ns;
    uint32_t symbol_index;
    uint8_t state;
    uint8_t reason;
    int64_t last_update_id;
} mds_status;

typedef enum mds_event_kind {
    MDS_EVENT_NONE = 0, /* nothing new (mds_next), or the time is over (mds_wait) */
    MDS_EVENT_BOOK,
    MDS_EVENT_TRADE,
    MDS_EVENT_STATUS,
    MDS_EVENT_LOST,    /* lost_bytes were overwritten before they were read; the latest slots have the present */
    MDS_EVENT_WRITER,  /* mds_wait only: the writer's life changed to `writer` */
    MDS_EVENT_REOPENED /* mds_wait only: a restarted writer's region is attached; resolve symbol indexes anew */
} mds_event_kind;

typedef struct mds_event {
    mds_event_kind kind;
    union {
        mds_book book; /* its levels are valid until the next call of mds_next or mds_wait */
        mds_trade trade;
        mds_status status;
        int64_t lost_bytes;
        mds_writer writer;
    };
} mds_event;

/* Initialised by mds_open. Of its fields `header`, `message` and the two options are for users. */
typedef struct mds_reader {
    char message[512]; /* of the last error, for people */
    mds_header header;
    bool verify_checksums;   /* option, false: check each record's checksum where the region has them */
    int64_t slot_timeout_ns; /* option, 100 ms: how long mds_latest retries a half-written slot */

    const uint8_t *map;
    char path[1024];
    char (*symbols)[33];
    mds_level *ring_levels;
    mds_level *slot_levels;
    dev_t device;
    ino_t inode;
    int64_t cursor;
    int64_t last_beat;
    int64_t last_change_ns;
    bool has_beat;
    int64_t next_check_ns;
    mds_writer reported;
} mds_reader;

/* How mds_wait waits: spinning has the lowest latency and costs a core; sleeping polls every so many microseconds. */
#define MDS_SPIN 0
#define MDS_SLEEP_US(microseconds) (microseconds)
#define MDS_FOREVER (-1)

/* Attaches to `/dev/shm/<name>`, or to a path when it has a slash. The reader stands at the ring's end: mds_next gives what
 * comes next. On failure the reader holds nothing but `message`. */
mds_error mds_open(mds_reader *reader, const char *name_or_path);

/* Unmaps the region. May be called twice, and after a failed mds_open. */
void mds_close(mds_reader *reader);

/* Index of a symbol, for comparing with `symbol_index` and for mds_latest. */
mds_error mds_symbol_index(mds_reader *reader, const char *symbol, uint32_t *index);

/* Name of a symbol, or "" for an index that is out of range. */
const char *mds_symbol(const mds_reader *reader, uint32_t index);

/* The present book of a symbol. Look at `state`: only a live one has levels. They stay valid until the next mds_latest. */
mds_error mds_latest(mds_reader *reader, uint32_t symbol_index, mds_book *book);

/* The next event of the ring; never waits. After MDS_CORRUPT the reader stays where it is: mds_seek() moves on. */
mds_error mds_next(mds_reader *reader, mds_event *event);

/* The next event, waiting for at most timeout_ms (MDS_FOREVER: without end). Also reports changes of the writer's life, and
 * attaches to a restarted writer's region, whose records it then reads from the first. An error of reopening (a new writer
 * with another layout version, say) is returned; the reader stays attached to the old region and tries again. */
mds_error mds_wait(mds_reader *reader, mds_event *event, int64_t sleep_us, int64_t timeout_ms);

/* Whether the writer lives; a few loads. Call it now and then (mds_wait does every 100 ms when nothing comes). */
mds_writer mds_writer_state(mds_reader *reader);

/* Attaches to the file that now stands under the name, if it is another one; *reopened tells. A missing file is not an error. */
mds_error mds_reopen(mds_reader *reader, bool *reopened);

/* Positions: byte counts that only grow, as mds_tail() gives them. To go on with what comes next: mds_seek(r, mds_tail(r)). To
 * read everything that is still there: mds_seek(r, r->header.first_position); what was overwritten is reported as lost. */
int64_t mds_tail(const mds_reader *reader);
mds_error mds_seek(mds_reader *reader, int64_t position);

/* mantissa / 10^scale: the double nearest to the decimal, equal to what parsing the exchange's text gives. */
double mds_value(double mantissa, uint8_t scale);

const char *mds_error_code(mds_error error);
const char *mds_state_name(uint8_t state);   /* "unknown" for a code from the future, as the next two */
const char *mds_reason_name(uint8_t reason);
const char *mds_writer_name(mds_writer writer);

#ifdef __cplusplus
}
#endif
#endif /* MARKET_DATA_SHM_H */

/* ------------------------------------------------------------------------------------------------------------------------- */

#ifdef MARKET_DATA_SHM_IMPLEMENTATION
#ifndef MARKET_DATA_SHM_IMPLEMENTED
#define MARKET_DATA_SHM_IMPLEMENTED

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MDS_HEADER_BYTES 512
#define MDS_WRITER_STATE_OFFSET 128
#define MDS_HEARTBEAT_OFFSET 136
#define MDS_TAIL_INTENT_OFFSET 256
#define MDS_TAIL_OFFSET 384
#define MDS_DIRECTORY_OFFSET 512
#define MDS_SYMBOL_BYTES 32
#define MDS_COUNT_MAX 100000
#define MDS_SIZE_MAX ((int64_t)1 << 53)
#define MDS_FLAG_CHECKSUMS 1u
#define MDS_TYPE_PADDING 1u
#define MDS_TYPE_BOOK 2u
#define MDS_TYPE_TRADE 3u
#define MDS_TYPE_STATUS 4u
#define MDS_FIXED_BYTES 128 /* of a book and of a trade */
#define MDS_STATUS_BYTES 64
#define MDS_LEVEL_BYTES 16
#define MDS_CHECK_INTERVAL_NS 100000000LL
#define MDS_HEARTBEAT_TIMEOUT_NS 1000000000LL

/* A record's first 128 bytes, copied while they may change, and what was noticed on the way. */
typedef struct mds_raw {
    uint8_t bytes[MDS_FIXED_BYTES];
    uint32_t length;
    uint32_t type;
    uint32_t bid_count;
    uint32_t ask_count;
    bool impossible;
    bool checksum_wrong;
} mds_raw;

static mds_error mds_fail(mds_reader *reader, mds_error error, const char *what) {
    snprintf(reader->message, sizeof reader->message, "%.15s: %.200s (%.260s)", mds_error_code(error), what, reader->path);
    return error;
}

static uint32_t mds_u32(const uint8_t *bytes, size_t offset) {
    uint32_t value;
    memcpy(&value, bytes + offset, sizeof value);
    return value;
}

static int64_t mds_i64(const uint8_t *bytes, size_t offset) {
    int64_t value;
    memcpy(&value, bytes + offset, sizeof value);
    return value;
}

static double mds_f64(const uint8_t *bytes, size_t offset) {
    double value;
    memcpy(&value, bytes + offset, sizeof value);
    return value;
}

/* One aligned 8-byte load that no later load overtakes. */
static int64_t mds_load8(const uint8_t *address) {
    return atomic_load_explicit((const _Atomic int64_t *)(const void *)address, memory_order_acquire);
}

static int64_t mds_clock_ns(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void mds_pause(void) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ __volatile__("isb");
#endif
}

/* ---- attaching */

static bool mds_is_aligned_size(int64_t value) { return value >= 0 && value <= MDS_SIZE_MAX && value % 64 == 0; }

/* Step 4 of "Checks before use". Every operand lies in 0 … 2^53 before it enters a sum or a product, so nothing overflows. */
static const char *mds_contradiction(const mds_header *h) {
    if (h->total_bytes < 0 || h->total_bytes > MDS_SIZE_MAX) return "total_bytes is out of range";
    if (h->directory_offset != MDS_DIRECTORY_OFFSET) return "directory_offset is not 512";
    if (h->symbol_count < 1 || h->symbol_count > MDS_COUNT_MAX) return "symbol_count is out of range";
    if (h->depth_max < 1 || h->depth_max > MDS_COUNT_MAX) return "depth_max is out of range";
    if (h->slot_stride % 64 != 0 || h->slot_stride < 192 + 32 * (uint64_t)h->depth_max) return "slot_stride does not fit depth_max";
    if (!mds_is_aligned_size(h->slots_offset) || h->slots_offset < 512 + 32 * (int64_t)h->symbol_count)
        return "slots_offset does not fit the directory";
    if (!mds_is_aligned_size(h->ring_offset) ||
        h->ring_offset < h->slots_offset + (int64_t)h->slot_stride * (int64_t)h->symbol_count)
        return "ring_offset does not fit the slots";
    if (!mds_is_aligned_size(h->ring_capacity) || h->ring_capacity < 512) return "ring_capacity is out of range";
    if (h->ring_offset + h->ring_capacity > h->total_bytes) return "the ring ends after total_bytes";
    if (!mds_is_aligned_size(h->first_position)) return "first_position is out of range";
    return NULL;
}

static mds_header mds_decode_header(const uint8_t *bytes) {
    mds_header h;
    h.layout_version = mds_u32(bytes, 8);
    h.flags = mds_u32(bytes, 12);
    h.total_bytes = mds_i64(bytes, 16);
    h.generation = mds_i64(bytes, 24);
    h.start_time_ns = mds_i64(bytes, 32);
    h.writer_pid = mds_u32(bytes, 40);
    h.symbol_count = mds_u32(bytes, 44);
    h.depth_max = mds_u32(bytes, 48);
    h.slot_stride = mds_u32(bytes, 52);
    h.first_position = mds_i64(bytes, 56);
    h.directory_offset = mds_i64(bytes, 64);
    h.slots_offset = mds_i64(bytes, 72);
    h.ring_offset = mds_i64(bytes, 80);
    h.ring_capacity = mds_i64(bytes, 88);
    return h;
}

/* Steps 1 to 4: the header of an open file, or why it is none. */
static mds_error mds_check_file(mds_reader *reader, int descriptor, struct stat *file, mds_header *header) {
    static const uint8_t magic[8] = {'M', 'K', 'T', 'D', 'S', 'H', 'M', 0};
    uint8_t bytes[MDS_HEADER_BYTES];
    char text[128];
    size_t filled = 0;
    if (fstat(descriptor, file) != 0 || !S_ISREG(file->st_mode)) return mds_fail(reader, MDS_NOT_A_REGION, "not a regular file");
    while (filled < sizeof bytes) {
        ssize_t count = pread(descriptor, bytes + filled, sizeof bytes - filled, (off_t)filled);
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) break;
        filled += (size_t)count;
    }
    if (filled < sizeof bytes) return mds_fail(reader, MDS_NOT_A_REGION, "shorter than a header");
    if (memcmp(bytes, magic, sizeof magic) != 0) return mds_fail(reader, MDS_NOT_A_REGION, "not a market-data region: wrong magic");
    *header = mds_decode_header(bytes);
    if (header->layout_version != MDS_LAYOUT_VERSION) {
        snprintf(text, sizeof text, "layout version %u, this reader knows %d", header->layout_version, MDS_LAYOUT_VERSION);
        return mds_fail(reader, MDS_WRONG_VERSION, text);
    }
    if (header->total_bytes > (int64_t)file->st_size) {
        snprintf(text, sizeof text, "the header says %lld bytes, the file has %lld", (long long)header->total_bytes, (long long)file->st_size);
        return mds_fail(reader, MDS_TRUNCATED, text);
    }
    const char *contradiction = mds_contradiction(header);
    return contradiction ? mds_fail(reader, MDS_CORRUPT, contradiction) : MDS_OK;
}

static mds_error mds_open_failed(mds_reader *reader) {
    switch (errno) {
    case ENOENT:
    case ENOTDIR:
    case ENAMETOOLONG: return mds_fail(reader, MDS_NOT_FOUND, "no such file: no writer has run yet");
    case EACCES:
    case EPERM: return mds_fail(reader, MDS_PERMISSION, "may not be opened: run as the writer's user or in its group");
    case ELOOP: return mds_fail(reader, MDS_NOT_A_REGION, "a symbolic link");
    case ENXIO: return mds_fail(reader, MDS_NOT_A_REGION, "not a regular file");
    default: return mds_fail(reader, MDS_UNAVAILABLE, strerror(errno));
    }
}

static void mds_read_directory(mds_reader *reader) {
    for (uint32_t i = 0; i < reader->header.symbol_count; i++) {
        memcpy(reader->symbols[i], reader->map + MDS_DIRECTORY_OFFSET + (size_t)i * MDS_SYMBOL_BYTES, MDS_SYMBOL_BYTES);
        reader->symbols[i][MDS_SYMBOL_BYTES] = 0;
    }
}

/* Fills a zeroed reader whose path and options are set. On failure everything acquired is released again. */
static mds_error mds_attach(mds_reader *reader) {
    struct stat file;
    const uint16_t one = 1;
    if (sizeof(void *) != 8 || *(const uint8_t *)&one != 1)
        return mds_fail(reader, MDS_UNAVAILABLE, "only 64-bit little-endian machines can map the region");
    int descriptor = open(reader->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0) return mds_open_failed(reader);
    mds_error error = mds_check_file(reader, descriptor, &file, &reader->header);
    if (error) {
        close(descriptor);
        return error;
    }
    void *map = mmap(NULL, (size_t)reader->header.total_bytes, PROT_READ, MAP_SHARED, descriptor, 0);
    int map_errno = errno;
    close(descriptor);
    if (map == MAP_FAILED) return mds_fail(reader, MDS_UNAVAILABLE, strerror(map_errno));
    reader->map = map;
    reader->symbols = malloc((size_t)reader->header.symbol_count * sizeof *reader->symbols);
    reader->ring_levels = malloc((size_t)reader->header.depth_max * 2 * sizeof(mds_level));
    reader->slot_levels = malloc((size_t)reader->header.depth_max * 2 * sizeof(mds_level));
    if (!reader->symbols || !reader->ring_levels || !reader->slot_levels) {
        mds_close(reader);
        return mds_fail(reader, MDS_UNAVAILABLE, "out of memory");
    }
    mds_read_directory(reader);
    reader->device = file.st_dev;
    reader->inode = file.st_ino;
    reader->cursor = mds_tail(reader);
    reader->reported = MDS_WRITER_LIVE;
    return MDS_OK;
}

mds_error mds_open(mds_reader *reader, const char *name_or_path) {
    memset(reader, 0, sizeof *reader);
    reader->slot_timeout_ns = 100000000LL;
    const char *directory = strchr(name_or_path, '/') ? "" : "/dev/shm/";
    int length = snprintf(reader->path, sizeof reader->path, "%s%s", directory, name_or_path);
    if (name_or_path[0] == 0 || length < 0 || (size_t)length >= sizeof reader->path)
        return mds_fail(reader, MDS_NOT_FOUND, "the name is empty or too long");
    return mds_attach(reader);
}

void mds_close(mds_reader *reader) {
    if (reader->map) munmap((void *)(uintptr_t)reader->map, (size_t)reader->header.total_bytes);
    free(reader->symbols);
    free(reader->ring_levels);
    free(reader->slot_levels);
    reader->map = NULL;
    reader->symbols = NULL;
    reader->ring_levels = NULL;
    reader->slot_levels = NULL;
    reader->header.symbol_count = 0;
}

/* ---- symbols */

mds_error mds_symbol_index(mds_reader *reader, const char *symbol, uint32_t *index) {
    char text[200];
    int used = snprintf(text, sizeof text, "no symbol \"%.40s\"; there are", symbol);
    for (uint32_t i = 0; i < reader->header.symbol_count; i++) {
        if (strcmp(reader->symbols[i], symbol) == 0) {
            *index = i;
            return MDS_OK;
        }
        if (i < 4) used += snprintf(text + used, sizeof text - (size_t)used, "%s %s", i ? "," : "", reader->symbols[i]);
    }
    return mds_fail(reader, MDS_UNKNOWN_SYMBOL, text);
}

const char *mds_symbol(const mds_reader *reader, uint32_t index) {
    return index < reader->header.symbol_count ? reader->symbols[index] : "";
}

/* ---- records */

/* FNV-1a over the 32-bit words, the checksum's own left out. */
static bool mds_checksum_is_wrong(const uint8_t *record, uint32_t length) {
    const volatile uint32_t *words = (const volatile uint32_t *)(const void *)record;
    uint32_t hash = 0x811C9DC5u, stored = words[11];
    for (uint32_t i = 0; i < length / 4; i++)
        if (i != 11) hash = (hash ^ words[i]) * 0x01000193u;
    return hash != stored;
}

/* Copies what is needed of a record that the writer may be overwriting: nothing here may be believed before the caller's
 * check, but no bound is exceeded whatever the bytes are. `room` is how far the record may reach. */
static void mds_copy_record(const mds_reader *reader, const uint8_t *record, int64_t room, mds_level *levels, mds_raw *raw) {
    uint32_t needed = MDS_STATUS_BYTES;
    raw->length = mds_u32(record, 0);
    raw->type = mds_u32(record, 4);
    raw->bid_count = raw->ask_count = 0;
    raw->checksum_wrong = false;
    raw->impossible = raw->length == 0 || raw->length % 64 != 0 || (int64_t)raw->length > room;
    if (raw->impossible || raw->type == MDS_TYPE_PADDING) return;
    if (reader->verify_checksums && (reader->header.flags & MDS_FLAG_CHECKSUMS))
        raw->checksum_wrong = mds_checksum_is_wrong(record, raw->length);
    if (raw->type == MDS_TYPE_BOOK || raw->type == MDS_TYPE_TRADE) needed = MDS_FIXED_BYTES;
    if (raw->length < needed) {
        raw->impossible = true;
        return;
    }
    memcpy(raw->bytes, record, needed);
    if (raw->type != MDS_TYPE_BOOK) return;
    raw->bid_count = mds_u32(raw->bytes, 64);
    raw->ask_count = mds_u32(raw->bytes, 68);
    raw->impossible = raw->bid_count > reader->header.depth_max || raw->ask_count > reader->header.depth_max ||
                      raw->bid_count + raw->ask_count > (raw->length - MDS_FIXED_BYTES) / MDS_LEVEL_BYTES;
    if (!raw->impossible)
        memcpy(levels, record + MDS_FIXED_BYTES, (size_t)(raw->bid_count + raw->ask_count) * MDS_LEVEL_BYTES);
}

/* What a stable record must be. */
static const char *mds_impossibility(const mds_reader *reader, const mds_raw *raw) {
    if (raw->impossible) return "a record's length or counts are impossible";
    if (raw->checksum_wrong) return "a record's checksum is wrong";
    if (raw->type < MDS_TYPE_BOOK || raw->type > MDS_TYPE_STATUS) return NULL;
    if (mds_u32(raw->bytes, 40) >= reader->header.symbol_count) return "a record's symbol_index is not in the directory";
    if (raw->type != MDS_TYPE_STATUS && (raw->bytes[52] > MDS_SCALE_MAX || raw->bytes[53] > MDS_SCALE_MAX))
        return "a record's scale is above 12";
    if (raw->type == MDS_TYPE_BOOK && raw->bytes[54] > MDS_SCALE_MAX) return "a record's scale is above 12";
    return NULL;
}

static void mds_decode_book(const mds_raw *raw, const mds_level *levels, mds_book *book) {
    const uint8_t *bytes = raw->bytes;
    book->sequence = mds_i64(bytes, 8);
    book->publish_time_ns = mds_i64(bytes, 16);
    book->receive_time_ns = mds_i64(bytes, 24);
    book->exchange_time_ns = mds_i64(bytes, 32);
    book->symbol_index = mds_u32(bytes, 40);
    book->state = bytes[48];
    book->reason = bytes[49];
    book->source = bytes[50];
    book->price_scale = bytes[52];
    book->quantity_scale = bytes[53];
    book->last_price_scale = bytes[54];
    book->last_update_id = mds_i64(bytes, 56);
    book->bid_count = raw->bid_count;
    book->ask_count = raw->ask_count;
    book->last_price = mds_f64(bytes, 72);
    book->volume_24h = mds_f64(bytes, 80);
    book->high_24h = mds_f64(bytes, 88);
    book->low_24h = mds_f64(bytes, 96);
    book->bids = levels;
    book->asks = levels + raw->bid_count;
}

static void mds_decode_trade(const uint8_t *bytes, mds_trade *trade) {
    trade->sequence = mds_i64(bytes, 8);
    trade->publish_time_ns = mds_i64(bytes, 16);
    trade->receive_time_ns = mds_i64(bytes, 24);
    trade->exchange_time_ns = mds_i64(bytes, 32);
    trade->symbol_index = mds_u32(bytes, 40);
    trade->is_buyer_maker = bytes[48] != 0;
    trade->is_refill = bytes[49] != 0;
    trade->price_scale = bytes[52];
    trade->quantity_scale = bytes[53];
    trade->trade_id = mds_i64(bytes, 56);
    trade->price = mds_f64(bytes, 64);
    trade->quantity = mds_f64(bytes, 72);
    trade->trade_time_ns = mds_i64(bytes, 80);
}

static void mds_decode_status(const uint8_t *bytes, mds_status *status) {
    status->sequence = mds_i64(bytes, 8);
    status->publish_time_ns = mds_i64(bytes, 16);
    status->receive_time_ns = mds_i64(bytes, 24);
    status->exchange_time_ns = mds_i64(bytes, 32);
    status->symbol_index = mds_u32(bytes, 40);
    status->state = bytes[48];
    status->reason = bytes[49];
    status->last_update_id = mds_i64(bytes, 56);
}

/* ---- the latest slots */

mds_error mds_latest(mds_reader *reader, uint32_t symbol_index, mds_book *book) {
    mds_raw raw;
    if (!reader->map) return mds_fail(reader, MDS_UNAVAILABLE, "the reader is not open");
    if (symbol_index >= reader->header.symbol_count) return mds_fail(reader, MDS_UNKNOWN_SYMBOL, "the index is not in the directory");
    const uint8_t *slot = reader->map + reader->header.slots_offset + (size_t)symbol_index * reader->header.slot_stride;
    const int64_t room = (int64_t)reader->header.slot_stride - 64;
    int64_t deadline = 0;
    for (uint32_t attempt = 1;; attempt++) {
        int64_t before = mds_load8(slot);
        atomic_thread_fence(memory_order_acquire);
        if (before % 2 == 0) {
            mds_copy_record(reader, slot + 64, room, reader->slot_levels, &raw);
            atomic_thread_fence(memory_order_acquire);
            if (mds_load8(slot) == before) break;
        }
        if (attempt % 64 != 0) {
            mds_pause();
            continue;
        }
        int64_t now = mds_clock_ns(CLOCK_MONOTONIC);
        if (deadline == 0) deadline = now + reader->slot_timeout_ns;
        else if (now >= deadline) return mds_fail(reader, MDS_SLOT_UNFINISHED, "the writer stopped in the middle of a slot");
        sched_yield();
    }
    const char *impossibility = mds_impossibility(reader, &raw);
    if (impossibility) return mds_fail(reader, MDS_CORRUPT, impossibility);
    if (raw.type != MDS_TYPE_BOOK || mds_u32(raw.bytes, 40) != symbol_index)
        return mds_fail(reader, MDS_CORRUPT, "a slot does not hold its symbol's book");
    mds_decode_book(&raw, reader->slot_levels, book);
    return MDS_OK;
}

/* ---- the ring */

static mds_error mds_take_loss(mds_reader *reader, mds_event *event) {
    int64_t tail = mds_tail(reader);
    if (tail < reader->cursor || tail % 64 != 0) return mds_fail(reader, MDS_CORRUPT, "the ring's tail is impossible");
    event->kind = MDS_EVENT_LOST;
    event->lost_bytes = tail - reader->cursor;
    reader->cursor = tail;
    return MDS_OK;
}

mds_error mds_next(mds_reader *reader, mds_event *event) {
    mds_raw raw;
    event->kind = MDS_EVENT_NONE;
    if (!reader->map) return mds_fail(reader, MDS_UNAVAILABLE, "the reader is not open");
    const int64_t capacity = reader->header.ring_capacity;
    for (;;) {
        const int64_t cursor = reader->cursor, tail = mds_tail(reader);
        atomic_thread_fence(memory_order_acquire);
        if (cursor == tail) return MDS_OK;
        if (cursor > tail || tail % 64 != 0) return mds_fail(reader, MDS_CORRUPT, "the ring's tail is impossible");
        if (tail - cursor > capacity) return mds_take_loss(reader, event);
        const int64_t offset = cursor % capacity;
        const int64_t room = tail - cursor < capacity - offset ? tail - cursor : capacity - offset;
        mds_copy_record(reader, reader->map + reader->header.ring_offset + offset, room, reader->ring_levels, &raw);
        atomic_thread_fence(memory_order_acquire);
        const int64_t intent = mds_load8(reader->map + MDS_TAIL_INTENT_OFFSET);
        if (intent > cursor && intent - cursor > capacity) return mds_take_loss(reader, event);
        const char *impossibility = mds_impossibility(reader, &raw);
        if (impossibility) return mds_fail(reader, MDS_CORRUPT, impossibility);
        reader->cursor = cursor + raw.length;
        switch (raw.type) {
        case MDS_TYPE_BOOK:
            event->kind = MDS_EVENT_BOOK;
            mds_decode_book(&raw, reader->ring_levels, &event->book);
            return MDS_OK;
        case MDS_TYPE_TRADE:
            event->kind = MDS_EVENT_TRADE;
            mds_decode_trade(raw.bytes, &event->trade);
            return MDS_OK;
        case MDS_TYPE_STATUS:
            event->kind = MDS_EVENT_STATUS;
            mds_decode_status(raw.bytes, &event->status);
            return MDS_OK;
        default: break; /* padding, or a type from the future */
        }
    }
}

int64_t mds_tail(const mds_reader *reader) { return reader->map ? mds_load8(reader->map + MDS_TAIL_OFFSET) : 0; }

mds_error mds_seek(mds_reader *reader, int64_t position) {
    if (position < 0 || position % 64 != 0) return mds_fail(reader, MDS_CORRUPT, "a position is a multiple of 64");
    reader->cursor = position;
    return MDS_OK;
}

/* ---- the writer's life */

mds_writer mds_writer_state(mds_reader *reader) {
    if (!reader->map) return MDS_WRITER_SILENT;
    uint32_t state = atomic_load_explicit((const _Atomic uint32_t *)(const void *)(reader->map + MDS_WRITER_STATE_OFFSET), memory_order_acquire);
    if (state == 2) return MDS_WRITER_CLOSED;
    if (state == 3) return MDS_WRITER_REPLACED;
    int64_t beat = mds_load8(reader->map + MDS_HEARTBEAT_OFFSET);
    int64_t now = mds_clock_ns(CLOCK_MONOTONIC);
    if (!reader->has_beat) {
        int64_t wall = mds_clock_ns(CLOCK_REALTIME);
        int64_t age = beat >= wall ? 0 : beat <= wall - MDS_HEARTBEAT_TIMEOUT_NS ? MDS_HEARTBEAT_TIMEOUT_NS : wall - beat;
        reader->has_beat = true;
        reader->last_beat = beat;
        reader->last_change_ns = now - age;
    } else if (beat != reader->last_beat) {
        reader->last_beat = beat;
        reader->last_change_ns = now;
    }
    return now - reader->last_change_ns < MDS_HEARTBEAT_TIMEOUT_NS ? MDS_WRITER_LIVE : MDS_WRITER_SILENT;
}

mds_error mds_reopen(mds_reader *reader, bool *reopened) {
    struct stat file;
    *reopened = false;
    if (!reader->map) return mds_fail(reader, MDS_UNAVAILABLE, "the reader is not open");
    if (lstat(reader->path, &file) != 0) return MDS_OK;
    if (file.st_dev == reader->device && file.st_ino == reader->inode) return MDS_OK;
    mds_reader fresh;
    memset(&fresh, 0, sizeof fresh);
    memcpy(fresh.path, reader->path, sizeof fresh.path);
    fresh.verify_checksums = reader->verify_checksums;
    fresh.slot_timeout_ns = reader->slot_timeout_ns;
    mds_error error = mds_attach(&fresh);
    if (error == MDS_NOT_FOUND) return MDS_OK; /* gone since the look at it */
    if (error) {
        memcpy(reader->message, fresh.message, sizeof reader->message);
        return error;
    }
    fresh.cursor = fresh.header.first_position;
    mds_close(reader);
    *reader = fresh;
    *reopened = true;
    return MDS_OK;
}

/* Looks at the writer once; fills the event when there is something to say. */
static mds_error mds_check_writer(mds_reader *reader, mds_event *event) {
    mds_writer state = mds_writer_state(reader);
    if (state != MDS_WRITER_LIVE) {
        /* What was written before the state changed comes first. */
        mds_error error = mds_next(reader, event);
        if (error || event->kind != MDS_EVENT_NONE) return error;
    }
    if (state != reader->reported) {
        reader->reported = state;
        event->kind = MDS_EVENT_WRITER;
        event->writer = state;
        return MDS_OK;
    }
    reader->next_check_ns = mds_clock_ns(CLOCK_MONOTONIC) + MDS_CHECK_INTERVAL_NS;
    if (state == MDS_WRITER_LIVE) return MDS_OK;
    bool reopened;
    mds_error error = mds_reopen(reader, &reopened);
    if (reopened) event->kind = MDS_EVENT_REOPENED;
    return error;
}

mds_error mds_wait(mds_reader *reader, mds_event *event, int64_t sleep_us, int64_t timeout_ms) {
    const int64_t begin = mds_clock_ns(CLOCK_MONOTONIC);
    const int64_t deadline = timeout_ms < 0 || timeout_ms > (INT64_MAX - begin) / 1000000 ? INT64_MAX : begin + timeout_ms * 1000000;
    for (;;) {
        mds_error error = mds_next(reader, event);
        if (error || event->kind != MDS_EVENT_NONE) return error;
        int64_t now = mds_clock_ns(CLOCK_MONOTONIC);
        if (now >= reader->next_check_ns) {
            error = mds_check_writer(reader, event);
            if (error || event->kind != MDS_EVENT_NONE) return error;
        }
        if (now >= deadline) return MDS_OK;
        if (sleep_us > 0) {
            int64_t pause_ns = sleep_us * 1000 < deadline - now ? sleep_us * 1000 : deadline - now;
            struct timespec pause = {pause_ns / 1000000000LL, pause_ns % 1000000000LL};
            nanosleep(&pause, NULL);
        } else {
            for (int spin = 0; spin < 1000 && mds_tail(reader) == reader->cursor; spin++) mds_pause();
        }
    }
}

/* ---- names and values */

double mds_value(double mantissa, uint8_t scale) {
    static const double powers[MDS_SCALE_MAX + 1] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12};
    return mantissa / powers[scale <= MDS_SCALE_MAX ? scale : MDS_SCALE_MAX];
}

const char *mds_error_code(mds_error error) {
    static const char *const codes[] = {"OK",        "NOT_FOUND", "PERMISSION",     "NOT_A_REGION",    "WRONG_VERSION",
                                        "TRUNCATED", "CORRUPT",   "UNKNOWN_SYMBOL", "SLOT_UNFINISHED", "UNAVAILABLE"};
    return (size_t)error < sizeof codes / sizeof *codes ? codes[error] : "UNAVAILABLE";
}

const char *mds_state_name(uint8_t state) {
    static const char *const names[] = {"syncing", "live", "stale", "resyncing"};
    return state < sizeof names / sizeof *names ? names[state] : "unknown";
}

const char *mds_reason_name(uint8_t reason) {
    static const char *const names[] = {
        "start", "snapshot_bridged", "chain_continued", "partial_depth", "depth_mode",
        "gap", "crossed_book", "empty_book", "audit_mismatch", "horizon",
        "scale_change", "buffer_overflow", "disconnected", "silent_stream", "not_trading",
        "update_ids_reset", "shutdown",
    };
    return reason < sizeof names / sizeof *names ? names[reason] : "unknown";
}

const char *mds_writer_name(mds_writer writer) {
    static const char *const names[] = {"live", "silent", "closed", "replaced"};
    return (size_t)writer < sizeof names / sizeof *names ? names[writer] : "unknown";
}

#endif /* MARKET_DATA_SHM_IMPLEMENTED */
#endif /* MARKET_DATA_SHM_IMPLEMENTATION */
