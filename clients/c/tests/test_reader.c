/*
 * Tests of the C reader on the golden region and on damaged copies of it. Whatever the bytes are, each call must come back
 * with data or a documented error; the sanitizers see to the rest. Values are compared with the golden JSON, and a live
 * writer is read, by scripts/test-clients.mjs.
 *
 *     test_reader GOLDEN_FILE SCRATCH_DIRECTORY
 *
 * MARKET_DATA_SEED and MARKET_DATA_ROUNDS repeat or extend the random part.
 */
#define MARKET_DATA_SHM_IMPLEMENTATION
#include "../market_data_shm.h"

#include <signal.h>
#include <sys/wait.h>

/* Where the golden ring's oldest whole record stands: `start_position` of the first of its JSON's `reads`. */
#define GOLDEN_START 4294962624LL
#define GOLDEN_EVENTS 30 /* sequences 6 to 36 without 28, whose type is unknown */

static uint8_t *golden;
static size_t golden_bytes;
static char scratch[512];
static uint64_t random_state;
static int failed, passed;

static void check(bool holds, const char *what, const char *detail) {
    if (holds) {
        passed++;
        return;
    }
    failed++;
    printf("FAILED: %s (%s)\n", what, detail);
}

/* SplitMix64. */
static uint64_t random64(void) {
    uint64_t z = (random_state += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static size_t random_below(size_t limit) { return (size_t)(random64() % limit); }

static void write_file(const char *path, const uint8_t *bytes, size_t count) {
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(bytes, 1, count, file) != count || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

static void read_golden(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    fseek(file, 0, SEEK_END);
    golden_bytes = (size_t)ftell(file);
    rewind(file);
    golden = malloc(golden_bytes);
    if (!golden || fread(golden, 1, golden_bytes, file) != golden_bytes) exit(2);
    fclose(file);
}

static mds_error error_of_opening(const char *path) {
    mds_reader reader;
    mds_error error = mds_open(&reader, path);
    mds_close(&reader);
    return error;
}

static void expect_open(const char *what, const char *path, mds_error expected) {
    mds_error error = error_of_opening(path);
    check(error == expected, what, mds_error_code(error));
}

/* Opens a copy of the golden file in which one 8-byte field was changed. */
static void expect_with_field(const char *what, size_t offset, uint64_t value, size_t width, mds_error expected) {
    uint8_t *bytes = malloc(golden_bytes);
    memcpy(bytes, golden, golden_bytes);
    memcpy(bytes + offset, &value, width);
    write_file(scratch, bytes, golden_bytes);
    free(bytes);
    expect_open(what, scratch, expected);
}

static void test_golden(void) {
    mds_reader reader;
    mds_event event;
    mds_book book;
    uint32_t index;
    write_file(scratch, golden, golden_bytes);
    mds_error error = mds_open(&reader, scratch);
    check(!error, "the golden region opens", reader.message);
    if (error) return;
    reader.verify_checksums = true;
    for (uint32_t i = 0; i < reader.header.symbol_count; i++) {
        check(mds_symbol_index(&reader, mds_symbol(&reader, i), &index) == MDS_OK && index == i, "a symbol resolves to its index", reader.message);
        error = mds_latest(&reader, i, &book);
        check(!error || error == MDS_SLOT_UNFINISHED, "a slot is read or documented as unfinished", reader.message);
    }
    check(mds_next(&reader, &event) == MDS_OK && event.kind == MDS_EVENT_NONE, "a fresh reader stands at the end", reader.message);
    int events = -1;
    mds_seek(&reader, GOLDEN_START);
    do {
        error = mds_next(&reader, &event);
        events++;
        check(!error, "every event of the golden ring is good", reader.message);
    } while (!error && event.kind != MDS_EVENT_NONE);
    check(events == GOLDEN_EVENTS, "no event is skipped but the one of unknown type", "");
    check(reader.cursor == mds_tail(&reader), "reading ends at the tail", "");
    mds_seek(&reader, reader.header.first_position);
    const int64_t lost = mds_tail(&reader) - reader.header.first_position;
    error = mds_next(&reader, &event);
    check(!error && event.kind == MDS_EVENT_LOST && event.lost_bytes == lost, "the first record is long gone", reader.message);
    check(mds_symbol_index(&reader, "NO_SUCH", &index) == MDS_UNKNOWN_SYMBOL, "an unknown symbol is refused", reader.message);
    check(mds_latest(&reader, reader.header.symbol_count, &book) == MDS_UNKNOWN_SYMBOL, "an index out of range is refused", reader.message);
    check(mds_seek(&reader, 7) == MDS_CORRUPT, "an unaligned position is refused", reader.message);
    mds_close(&reader);
    check(mds_next(&reader, &event) == MDS_UNAVAILABLE, "a closed reader says so", reader.message);
    check(mds_latest(&reader, 0, &book) == MDS_UNAVAILABLE, "a closed reader says so", reader.message);
}

static void test_open_errors(const char *directory) {
    char path[600];
    snprintf(path, sizeof path, "%s/missing", directory);
    expect_open("a missing file", path, MDS_NOT_FOUND);
    expect_open("an empty name", "", MDS_NOT_FOUND);
    expect_open("a directory", directory, MDS_NOT_A_REGION);
    snprintf(path, sizeof path, "%s/link", directory);
    write_file(scratch, golden, golden_bytes);
    if (symlink(scratch, path) != 0) perror("symlink");
    expect_open("a symbolic link", path, MDS_NOT_A_REGION);
    unlink(path);
    snprintf(path, sizeof path, "%s/fifo", directory);
    if (mkfifo(path, 0600) != 0) perror("mkfifo");
    expect_open("a named pipe", path, MDS_NOT_A_REGION);
    unlink(path);
    if (geteuid() != 0) {
        chmod(scratch, 0);
        expect_open("a file without permission", scratch, MDS_PERMISSION);
        chmod(scratch, 0600);
    }
    write_file(scratch, golden, 0);
    expect_open("an empty file", scratch, MDS_NOT_A_REGION);
    write_file(scratch, golden, 511);
    expect_open("shorter than a header", scratch, MDS_NOT_A_REGION);
    write_file(scratch, golden, 512);
    expect_open("a header alone", scratch, MDS_TRUNCATED);
    write_file(scratch, golden, golden_bytes - 1);
    expect_open("one byte short", scratch, MDS_TRUNCATED);
}

static void test_header_fields(void) {
    expect_with_field("wrong magic", 0, 0x21, 1, MDS_NOT_A_REGION);
    expect_with_field("version 2", 8, 2, 4, MDS_WRONG_VERSION);
    expect_with_field("version 0", 8, 0, 4, MDS_WRONG_VERSION);
    expect_with_field("total_bytes above the file's size", 16, (uint64_t)1 << 60, 8, MDS_TRUNCATED);
    expect_with_field("negative total_bytes", 16, UINT64_MAX, 8, MDS_CORRUPT);
    expect_with_field("total_bytes before the ring's end", 16, 512, 8, MDS_CORRUPT);
    expect_with_field("no symbols", 44, 0, 4, MDS_CORRUPT);
    expect_with_field("too many symbols", 44, UINT32_MAX, 4, MDS_CORRUPT);
    expect_with_field("no depth", 48, 0, 4, MDS_CORRUPT);
    expect_with_field("too much depth", 48, UINT32_MAX, 4, MDS_CORRUPT);
    expect_with_field("slots of no size", 52, 0, 4, MDS_CORRUPT);
    expect_with_field("slots of odd size", 52, 0xFFFFFFFFu, 4, MDS_CORRUPT);
    expect_with_field("unaligned first position", 56, 1, 8, MDS_CORRUPT);
    expect_with_field("another directory_offset", 64, 1024, 8, MDS_CORRUPT);
    expect_with_field("slots over the directory", 72, 512, 8, MDS_CORRUPT);
    expect_with_field("negative ring_offset", 80, (uint64_t)1 << 63, 8, MDS_CORRUPT);
    expect_with_field("huge ring_offset", 80, (uint64_t)INT64_MAX - 63, 8, MDS_CORRUPT);
    expect_with_field("empty ring", 88, 0, 8, MDS_CORRUPT);
    expect_with_field("huge ring", 88, (uint64_t)INT64_MAX - 63, 8, MDS_CORRUPT);
}

/* Reads everything that a reader can; the sum keeps the compiler from leaving loads out. */
static double read_everything(mds_reader *reader, int rounds) {
    mds_event event;
    mds_book book;
    double sum = 0;
    for (uint32_t i = 0; i < reader->header.symbol_count && i < 64; i++) {
        if (mds_latest(reader, i, &book)) continue;
        for (uint32_t k = 0; k < book.bid_count + book.ask_count; k++) sum += book.bids[k].price + book.bids[k].quantity;
        sum += mds_value(book.last_price, book.last_price_scale);
    }
    mds_seek(reader, GOLDEN_START);
    for (int i = 0; i < rounds && mds_next(reader, &event) == MDS_OK && event.kind != MDS_EVENT_NONE; i++) {
        if (event.kind != MDS_EVENT_BOOK) continue;
        for (uint32_t k = 0; k < event.book.bid_count + event.book.ask_count; k++) sum += event.book.bids[k].price;
    }
    mds_writer_state(reader);
    return sum;
}

static void damage(uint8_t *bytes) {
    static const uint64_t values[] = {0, 1, 64, 128, 512, UINT32_MAX, (uint64_t)1 << 53, INT64_MAX, (uint64_t)1 << 63, UINT64_MAX};
    for (size_t count = 1 + random_below(8); count > 0; count--) {
        size_t offset = random_below(3) == 0 ? random_below(512) : random_below(golden_bytes - 8);
        uint64_t value = random_below(2) ? random64() : values[random_below(sizeof values / sizeof *values)];
        if (random_below(2)) offset &= ~(size_t)7;
        memcpy(bytes + offset, &value, (size_t)1 << random_below(4));
    }
}

static void test_random_damage(long rounds) {
    uint8_t *bytes = malloc(golden_bytes);
    volatile double sum = 0;
    int opened = 0;
    for (long round = 0; round < rounds; round++) {
        size_t length = random_below(20) == 0 ? random_below(golden_bytes) : golden_bytes;
        mds_reader reader;
        memcpy(bytes, golden, golden_bytes);
        if (random_below(20) == 0)
            for (size_t i = 128; i < golden_bytes; i++) bytes[i] = (uint8_t)random64();
        damage(bytes);
        write_file(scratch, bytes, length);
        if (mds_open(&reader, scratch)) continue;
        opened++;
        reader.slot_timeout_ns = 0;
        reader.verify_checksums = round % 2 == 0;
        sum = sum + read_everything(&reader, 100000);
        mds_close(&reader);
    }
    free(bytes);
    check(opened > 0, "some damaged regions still open", "");
    printf("%ld damaged regions, %d of them opened\n", rounds, opened);
}

/* A process that scribbles over everything but the constant header while the reader reads. */
static void test_scribbling_writer(void) {
    mds_reader reader;
    volatile double sum = 0;
    write_file(scratch, golden, golden_bytes);
    check(mds_open(&reader, scratch) == MDS_OK, "opens before the scribbling starts", reader.message);
    pid_t child = fork();
    if (child == 0) {
        int descriptor = open(scratch, O_RDWR);
        for (;;) {
            uint64_t value = random_below(4) ? random64() : random_below(8) * 64;
            if (pwrite(descriptor, &value, 8, (off_t)(128 + random_below(golden_bytes - 136) / 8 * 8)) != 8) _exit(1);
        }
    }
    reader.slot_timeout_ns = 100000;
    int64_t deadline = mds_clock_ns(CLOCK_MONOTONIC) + 500000000LL;
    long rounds = 0;
    for (; mds_clock_ns(CLOCK_MONOTONIC) < deadline; rounds++) sum = sum + read_everything(&reader, 1000);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    mds_close(&reader);
    check(rounds > 0, "reading goes on under a scribbling writer", "");
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: test_reader GOLDEN_FILE SCRATCH_DIRECTORY\n");
        return 2;
    }
    const char *seed = getenv("MARKET_DATA_SEED"), *rounds = getenv("MARKET_DATA_ROUNDS");
    random_state = seed ? strtoull(seed, NULL, 10) : (uint64_t)time(NULL);
    printf("seed %llu\n", (unsigned long long)random_state);
    snprintf(scratch, sizeof scratch, "%s/region", argv[2]);
    read_golden(argv[1]);
    test_golden();
    test_open_errors(argv[2]);
    test_header_fields();
    test_random_damage(rounds ? atol(rounds) : 5000);
    test_scribbling_writer();
    unlink(scratch);
    free(golden);
    printf("%d checks passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}
